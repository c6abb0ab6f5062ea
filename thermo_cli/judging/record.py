"""What judging hands out: plain frozen records of points, runs, comparisons and gates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from thermo_cli.contracts import Trajectories, Verdict
from thermo_cli.equilibrium.baseline import Comparison, Difference
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.errors import UsageError
from thermo_cli.spec.size import Size
from thermo_cli.spec.sweeping import label_of
from thermo_cli.store import RunFolder


@dataclass(frozen=True)
class Judged:
    """An ensemble that has been judged: that of a run, or of one point of a sweep.

    Attributes:
        folder: The run's, or what it holds of the point.
        verdict: What the court decided.
        observables: Macroscopic observables, (replica, time).
        settings: What it was judged with.
        margins: delta of each observable that has one.
        ahead: What the next look has, which is still to be trained; None where there is none.
        resolutions: Observable to the unit that its values are multiples of, where it has one.
    """

    folder: RunFolder
    verdict: Verdict
    observables: Trajectories
    settings: Settings
    margins: Mapping[str, Margin]
    resolutions: Mapping[str, float] = field(default_factory=dict)
    ahead: Size | None = None

    @property
    def status(self) -> str:
        """That of its replicas; `partial` too where the next look is still to be trained."""
        return "partial" if self.ahead is not None else self.folder.status


@dataclass(frozen=True)
class JudgedPoint:
    """One point of a run.

    Attributes:
        values: Swept field to its value; empty without a sweep.
        folder: What the run holds of the point.
        judged: What was decided of it; None where that cannot be.
        reason: Why not.
    """

    values: Mapping[str, Any]
    folder: RunFolder
    judged: Judged | None
    reason: str = ""

    @property
    def alone(self) -> "JudgedRun | None":
        """The point as a run without a sweep; None where it cannot be judged."""
        return JudgedRun(self.folder, (JudgedPoint({}, self.folder, self.judged),)) if self.judged else None

    @property
    def title(self) -> str:
        """The run's name with its hash, and the values of the point in brackets."""
        return f"{self.folder.name} [{label_of(dict(self.values))}]" if self.values else self.folder.name

    @property
    def where(self) -> str:
        """The point in a sentence, ` at lr=0.1`; nothing without a sweep."""
        return f" at {label_of(dict(self.values))}" if self.values else ""


@dataclass(frozen=True)
class JudgedRun:
    """A run that has been judged, point by point.

    Attributes:
        folder: The run's.
        points: In order; without a sweep there is one.
    """

    folder: RunFolder
    points: tuple[JudgedPoint, ...]

    @property
    def sweep(self) -> bool:
        """Whether fields are swept: then nothing is decided of the run as a whole."""
        return bool(self.points[0].values)

    @property
    def only(self) -> Judged:
        """What was decided of a run without a sweep.

        Raises:
            UsageError: It is a sweep.
        """
        judged = self.points[0].judged
        if self.sweep or judged is None:
            raise UsageError(
                "a sweep has a verdict, observables and parameters at each of its points",
                received=self.folder.name,
                remedy="take one of its `runs`",
            )
        return judged


@dataclass(frozen=True)
class Gate:
    """What was asked of the run, and the answer.

    Attributes:
        required: What must be met, all of it; what is admitted for each stands in words.
        code: Exit code: 0 met, 1 not met, 3 not judged, 4 undecided.
        words: One sentence.
        aside: That the ensemble is no better than the constant predictor, where it is so.
    """

    required: tuple[str, ...]
    code: int
    words: str
    aside: str = ""


@dataclass(frozen=True)
class Baseline:
    """How a run compares with another: per observable and history, and as a whole.

    Attributes:
        title: Name of the other run, with its hash.
        outcome: Of all rows that gate: worse before differs before undecided before better before equivalent.
        not_worse: Whether every row that gates is shown to be worse by less than its margin, and no replica has collapsed.
        words: One sentence.
        rows: One per observable and history; a run that lost too many replicas has a row for that.
        changes: What differs between the two by intent, `field: value (baseline: value)`.
        notes: What to know before relying on it.
    """

    title: str
    outcome: Comparison
    not_worse: bool
    words: str
    rows: tuple[Difference, ...]
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """One verdict of a report, of a run or of a point of a sweep.

    Attributes:
        run: The run's name with its hash.
        point: Swept field to its value; empty without a sweep.
        verdict: What was decided; None where the point cannot be judged.
        reason: Why not.
        partners: What it was compared with.
    """

    run: str
    point: Mapping[str, Any]
    verdict: Verdict | None
    reason: str = ""
    partners: tuple[Baseline, ...] = ()

    @property
    def title(self) -> str:
        """The run's name, with the values of the point in brackets."""
        return f"{self.run} [{label_of(dict(self.point))}]" if self.point else self.run
