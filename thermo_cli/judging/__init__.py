"""From a run folder to a judged run, and from there to what reports show: pure, no training."""

from thermo_cli.judging.comparing import compare
from thermo_cli.judging.gating import gate_of
from thermo_cli.judging.judge import judge_again, judge_folder, judge_run
from thermo_cli.judging.setting import setting_of, settings_of

__all__ = ["compare", "gate_of", "judge_again", "judge_folder", "judge_run", "setting_of", "settings_of"]
