"""The test set is fixed and never in a subsample; subsamples follow their rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from thermo_cli import rng
from thermo_cli.contracts import Examples
from thermo_cli.data.split import load_dataset, split
from thermo_cli.data.subsample import subsample, subsample_size
from thermo_cli.errors import DataError
from thermo_cli.registry import DATA
from thermo_cli.spec.data_parts import DigitsData, MoonsData, TableData
from thermo_cli.spec.data_rules import DataPart
from thermo_cli.spec.ensemble import Subsample


def numbered(count: int, classes: int = 2) -> Examples:
    """Examples whose only feature is their number."""
    y = np.arange(count) % classes
    return Examples(np.arange(float(count))[:, None], y, "classification", tuple("abcdefgh"[:classes]))


def rules(test_fraction: float, scale: str = "none") -> DataPart:
    """Split by these rules."""
    return DigitsData(use="digits", test_fraction=test_fraction, scale=scale)


def test_pool_and_test_set_share_nothing_and_lose_nothing() -> None:
    """Every example is on one side, in the proportion of the spec, classes balanced on both."""
    dataset = split(numbered(100), rules(0.3))
    both = np.concatenate([dataset.x[:, 0], dataset.x_test[:, 0]])
    np.testing.assert_array_equal(np.sort(both), np.arange(100))
    assert len(dataset.y_test) == 30
    assert dataset.y_test.sum() == 15


def test_scaling_looks_at_the_pool_alone() -> None:
    """The pool has mean 0 and spread 1 in every feature; the test set need not; constant features stay finite."""
    generator = rng.generator(1)
    x = np.column_stack([generator.normal(5, 3, 200), np.ones(200)])
    dataset = split(Examples(x, generator.normal(100, 20, 200), "regression"), rules(0.3, "standardize"))
    np.testing.assert_allclose(dataset.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(dataset.x.std(axis=0), [1, 0], atol=1e-12)
    assert abs(dataset.x_test.mean()) > 1e-6
    np.testing.assert_allclose(dataset.y.std(), 1)
    assert 15 < dataset.target_sd < 25


def test_a_class_with_one_example_is_refused() -> None:
    """It cannot be on both sides."""
    lonely = Examples(np.arange(5.0)[:, None], np.array([0, 0, 0, 0, 1]), "classification", ("many", "one"))
    with pytest.raises(DataError, match="'one'"):
        split(lonely, rules(0.3))


def test_too_small_a_test_set_is_refused() -> None:
    """Three classes do not fit in a test set of two."""
    with pytest.raises(DataError, match=r"cannot be split"):
        split(numbered(12, 3), rules(0.1))


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 2**128 - 1))
def test_subsamples_have_their_size_and_no_repetition(size: int, stream: int) -> None:
    """Drawn without replacement, sorted, inside the pool."""
    rule = Subsample(size=size)
    indices = subsample(rule, 200, stream, 0, 0)
    assert len(np.unique(indices)) == size == subsample_size(rule, 200)
    assert indices.min() >= 0
    assert indices.max() < 200


def test_bootstrap_repeats_and_keeps_the_size() -> None:
    """As many examples as the pool has, about 63 % of them distinct."""
    indices = subsample(Subsample(bootstrap=True), 1000, 7, 0, 0)
    assert len(indices) == 1000
    assert 600 < len(np.unique(indices)) < 665


def test_disjoint_parts_share_nothing() -> None:
    """Whatever the replicas' streams are."""
    rule = Subsample(disjoint=True, size=20)
    parts = [subsample(rule, 100, stream, 5, part) for part, stream in enumerate([1, 1, 2, 3, 4])]
    assert len(np.unique(np.concatenate(parts))) == 100


def test_what_the_pool_cannot_give_is_refused() -> None:
    """Too large a subsample, too many disjoint parts."""
    with pytest.raises(DataError, match="larger than the pool"):
        subsample_size(Subsample(size=101), 100)
    with pytest.raises(DataError, match="disjoint"):
        subsample(Subsample(disjoint=True, size=30), 100, 0, 0, 3)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "diabetes", "moons"])
def test_built_in_data_load(name: str) -> None:
    """Each has finite features and the same fingerprint twice; every name of the registry is tried somewhere."""
    part = {"digits": DigitsData, "moons": MoonsData}.get(name, TableData)(use=name)
    dataset = load_dataset(part, ROOT)
    assert np.isfinite(dataset.x).all()
    assert dataset.fingerprint == load_dataset(part, ROOT).fingerprint
    assert {"csv", "npz", name} <= set(DATA)
