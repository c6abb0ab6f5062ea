"""A judged run, and a judged sweep: what Python users hold in their hands."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories, Verdict
from thermo_cli.equilibrium.settings import Margin, Settings
from thermo_cli.equilibrium.verdict import as_dict
from thermo_cli.store import RunFolder

if TYPE_CHECKING:
    import pandas


class Judged:
    """What runs and sweeps offer alike: tidy tables, and a face in notebooks."""

    def to_pandas(self, table: str = "trajectories") -> "pandas.DataFrame":
        """Return a tidy table as a pandas frame; of a sweep that of all points, with a column for each swept field.

        Args:
            table: `trajectories`, `replicas`, `criteria`, `macroscopic`, `microscopic` or `overlaps`.

        Raises:
            UsageError: There is no such table, nothing is known of it, or pandas is missing.
        """
        from thermo_cli.runs.frames import frame

        assert isinstance(self, Run | Sweep)
        return frame(self, table)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from thermo_cli.reports.notebook import fragment
        from thermo_cli.runs.views import view

        assert isinstance(self, Run | Sweep)
        return fragment(view(self))


@dataclass(frozen=True, repr=False)
class Run(Judged):
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

    def __repr__(self) -> str:
        counts = self.verdict.replicas
        return f"<Run {self.folder.name}: {self.verdict.verdict}, {counts['finished']} of {counts['planned']} finished>"

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json."""
        return as_dict(self.verdict, self.folder.spec.name, self.folder.name.rpartition("-")[2], self.folder.status)


@dataclass(frozen=True, repr=False)
class Sweep(Judged):
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

    @property
    def scope(self) -> str:
        """What the verdicts speak of; where points differ in it, all that they speak of."""
        scopes = list(dict.fromkeys(run.verdict.scope for run in self.runs if run is not None))
        return scopes[0] if len(scopes) == 1 else "differs from point to point: " + " / ".join(scopes)

    def __repr__(self) -> str:
        return f"<Sweep {self.folder.name}: {self._reached()}>"

    def _reached(self) -> str:
        """Count the verdicts, the most frequent first."""
        reached: Counter[str] = Counter([run.verdict.verdict for run in self.runs if run is not None])
        reached["not judged"] = self.runs.count(None)
        return f"{len(self.runs)} points: " + ", ".join(
            f"{count} {name}" for name, count in reached.most_common() if count
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json: all that is said of the points, and null where one verdict would be."""
        judged = {number: run.as_dict() for number, run in enumerate(self.runs) if run is not None}
        whole = list(judged.values())
        counts = {key: sum(one["run"]["replicas"][key] for one in whole) for key in whole[0]["run"]["replicas"]}
        lost = [point for point, run in zip(self.folder.points, self.runs, strict=True) if run is None]
        counts["planned"] += sum(row.role == "main" for point in lost for row in point.table)
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
        return {
            "schema_version": whole[0]["schema_version"],
            "run": head,
            "scope": self.scope,
            "verdict": None,
            "phase": None,
            "summary": f"{self._reached()}.",
            "criteria": [],
            "outcomes": {},
            "macroscopic": {},
            "microscopic": {},
            "diagnostics": {},
            "points": [
                {
                    "point": point,
                    "replicas": judged[number]["run"]["replicas"],
                    **{key: judged[number][key] for key in said if key in judged[number]},
                }
                if number in judged
                else {
                    "point": point,
                    "replicas": None,
                    "verdict": None,
                    "phase": None,
                    "summary": self.reasons[number],
                    "criteria": [],
                    "macroscopic": {},
                    "microscopic": {},
                }
                for number, point in enumerate(self.points)
            ],
        }
