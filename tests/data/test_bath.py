"""Wrong labels, a thinned pool and a shifted test set are of the size that was asked for, fixed, and part of the data."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.conftest import ROOT
from thermo_cli import rng
from thermo_cli.contracts import Dataset, Examples
from thermo_cli.data.bath import noisy_labels, principal_scores, thinned
from thermo_cli.data.split import load_dataset, split
from thermo_cli.data.subsample import subsample
from thermo_cli.errors import DataError
from thermo_cli.spec.data_parts import DigitsData, MoonsData, TableData
from thermo_cli.spec.data_rules import CovariateShift
from thermo_cli.spec.ensemble import Subsample


def wine(**given: Any) -> Dataset:
    """Load wine with something done to it."""
    return load_dataset(TableData.model_validate({"use": "wine", **given}), ROOT)


def test_a_share_of_the_labels_is_wrong_and_the_test_set_is_clean() -> None:
    """Exactly that share of the pool, every other class as often, fixed by the seed of the split."""
    plain, noisy = (load_dataset(DigitsData(use="digits", label_noise=p), ROOT) for p in (0.0, 0.3))
    wrong = plain.y != noisy.y
    assert wrong.sum() == round(0.3 * len(plain.y))
    np.testing.assert_array_equal(plain.y_test, noisy.y_test)
    np.testing.assert_array_equal(plain.x, noisy.x)
    steps = np.bincount((noisy.y - plain.y)[wrong] % 10, minlength=10)
    assert steps[0] == 0
    assert steps[1:].min() > 20  # 377 wrong labels over nine other classes: 42 each
    assert noisy.fingerprint == load_dataset(DigitsData(use="digits", label_noise=0.3), ROOT).fingerprint
    assert noisy.fingerprint != plain.fingerprint


def test_noise_on_numbers_is_in_units_of_their_spread() -> None:
    """0.5 raises the variance of a standardized target by a quarter; the unit and the test set stay."""
    plain, noisy = (load_dataset(TableData(use="diabetes", label_noise=p), ROOT) for p in (0.0, 0.5))
    assert (noisy.y - plain.y).std() == pytest.approx(0.5, rel=0.1)
    assert noisy.target_sd == plain.target_sd
    np.testing.assert_array_equal(plain.y_test, noisy.y_test)


def test_more_wrong_labels_than_labels_are_refused() -> None:
    """A share above one makes sense for numbers alone."""
    with pytest.raises(DataError, match="share of wrong labels"):
        noisy_labels(np.array([0, 1]), 1.5, "classification", 2, 0)


def test_the_first_principal_component_is_that_of_the_correlations() -> None:
    """Along x1 = x2 in units of their spreads; z has spread 1 over the pool, and does not depend on the units."""
    g = rng.generator(1)
    common = g.standard_normal(4000)
    pool = np.column_stack(
        [common + 0.1 * g.standard_normal(4000), common + 0.1 * g.standard_normal(4000), g.standard_normal(4000)]
    )
    scores, others = principal_scores(pool, pool[:10])
    assert np.corrcoef(scores, common)[0, 1] > 0.99
    assert scores.std() == pytest.approx(1)
    np.testing.assert_allclose(others, scores[:10])
    np.testing.assert_allclose(principal_scores(pool * [1, 1000, 5], pool[:1])[0], scores, atol=1e-9)
    with pytest.raises(DataError, match="constant"):
        principal_scores(np.ones((5, 2)), np.ones((2, 2)))


def test_thinning_follows_its_weights() -> None:
    """Of many, with s = 1, a tenth kept: mean z is near that of the tilted law, s; without strength it is 0."""
    scores = rng.generator(2).standard_normal(200_000)
    kept = thinned(scores, CovariateShift(strength=1.0, keep=0.02), 0)
    assert len(kept) == 4000
    assert len(np.unique(kept)) == 4000
    assert scores[kept].mean() == pytest.approx(1.0, abs=0.1)
    assert scores[thinned(scores, CovariateShift(strength=0.0, keep=0.02), 0)].mean() == pytest.approx(0, abs=0.05)


def test_a_thinned_pool_is_smaller_and_elsewhere() -> None:
    """The test set is the same examples; the scale is that of what is left."""
    plain = wine(scale="none")
    moved = wine(scale="none", covariate_shift={"strength": 2.0, "keep": 0.5})
    np.testing.assert_array_equal(plain.x_test, moved.x_test)
    assert len(moved.y) == len(plain.y) // 2
    assert principal_scores(plain.x, moved.x)[1].mean() > 0.5
    np.testing.assert_allclose(wine(covariate_shift={"strength": 2.0}).x.mean(axis=0), 0, atol=1e-12)


def test_a_class_that_is_thinned_away_is_named() -> None:
    """Two classes far apart along the component."""
    x = np.repeat([[0.0], [50.0]], 50, axis=0) + rng.generator(3).standard_normal((100, 1))
    far = Examples(x, np.repeat([0, 1], 50), "classification", ("near", "far"))
    rule = MoonsData(use="moons", covariate_shift=CovariateShift(strength=-50.0, keep=0.2))
    with pytest.raises(DataError, match="thinned away"):
        split(far, rule)


def test_a_noisy_test_set_has_noise_in_units_of_the_spread() -> None:
    """Of each feature over the pool; targets are those of the test set."""
    dataset = load_dataset(MoonsData.model_validate({"use": "moons", "scale": "none", "shifted": {"noise": 0.5}}), ROOT)
    assert dataset.x_shifted is not None
    change = (dataset.x_shifted - dataset.x_test).std(axis=0) / dataset.x.std(axis=0)
    np.testing.assert_allclose(change, 0.5, rtol=0.1)
    np.testing.assert_array_equal(dataset.y_shifted, dataset.y_test)


def test_a_resampled_test_set_is_elsewhere_and_consists_of_test_examples() -> None:
    """Each with its own target."""
    dataset = wine(shifted={"covariate": 1.0})
    assert dataset.x_shifted is not None
    assert dataset.y_shifted is not None
    pairs = {tuple(row): y for row, y in zip(dataset.x_test, dataset.y_test, strict=True)}
    assert all(pairs[tuple(row)] == y for row, y in zip(dataset.x_shifted, dataset.y_shifted, strict=True))
    _, before = principal_scores(dataset.x, dataset.x_test)
    assert principal_scores(dataset.x, dataset.x_shifted)[1].mean() > before.mean() + 0.5
    assert dataset.fingerprint != wine().fingerprint


@pytest.mark.parametrize("given", [{}, {"noise": 1.0, "covariate": 1.0}, {"noise": 0.0}, {"noise": -1.0}])
def test_a_shift_is_of_one_kind(given: dict[str, float]) -> None:
    """Neither none nor both."""
    with pytest.raises(ValidationError):
        wine(shifted=given)


@pytest.mark.parametrize("rule", [{"fraction": 0.37}, {"size": 51}, {"bootstrap": True}])
def test_stratified_subsamples_keep_the_classes_in_proportion(rule: dict[str, Any]) -> None:
    """To within one example, whatever the stream; which examples they are, the stream decides."""
    classes = rng.generator(4).permutation(np.repeat([0, 1, 2], [100, 30, 7]))
    given = Subsample(**rule, stratified=True)
    first, second = (subsample(given, 137, stream, 0, 0, classes) for stream in (5, 6))
    for found in (first, second):
        quota = np.array([100, 30, 7]) * len(found) / 137
        assert np.abs(np.bincount(classes[found]) - quota).max() < 1
    assert not np.array_equal(first, second)
    assert np.array_equal(first, subsample(given, 137, 5, 0, 0, classes))
    assert rule.get("bootstrap") or len(np.unique(first)) == len(first)


def test_stratified_subsamples_need_classes_and_no_parts() -> None:
    """Refused for regression and for disjoint parts."""
    with pytest.raises(DataError, match="regression has none"):
        subsample(Subsample(size=5, stratified=True), 20, 0, 0, 0)
    with pytest.raises(ValidationError, match="cannot be stratified"):
        Subsample(disjoint=True, size=5, stratified=True)
