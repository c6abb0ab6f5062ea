"""The global generators of random, NumPy and torch, from which code of others draws; ours draws from none of them."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Draws:
    """What was drawn from while generators were watched; known once the watch is over.

    Attributes:
        names: `random`, `numpy`, `torch`: those whose state has changed; none if something was imported meanwhile.
    """

    names: tuple[str, ...] = ()


def seed_all(seed: int) -> None:
    """Seed every global generator that there is; they stay seeded.

    Args:
        seed: From a stream of the replica table; below 2**63.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002, TID251 - what code of others draws from, and no other
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(seed)  # torch.manual_seed wakes every accelerator


@contextmanager
def watched(seed: int | None = None) -> Iterator[Draws]:
    """Say which generators are drawn from, and put all back to where they were.

    Args:
        seed: What they are seeded with before; left as they are if absent.
    """
    before, draws = _states(), Draws()
    if seed is not None:
        seed_all(seed)
    begun, loaded = _states(), len(sys.modules)
    try:
        yield draws
    finally:
        now = _states()
        if len(sys.modules) == loaded:  # packages draw when they are imported, for names of temporary files
            draws.names = tuple(name for name, state in begun.items() if not _equal(state, now[name]))
        _put_back(before)


def _states() -> dict[str, Any]:
    states: dict[str, Any] = {"random": random.getstate(), "numpy": np.random.get_state(legacy=False)}  # noqa: NPY002
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].default_generator.get_state().numpy()
    return states


def _put_back(states: dict[str, Any]) -> None:
    random.setstate(states["random"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    if "torch" in states:
        torch = sys.modules["torch"]
        torch.default_generator.set_state(torch.from_numpy(states["torch"]))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_equal(value, other[name]) for name, value in one.items())
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else bool(one == other)
