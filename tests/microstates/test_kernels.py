"""Unbiased CKA against its formula written out, and against answers that are known."""

import numpy as np
import pytest

from thermo_cli.microstates.kernels import unbiased_cka


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def hsic(k: np.ndarray, m: np.ndarray) -> float:
    """HSIC1 of two kernels, term by term (Song 2012, equation 5)."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    terms = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ k @ m @ one
    return float(terms / (n * (n - 3)))


def test_it_is_the_formula() -> None:
    """Three representations of unequal structure, pair by pair."""
    features = generator().standard_normal((3, 12, 5)) + generator(1).standard_normal((1, 12, 5))
    found = unbiased_cka(features)
    kernels = [one @ one.T for one in features]
    for a in range(3):
        for b in range(3):
            expected = hsic(kernels[a], kernels[b]) / np.sqrt(
                hsic(kernels[a], kernels[a]) * hsic(kernels[b], kernels[b])
            )
            assert found[a, b] == pytest.approx(expected)


def test_rotations_shifts_and_scales_of_a_representation_change_nothing() -> None:
    """CKA of a layer with itself, turned: 1."""
    one = generator().standard_normal((40, 6))
    turn = np.linalg.qr(generator(1).standard_normal((6, 6)))[0]
    found = unbiased_cka(np.stack([one, 3.0 * one @ turn + 5.0]))
    assert found[0, 1] == pytest.approx(1.0)


def test_unrelated_wide_layers_are_unrelated() -> None:
    """Mean 0 over 200 draws where the biased form is above 0.7: more features than anchors."""
    cka, biased = [], []
    for seed in range(200):
        pair = generator(seed).standard_normal((2, 20, 60))
        cka.append(unbiased_cka(pair)[0, 1])
        a, b = (one - one.mean(axis=0) for one in pair)
        biased.append(np.linalg.norm(a.T @ b) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)))
    assert abs(np.mean(cka)) < 3 * np.std(cka) / np.sqrt(200)
    assert np.mean(biased) > 0.7


def test_a_constant_representation_is_no_number() -> None:
    """Dead layers have nothing to be similar in; their neighbours keep their values."""
    for kind in (np.float32, np.float64):
        features = generator().standard_normal((3, 37, 512)).astype(kind)
        features[1] = 0.3  # no number of either kind: means of it are rounded
        found = unbiased_cka(features)
        assert np.isnan(found[1]).all()
        assert np.isfinite(found[0, 2])
