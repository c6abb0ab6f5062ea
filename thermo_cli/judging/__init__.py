"""From a run folder to a judged run, and from there to what reports show: pure, no training."""

from thermo_cli.judging.judge import judge_again, judge_folder, judge_run
from thermo_cli.judging.run import Run, Sweep
from thermo_cli.judging.setting import setting_of, settings_of
from thermo_cli.judging.views import sweep_view, view

__all__ = [
    "Run", "Sweep", "judge_again", "judge_folder", "judge_run", "setting_of", "settings_of", "sweep_view", "view",
]  # fmt: skip
