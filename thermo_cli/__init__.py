"""thermo: has this training pipeline thermalized?

    run = thermo_cli.run("spec.yaml")          # train the ensemble of a spec, or of a dict, and judge it; or open_run("latest")
    run.verdict.verdict, run.verdict.summary   # a Verdict: `settled`, and why in a sentence; its rows are `.criteria`
    run.judge(margins={"test_accuracy": 0.01}).report("report.html")
    thermo_cli.compare(run, other).outcome     # equivalent, better, worse or undecided; of more, `.rankings`
    thermo_cli.judge({"test_accuracy": values}, steps=steps, margins={"test_accuracy": 0.02})   # anybody's arrays

`load_spec` reads and checks a spec. Nothing is imported before it is used.
"""

TYPE_CHECKING = False  # of typing, which is not imported before the commands have left the working directory
if TYPE_CHECKING:
    from typing import Any

    from thermo_cli.contracts import Verdict
    from thermo_cli.runs.arrays import judge
    from thermo_cli.runs.judged_run import Run, compare
    from thermo_cli.spec.loading import load_spec
    from thermo_cli.study import execute as run
    from thermo_cli.study import open_run

__version__ = "0.6.0"
__all__ = ["Run", "Verdict", "compare", "judge", "load_spec", "open_run", "run"]

_PLACES = {
    "run": ("thermo_cli.study", "execute"),
    "open_run": ("thermo_cli.study", "open_run"),
    "load_spec": ("thermo_cli.spec.loading", "load_spec"),
    "judge": ("thermo_cli.runs.arrays", "judge"),
    "compare": ("thermo_cli.runs.judged_run", "compare"),
    "Run": ("thermo_cli.runs.judged_run", "Run"),
    "Verdict": ("thermo_cli.contracts", "Verdict"),
}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first used, so that `--help` does not wait for torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
