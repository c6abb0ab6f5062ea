"""Distances of fitted estimators: one model, unrelated models, and shared support vectors, against known answers."""

import dataclasses

import numpy as np
import pytest

from tests.equilibrium.ensembles import only, paired
from thermo_cli.equilibrium.criteria.diversity import diversity
from thermo_cli.kinds.estimators.distances import Fits, examine_fits, same, shared_support
from thermo_cli.kinds.estimators.structures.microstate import upper
from thermo_cli.microstates.kernels import kernel_cka, unbiased_cka
from thermo_cli.microstates.summary import microscopic, overlaps_of


def draw(seed: int, *shape: int) -> np.ndarray:
    """Return standard normal numbers."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)


def fits(kind: str, last: np.ndarray, noise: float, null: tuple[np.ndarray, np.ndarray], pairs: int = 19) -> Fits:
    """Return replicas whose partners differ from them by some noise."""
    names = tuple(f"cold/{k}" for k in range(len(last)))
    return Fits(
        names,
        names[:pairs],
        1,
        kind,
        last,
        last[:pairs],
        last[:pairs] + noise * draw(9, *last[:pairs].shape),
        *null,
        np.full_like(last[:pairs], np.nan),
    )


def kernels(seed: int, count: int) -> np.ndarray:
    """Return kernels of random features on 20 anchors."""
    features = draw(seed, count, 20, 15)
    return np.stack([upper(one @ one.T) for one in features])


@pytest.mark.parametrize(("noise", "outcome"), [(0.02, "fails"), (0.8, "holds")])
def test_coefficients_near_and_far(noise, outcome):
    """Q* = 1 - noise^2 exactly in the mean: identical where the noise is small, distinct where it is that of the null."""
    last = draw(1, 20, 200)
    found = examine_fits(fits("coefficients", last, noise * np.sqrt(2), (draw(2, 10, 200), draw(3, 10, 200))))
    row = only(diversity(paired(overlaps_of(found))))
    assert row.outcome == outcome
    assert row.estimate == pytest.approx(1 - noise**2, abs=0.03)


def test_kernels_of_one_model_and_of_unrelated_ones():
    """The same kernel twice is one model; independent kernels are as far apart as the null."""
    last = kernels(1, 20)
    null = (kernels(2, 10), kernels(3, 10))
    one = examine_fits(fits("leaves", last, 0.0, null))
    assert overlaps_of(one).distances.max() < 1e-6
    assert only(diversity(paired(overlaps_of(one)))).outcome == "fails"
    independent = dataclasses.replace(fits("leaves", last, 0.0, null), partners=kernels(5, 19))
    row = only(diversity(paired(overlaps_of(examine_fits(independent)))))
    assert row.outcome == "holds"
    assert abs(row.estimate) < 0.15


def test_only_bit_equal_partners_are_the_same():
    """A last digit makes a difference."""
    last = draw(1, 12, 30)
    null = (draw(2, 10, 30), draw(3, 10, 30))
    assert same(fits("coefficients", last, 0.0, null))
    assert not same(fits("coefficients", last, 1e-15, null))


def test_what_cannot_be_held_together_is_untested():
    """No inner state, features of their own, labels that change nothing: the reason is said, and no number."""
    last = draw(1, 12, 30)
    null = (draw(2, 10, 30), draw(3, 10, 30))
    for kind, rows, words in (("none", last, "nothing is known"), ("leaves", last[:, :0], "cannot be held together")):
        parts = tuple(side[:, : rows.shape[1]] for side in null)
        found = examine_fits(fits(kind, rows, 0.0, parts))
        row = only(diversity(paired(overlaps_of(found))))
        assert row.outcome == "untested"
        assert words in row.explanation
        assert "overlap" not in microscopic(found, 0.95)
    still = examine_fits(fits("coefficients", last, 1.0, (null[0], null[0])))
    assert "no further apart" in only(diversity(paired(overlaps_of(still)))).explanation


def test_cka_of_kernels_is_that_of_their_features():
    """What is above the diagonal is enough; a constant kernel has none."""
    features = draw(4, 5, 20, 6)
    triangles = np.stack([upper(one @ one.T) for one in features - features.mean(axis=1, keepdims=True)])
    np.testing.assert_allclose(kernel_cka(triangles.astype(np.float64)), unbiased_cka(features), atol=1e-6)
    triangles[2] = 1.0
    found = kernel_cka(triangles)
    assert np.isnan(found[2]).all()
    assert np.isfinite(np.delete(np.delete(found, 2, 0), 2, 1)).all()


def test_support_vectors_in_common():
    """Of examples that both have seen, those of both over those of either; nothing where neither has any there."""
    support = np.array([[1, 1, 0, 0, -1], [1, 0, 1, -1, 1], [-1, -1, -1, 0, 0]], dtype=np.int8)
    found = shared_support(support)
    assert found[0, 1] == found[1, 0] == pytest.approx(1 / 3)
    assert found[0, 0] == 1.0
    assert np.isnan(found[0, 2])
