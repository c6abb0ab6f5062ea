"""Movement: a system that has not begun to move is told from one that has arrived, by margins that are stated."""

import dataclasses

import numpy as np
import pytest

from tests.equilibrium.ensembles import ensemble
from thermo_cli.equilibrium.criteria.movement import nothing_has_happened
from thermo_cli.equilibrium.ensemble import Ensemble, Settings

STEPS = np.array([0, 250, 500, 750, 1000])
ARRIVED = STEPS >= 500


def moved(settings: Settings, **distances: float) -> Ensemble:
    """Four replicas whose observables move by so much before the window."""
    return ensemble({name: np.tile(far * ARRIVED, (4, 1)) for name, far in distances.items()}, STEPS, settings)


def test_it_looks_at_stated_margins_only() -> None:
    """A move below every stated margin leaves the answer open; one above, or only derived margins, does not."""
    stated = Settings(margins={"a": 0.02})
    (row,) = nothing_has_happened(moved(stated, a=0.01, energy=5.0))
    assert (row.criterion, row.observable, row.outcome, row.gates) == ("stationarity", "a", "undecided", True)
    assert (row.estimate, row.margin) == (pytest.approx(0.01), 0.02)
    assert nothing_has_happened(moved(stated, a=0.03, energy=5.0)) == []
    assert nothing_has_happened(moved(Settings(), energy=5.0)) == []


def test_the_largest_move_beside_its_margin_is_told() -> None:
    """Of two that have not left their margins, the one that has come nearer to it; of histories, the one that moved."""
    known = moved(Settings(margins={"a": 1.0, "b": 0.1}), a=0.5, b=0.09)
    assert [row.observable for row in nothing_has_happened(known)] == ["b"]
    values = np.concatenate([np.zeros((4, 5)), np.tile(0.5 * ARRIVED, (4, 1))])
    two = ensemble({"a": values}, STEPS, Settings(margins={"a": 1.0}), None, ["cold"] * 4 + ["hot"] * 4)
    assert nothing_has_happened(two)[0].estimate == 0.5


def test_a_stated_beginning_counts_for_the_first_record() -> None:
    """Where the first record is later than the start, what was recorded of it is what has been left."""
    known = moved(Settings(margins={"a": 0.02}), a=0.01)
    asked = dataclasses.replace(known.question, initial={"a": 0.9})
    assert nothing_has_happened(dataclasses.replace(known, question=asked)) == []
