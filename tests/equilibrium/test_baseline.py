"""A run against a baseline: right on both sides of the margin, at the stated error rates, steady where nothing changed."""

import numpy as np
import pytest
from scipy import stats

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import (
    Comparison,
    Difference,
    Terms,
    difference,
    gate,
    not_worse,
    overall,
)

TRIALS = 1000
ALPHA = 0.05


def held(
    run: Array, baseline: Array, *, paired: bool = False, higher: bool | None = True, family: int = 1
) -> Difference:
    """Hold two ensembles against a margin of 1."""
    terms = Terms(1.0, 1 - ALPHA, higher, paired, family)
    return difference("x", "cold", np.asarray(run, float), np.asarray(baseline, float), terms)


def drawn(
    seed: int, shift: float, sd: tuple[float, float], sizes: tuple[int, int], shared: float = 0.0
) -> tuple[Array, Array]:
    """Draw two ensembles, `shared` being the correlation of replica k with replica k."""
    generator = rng.generator(seed, 17)
    run, other = generator.normal(size=sizes[0]), generator.normal(size=sizes[1])
    if shared:
        other = shared * run + np.sqrt(1 - shared**2) * other
    return shift + sd[0] * run, sd[1] * other


def count(outcome: Comparison, shift: float, sd: tuple[float, float], sizes: tuple[int, int], **how: float) -> int:
    """Count an outcome over many trials."""
    shared, family = how.get("shared", 0.0), int(how.get("family", 1))
    return sum(
        held(*drawn(seed, shift, sd, sizes, shared), paired=bool(shared), family=family).outcome == outcome
        for seed in range(TRIALS)
    )


def too_often(hits: int) -> bool:
    """Say whether so many hits refute a rate of at most alpha."""
    return stats.binomtest(hits, TRIALS, ALPHA, alternative="greater").pvalue < 1e-3


def test_the_interval_is_the_one_of_the_textbook() -> None:
    """Welch's and the paired one equal scipy's, to rounding."""
    run, baseline = drawn(3, 0.2, (1.0, 3.0), (12, 12))
    known = {False: stats.ttest_ind(run, baseline, equal_var=False), True: stats.ttest_rel(run, baseline)}
    for paired, test in known.items():
        row = held(run, baseline, paired=paired)
        assert row.paired is paired
        assert row.interval == pytest.approx(tuple(test.confidence_interval(1 - 2 * ALPHA)))
        assert row.estimate == pytest.approx(run.mean() - baseline.mean())
        assert (row.mean, row.baseline_mean) == (pytest.approx(run.mean()), pytest.approx(baseline.mean()))


@pytest.mark.parametrize(
    ("shift", "higher", "outcome", "kept"),
    [
        (0.0, True, "equivalent", True),
        (0.999, True, "equivalent", True),
        (-0.999, False, "equivalent", True),
        (1.001, True, "better", True),
        (-1.001, True, "worse", False),
        (1.001, False, "worse", False),
        (-1.001, False, "better", True),
        (1.001, None, "worse", False),
        (-1.001, None, "worse", False),
        (0.5, None, "equivalent", True),
        (1.0, True, "undecided", True),
        (-1.0, True, "undecided", False),
    ],
)
def test_it_turns_at_the_margin(shift: float, higher: bool | None, outcome: str, kept: bool) -> None:
    """Without any spread the answer is the difference itself; just the margin is neither inside nor beyond."""
    row = held(np.full(8, 5.0 + shift), np.full(8, 5.0), higher=higher)
    assert (row.outcome, row.not_worse) == (outcome, kept)
    assert row.interval == pytest.approx((shift, shift))
    assert row.explanation


def test_a_run_is_equivalent_to_itself_whatever_its_spread() -> None:
    """Paired, the interval is a point at zero; taken for independent, the same numbers decide nothing."""
    values = 100 * rng.generator(1).normal(size=8)
    row = held(values, values, paired=True)
    assert (row.outcome, row.interval, row.estimate) == ("equivalent", (0.0, 0.0), 0.0)
    assert held(values, values).outcome == "undecided"


@pytest.mark.parametrize(
    ("sd", "sizes", "shared"),
    [((1.0, 1.0), (32, 32), 0.0), ((0.5, 4.0), (32, 12), 0.0), ((1.0, 1.0), (6, 6), 0.0), ((2.0, 2.0), (16, 16), 0.7)],
    ids=["alike", "unequal", "few", "paired"],
)
@pytest.mark.parametrize("side", [-1, 1])
def test_error_rates_at_the_margin(sd: tuple[float, float], sizes: tuple[int, int], shared: float, side: int) -> None:
    """A true difference of just the margin is called equivalent, or beyond it, in at most alpha of trials each."""
    assert not too_often(count("equivalent", side, sd, sizes, shared=shared))
    assert not too_often(count("better" if side > 0 else "worse", side, sd, sizes, shared=shared))


def test_estimates_alone_would_be_wrong_half_of_the_time() -> None:
    """The count above does refute a rule that has no error rate: |estimate| < margin, at a true difference of the margin."""
    inside = 0
    for seed in range(TRIALS):
        run, baseline = drawn(seed, 1.0, (1.0, 1.0), (32, 32))
        inside += abs(run.mean() - baseline.mean()) < 1
    assert too_often(inside)
    assert 0.4 < inside / TRIALS < 0.6


