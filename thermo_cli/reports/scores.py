"""Scores as every report shows them: beside each stands what always giving one answer scores, and the test set's own error."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from thermo_cli.contracts import Verdict
from thermo_cli.metric import RECORDS
from thermo_cli.reports.document import Bullets, Sentence
from thermo_cli.reports.numerals import number
from thermo_cli.reports.text_table import ColumnHead, TableLine, TextTable, names, numbers

SKILL: Final = {True: "yes", False: "no", None: ""}
SOME: Final = 4  # scores of a short report where nothing gates
CAPTION: Final = (
    "Final means over replicas, beside {answer}, and the test set's own error, which no number of replicas reduces."
)


@dataclass(frozen=True)
class Score:
    """One observable at the end.

    Attributes:
        observable: Its name.
        mean: Over replicas.
        sd: Over replicas.
        constant: What always giving one answer scores; None where that is not known.
        better: Whether it is better than that by its margin; None where that is open, or it has no margin.
        own_error: What the test set alone contributes; None where that is not known.
    """

    observable: str
    mean: float | None
    sd: float | None
    constant: float | None = None
    better: bool | None = None
    own_error: float | None = None

    @property
    def words(self) -> str:
        """All that is known of it, in a line."""
        parts = [f"{number(self.mean, 4)} (standard deviation {number(self.sd, 2)})"]
        parts += [f"always giving one answer scores {number(self.constant, 4)}"] if self.constant is not None else []
        parts += [f"better than that by its margin: {SKILL[self.better]}"] if self.better is not None else []
        parts += [f"the test set's own error is {number(self.own_error, 2)}"] if self.own_error is not None else []
        return "; ".join(parts)


def scores(verdict: Verdict) -> list[Score]:
    """List what was observed at the end, but what a training set shows, in the order in which it was recorded.

    Args:
        verdict: What was decided.
    """
    return [
        _score(name, state, verdict) for name, state in verdict.macroscopic.items() if not name.startswith("train_")
    ]


def brief(verdict: Verdict, asked: Collection[str]) -> tuple[Bullets, ...]:
    """Say in a line each how the scores stand that the verdict rests on, or that were asked for by name.

    Args:
        verdict: What was decided.
        asked: Observables that were asked for.
    """
    every = scores(verdict)
    gating = {row.observable for row in verdict.criteria if row.gates} - {"energy"}
    chosen = [score for score in every if score.observable in {*asked, *gating}] or every[:SOME]
    return (Bullets(tuple(f"{score.observable} {score.words}" for score in chosen)),)


def shown(verdict: Verdict) -> Iterator[TextTable | Sentence]:
    """Draw the scores as a table, and name the rest of what was observed in a sentence.

    Args:
        verdict: What was decided.
    """
    every = scores(verdict)
    rest = [score for score in every if _is_state(score.observable)]
    tabled = [score for score in every if score not in rest]
    beside = any(score.constant is not None or score.own_error is not None for score in tabled)
    answers = [f"always answering {skill.answer}" for skill in verdict.skill.values()]
    columns = (
        *names("observable"),
        *numbers("mean", "sd"),
        *(numbers("constant answer") if beside else ()),
        *((ColumnHead("better by a margin", narrow="better"),) if beside else ()),
        *((ColumnHead("test set's own error", "number", narrow="own error"),) if beside else ()),
    )
    lines = tuple(TableLine(_cells(score)[: len(columns)]) for score in tabled)
    caption = (
        CAPTION.format(answer=(answers or ["always giving one answer"])[0]) if beside else "Final means over replicas."
    )
    if tabled:
        yield TextTable(caption, columns, lines)
    if rest:
        yield Sentence("Also observed: " + ", ".join(f"{one.observable} {number(one.mean, 3)}" for one in rest) + ".")


def _cells(score: Score) -> tuple[str, ...]:
    known = [
        number(value, digits) if value is not None else ""
        for value, digits in ((score.constant, 4), (score.own_error, 2))
    ]
    return (score.observable, number(score.mean, 4), number(score.sd, 2), known[0], SKILL[score.better], known[1])


def _score(name: str, state: Mapping[str, Any], verdict: Verdict) -> Score:
    skill = verdict.skill.get(name)
    better = skill.better if skill is not None else None
    return Score(name, state["mean"], state["sd"], state.get("constant"), better, state.get("test_set_error"))


def _is_state(name: str) -> bool:
    """Say whether it is the energy, a term of it, or a number of the parameters: it has no split and no score."""
    return name.startswith("energy") or (name in RECORDS and RECORDS[name].gating == name)
