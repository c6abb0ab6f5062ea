"""What so many replicas cannot exclude: Clopper-Pearson, on how many moved or lay elsewhere."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli.contracts import Array
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings
from thermo_cli.equilibrium.unseen import unseen

STEPS = np.linspace(500, 1000, 64).astype(np.int64)


def still(replicas: int, moved: int = 0, elsewhere: int = 0) -> Array:
    """Replicas at rest at zero; the first ones step by two margins, the last ones lie five away."""
    values = np.zeros((replicas, 64))
    values[:moved, 32:] = 2.0
    values[replicas - elsewhere :] = 5.0
    return values


def made(values: Array, **question: object) -> Ensemble:
    """An ensemble with a margin of one."""
    asked = dataclasses.replace(Question(1000, ("cold",), {}, "constant", ""), **question)  # type: ignore[arg-type]
    return ensemble({"x": values}, STEPS, Settings(margins={"x": 1.0}), asked)


@pytest.mark.parametrize(("replicas", "most"), [(32, "8.9"), (64, "4.6"), (128, "2.3")])
def test_of_none_that_was_seen_so_many_may_be(replicas: int, most: str) -> None:
    """(1 - p)^n = alpha: with a share of p elsewhere, one ensemble in twenty shows none of it."""
    assert unseen(made(still(replicas))) == f"of {replicas} replicas none moved or lay elsewhere: up to {most} % may"
    assert (1 - float(most) / 100) ** replicas == pytest.approx(0.05, abs=0.004)


def test_those_that_were_seen_are_counted_once() -> None:
    """Two moved, of which the finals lie two margins off, one lies elsewhere, one has no value: four of 32."""
    values = still(32, 2, 1)
    values[10, -1] = np.nan
    upper = stats.binomtest(4, 32).proportion_ci(0.9, "exact").high
    assert unseen(made(values)) == f"of 32 replicas 4 moved or lay elsewhere: up to {100 * upper:.2g} % may"
    values[0, 40] = np.nan
    assert unseen(made(values)).startswith("of 32 replicas 4 ")


def test_what_no_trajectory_tells_is_not_said() -> None:
    """Under a schedule nothing is known of movement; in a crossed design, or without margins, nothing at all."""
    values = still(32, 2)
    values[:2, -1] = 0.0
    assert unseen(made(values)).startswith("of 32 replicas 2 moved or lay elsewhere")
    assert unseen(made(values, schedule="cosine")).startswith("of 32 replicas none lay elsewhere")
    assert unseen(made(values, independent=False)) == ""
    assert unseen(ensemble({"x": values}, STEPS, Settings())) == ""
