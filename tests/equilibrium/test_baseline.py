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
    p_value,
    shares,
)

TRIALS = 400
ALPHA = 0.05


def held(run: Array, baseline: Array, *, higher: bool | None = True, share: float = 1.0) -> Difference:
    """Hold two ensembles against a margin of 1, at a share of alpha."""
    terms = Terms(1.0, 1 - ALPHA * share, higher)
    return difference("x", "cold", np.asarray(run, float), np.asarray(baseline, float), terms)


def together(pairs: list[tuple[Array, Array]]) -> list[Difference]:
    """Hold several pairs of ensembles together, each at the level that it has at last."""
    terms = Terms(1.0, 1 - ALPHA, True)
    levels = shares([p_value(*pair, terms) / ALPHA for pair in pairs])
    return [held(*pair, share=level) for pair, level in zip(pairs, levels, strict=True)]


def drawn(seed: int, shift: float, sd: tuple[float, float], sizes: tuple[int, int]) -> tuple[Array, Array]:
    """Draw two normal ensembles."""
    generator = rng.generator(seed, 17)
    return shift + sd[0] * generator.normal(size=sizes[0]), sd[1] * generator.normal(size=sizes[1])


def count(outcome: Comparison, shift: float, sd: tuple[float, float], sizes: tuple[int, int]) -> int:
    """Count an outcome over many trials."""
    return sum(held(*drawn(seed, shift, sd, sizes)).outcome == outcome for seed in range(TRIALS))


def too_often(hits: int) -> bool:
    """Say whether so many hits refute a rate of at most alpha."""
    return stats.binomtest(hits, TRIALS, ALPHA, alternative="greater").pvalue < 1e-3


@pytest.mark.parametrize(("sizes", "share"), [((12, 12), 0.5), ((32, 24), 1.0)])
def test_the_interval_is_the_one_of_the_textbook(sizes: tuple[int, int], share: float) -> None:
    """Yuen's equals scipy's, to rounding; below 20 values each bound is at alpha / 2, and the p-value is doubled."""
    run, baseline = drawn(3, 0.2, (1.0, 3.0), sizes)
    test = stats.ttest_ind(run, baseline, equal_var=False, trim=0.15)
    row = held(run, baseline)
    assert row.estimate == pytest.approx(stats.trim_mean(run, 0.15) - stats.trim_mean(baseline, 0.15))
    assert row.interval == pytest.approx(tuple(test.confidence_interval(1 - 2 * ALPHA * share)))
    assert row.estimate == pytest.approx((row.mean or 0.0) - (row.baseline_mean or 0.0))
    less, worse = (
        stats.ttest_ind(run, baseline + by, equal_var=False, trim=0.15, alternative="less").pvalue for by in (1.0, -1.0)
    )
    terms = Terms(1.0, 1 - ALPHA, True)
    assert p_value(run, baseline, terms) == pytest.approx(min(worse, 1 - less, max(less, 1 - worse)) / share)
    assert p_value(run, baseline, terms) == pytest.approx(p_value(baseline, run, terms))


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
        (1.001, None, "differs", False),
        (-1.001, None, "differs", False),
        (0.5, None, "equivalent", True),
        (1.0, True, "undecided", True),
        (-1.0, True, "undecided", False),
    ],
)
def test_it_turns_at_the_margin(shift: float, higher: bool | None, outcome: str, kept: bool) -> None:
    """Without any spread the answer is the difference itself; just the margin is neither inside nor beyond, nor a collapse."""
    row = held(np.full(8, 5.0 + shift), np.full(8, 5.0), higher=higher)
    assert (row.outcome, row.not_worse) == (outcome, kept)
    assert row.interval == pytest.approx((shift, shift))
    assert row.explanation


@pytest.mark.parametrize(
    ("sd", "sizes"),
    [((1.0, 1.0), (32, 32)), ((0.5, 4.0), (32, 12)), ((1.0, 1.0), (6, 6))],
    ids=["alike", "unequal", "few"],
)
@pytest.mark.parametrize("side", [-1, 1])
def test_error_rates_at_the_margin(sd: tuple[float, float], sizes: tuple[int, int], side: int) -> None:
    """A true difference of just the margin is called equivalent, or beyond it, in at most alpha of trials each."""
    assert not too_often(count("equivalent", side, sd, sizes))
    assert not too_often(count("better" if side > 0 else "worse", side, sd, sizes))


