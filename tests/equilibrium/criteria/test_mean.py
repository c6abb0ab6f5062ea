"""The mean: a row that few replicas can answer, and that decides nothing."""

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble, only
from thermo_cli import rng
from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.criteria.mean import mean
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.statistics.trimmed import mean_interval


def row(values: Array, delta: float = 1.0, histories: tuple[str, ...] = ()) -> Row:
    """Judge final values."""
    settings = Settings(margins={"x": delta})
    return only(mean(ensemble({"x": np.asarray(values)[:, None]}, np.array([100]), settings, histories=histories)))


def test_it_turns_where_the_half_width_is_the_margin() -> None:
    """A margin of just the half-width holds, a smaller one is open: Student's interval of eight values, at alpha / 2."""
    values = rng.generator(1).normal(7.0, 1.0, 8)
    half = float(stats.t.ppf(1 - 0.025, 7) * values.std(ddof=1) / np.sqrt(8))
    trimmed = mean_interval(values, 0.05, 0.15)
    assert mean_interval(values, 0.05).upper - values.mean() == pytest.approx(half)
    width = trimmed.upper - trimmed.estimate
    held, open_ = row(values, width), row(values, 0.99 * width)
    assert (held.outcome, open_.outcome, held.gates) == ("holds", "undecided", False)
    assert held.estimate == pytest.approx(trimmed.estimate)
    assert held.interval == pytest.approx((trimmed.lower, trimmed.upper))
    assert open_.replicas_needed is not None
    assert open_.replicas_needed > 8
    halved = row(values, 0.99 * width, ("cold", "hot") * 4)
    assert halved.replicas_needed == -(-open_.replicas_needed // 2)


def test_it_never_fails_and_gates_nothing() -> None:
    """However far replicas lie apart; of four nothing is said."""
    wide = row(np.linspace(-1000, 1000, 32))
    assert (wide.outcome, wide.replicas_needed, wide.gates) == ("undecided", None, False)
    few = row(np.zeros(4))
    assert (few.outcome, few.gates) == ("untested", False)
    assert "at least 5" in few.explanation


def test_the_mean_lies_inside_as_often_as_is_said() -> None:
    """Of 1,000 ensembles of ten each bound of the interval misses the mean in at most 5 %; a quarter of it would in more."""
    generator, misses = rng.generator(2), np.zeros(3)
    for _ in range(1000):
        interval = row(generator.normal(3.0, 1.0, 10)).interval
        assert interval is not None
        low, high = (float(end) for end in interval if end is not None)
        middle = (low + high) / 2
        misses += [low > 3.0, high < 3.0, middle + (high - middle) / 4 < 3.0]
    for count in misses[:2]:
        assert stats.binomtest(int(count), 1000, 0.05, alternative="greater").pvalue > 0.001
    assert stats.binomtest(int(misses[2]), 1000, 0.05, alternative="greater").pvalue < 1e-6
