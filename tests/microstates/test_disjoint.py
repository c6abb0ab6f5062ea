"""Pairs of main replicas that have none in common come from every history."""

import numpy as np
import pytest

from thermo_cli.microstates.material import MAIN_PAIRS, disjoint


@pytest.mark.parametrize("replicas", [0, 1, 2, 5, 16, 32, 33, 64, 128, 512])
def test_no_replica_is_in_two_pairs(replicas: int) -> None:
    """As many pairs as there can be, up to sixteen, each of two neighbours."""
    first, second = disjoint(replicas)
    assert len(first) == len(second) == min(replicas // 2, MAIN_PAIRS)
    used = np.concatenate([first, second])
    assert len(np.unique(used)) == len(used)
    assert (second - first == 1).all()
    assert ((used >= 0) & (used < max(replicas, 1))).all()


@pytest.mark.parametrize(("histories", "each"), [(2, 8), (2, 64), (3, 32), (5, 128)])
def test_every_history_has_its_share(histories: int, each: int) -> None:
    """Replicas stand history by history; what is measured on the pairs does not depend on how many there are."""
    first, second = disjoint(histories * each)
    assert (first // each == second // each).all(), "a pair is of one history"
    share = np.bincount(first // each, minlength=histories) / len(first)
    assert np.abs(share - 1 / histories).max() <= 1 / len(first)
