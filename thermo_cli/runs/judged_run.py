"""A judged run, or a judged sweep: what Python users hold in their hands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.errors import UsageError
from thermo_cli.judging import verdict_json
from thermo_cli.judging.comparing import compare_all, standings
from thermo_cli.judging.judge import judge_again, judge_folder
from thermo_cli.judging.ranking import Standings
from thermo_cli.judging.record import JudgedRun
from thermo_cli.runs.commands import typed_for
from thermo_cli.runs.held import HeldVerdict, held_verdict
from thermo_cli.store import RunFolder

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class Run:
    """A run that has been judged. A sweep is a run too, with a verdict at each of its points and none of its own.

    Attributes:
        judged: What judging has found out.
    """

    judged: JudgedRun

    @property
    def folder(self) -> RunFolder:
        """Its folder."""
        return self.judged.folder

    @property
    def verdict(self) -> HeldVerdict:
        """What the court decided: it prints as a box, and can be required."""
        judged = self.judged.only
        return held_verdict(judged.verdict, typed_for(judged.folder))

    @property
    def observables(self) -> Trajectories:
        """Macroscopic observables, (replica, time)."""
        return self.judged.only.observables

    @property
    def settings(self) -> Settings:
        """What it was judged with."""
        return self.judged.only.settings

    @property
    def margins(self) -> Mapping[str, Margin]:
        """Delta of each observable that has one."""
        return self.judged.only.margins

    @property
    def sweep(self) -> bool:
        """Whether it has a verdict at each of several points."""
        return self.judged.sweep

    @property
    def points(self) -> tuple[dict[str, Any], ...]:
        """Swept field to its value, of each point; one without any for a run without a sweep."""
        return tuple(dict(point.values) for point in self.judged.points)

    @property
    def runs(self) -> tuple["Run | None", ...]:
        """Each point as a run of its own; None where a point cannot be judged."""
        alone = [point.alone for point in self.judged.points]
        return tuple(Run(run) if run is not None else None for run in alone)

    @property
    def scope(self) -> str:
        """What is judged: which randomness was varied."""
        return verdict_json.scope_of(self.judged)

    def parameters(self, step: int) -> NDArray[np.floating]:
        """Return the parameters of all replicas, (replica, parameters), at 0, T/4, T/2 or T."""
        return self.judged.only.folder.parameters(step)

    def judge(self, **changes: Any) -> "Run":
        """Judge it again with other settings, from what is stored; the verdict is kept in the run's `verdicts/`.

        Args:
            changes: Fields of `equilibrium`, such as margins={"test_accuracy": 0.01}; margins are merged into the spec's.
        """
        return Run(judge_again(self.folder, changes))

    def report(self, path: str | Path) -> Path:
        """Write the report into a file, and return where it is.

        Args:
            path: Its suffix says in which format: .html, .md, .json, .xml (JUnit), .csv or .txt.

        Raises:
            UsageError: There is no format of this suffix.
            StoreError: The file cannot be written.
        """
        from thermo_cli.reports.formats import FORMATS, rendered
        from thermo_cli.runs.views import view
        from thermo_cli.store.files import write_text

        suffixes = {writer.suffix: name for name, writer in FORMATS.items()}
        file = Path(path)
        if file.suffix not in suffixes:
            raise UsageError("no report has this suffix", received=file.name, remedy=", ".join(suffixes))
        write_text(file, rendered(suffixes[file.suffix], [view(self.judged)], details=True))
        return file

    def plot(self, observable: str) -> Any:
        """Draw an observable in time, as a chart of Altair: a notebook shows it, `.save("x.svg")` writes it.

        Raises:
            UsageError: There is no such observable, or the run is a sweep.
        """
        from thermo_cli.runs.plots import plot

        return plot(self.judged.only, observable)

    def to_pandas(self, table: str = "trajectories") -> "pandas.DataFrame":
        """Return a tidy table as a pandas frame; of a sweep that of all points, with a column for each swept field.

        Args:
            table: `trajectories`, `steps` (mean, sd and interval of the mean at each), `replicas`, `criteria`, `macroscopic`,
                `microscopic` or `overlaps`.

        Raises:
            UsageError: There is no such table, nothing is known of it, or pandas is missing.
        """
        from thermo_cli.runs.frames import frame

        return frame(self.judged, table)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json."""
        return verdict_json.as_dict(self.judged)

    def __repr__(self) -> str:
        if self.sweep:
            return f"<Run {self.folder.name}: {verdict_json.tally(self.judged)}>"
        counts = self.verdict.replicas
        return f"<Run {self.folder.name}: {self.verdict.verdict}, {counts['finished']} of {counts['planned']} finished>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from thermo_cli.reports.notebook import fragment
        from thermo_cli.runs.views import view

        return fragment(view(self.judged))


def compare(*runs: Run, margins: Mapping[str, float] | None = None) -> Standings:
    """Hold the final values of runs against each other, each against every other, per observable and history.

    Args:
        runs: Two or more of the same data, observables and design of the ensemble, points of sweeps (their `runs`) among them;
            or one sweep, whose points are compared.
        margins: Observable to delta, instead of those of the specs.

    Returns:
        With `.outcome` (equivalent, better, worse, differs or undecided), `.not_worse`, `.words` and `.rows` of the first
        against the others; every one of the `.pairs`; and `.rankings`, in which what was not told apart shares a rank.

    Raises:
        UsageError: They do not compare, and what differs; or they are several sweeps.
    """
    judged = [one.judged if margins is None else judge_folder(one.folder, {"margins": margins}) for one in runs]
    if len(judged) > 1 and any(one.sweep for one in judged):
        names = ", ".join(one.folder.name for one in judged if one.sweep)
        raise UsageError("sweeps compare point by point", received=names, remedy="compare some of their `runs`")
    (found,) = standings(judged, compare_all(judged))
    return found
