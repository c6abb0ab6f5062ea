"""A comparison with a baseline in words and numbers, the same in every format."""

from collections.abc import Iterable, Sequence

from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.judging.record import Baseline
from thermo_cli.reports.numerals import NEGLIGIBLE, number


def remarks(baseline: Baseline) -> tuple[str, ...]:
    """Say what is not equivalent and why, what differs between the runs, and what to know of the comparison.

    Args:
        baseline: The comparison.
    """
    open_rows = [row for row in baseline.rows if row.outcome != "equivalent"]
    lines = [f"{row.observable} of {row.history}: {row.explanation}{_more(row)}" for row in open_rows]
    return (*lines, *(f"differs in {change}" for change in baseline.changes), *baseline.notes)


def shared(baselines: Iterable[Baseline]) -> tuple[str, ...]:
    """Say once what differs between the runs and what to know, of the comparisons of many points.

    Args:
        baselines: One for each point that was compared.
    """
    return tuple(
        dict.fromkeys(
            line
            for baseline in baselines
            for line in (*(f"differs in {change}" for change in baseline.changes), *baseline.notes)
        )
    )


def _more(row: Difference) -> str:
    """Say how many replicas would decide a row, if any number would."""
    needed = row.replicas_needed
    return f"; about {needed} replicas per history in both runs would decide" if needed is not None else ""


def telling(baseline: Baseline) -> Difference | None:
    """Return the row that decided, or would: of the outcome of the whole, the largest beside its margin.

    Args:
        baseline: The comparison.
    """
    rows = [row for row in baseline.rows if row.gates and row.outcome == baseline.outcome]
    return max(rows, key=lambda row: abs(row.estimate or 0.0) / (row.margin or 1.0), default=None)


def method(rows: Sequence[Difference]) -> str:
    """Say how the differences were taken.

    Args:
        rows: Of the comparison.
    """
    paired = {row.paired for row in rows if row.estimate is not None}
    how = {
        frozenset({True}): "replica by replica (the same seeds)",
        frozenset({False}): "independent replicas (Welch)",
    }.get(frozenset(paired), "replica by replica where the seeds are the same")
    level = next((row.confidence for row in rows if row.confidence is not None), None)
    bounds = "" if level is None else f"; each bound holds with confidence {level:g}"
    return f"Final mean of this run minus that of the baseline, {how}{bounds}."


def difference(row: Difference) -> str:
    """Write a difference with its interval; a dash where it is not known.

    Args:
        row: Of the comparison.
    """
    low, high = row.interval
    if row.estimate is None or low is None or high is None:
        return "-"
    tiny = NEGLIGIBLE * (row.margin or 0.0)
    estimate, lower, upper = (number(0.0 if abs(value) < tiny else value, 2) for value in (row.estimate, low, high))
    return f"{estimate} [{lower}, {upper}]"
