"""thermo: has this training pipeline thermalized?

`run` trains the ensemble of a spec and judges it, `open_run` opens a run that exists, `load_spec` reads a spec, `judge` judges
anybody's arrays.
"""

TYPE_CHECKING = False  # of typing, which is not imported before the commands have left the working directory
if TYPE_CHECKING:
    from typing import Any

    from thermo_cli.runs.arrays import judge
    from thermo_cli.runs.run import Run
    from thermo_cli.spec.loading import load_spec
    from thermo_cli.study import execute as run
    from thermo_cli.study import open_run

__version__ = "0.1.0"
__all__ = ["Run", "judge", "load_spec", "open_run", "run"]

_PLACES = {
    "run": ("thermo_cli.study", "execute"),
    "open_run": ("thermo_cli.study", "open_run"),
    "judge": ("thermo_cli.runs.arrays", "judge"),
    "Run": ("thermo_cli.runs.run", "Run"),
    "load_spec": ("thermo_cli.spec.loading", "load_spec"),
}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first used, so that `--help` does not wait for torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)
