"""The run folder: the only place, besides specs and data, where the disk is touched."""

from thermo_cli.store.catalogue import find_run, free_bytes, list_runs
from thermo_cli.store.run_folder import RunFolder

__all__ = ["RunFolder", "find_run", "free_bytes", "list_runs"]