@pytest.mark.parametrize("size", [5, 8, 32])
def test_scores_of_two_kinds_that_are_alike_are_not_told_apart(size: int) -> None:
    """Accuracies of .90 and .94 in equal shares in both, two margins apart, as few replicas have them."""
    apart = 0
    for seed in range(TRIALS):
        run, baseline = rng.generator(seed, 18).choice([-1.0, 1.0], (2, size))
        apart += held(run, baseline).outcome in ("better", "worse")
    assert not too_often(apart)


@pytest.mark.parametrize(("size", "most"), [(8, 0.5), (32, 0.07)])
def test_a_few_that_collapse_are_no_equivalence(size: int, most: float) -> None:
    """One in ten loses ten margins: trimmed means alone pass most of them, what is given is given where none collapsed."""
    passed = trimmed = 0
    for seed in range(TRIALS):
        generator = rng.generator(seed, 19)
        run, baseline = 0.02 * generator.normal(size=(2, size))
        row = held(run - 10 * (generator.uniform(size=size) < 0.1), baseline)
        passed += row.not_worse
        trimmed += row.interval[0] is not None and row.interval[0] > -1
        assert not (row.not_worse and row.collapsed)
    assert passed < most * TRIALS
    assert trimmed > 0.7 * TRIALS


def test_collapse_is_beyond_the_worst_of_the_baseline() -> None:
    """Only to the bad side, by more than the margin, and to either where the good side is not known; better stays better."""
    baseline, run = np.linspace(-1, 1, 32), np.linspace(-1, 1, 32)
    run[:2], run[-1] = (-2.0, -2.1), 3.0
    assert [held(run, baseline, higher=higher).collapsed for higher in (True, False, None)] == [1, 1, 2]
    row = held(run, baseline)
    assert (row.outcome, row.not_worse, row.replicas_needed) == ("undecided", False, None)
    assert row.explanation == "1 of 32 replicas lie more than 1 beyond the baseline's worst"
    better = held(np.where(run < -2, -9.0, run + 5), baseline)
    assert (better.outcome, better.not_worse, better.collapsed) == ("better", False, 1)


def test_a_chance_is_counted_over_all_pairs() -> None:
    """Three of four pairs, a tie counting half; its direction is the good one, and none where that is not known."""
    run, baseline = np.array([1.0, 3.0]), np.array([0.0, 1.0])
    assert [held(run, baseline, higher=higher).chance for higher in (True, False, None)] == [0.875, 0.125, None]


def test_estimates_alone_would_be_wrong_half_of_the_time() -> None:
    """The count above does refute a rule that has no error rate: |estimate| < margin, at a true difference of the margin."""
    inside = 0
    for seed in range(TRIALS):
        run, baseline = drawn(seed, 1.0, (1.0, 1.0), (32, 32))
        inside += abs(run.mean() - baseline.mean()) < 1
    assert too_often(inside)
    assert 0.4 < inside / TRIALS < 0.6


def test_power_away_from_the_margin() -> None:
    """At spread 0.3 and R = 32 nothing is missed."""
    narrow, sizes = (0.3, 0.3), (32, 32)
    assert count("equivalent", 0.0, narrow, sizes) > 0.99 * TRIALS
    assert count("equivalent", 0.6, narrow, sizes) > 0.95 * TRIALS
    assert count("worse", -1.3, narrow, sizes) > 0.9 * TRIALS
    assert count("better", 1.3, narrow, sizes) > 0.9 * TRIALS


def test_the_levels_of_holm() -> None:
    """A known example: the first two are decided at alpha / 4 and alpha / 3, the others stop at alpha / 2."""
    assert shares([0.9, 0.1, 0.6, 0.3]) == [1 / 2, 1 / 4, 1 / 2, 1 / 3]
    assert shares([0.9, 0.9, 0.1, 0.1], sides=2) == [1.0, 1.0, 1 / 2, 1 / 2]
    assert shares([]) == []


def test_many_rows_raise_no_more_false_alarms_than_one() -> None:
    """Twenty rows at the margin's bad side: together, `worse` comes from any of them in at most alpha."""
    alone = alarms = 0
    for seed in range(150):
        pairs = [drawn(1000 * seed + row, -1.0, (1.0, 1.0), (24, 24)) for row in range(20)]
        alone += any(held(*pair).outcome == "worse" for pair in pairs)
        alarms += any(row.outcome == "worse" for row in together(pairs))
    assert stats.binomtest(alarms, 150, ALPHA, alternative="greater").pvalue > 1e-3
    assert alone > 75


