"""Targets: one-sided, of the trimmed mean or of a share of replicas; what has no value reaches nothing."""

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.criteria.target import target
from thermo_cli.equilibrium.ensemble import Goal, Question, Settings
from thermo_cli.equilibrium.statistics.forecast import replicas_for_open
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.trimmed import mean_interval

TRIALS = 400


def row(values: Array, *goals: Goal, diverged: int = 0, histories: tuple[str, ...] = ()) -> Row:
    """Hold final values against targets, each of its own observable; the first is answered."""
    names = [f"x{place}" for place in range(len(goals))]
    settings = Settings(targets=dict(zip(names, goals, strict=True)), diverged=diverged)
    finals = np.asarray(values, dtype=np.float64)[:, None]
    return target(ensemble(dict.fromkeys(names, finals), np.array([100]), settings, histories=histories))[0]


def test_the_mean_turns_where_its_bound_is_the_target() -> None:
    """At least, and at most: a target of just the bound holds, one beyond it is open, one past the other bound fails."""
    values = rng.generator(1).normal(7.0, 1.0, 32)
    known = mean_interval(values, 0.05, 0.15)
    for higher, good, bad in ((True, known.lower, known.upper), (False, known.upper, known.lower)):
        sign = 1 if higher else -1
        bounds = (good, good + 1e-6 * sign, bad, bad + 1e-6 * sign)
        rows = [row(values, Goal(bound, higher)) for bound in bounds]
        assert [each.outcome for each in rows] == ["holds", "undecided", "undecided", "fails"]
        assert {each.gates for each in rows} == {False}
        assert rows[0].interval == pytest.approx((known.lower, known.upper))
        assert rows[0].estimate == pytest.approx(known.estimate)


def test_what_is_needed_grows_towards_the_target() -> None:
    """On both sides of it alike, and most where the estimate is the target: it may lie beyond it or not."""
    values = rng.generator(1).normal(7.0, 1.0, 32)
    known = mean_interval(values, 0.05, 0.15)
    half = known.upper - known.estimate
    needs = []
    for part in (0.99, 0.5, 0.0, -0.5, -0.99):
        reach = Interval(-abs(part) * half, -(abs(part) + 1) * half, (1 - abs(part)) * half)
        needs.append(row(values, Goal(known.estimate - part * half, True)).replicas_needed)
        assert needs[-1] == replicas_for_open(reach, 0.0, 32, 0.05, one_sided=True)
    assert needs == needs[::-1]
    assert 32 < needs[0] < needs[1] < needs[2]


def test_a_failure_is_shared_by_all_targets() -> None:
    """With four targets the one past the bound at alpha is open still: it fails at alpha / 4."""
    values = rng.generator(1).normal(7.0, 1.0, 32)
    alone, among = (mean_interval(values, 0.05 / rows, 0.15).upper + 1e-6 for rows in (1, 4))
    others = [Goal(0.0, True)] * 3
    outcomes = [row(values, Goal(bound, True), *others).outcome for bound in (alone, among)]
    assert outcomes == ["undecided", "fails"]


@pytest.mark.parametrize(("inside", "outcome"), [(32, "holds"), (29, "undecided"), (26, "undecided"), (25, "fails")])
def test_a_share_is_bounded_by_clopper_and_pearson(inside: int, outcome: str) -> None:
    """Nine tenths of 32 replicas at alpha = .05: the outcome follows from the binomial tails themselves."""
    values = np.where(np.arange(32) < inside, 0.95, 0.5)
    answer = row(values, Goal(0.95, True, 0.9))
    lower, upper = stats.binomtest(inside, 32).proportion_ci(0.9)
    assert answer.interval == pytest.approx((lower, upper))
    assert answer.outcome == outcome
    known = stats.binom.sf(inside - 1, 32, 0.9) <= 0.05, stats.binom.cdf(inside, 32, 0.9) <= 0.05
    assert known == (outcome == "holds", outcome == "fails")
    assert (answer.estimate, answer.margin) == (inside / 32, 0.9)
    assert row(-values, Goal(-0.95, False, 0.9)).outcome == outcome


def test_what_has_no_value_reaches_nothing() -> None:
    """Lost replicas count against a share; a mean that leaves them out is untested unless so many are tolerated."""
    values = np.where(np.arange(32) < 10, np.nan, 1.0)
    share = row(values, Goal(0.5, True, 0.9))
    assert (share.outcome, share.estimate) == ("fails", 22 / 32)
    assert row(values, Goal(0.5, True)).outcome == "untested"
    assert row(values, Goal(0.5, True), diverged=10).outcome == "holds"
    assert "at least 5" in row(values[:14], Goal(0.5, True), diverged=10).explanation
    settings = Settings(targets={"y": Goal(1.0, True)})
    (absent,) = target(ensemble({"x": np.ones((8, 1))}, np.array([100]), settings))
    assert (absent.outcome, "y was not observed" in absent.explanation) == ("untested", True)
    crossed = Question(100, ("cold",), {}, "constant", "", independent=False)
    (shared,) = target(ensemble({"y": np.ones((8, 1))}, np.array([100]), settings, crossed))
    assert shared.outcome == "untested"


def test_what_is_needed_is_told_per_history() -> None:
    """Half as many of each of two."""
    values = rng.generator(4).normal(0.3, 1.0, 32)
    alone, halved = (row(values, Goal(0.0, True), histories=paths) for paths in ((), ("cold", "hot") * 16))
    assert alone.replicas_needed is not None
    assert halved.replicas_needed == -(-alone.replicas_needed // 2)


@pytest.mark.parametrize("size", [8, 32])
def test_error_rates_at_the_target(size: int) -> None:
    """A mean of just the target, and a share of just the share, hold and fail in at most alpha each; estimates would not."""
    wrong = dict.fromkeys(("mean holds", "mean fails", "share holds", "share fails"), 0)
    naive = 0
    for seed in range(TRIALS):
        values = rng.generator(seed, 23).normal(size=size)
        for name, goal in (("mean", Goal(0.0, True)), ("share", Goal(float(stats.norm.ppf(0.2)), True, 0.8))):
            outcome = row(values, goal).outcome
            if outcome != "undecided":
                wrong[f"{name} {outcome}"] += 1
        naive += values.mean() > 0
    for hits in (*wrong.values(), naive):
        too_often = stats.binomtest(hits, TRIALS, 0.05, alternative="greater").pvalue < 1e-3
        assert too_often == (hits == naive)


def test_no_target_changes_a_verdict() -> None:
    """Missed by far: a row and an outcome more, and the same verdict, phase and summary."""
    values = {"x": np.tile(np.linspace(-0.1, 0.1, 40)[:, None], (1, 65))}
    steps = np.arange(65) * 16
    plain, missed = (
        judge(ensemble(values, steps, Settings(margins={"x": 1.0}, targets=targets)))
        for targets in ({}, {"x": Goal(5.0, True)})
    )
    assert (missed.verdict, missed.phase, missed.summary, missed.advice) == (
        plain.verdict,
        plain.phase,
        plain.summary,
        plain.advice,
    )
    assert missed.outcomes == {**plain.outcomes, "target": "fails"}
    assert missed.criteria[:-1] == plain.criteria
