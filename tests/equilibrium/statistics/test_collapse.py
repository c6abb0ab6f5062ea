"""Collapsed replicas are counted beyond the worst of the baseline, and the chance of none is what a simulation sees."""

import numpy as np
import pytest

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.collapse import chance_of_none, collapsed


@pytest.mark.parametrize(("higher", "count"), [(True, 1), (False, 2), (None, 3)])
def test_what_lies_beyond_the_worst_is_counted(higher: bool | None, count: int) -> None:
    """On the bad side, by more than the margin; on both where no side is known to be good; just the margin is not beyond."""
    run, baseline = np.array([-1.2, -1.0, 0.5, 2.1, 2.2]), np.array([0.0, 1.0])
    assert collapsed(run, baseline, 1.0, higher) == count
    assert collapsed(run, np.array([]), 1.0, higher) == 0


@pytest.mark.parametrize("higher", [True, False])
def test_the_chance_of_none_is_what_fresh_ensembles_show(higher: bool) -> None:
    """Two normal laws, 8 and 64 replicas; a run that were a margin better would be far from it."""
    generator, sign = rng.generator(3), 1 if higher else -1
    run, baseline = generator.normal(-0.4 * sign, 1.0, 5000), generator.normal(0.0, 1.0, 5000)
    means = np.array([run.mean() - baseline.mean(), run.mean() - baseline.mean() + sign])
    chances, far = chance_of_none(run, baseline, 1.0, higher, means, np.array([8.0, 64.0]))
    for replicas, chance in zip((8, 64), chances, strict=True):
        pairs = generator.normal(0.0, 1.0, (4000, 2, replicas)) - np.array([0.4 * sign, 0.0])[:, None]
        seen = np.mean([collapsed(one, other, 1.0, higher) == 0 for one, other in pairs])
        assert abs(seen - chance) < 0.03
    assert far[1] > chances[1] + 0.1


def test_replicas_that_all_agree_collapse_never_or_surely() -> None:
    """Without spread the chance is one inside the margin and none beyond it."""
    chances = chance_of_none(np.zeros(8), np.zeros(8), 1.0, True, np.array([-0.5, -1.5]), np.array([8.0]))
    assert chances[:, 0].tolist() == [1.0, 0.0]
