"""Between training and judging: what a run kept of its microstates is examined, once."""

from thermo_cli.microscopy.run import examine_run, gather

__all__ = ["examine_run", "gather"]