def test_power_away_from_the_margin() -> None:
    """At spread 0.3 and R = 32 nothing is missed; pairing decides what independent replicas leave open."""
    narrow, sizes = (0.3, 0.3), (32, 32)
    assert count("equivalent", 0.0, narrow, sizes) == TRIALS
    assert count("equivalent", 0.7, narrow, sizes) > 0.95 * TRIALS
    assert count("worse", -1.3, narrow, sizes) > 0.95 * TRIALS
    assert count("better", 1.3, narrow, sizes) > 0.95 * TRIALS
    wide = (3.0, 3.0)
    assert count("equivalent", 0.0, wide, sizes) < 0.2 * TRIALS
    assert count("equivalent", 0.0, wide, sizes, shared=0.98) > 0.95 * TRIALS


def test_many_rows_raise_no_more_false_alarms_than_one() -> None:
    """Twenty rows at the margin's bad side: with the family named, `worse` comes from any of them in at most alpha."""
    alarms = {1: 0, 20: 0}
    for seed in range(300):
        pairs = [drawn(1000 * seed + row, -1.0, (1.0, 1.0), (16, 16)) for row in range(20)]
        for family in alarms:
            alarms[family] += any(held(*pair, family=family).outcome == "worse" for pair in pairs)
    assert stats.binomtest(alarms[20], 300, ALPHA, alternative="greater").pvalue > 1e-3
    assert alarms[1] > 150


@pytest.mark.parametrize(("spread", "most_open"), [(0.3, 0.0), (0.5, 0.01), (1.0, 0.2), (10.0, 1.0)])
def test_a_gate_does_not_flicker_where_nothing_has_changed(spread: float, most_open: float) -> None:
    """Six rows of two honest ensembles, R = 32: never exit 1 while the spread is of the order of the margin."""
    codes = {"equivalent": [], "not-worse": []}  # type: dict[str, list[int]]
    for seed in range(200):
        pairs = [drawn(1000 * seed + row, 0.0, (spread, spread), (32, 32)) for row in range(6)]
        rows = [held(*pair, family=6) for pair in pairs]
        for word, found in codes.items():
            found.append(gate(rows, [word]))
    for found in codes.values():
        failed = found.count(1)
        assert failed == 0 if spread <= 1 else stats.binomtest(failed, 200, ALPHA, alternative="greater").pvalue > 1e-3
        assert found.count(4) <= most_open * 200


def test_what_is_needed_is_enough() -> None:
    """With as many replicas as it asks for, on either side of the margin, most trials decide."""
    for shift in (0.5, -1.5):
        row = held(*drawn(2, shift, (2.0, 2.0), (16, 16)))
        assert row.outcome == "undecided"
        sure = held(*exact(shift, 2.0, 16))
        needed = sure.replicas_needed
        assert needed is not None
        assert needed > 16
        again = held(*exact(shift, 2.0, needed))
        assert again.outcome == ("equivalent" if shift > 0 else "worse")
    assert held(*exact(1.0, 2.0, 16)).replicas_needed is None


def exact(shift: float, sd: float, size: int) -> tuple[Array, Array]:
    """Two ensembles whose means and spreads are just these."""
    values = np.linspace(-1, 1, size)
    values *= sd / values.std(ddof=1)
    return values + shift, values


def test_unknown_never_reads_as_good() -> None:
    """Too few finite values, none at all, or numbers beyond all bounds: undecided, and not `not worse` either."""
    ok, nothing = np.zeros(4), np.full(4, np.nan)
    one = np.array([0.0, np.nan, np.inf, np.nan])
    huge = np.array([1e308, -1e308, 1e308, 1e308])
    for run, baseline in ((one, ok), (ok, one), (nothing, nothing), (huge, -huge), (ok[:0], ok)):
        for paired in (True, False):
            with np.errstate(over="ignore"):
                row = held(run, baseline, paired=paired)
            assert (row.outcome, row.not_worse, row.estimate) == ("undecided", False, None)
            assert row.interval == (None, None)
    lost = held(np.array([0.0, 0.1, np.nan, 0.2]), ok, paired=True)
    assert (lost.paired, lost.replicas, lost.outcome) == (False, (3, 4), "equivalent")


def row(outcome: Comparison, kept: bool, gates: bool = True) -> Difference:
    """One row of a comparison."""
    return Difference("x", "cold", gates, outcome, kept)


@pytest.mark.parametrize(
    ("rows", "whole", "equivalent", "kept", "either"),
    [
        ([row("equivalent", True)] * 2, "equivalent", 0, 0, 0),
        ([row("equivalent", True), row("better", True)], "better", 1, 0, 0),
        ([row("equivalent", True), row("undecided", True)], "undecided", 4, 0, 0),
        ([row("equivalent", True), row("undecided", False)], "undecided", 4, 4, 4),
        ([row("worse", False), row("undecided", False), row("better", True)], "worse", 1, 1, 1),
        ([row("better", True), row("undecided", False)], "undecided", 1, 4, 4),
        ([row("equivalent", True), row("worse", False, gates=False)], "equivalent", 0, 0, 0),
        ([row("equivalent", True, gates=False)], "undecided", 4, 4, 4),
        ([], "undecided", 4, 4, 4),
    ],
)
def test_the_gate(rows: list[Difference], whole: str, equivalent: int, kept: int, either: int) -> None:
    """Every row must be shown to hold, one bad row fails, what does not gate does not count, nothing compared is undecided."""
    assert overall(rows) == whole
    assert gate(rows, ["equivalent"]) == equivalent
    assert gate(rows, ["not-worse"]) == kept
    assert gate(rows, ["equivalent", "not-worse"]) == either
    assert gate(rows, []) == 0
    assert not_worse(rows) == (kept == 0)
