"""R-hat and ESS beside their null: AR(1) with and without offsets."""

import numpy as np
import pytest

from thermo_cli import rng
from thermo_cli.equilibrium.diagnostics.mixing import autocorrelation, mixing


def traces(seed: int, phi: float, offset: float = 0.0, replicas: int = 32, length: int = 64) -> np.ndarray:
    """Stationary AR(1) with offsets of a standard deviation."""
    generator = rng.generator(seed)
    values = generator.standard_normal((replicas, length))
    for time in range(1, length):
        values[:, time] = phi * values[:, time - 1] + np.sqrt(1 - phi**2) * values[:, time]
    return values + offset * generator.standard_normal((replicas, 1))


def test_rhat_of_offsets_is_far_above_its_null() -> None:
    """White noise with offsets of s: R-hat ~ sqrt(1 + s^2), and the null stays near 1."""
    found = mixing(traces(1, 0.0, offset=1.0, replicas=64, length=200))
    assert found["rhat"] == pytest.approx(np.sqrt(2), abs=0.15)
    assert found["rhat"] > 1.2 > found["rhat_null"][1]


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_traces_without_offsets_stay_within_their_null(phi: float) -> None:
    """At most a few of 40 exceed the 95 % quantile, although most exceed the usual 1.01 at phi = 0.9."""
    found = [mixing(traces(seed, phi)) for seed in range(40)]
    assert sum(one["rhat"] > one["rhat_null"][1] for one in found) <= 8
    if phi == 0.9:
        assert sum(one["rhat"] > 1.01 for one in found) >= 36


def test_effective_sample_size_of_ar1() -> None:
    """Effective n (1 - phi)/(1 + phi) within 15 %, and the null agrees."""
    found = mixing(traces(3, 0.5, replicas=32, length=400))
    expected = 32 * 400 / 3
    assert found["ess"] == pytest.approx(expected, rel=0.15)
    assert found["ess_null"] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("phi", [0.2, 0.7])
def test_the_autocorrelation_is_hardly_biased_in_short_windows(phi: float) -> None:
    """Mean over 100 windows of 32 measurements within 0.02; uncorrected it would be off by more at phi = 0.7."""
    found = np.mean([autocorrelation(traces(seed, phi, offset=3.0, length=32)) for seed in range(100)])
    assert found == pytest.approx(phi, abs=0.02)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((8, 64)), "constant"),
        (np.full((8, 64), 0.1) + 1e-17, "constant"),
        (np.full((8, 64), np.nan), "fewer than two"),
        (np.arange(24.0).reshape(8, 3), "only 3"),
        (np.where(np.eye(8, 64) > 0, 1e308, -1e308), "too large"),
    ],
)
def test_what_has_no_answer_says_why(values: np.ndarray, reason: str) -> None:
    """A constant series is not well mixed, and NaN is no number."""
    found = mixing(values)
    assert found["rhat"] is None
    assert reason in found["reason"]


def test_it_is_deterministic() -> None:
    """Judging twice gives the same bytes."""
    assert mixing(traces(5, 0.3)) == mixing(traces(5, 0.3))
