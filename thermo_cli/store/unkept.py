"""A run that is judged and not kept: what a run folder would hold, in memory; nothing is written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thermo_cli.contracts import Findings, Trajectories
from thermo_cli.errors import UsageError
from thermo_cli.spec import Spec, to_yaml
from thermo_cli.store.files import SCHEMA_VERSION
from thermo_cli.store.run_folder import RunFolder


class UnkeptRun(RunFolder):
    """Recorded runs that have no folder, seen as if they had one.

    Args:
        path: Where they would be kept.
        spec: The resolved spec.
        manifest: As of a run folder.
        runs: Of each point.
        point: Number of the point; None for the whole.
    """

    def __init__(
        self,
        path: Path,
        spec: Spec,
        manifest: Mapping[str, Any],
        runs: Sequence[Trajectories],
        point: int | None = None,
    ) -> None:
        super().__init__(path, point)
        self._given, self._facts, self._runs = spec, manifest, runs

    @property
    def points(self) -> tuple[RunFolder, ...]:
        """The points of a sweep, in order; of a run without one none."""
        numbers = range(len(self._runs)) if self.spec.sweep else ()
        return tuple(UnkeptRun(self.path, self._given, self._facts, self._runs, number) for number in numbers)

    @property
    def status(self) -> str:
        """What exists is whole."""
        return "complete"

    def trajectories(self) -> Trajectories:
        """Return the observables of all replicas."""
        return self._runs[self.point or 0]

    def findings(self) -> Findings | None:
        """Return nothing: microstates are looked at where they are kept."""
        return None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Refuse to write.

        Raises:
            UsageError: Always.
        """
        raise UsageError("these runs are judged and not kept", received=name, remedy="keep them: thermo-run SPEC.yaml")

    def _text(self, name: str) -> str:
        if name == "resolved.yaml":
            return to_yaml(self._given)
        return (
            json.dumps({"schema_version": SCHEMA_VERSION, **self._facts})
            if name == "manifest.json"
            else super()._text(name)
        )
