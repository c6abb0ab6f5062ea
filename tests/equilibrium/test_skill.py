"""Skill: held against the constant predictor, one-sided, by a margin; the verdict stays what it is."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Array, Skill
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings
from thermo_cli.equilibrium.skill import skill
from thermo_cli.equilibrium.statistics.trimmed import mean_interval

TRIALS = 400


def scored(finals: Array, constant: float, higher: bool = True, **more: Any) -> Ensemble:
    """Replicas that are at rest at their final values, of 100 test examples, with a margin of .02."""
    values = {"x": np.tile(np.asarray(finals, dtype=np.float64)[:, None], (1, 65))}
    constants = {"x": constant, "y": 0.5}
    question = Question(1024, ("cold",), {"x": 0.02}, "constant", "", higher={"x": higher}, constants=constants, **more)
    return ensemble(values, np.arange(65) * 16, Settings(), question)


def test_it_turns_where_a_bound_is_a_margin_beyond() -> None:
    """Better from the lower bound on, no better from the upper one on, open between; mirrored where lower is better."""
    finals = rng.generator(1).normal(0.9, 0.01, 32)
    known = mean_interval(finals, 0.05, 0.15)
    step = 1e-6
    for sign, higher in ((1, True), (-1, False)):
        bounds = [known.lower - step, known.lower + step, known.upper - step, known.upper + step]
        answers = [skill(scored(sign * finals, sign * (bound - 0.02), higher))["x"].better for bound in bounds]
        assert answers == [True, None, None, False]
    assert skill(scored(finals, 0.3)) == {"x": Skill(0.3, True, "the most frequent class")}


def test_what_is_not_known_is_open_or_not_there() -> None:
    """Four replicas, and replicas that share their randomness, leave it open; without a constant there is no word."""
    assert skill(scored(np.full(4, 0.9), 0.1))["x"].better is None
    assert skill(scored(np.full(32, 0.9), 0.1, independent=False))["x"].better is None
    assert skill(ensemble({"x": np.ones((32, 1))}, np.array([100]), Settings(margins={"x": 0.02}))) == {}


@pytest.mark.parametrize("size", [8, 32])
def test_error_rates_at_a_margin(size: int) -> None:
    """Just a margin better is called better, or no better, in at most alpha of trials each; the mean alone would not do."""
    counts = {True: 0, False: 0, None: 0}
    naive = 0
    for seed in range(TRIALS):
        finals = rng.generator(seed, 29).normal(0.5, 0.1, size)
        counts[skill(scored(finals, 0.48))["x"].better] += 1
        naive += finals.mean() > 0.5
    refuted = [
        stats.binomtest(n, TRIALS, 0.05, alternative="greater").pvalue < 1e-3 for n in (counts[True], counts[False])
    ]
    assert refuted == [False, False]
    assert stats.binomtest(naive, TRIALS, 0.05, alternative="greater").pvalue < 1e-3


def test_the_sentence_says_it_and_the_verdict_stays() -> None:
    """Settled all the same; the first words are that it is no better, and those of a better one are what they were."""
    finals = np.tile([0.88, 0.89], 20)
    bad, good = judge(scored(finals, 0.883)), judge(scored(finals, 0.1))
    assert bad.verdict == good.verdict
    words = "no better than always answering the most frequent class (0.883)"
    assert bad.unskilled == words
    assert bad.summary == f"{bad.verdict.capitalize()}, but {words}. {good.summary}" or bad.verdict == "undecided"
    assert words in bad.summary
    assert (good.unskilled, "always" in good.summary) == ("", False)


def test_the_test_set_has_an_error_of_its_own() -> None:
    """sqrt(p (1 - p) / n) of a share of n examples, whatever the number of replicas; of other scores there is none."""
    for size in (8, 80):
        state = judge(scored(np.full(size, 0.9), 0.1, resolutions={"x": 1 / 100})).macroscopic["x"]
        assert (state["test_set_error"], state["constant"]) == (pytest.approx(0.03), 0.1)
    assert judge(scored(np.full(8, 0.9), 0.1)).macroscopic["x"]["test_set_error"] is None
