"""Movement: a system that has not begun to move is told from one that has arrived, by margins that are stated."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.equilibrium.criteria.movement import nothing_has_happened
from thermo_cli.equilibrium.ensemble import Ensemble, Settings

STEPS = np.array([0, 250, 500, 750, 1000])
ARRIVED = STEPS >= 500


def moved(settings: Settings, **distances: float) -> Ensemble:
    """Eight replicas whose observables move by so much before the window."""
    return ensemble({name: np.tile(far * ARRIVED, (8, 1)) for name, far in distances.items()}, STEPS, settings)


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
    values = np.concatenate([np.zeros((8, 5)), np.tile(0.5 * ARRIVED, (8, 1))])
    two = ensemble({"a": values}, STEPS, Settings(margins={"a": 1.0}), None, ["cold"] * 8 + ["hot"] * 8)
    assert nothing_has_happened(two)[0].estimate == 0.5


def test_a_stated_beginning_counts_for_the_first_record() -> None:
    """Where the first record is later than the start, what was recorded of it is what has been left."""
    known = moved(Settings(margins={"a": 0.02}), a=0.01)
    asked = dataclasses.replace(known.question, initial={"a": 0.9})
    assert nothing_has_happened(dataclasses.replace(known, question=asked)) == []


def test_a_mean_that_has_moved_by_just_its_margin_is_not_taken_for_moved() -> None:
    """It is the lower bound that must lie beyond: in at most 5 % of 400 ensembles, of two observables in two histories."""
    names, moved_on = ("a", "b"), 0
    labels = ["cold"] * 32 + ["hot"] * 32
    for trial in range(400):
        noise = rng.generator(trial).normal(0, 0.2, (2, 64, 5))
        values = {name: ARRIVED + part for name, part in zip(names, noise, strict=True)}
        settings = Settings(margins=dict.fromkeys(names, 1.0))
        moved_on += nothing_has_happened(ensemble(values, STEPS, settings, None, labels)) == []
    assert moved_on > 0
    assert stats.binomtest(moved_on, 400, 0.05, alternative="greater").pvalue > 0.001


def test_replicas_that_have_not_been_seen_to_move_leave_it_open() -> None:
    """Four values give no interval, so they are no evidence that something has happened."""
    known = ensemble({"a": np.tile(5.0 * ARRIVED, (4, 1))}, STEPS, Settings(margins={"a": 1.0}))
    assert [row.outcome for row in nothing_has_happened(known)] == ["undecided"]


def test_what_was_counted_moves_no_more_surely_than_its_unit_allows() -> None:
    """All 32 scores move by 1.01 margins to the last digit: sure, unless they are counted in units of a margin."""
    known = ensemble({"a": np.tile(1.01 * ARRIVED, (32, 1))}, STEPS, Settings(margins={"a": 1.0}))
    assert nothing_has_happened(known) == []
    counted = dataclasses.replace(known.question, resolutions={"a": 1.0})
    assert len(nothing_has_happened(dataclasses.replace(known, question=counted))) == 1
