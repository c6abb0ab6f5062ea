"""Variance components: exact tables, unbiased estimates, coverage, and sources that are not there."""

import numpy as np
import pytest
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.diagnostics.noise_budget import noise_budget

TRUE = {"init": 1.0, "subsample": 0.25, "order": 0.1, "rest": 0.5}


def crossed(seed: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Random effects of the true variances."""
    generator = rng.generator(seed)
    values = np.sqrt(TRUE["rest"]) * generator.standard_normal(shape)
    for axis, name in enumerate(("init", "subsample", "order")):
        if shape[axis] > 1:
            size = [count if axis == place else 1 for place, count in enumerate(shape)]
            values = values + np.sqrt(TRUE[name]) * generator.standard_normal(size)
    return values


def test_one_source_alone_gets_everything() -> None:
    """A table that depends on the subsample only: its share is 1, and the others' estimates are 0."""
    found = noise_budget(np.broadcast_to(np.array([1.0, 2.0, 4.0])[None, :, None], (5, 3, 2)), 0.05)
    assert found["subsample"]["share"] == pytest.approx(1.0)
    assert found["subsample"]["variance"] == pytest.approx(np.var([1, 2, 4], ddof=1))
    assert found["init"]["variance"] == pytest.approx(0.0, abs=1e-12)


def test_two_sources_by_hand() -> None:
    """A 2 x 2 table: MS_a = 8, MS_b = 0.5, MS_e = 0.5 -> components 3.75, 0 and 0.5."""
    table = np.array([[1.0, 1.0], [4.0, 3.0]])[:, :, None]
    found = noise_budget(table, 0.05)
    a, b, e = 2.5**2, 0.25, 0.25
    assert found["init"]["variance"] == pytest.approx((a - e) / 2)
    assert found["subsample"]["variance"] == pytest.approx((b - e) / 2)
    assert found["rest"]["variance"] == pytest.approx(e)


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 4, 4)])
def test_estimates_are_unbiased_and_each_bound_holds(shape: tuple[int, int, int]) -> None:
    """Over 600 designs: means within 4 standard errors, each 95 % bound above 91 %, and neither always."""
    found = [noise_budget(crossed(seed, shape), 0.05) for seed in range(600)]
    for name in found[0]:
        variances = np.array([one[name]["variance"] for one in found])
        assert abs(variances.mean() - TRUE[name]) < 4 * variances.std() / np.sqrt(len(found))
        for end in ("lower", "upper"):
            held = sum((one[name][end] <= TRUE[name]) == (end == "lower") for one in found)
            assert stats.binomtest(held, 600, 0.91, alternative="less").pvalue > 0.001
            assert held < 600


def test_a_source_with_one_level_is_absent_and_a_lost_replica_leaves_no_numbers() -> None:
    """Nothing can be said of an order that never varied, nor of a table with a hole."""
    assert set(noise_budget(crossed(1, (8, 8, 1)), 0.05)) == {"init", "subsample", "rest"}
    values = crossed(1, (4, 4, 2))
    values[0, 0, 0] = np.nan
    assert all(number is None for part in noise_budget(values, 0.05).values() for number in part.values())
