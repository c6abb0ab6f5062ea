"""What the court says: rows and verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Outcome = Literal["holds", "fails", "undecided", "untested", "inapplicable"]
CriterionName = str  # one of `equilibrium.criteria.CRITERIA`, which is all that there is to list
VerdictName = Literal["diverged", "relaxing", "glassy", "crystallized", "thermalized", "settled", "undecided"]
VERDICTS: Final[tuple[VerdictName, ...]] = get_args(VerdictName)
ENDS: Final = ("finished", "diverged", "crashed", "ended")  # of replicas whose training is over
VERDICT_SCHEMA: Final = 2  # version of verdict.json
COMPARISONS: Final = ("equivalent", "not-worse")  # what a gate can ask of a comparison with other runs
GATES: Final = (*VERDICTS, "target", "skilled", *COMPARISONS)  # all that a gate can ask


@dataclass(frozen=True)
class Row:
    """One confidence statement of the court.

    Attributes:
        gates: Whether the criterion's outcome depends on it.
        estimate: Point estimate, in the observable's unit.
        interval: Confidence interval in the same unit; an end is None when the replicas are too few to bound it.
        margin: The margin that the interval is compared with.
        confidence: Confidence of each end of the comparison.
        explanation: A sentence a person understands; the reason when there is no number.
        replicas_needed: Replicas per history that would decide it, if that would.
        steps_needed: Training time T that would decide it, if that would.
    """

    criterion: CriterionName
    statistic: str
    observable: str | None
    scope: str
    gates: bool
    outcome: Outcome = "untested"
    estimate: float | None = None
    interval: tuple[float | None, float | None] | None = None
    margin: float | None = None
    confidence: float | None = None
    explanation: str = ""
    replicas_needed: int | None = None
    steps_needed: int | None = None


@dataclass(frozen=True)
class Advice:
    """One thing to do next.

    Attributes:
        kind: What there should be more of (`replicas`, `steps`, `pairs`), or what else is to be done.
        words: What comes of it, in a sentence.
        to: How many; None where that is no number, or no number is reachable.
        chance: That it decides; None where that is not known.
        command: What to type; empty where nothing can be typed.
        work: Replica-steps that it takes, beyond what is there; None where it takes none, or nobody knows.
        together: Whether it is to be done with the one before, not instead of it.
    """

    kind: str
    words: str
    to: int | None = None
    chance: float | None = None
    command: str = ""
    work: int | None = None
    together: bool = False


@dataclass(frozen=True)
class Look:
    """How an ensemble stood when it was looked at.

    Attributes:
        replicas: Per history.
        steps: Training time T.
        verdict: What was decided.
        open: Criteria that were undecided.
    """

    replicas: int
    steps: int
    verdict: VerdictName
    open: tuple[CriterionName, ...]


@dataclass(frozen=True)
class Skill:
    """How a score stands beside that of always giving one answer.

    Attributes:
        constant: The score of that answer.
        better: Whether the ensemble is better by a margin; None where that is open.
        answer: Which answer that is.
    """

    constant: float
    better: bool | None
    answer: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """What the court decided, and all that it rests on; `judging.verdict_json` writes it.

    Attributes:
        unseen: What so many replicas cannot exclude, in a sentence; empty where that is not bounded.
        advice: What to do next, the cheapest first.
        looks: How it stood at each look, in order; one where it does not grow, none of which is not over.
        skill: Score with a margin to how it stands beside the constant predictor; empty where there are no labels.
    """

    verdict: VerdictName
    phase: str
    summary: str
    scope: str
    criteria: tuple[Row, ...]
    outcomes: Mapping[CriterionName, Outcome]
    macroscopic: Mapping[str, Mapping[str, Any]]
    microscopic: Mapping[str, Mapping[str, Any]]
    diagnostics: Mapping[str, Any]
    replicas: Mapping[str, int]
    warnings: tuple[str, ...] = field(default=())
    unseen: str = ""
    advice: tuple[Advice, ...] = ()
    looks: tuple[Look, ...] = ()
    skill: Mapping[str, Skill] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Verdict {self.verdict}: {self.summary}>"

    @property
    def unskilled(self) -> str:
        """That the first score that is no better than the constant predictor's is not; empty where all are, or it is open."""
        worse = [(name, skill) for name, skill in self.skill.items() if skill.better is False]
        if not worse:
            return ""
        name, skill = worse[0]
        where = "" if len(worse) == len(self.skill) else f" in {name}"
        return f"no better{where} than always answering {skill.answer} ({skill.constant:.3g})"

    @property
    def unfinished(self) -> int:
        """Number of replicas that are still to be trained."""
        return self.replicas["planned"] - sum(self.replicas.get(word, 0) for word in ENDS)
