"""Physical systems: known variances, correlation times and rates; bits that depend on nobody else."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.kinds.physical.walk import Walk, walk
from thermo_cli.replicas import replica_table
from thermo_cli.spec import load_spec

HARMONIC = """\
name: h
system:   {use: harmonic, with: {dimensions: 64, stiffness: 2.0}}
dynamics: {use: langevin, with: {lr: 0.1, temperature: 0.5}, steps: 4000}
ensemble: {replicas: 32}
"""


def build(folder: Path, *overrides: str, count: int = 16) -> Walk:
    """Put some replicas of the harmonic spec, changed by overrides, at step 0."""
    (folder / "h.yaml").write_text(HARMONIC)
    spec = load_spec(folder / "h.yaml", overrides)
    return walk(spec, replica_table(spec)[:count], spec.total)


def recorded(moving: Walk, first: int, last: int, every: int) -> Array:
    """Collect microstates, (time, replica, coordinate)."""
    rows = []
    for step in range(first, last, every):
        moving.advance(step)
        rows.append(moving.vectors().copy())
    return np.array(rows)


def variance_of_replicas(x: Array) -> tuple[float, float]:
    """Return the mean over replicas of the mean square, and its standard error."""
    each = (x**2).mean(axis=(0, 2))
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def test_langevin_has_the_variance_of_its_step_size(tmp_path: Path) -> None:
    """T/(a (1 - eta a/2)) within 3.5 standard errors; T/a, the limit of small steps, is refused at that precision."""
    x = recorded(build(tmp_path), 100, 4000, 5)
    mean, error = variance_of_replicas(x)
    assert abs(mean - 0.5 / (2 * (1 - 0.1))) < 3.5 * error
    assert abs(mean - 0.5 / 2) > 10 * error


def test_langevin_forgets_at_the_rate_of_its_step_size(tmp_path: Path) -> None:
    """Autocorrelation of one step 1 - eta a = 0.8; that of the energy is its square."""
    x = recorded(build(tmp_path), 100, 4000, 1)
    for values, expected in ((x, 0.8), (x**2 - (x**2).mean(), 0.64)):
        each = (values[1:] * values[:-1]).mean(axis=(0, 2)) / (values**2).mean(axis=(0, 2))
        assert abs(each.mean() - expected) < 3.5 * each.std(ddof=1) / np.sqrt(len(each))


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.8, False)])
def test_descent_on_a_noisy_quadratic_has_its_variance(tmp_path: Path, momentum: float, nesterov: bool) -> None:
    """eta s^2 (1 + mu)/(a (1 - mu)(2 (1 + mu) - eta a))."""  # noqa: D403
    x = recorded(
        build(
            tmp_path,
            "system.with={dimensions: 64, stiffness: 2.0, gradient_noise: 1.5}",
            f"dynamics={{use: sgd, with: {{lr: 0.1, momentum: {momentum}}}, steps: 4000}}",
        ),
        200,
        4000,
        5,
    )
    mean, error = variance_of_replicas(x)
    expected = 0.1 * 1.5 * (1 + momentum) / (2 * (1 - momentum) * (2 * (1 + momentum) - 0.2))
    assert abs(mean - expected) < 3.5 * error
    assert error < 0.01 * expected


def test_the_double_well_is_crossed_at_kramers_rate(tmp_path: Path) -> None:
    """The share in its first well decays as (1 + exp(-2 k t))/2, k = sqrt(32) h exp(-h/T)/(2 pi), within 15 % at h = 5 T."""
    height, temperature = 1.5, 0.3
    moving = build(
        tmp_path,
        f"system={{use: double_well, with: {{height: {height}, start: 1.0, start_sd: 0.1}}}}",
        f"dynamics={{use: langevin, with: {{lr: 0.01, temperature: {temperature}}}, steps: 20000}}",
        "ensemble.replicas=2000",
        count=2000,
    )
    moving.advance(200)
    first = (moving.vectors()[:, 0] > 0).mean()
    moving.advance(6200)
    kept = (moving.vectors()[:, 0] > 0).mean()
    rate = np.sqrt(32) * height * np.exp(-height / temperature) / (2 * np.pi)
    expected = -np.log((2 * kept - 1) / (2 * first - 1)) / (2 * 6000 * 0.01)
    assert expected == pytest.approx(rate, rel=0.15)


def test_metropolis_visits_states_by_their_boltzmann_weight(tmp_path: Path) -> None:
    """Three spins at T = 2: chi-square of thinned visits against exp(-E/T)."""
    moving = build(
        tmp_path,
        "system={use: random_energy, with: {spins: 3}}",
        "ensemble.vary=[init, noise]",
        "dynamics={use: metropolis, with: {temperature: 2.0}, steps: 40000}",
        count=32,
    )
    bits = recorded(moving, 200, 40000, 100)
    visits = np.bincount(((bits > 0) @ (1 << np.arange(3))).astype(int).ravel(), minlength=8)
    weight = np.exp(-moving.state["landscape"][0] / 2.0)
    assert stats.chisquare(visits, visits.sum() * weight / weight.sum()).pvalue > 1e-3


def test_autoregressive_noise_offsets_and_drift(tmp_path: Path) -> None:
    """Variance 1 + s^2 at rest, correlation phi, and a drift that is the stated function."""
    system = "system={{use: autoregressive, with: {{phi: 0.9, {}}}}}"
    moving = build(
        tmp_path,
        system.format("offset_sd: 2.0"),
        "dynamics={use: recursion, steps: 4000}",
        "ensemble.replicas=400",
        count=400,
    )
    levels = []
    for step in range(100, 4000, 30):
        moving.advance(step)
        levels.append(moving.measure()["level"])
    values = np.array(levels)
    assert values.mean(axis=0).std(ddof=1) == pytest.approx(2.0, rel=0.12)
    assert (values - values.mean(axis=0)).std() == pytest.approx(1.0, rel=0.03)
    for drift, expected in (
        ("linear", 0.25),
        ("logarithmic", np.log2(1001) / np.log2(4001)),
        ("exponential", 1 - np.exp(-2.0)),
    ):
        still = build(
            tmp_path,
            system.format(f"sd: 0.0, drift: {drift}, drift_size: 3.0, tau: 500"),
            "dynamics={use: recursion, steps: 4000}",
        )
        still.advance(1000)
        np.testing.assert_allclose(still.measure()["level"], 3 * expected)


def test_a_first_phase_moves_the_potential(tmp_path: Path) -> None:
    """A tilt chooses the well; afterwards the particle stays there at low temperature."""
    moving = build(
        tmp_path,
        "system={use: double_well, with: {height: 2.0, start_sd: 0.1}}",
        "dynamics={use: langevin, with: {lr: 0.02, temperature: 0.1}, steps: 1000}",
        "histories={left: {first: {steps: 200, system: {with: {tilt: -4.0}}}}}",
    )
    moving.advance(1000)
    assert (moving.measure()["position"] < -0.5).all()


def test_a_replica_depends_on_nobody(tmp_path: Path) -> None:
    """Alone or among sixteen, in one go or restored half-way: the same bits."""
    alone, many, again = build(tmp_path, count=1), build(tmp_path), build(tmp_path)
    alone.advance(700)
    many.advance(700)
    np.testing.assert_array_equal(alone.vectors()[0], many.vectors()[0])
    half = build(tmp_path)
    half.advance(333)
    for slots in (slice(0, 2), slice(2, None)):
        again.restore(333, slots, {name: array.copy() for name, array in half.state_arrays(slots).items()})
    again.advance(700)
    np.testing.assert_array_equal(again.vectors(), many.vectors())


def test_steps_that_are_too_large_blow_up(tmp_path: Path) -> None:
    """Beyond eta = 2/a the recursion is unstable, and no warning is raised on the way."""
    moving = build(tmp_path, "dynamics={use: langevin, with: {lr: 1.1}, steps: 20000}")
    moving.advance(10000)
    assert not np.isfinite(moving.measure()["energy"]).any()
