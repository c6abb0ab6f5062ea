"""What the page's templates say that the view does not: glosses, intervals, the rows of the replica table."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from thermo_cli.contracts import CriterionName, Outcome, Row
from thermo_cli.reports.charts import Chart
from thermo_cli.reports.numerals import NEGLIGIBLE, SMALL, number
from thermo_cli.reports.panels import ReplicaLine
from thermo_cli.reports.view import RunView

MOST_REPLICAS: Final = 512
MOST_POINTS: Final = 64  # of a sweep, in full
CRITERIA: Final[dict[CriterionName, tuple[str, str]]] = {
    "stationarity": ("Stationarity", "Has it stopped changing?"),
    "agreement": ("Agreement", "Do seeds and data agree?"),
    "history": ("History", "Is the path forgotten?"),
    "diversity": ("Diversity", "Are these different models?"),
    "ergodicity": ("Ergodicity", "Do replicas still wander?"),
}
GLOSSES: Final[dict[tuple[str, str], str]] = {
    ("stationarity", "holds"): "yes, at rest",
    ("stationarity", "fails"): "no, still changing",
    ("agreement", "holds"): "yes, within the margin",
    ("agreement", "fails"): "no, they decide the result",
    ("history", "holds"): "yes, forgotten",
    ("history", "fails"): "no, it is remembered",
    ("diversity", "holds"): "yes, distinct",
    ("diversity", "fails"): "no, one model",
    ("ergodicity", "holds"): "yes, as far as they differ",
    ("ergodicity", "fails"): "no, each in its own basin",
}


def gloss(criterion: CriterionName, outcome: Outcome) -> str:
    """Say what the outcome of a criterion means.

    Args:
        criterion: Its name.
        outcome: Its outcome.
    """
    return GLOSSES.get(
        (criterion, outcome), {"undecided": "open", "untested": "untested"}.get(outcome, "does not apply")
    )


def estimate(row: Row) -> str:
    """Write a row's estimate; what is negligible beside its margin is 0.

    Args:
        row: A row of the court.
    """
    return _brief(row.estimate, row.margin)


def interval(low: float | None, high: float | None, margin: float | None = None) -> str:
    """Write an interval; an end without a bound is a dash.

    Args:
        low: Its lower end.
        high: Its upper end.
        margin: What it is compared with.
    """
    return "" if low is None and high is None else f"{_brief(low, margin)} to {_brief(high, margin)}"


def _brief(value: float | None, margin: float | None) -> str:
    scale = margin or 0.0
    if value is None or abs(value) < NEGLIGIBLE * scale:
        return number(value if value is None else 0.0)
    return number(value, 1 if abs(value) < SMALL * scale else 3)


def replica_rows(view: RunView) -> Sequence[ReplicaLine]:
    """Return the rows of the replica table: those that stand apart or have not finished first, then the others in order.

    Args:
        view: A run.
    """
    first = view.outliers
    names = {replica.name for replica in first}
    return (*first, *(replica for replica in view.replicas if replica.name not in names))[:MOST_REPLICAS]


def nothing_to_do(view: RunView) -> str:
    """Say why nothing is asked for.

    Args:
        view: A run without next steps.
    """
    failing = [
        row for row in view.verdict.criteria if row.gates and row.outcome == "fails" and row.criterion != "diversity"
    ]
    if failing or view.verdict.verdict == "diverged":
        return "No larger run would change this answer: what was found is said above."
    return "Nothing: every criterion that gates has its answer."


def grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """Put the rows of each criterion together, in the order of the criteria.

    Args:
        rows: Rows of the court.
    """
    order = list(CRITERIA)
    ordered = sorted(rows, key=lambda row: order.index(row.criterion))
    return [list(group) for _, group in groupby(ordered, key=lambda row: row.criterion)]


def gating(rows: Sequence[Row]) -> set[str]:
    """Return the criteria that gate.

    Args:
        rows: Rows of the court.
    """
    return {row.criterion for row in rows if row.gates}


def in_section(charts: Mapping[str, Chart], section: str, minor: bool | None = None) -> list[str]:
    """Return which charts belong to a part of the report.

    Args:
        charts: All of them.
        section: The part.
        minor: Whether those that are folded away, or the others; None for all.
    """
    return [name for name, chart in charts.items() if chart.section == section and minor in (None, chart.minor)]
