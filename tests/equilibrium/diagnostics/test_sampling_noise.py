"""The test set's share of the spread: known mixtures, and the factor that is too large."""

import numpy as np
import pytest

from thermo_cli import rng
from thermo_cli.equilibrium.diagnostics.sampling_noise import distribution_wise


def simulated(seed: int, replicas: int, examples: int, sd: float) -> np.ndarray:
    """Errors of replicas that differ by sd in their true error, on examples of mixed difficulty."""
    generator = rng.generator(seed)
    hardness = generator.uniform(0.3, 0.7, examples)
    true = np.clip(hardness + sd * generator.standard_normal((replicas, 1)), 0, 1)
    return (generator.random((replicas, examples)) < true).astype(float)


@pytest.mark.parametrize("sd", [0.0, 0.03])
def test_it_is_unbiased_and_the_factor_r_over_r_minus_1_is_not(sd: float) -> None:
    """Mean over 3,000 ensembles of eight within 4 standard errors of sd^2; 8/7 of it is far outside."""
    found = np.array([distribution_wise(simulated(seed, 8, 200, sd))["distribution_wise"] for seed in range(3000)])
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - sd**2) < 4 * error
    if sd:
        assert abs(found.mean() * 8 / 7 - sd**2) > 4 * error
    else:
        assert (found < 0).any()  # not clipped


def test_shares_of_pure_cases() -> None:
    """Replicas that err alike on every example differ by the distribution; independent errors are the test set's."""
    alike = np.repeat([[0.0], [1.0], [0.0], [1.0]], 50, axis=1)
    assert distribution_wise(alike)["noise_share"] == pytest.approx(0.0, abs=1e-12)
    share = distribution_wise(simulated(1, 200, 4000, 0.0))["noise_share"]
    assert share == pytest.approx(1.0, abs=0.3)
    assert share != 1.0


def test_parts_add_up_and_nothing_is_made_of_nothing() -> None:
    """variance = test_set + distribution_wise; too few, constant and lost replicas give None or are left out."""  # noqa: D403
    errors = simulated(2, 16, 100, 0.1)
    found = distribution_wise(errors)
    assert found["variance"] == pytest.approx((found["test_set"] or 0) + (found["distribution_wise"] or 0))
    lost = np.vstack([errors, np.full((1, 100), np.nan)])
    assert distribution_wise(lost) == found
    assert distribution_wise(errors[:1])["variance"] is None
    assert distribution_wise(np.zeros((4, 9)))["noise_share"] is None
