"""A judged run, and a judged sweep: what Python users hold in their hands."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories, Verdict
from thermo_cli.equilibrium.settings import Margin, Settings
from thermo_cli.equilibrium.verdict import as_dict
from thermo_cli.store import RunFolder


@dataclass(frozen=True)
class Run:
    """A run that has been judged.

    Attributes:
        folder: Its folder.
        verdict: What the court decided.
        observables: Macroscopic observables, (replica, time).
        settings: What it was judged with.
        margins: delta of each observable that has one.
    """

    folder: RunFolder
    verdict: Verdict
    observables: Trajectories
    settings: Settings
    margins: Mapping[str, Margin]

    def parameters(self, step: int) -> NDArray[np.floating]:
        """Return the parameters of all replicas, (replica, parameters), at 0, T/4, T/2 or T.

        Args:
            step: One of the kept steps.
        """
        return self.folder.parameters(step)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json."""
        return as_dict(self.verdict, self.folder.spec.name, self.folder.name.rpartition("-")[2], self.folder.status)


@dataclass(frozen=True)
class Sweep:
    """A sweep that has been judged: a run for each of its points, and no verdict of its own.

    Attributes:
        folder: Its folder.
        runs: One per point, in order; None where a point cannot be judged.
        reasons: Why not, one per point; empty where it can.
    """

    folder: RunFolder
    runs: tuple[Run | None, ...]
    reasons: tuple[str, ...]
    verdict: None = None

    @property
    def points(self) -> tuple[dict[str, Any], ...]:
        """Swept field to its value, of each point."""
        return tuple(point.swept for point in self.folder.points)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json: all that is said of the points, and null where one verdict would be."""
        judged = {number: run.as_dict() for number, run in enumerate(self.runs) if run is not None}
        whole = list(judged.values())
        counts = {key: sum(one["run"]["replicas"][key] for one in whole) for key in whole[0]["run"]["replicas"]}
        head = whole[0]["run"] | {"status": self.folder.status, "replicas": counts}
        said = (
            "verdict",
            "phase",
            "summary",
            "scope",
            "criteria",
            "outcomes",
            "macroscopic",
            "microscopic",
            "diagnostics",
        )
        reached = Counter(one["verdict"] for one in whole) + Counter("not judged" for run in self.runs if run is None)
        summary = ", ".join(f"{count} {name}" for name, count in reached.most_common())
        return {
            "schema_version": whole[0]["schema_version"], "run": head, "scope": whole[0]["scope"], "verdict": None,
            "phase": None, "summary": f"{len(self.runs)} points: {summary}.", "criteria": [], "outcomes": {}, "macroscopic": {},
            "microscopic": {}, "diagnostics": {},
            "points": [
                {
                    "point": point, "replicas": judged[number]["run"]["replicas"],
                    **{key: judged[number][key] for key in said if key in judged[number]},
                }
                if number in judged
                else {
                    "point": point, "replicas": None, "verdict": None, "phase": None, "summary": self.reasons[number],
                    "criteria": [], "macroscopic": {}, "microscopic": {},
                }
                for number, point in enumerate(self.points)
            ],
        }  # fmt: skip
