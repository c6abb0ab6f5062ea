"""Estimators of users, as they are written: with the contract of scikit-learn, and each with a habit of its own."""

import random
import time

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Nearest(ClassifierMixin, BaseEstimator):
    """The nearest mean; nothing random, no probabilities."""

    def __init__(self, shrink=0.1):
        self.shrink = shrink

    def fit(self, x, y):
        """Keep the mean of each class."""
        self.classes_ = np.unique(y)
        self.means_ = np.stack([x[y == label].mean(axis=0) * (1 - self.shrink) for label in self.classes_])
        return self

    def predict(self, x):
        """Return the class whose mean is nearest."""
        return self.classes_[np.square(x[:, None] - self.means_).sum(axis=-1).argmin(axis=1)]


class Bare:
    """No base class, no classes_, and a fit that returns nothing."""

    def __init__(self, seed=0, thread_count=-1):
        self.seed, self.thread_count = seed, thread_count

    def get_params(self, deep=True):
        """Return the arguments."""
        return {"seed": self.seed, "thread_count": self.thread_count}

    def set_params(self, **arguments):
        """Set some."""
        self.__dict__.update(arguments)
        return self

    def fit(self, x, y):
        """Keep a mean of each class, moved at random."""
        draw = np.random.default_rng(self.seed)
        self.means_ = np.stack([x[y == label].mean(axis=0) for label in np.unique(y)])
        self.means_ += 0.01 * draw.normal(size=self.means_.shape)

    def predict_proba(self, x):
        """Return the softmax of distances."""
        powers = np.exp(-np.square(x[:, None] - self.means_).sum(axis=-1) / x.shape[1])
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, x):
        """Return the most probable class."""
        return self.predict_proba(x).argmax(axis=1)


class Options(Nearest):
    """Takes whatever it is given."""

    def __init__(self, **options):
        super().__init__()
        self.options = options

    def get_params(self, deep=True):
        """Return what it was given."""
        return dict(self.options)


class Strings(Nearest):
    """Returns names."""

    def predict(self, x):
        """Return names of classes that nobody gave it."""
        return np.array(["red", "green", "blue"])[super().predict(x)]


class Globals(Nearest):
    """Draws from what everybody shares, prints and warns."""

    def fit(self, x, y):
        """Move the means."""
        super().fit(x, y)
        print("moving the means")  # noqa: T201
        self.means_ += 0.1 * np.random.normal(size=self.means_.shape) + 0.1 * random.random()  # noqa: NPY002
        return self


class Unseeded(Nearest):
    """Draws from a generator that nobody can seed."""

    def fit(self, x, y):
        """Move the means."""
        super().fit(x, y)
        self.means_ += np.random.default_rng().normal(size=self.means_.shape)
        return self


class Clock(Nearest):
    """Depends on the time so little that its answers hide it."""

    def fit(self, x, y):
        """Move the means."""
        super().fit(x, y)
        self.means_ += 1e-9 * time.perf_counter()
        return self


class Parallel(Nearest):
    """Starts processes of its own."""

    def fit(self, x, y):
        """Keep means from two processes."""
        super().fit(x, y)
        means = joblib.Parallel(n_jobs=2)(joblib.delayed(np.mean)(x[y == label], 0) for label in self.classes_)
        self.means_ = np.stack(means)
        return self


class Certain(Nearest):
    """Its probabilities are none."""

    def predict_proba(self, x):
        """Return ones."""
        return np.ones((len(x), len(self.classes_)))


class Absent(Nearest):
    """Ends the process that it is fitted in."""

    def fit(self, x, y):
        """Leave."""
        raise SystemExit(1)


class Broken(Nearest):
    """Cannot be built."""

    def __init__(self, shrink=0.1):
        raise OSError("there is no licence")


class Flaky(Nearest):
    """Fails for one replica of some, and has said so before."""

    def __init__(self, random_state=None, failing=()):
        super().__init__()
        self.random_state, self.failing = random_state, failing

    def fit(self, x, y):
        """Fit, or fail."""
        print("about to fit")  # noqa: T201
        if self.random_state in self.failing:
            raise FloatingPointError("the means fell over")
        return super().fit(x, y)


class Shift:
    """A step that inherits from nothing, and has no fit_transform."""

    def __init__(self, by=1.0):
        self.by = by

    def get_params(self, deep=True):
        """Return the argument."""
        return {"by": self.by}

    def set_params(self, **arguments):
        """Set it."""
        self.__dict__.update(arguments)
        return self

    def fit(self, x, y=None):
        """Do nothing."""
        return self

    def transform(self, x):
        """Move the features."""
        return x + self.by


def doubled(x):
    """Return twice the features."""
    return 2.0 * x


class Torch(Nearest):
    """Draws from torch, which it loads when it is fitted."""

    def fit(self, x, y):
        """Move the means."""
        import torch

        super().fit(x, y)
        self.means_ += 0.1 * torch.randn(self.means_.shape).numpy()
        return self
