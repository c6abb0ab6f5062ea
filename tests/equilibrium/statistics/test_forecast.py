"""Forecasts: with as many replicas as are asked for, four of five fresh ensembles are decided."""

import numpy as np
import pytest
from scipy import integrate, stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.forecast import (
    CHANCE,
    MAX_REPLICAS,
    replicas_for_mean,
    replicas_for_open,
)
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.share import count_not_to_fail, count_to_hold, replicas_for_share
from thermo_cli.equilibrium.statistics.tolerance import count_to_agree
from thermo_cli.equilibrium.statistics.trimmed import mean_interval

ALPHA, CONTENT = 0.05, 0.85


def decided(share: float, replicas: int) -> float:
    """Chance that a count of fresh replicas decides."""
    hold, keep = count_to_hold(replicas, CONTENT, ALPHA), count_not_to_fail(replicas, CONTENT, ALPHA)
    chance = stats.binom.sf(hold - 1, replicas, share) if hold is not None else 0.0
    return float(chance + stats.binom.cdf(keep - 1, replicas, share))


@pytest.mark.parametrize("inside", range(16, 32))
def test_a_number_is_the_first_with_the_chance(inside: int) -> None:
    """More than there are, and four in five by the binomial law; with two thirds of it, less: or none up to the most."""
    share, needed = (inside + 0.5) / 33, replicas_for_share(inside, 32, CONTENT, ALPHA)
    if needed is None:
        assert decided(share, MAX_REPLICAS) < CHANCE
    else:
        assert needed > 32
        assert decided(share, needed) >= CHANCE
        assert needed == 33 or decided(share, max(2 * needed // 3, 33)) < CHANCE


@pytest.mark.parametrize("share", [0.93, 0.92, 0.75])
def test_open_counts_of_32_are_decided_in_four_of_five(share: float) -> None:
    """Over all counts that are open and give a number; twice or half the chance to be outside would not do."""
    chance = weight = 0.0
    for inside in range(33):
        needed = replicas_for_share(inside, 32, CONTENT, ALPHA)
        if count_not_to_fail(32, CONTENT, ALPHA) <= inside < 31 and needed is not None:
            seen = float(stats.binom.pmf(inside, 32, share))
            weight, chance = weight + seen, chance + seen * decided(share, needed)
    assert 0.75 <= chance / weight <= 0.95


def test_all_inside_is_no_certainty() -> None:
    """With 18 of 18 inside, 19 would do if all always were; where one in 40 lies outside they decide in 62 %."""
    assert decided(0.975, 19) < 0.65
    needed = replicas_for_share(18, 18, CONTENT, ALPHA)
    assert needed is not None
    assert decided(0.975, needed) >= CHANCE
    spanned = replicas_for_share(18, 18, CONTENT, ALPHA, count_to_agree)
    assert spanned is not None
    assert spanned > needed


def shares_decided(shift: float, sd: float) -> tuple[float, float]:
    """Return the share of open ensembles of 32 that fresh ones of the number forecast decide, and of half the number."""
    generator, hits, half, tries = rng.generator(4), 0, 0, 0
    for _ in range(600):
        interval = mean_interval(generator.normal(shift, sd, 32), ALPHA, 0.15)
        needed = replicas_for_mean(interval, 1.0, 32, ALPHA) if interval.inside(1.0) == "undecided" else None
        if needed is not None:
            tries += 1
            hits += mean_interval(generator.normal(shift, sd, needed), ALPHA, 0.15).inside(1.0) != "undecided"
            half += mean_interval(generator.normal(shift, sd, needed // 2), ALPHA, 0.15).inside(1.0) != "undecided"
    return hits / tries, half / tries


@pytest.mark.parametrize("sd", [2.5, 4.0])
def test_open_means_at_rest_are_decided_in_four_of_five(sd: float) -> None:
    """Ensembles of 32 that are open ask for a number; fresh ones of it are decided in four of five, half of it is too few."""
    decided, half = shares_decided(0.0, sd)
    assert 0.75 <= decided <= 0.95
    assert half < decided - 0.1


@pytest.mark.parametrize(("shift", "sd", "theory"), [(0.25, 2.5, 0.78), (0.5, 2.0, 0.70)])
def test_away_from_rest_the_forecast_is_too_small(shift: float, sd: float, theory: float) -> None:
    """What moving the estimate to zero costs: at a quarter and at half a margin fewer are decided, by so much."""
    assert abs(shares_decided(shift, sd)[0] - theory) < 0.06


def test_the_bare_estimate_asks_for_too_many() -> None:
    """Of ensembles at rest that are open, the numbers that the estimate itself asks for decide nearly all."""
    generator, hits, tries = rng.generator(5), 0, 0
    for _ in range(600):
        interval = mean_interval(generator.normal(0.0, 2.3, 32), ALPHA, 0.15)
        needed = replicas_for_mean(interval, 1.0, 32, ALPHA, rests=False)
        if interval.inside(1.0) == "undecided" and needed is not None:
            tries += 1
            hits += mean_interval(generator.normal(0.0, 2.3, needed), ALPHA, 0.15).inside(1.0) != "undecided"
    assert hits / tries > 0.95


def test_what_is_certain_has_the_number_of_theory() -> None:
    """At zero, half-width h: (z_.95 + z_.90)^2 of (h / z_.95 delta)^2 n, since both bounds must lie inside."""
    theory = 100 * (2.0 * (stats.norm.ppf(0.95) + stats.norm.ppf(0.9)) / stats.norm.ppf(0.95)) ** 2 / 4
    needed = replicas_for_mean(Interval(0.0, -1.0, 1.0), 1.0, 100, ALPHA)
    assert needed is not None
    assert abs(needed - theory) < 0.02 * theory


def bare(interval: Interval, margin: float, replicas: int, alpha: float) -> int | None:
    """Return what the estimate asks for as if it were the truth."""
    return replicas_for_mean(interval, margin, replicas, alpha, rests=False)


def shares_of_open(replicas: int, shift: float, sd: float) -> list[float]:
    """Return the share of open ensembles that fresh ones decide: of the number for the open, of the bare one."""
    shares = []
    for forecast in (replicas_for_open, bare):
        generator, hits = rng.generator(6), []
        for _ in range(600):
            interval = mean_interval(generator.normal(shift, sd, replicas), ALPHA)
            needed = forecast(interval, 1.0, replicas, ALPHA) if interval.inside(1.0) == "undecided" else None
            if needed is not None:
                hits.append(mean_interval(generator.normal(shift, sd, needed), ALPHA).inside(1.0) != "undecided")
        shares.append(float(np.mean(hits)))
    return shares


def test_open_means_anywhere_are_decided_in_four_of_five() -> None:
    """Few replicas may show any mean, and the estimate asks for too few; open beyond the margin, it asks for too many."""
    few, many = shares_of_open(8, 0.5, 2.0), shares_of_open(32, 1.5, 1.5)
    assert 0.75 <= few[0] <= 0.95
    assert 0.75 <= many[0] <= 0.95
    assert few[1] < 0.75
    assert many[1] > 0.95


@pytest.mark.parametrize("estimate", [0.5, 0.9, 1.4])
def test_a_number_for_the_open_is_the_first_of_its_equation(estimate: float) -> None:
    """Of a known error only the upper bound is compared: z instead of t, and the integral over all means by quadrature."""
    z, error = float(stats.norm.ppf(1 - ALPHA)), 0.4
    needed = replicas_for_open(
        Interval(estimate, estimate - z * error, estimate + z * error), 1.0, 50, ALPHA, one_sided=True, freedom=1e9
    )

    def decided(mean: float, replicas: float) -> float:
        away = abs(1 - mean) / error * (replicas / 50) ** 0.5
        return float(stats.norm.cdf(away - z) + stats.norm.cdf(-away - z))

    def weight(mean: float) -> float:
        return float(stats.norm.pdf((estimate - mean) / error)) / max(1 - decided(mean, 50), 1e-15)

    def chance(replicas: float) -> float:
        ends = estimate - 7 * error, estimate + 7 * error
        total = integrate.quad(weight, *ends, points=[1.0])[0]
        return float(
            integrate.quad(lambda mean: weight(mean) * decided(mean, replicas), *ends, points=[1.0])[0] / total
        )

    assert needed is not None
    assert chance(needed) > CHANCE - 0.003
    assert needed == 51 or chance(needed / 1.08) < CHANCE


def test_what_no_number_decides_has_none() -> None:
    """An estimate at the margin, an infinite spread, or more than a thousand."""
    assert replicas_for_mean(Interval(1.0, 0.5, 1.5), 1.0, 10, ALPHA, rests=False) is None
    assert replicas_for_mean(Interval(0.0, -np.inf, np.inf), 1.0, 10, ALPHA) is None
    assert replicas_for_mean(Interval(0.0, -40.0, 40.0), 1.0, 10, ALPHA) is None
    assert replicas_for_open(Interval(0.0, -np.inf, np.inf), 1.0, 10, ALPHA) is None
    assert replicas_for_open(Interval(0.0, -5.0, 5.0), 1.0, 10, ALPHA) is None
    assert replicas_for_open(Interval(0.5, -0.5, 1.5), 1.0, MAX_REPLICAS, ALPHA) is None