@pytest.mark.parametrize(("spread", "most_open"), [(0.3, 0.01), (0.5, 0.05), (1.0, 0.6), (10.0, 1.0)])
def test_a_gate_does_not_flicker_where_nothing_has_changed(spread: float, most_open: float) -> None:
    """Six rows of two honest ensembles, R = 32: never exit 1 while the spread is of the order of the margin."""
    codes = {"equivalent": [], "not-worse": []}  # type: dict[str, list[int]]
    for seed in range(200):
        pairs = [drawn(1000 * seed + row, 0.0, (spread, spread), (32, 32)) for row in range(6)]
        rows = together(pairs)
        for word, found in codes.items():
            found.append(gate(rows, [word]))
    for found in codes.values():
        failed = found.count(1)
        assert failed == 0 if spread <= 1 else stats.binomtest(failed, 200, ALPHA, alternative="greater").pvalue > 1e-3
        assert found.count(4) <= most_open * 200


@pytest.mark.parametrize(
    ("shift", "sd", "outcome"),
    [(0.5, 1.0, "equivalent"), (-1.5, 1.0, "worse"), (-1.5, 2.0, "worse"), (1.5, 2.0, "better")],
)
def test_what_is_needed_is_enough(shift: float, sd: float, outcome: str) -> None:
    """On either side of the margin so many that show the same decide: evenly spread ones lie in +- 1.645 sqrt(3.2 sd^2 / N).

    Even values in (-1, 1) have the variance 1/3, winsorized at .7 one of .3 .49 + .7 .49 / 3 = .261: q = .261 / .7^2 / N, and
    of two with the variance sd^2 it is 3.2 sd^2 / N.
    """
    row = held(*exact(shift, sd, 16))
    assert (row.outcome, row.replicas_needed is not None and row.replicas_needed > 16) == ("undecided", True)
    needed = row.replicas_needed or 0
    again = held(*exact(shift, sd, needed))
    half = 1.645 * np.sqrt(3.2 * sd**2 / needed)
    assert again.outcome == outcome
    assert again.interval == pytest.approx((shift - half, shift + half), rel=0.01)


@pytest.mark.parametrize(("shift", "sd"), [(0.5, 2.0), (-1.0, 0.5), (-1.0, 2.0)])
def test_what_a_thousand_do_not_decide_needs_no_number(shift: float, sd: float) -> None:
    """At the margin itself, and inside it where the spread is wide: the truth may lie at its edge, or replicas collapse."""
    row = held(*exact(shift, sd, 16))
    assert (row.outcome, row.collapsed, row.replicas_needed) == ("undecided", 0, None)


@pytest.mark.parametrize("partner", ["the baseline", "the other"])
def test_the_partner_is_named_as_it_is_called(partner: str) -> None:
    """In whatever is said of replicas that collapsed."""
    run, baseline = np.linspace(-1, 1, 32), np.linspace(-1, 1, 32)
    run[:2] = -3.0
    terms = Terms(1.0, 1 - ALPHA, True)
    said = [difference("x", "cold", values, baseline, terms, partner).explanation for values in (run, run - 5)]
    assert said[0] == f"2 of 32 replicas lie more than 1 beyond {partner}'s worst"
    assert said[1].endswith(
        f"lower by more than 1; higher is better; 32 of 32 replicas lie more than 1 beyond {partner}'s worst"
    )


def exact(shift: float, sd: float, size: int) -> tuple[Array, Array]:
    """Two ensembles whose means and spreads are just these."""
    values = np.linspace(-1, 1, size)
    values *= sd / values.std(ddof=1)
    return values + shift, values


def test_unknown_never_reads_as_good() -> None:
    """Too few finite values, none at all, or numbers beyond all bounds: undecided, and not `not worse` either."""
    ok, nothing = np.zeros(6), np.full(6, np.nan)
    one = np.array([0.0, np.nan, np.inf, np.nan, np.nan, np.nan])
    huge = np.array([1e308, -1e308, 1e308, 1e308, 1e308])
    for run, baseline in ((one, ok), (ok, one), (nothing, nothing), (huge, -huge), (ok[:0], ok)):
        with np.errstate(over="ignore", invalid="ignore"):
            row = held(run, baseline)
            assert p_value(run, baseline, Terms(1.0, 1 - ALPHA, True)) == 1.0
        assert (row.outcome, row.not_worse, row.estimate) == ("undecided", False, None)
        assert row.interval == (None, None)
    few = held(ok[:4], ok)
    assert (few.outcome, few.explanation) == (
        "undecided",
        "4 replicas with finite values against 6: at least 5 on each side are needed",
    )
    lost = held(np.array([0.0, 0.1, np.nan, 0.2, 0.1, 0.0]), ok)
    assert (lost.replicas, lost.outcome) == ((5, 6), "equivalent")


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
        ([row("better", True), row("undecided", False), row("differs", False)], "differs", 1, 4, 4),
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
