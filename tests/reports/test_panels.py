"""Trajectories and replicas as they are shown: outliers by a known rule, thinning that says so and loses no outlier."""

import numpy as np
import pytest

from tests.reports.test_terminal import ensemble
from thermo_cli.contracts import Trajectories
from thermo_cli.reports.evidence import overlap_matrix, pair_clouds
from thermo_cli.reports.panels import MOST_LINES, MOST_TIMES, panels, replica_lines, standing_apart


def test_what_stands_apart_is_known_for_a_normal_law() -> None:
    """|z| > 3.5 keeps all but 5 in 10,000 of a normal ensemble, and finds one moved by five standard deviations."""
    finals = np.random.default_rng(0).normal(0.9, 0.01, 20_000)
    assert 0 < np.isfinite(standing_apart(finals, None)).mean() < 1.5e-3
    finals[7] = 0.95 + 0.01
    assert standing_apart(finals, None)[7] == pytest.approx(finals[7] - np.median(finals))


def test_equal_replicas_are_apart_by_the_margin_only() -> None:
    """With MAD = 0 the margin is the scale; without one nobody is apart, and neither is anybody among two."""
    finals = np.array([0.9, 0.9, 0.9, 0.9, 0.91, 0.95])
    assert np.flatnonzero(np.isfinite(standing_apart(finals, 0.02))).tolist() == [5]
    assert not np.isfinite(standing_apart(finals, None)).any()
    assert not np.isfinite(standing_apart(np.array([0.0, 1.0]), 0.1)).any()
    assert not np.isfinite(standing_apart(np.full(4, np.nan), 0.1)).any()


def test_the_band_holds_the_middle_share_of_finite_replicas() -> None:
    """Quantiles of a known ensemble; a replica without a value changes nobody else's band."""
    values = np.tile(np.linspace(0, 1, 101)[:, None], (1, 3))
    values[0, 1] = np.nan
    names = tuple(f"cold/{i}" for i in range(101))
    path = Trajectories(np.array([0, 1, 2]), {"x": values}, names, ("cold",) * 101, np.zeros(101, dtype=bool))
    (panel,) = panels(path, {"x": 0.1}, 0.8)
    (band,) = panel.spreads
    assert band.low[0] == pytest.approx(0.1)
    assert band.high[0] == pytest.approx(0.9)
    assert band.mean[1] == pytest.approx(values[1:, 1].mean())
    assert panel.total == 101
    assert len(panel.traces) == MOST_LINES


def test_thinning_keeps_the_ends_of_time_and_those_that_stand_apart() -> None:
    """1,000 replicas at 1,000 times: 64 lines and the odd one, 200 times, first and last among them."""
    steps = np.arange(1000)
    values = np.random.default_rng(1).uniform(size=(1000, 1000))
    values[501, -1] = 9.0
    names = tuple(f"cold/{i}" for i in range(1000))
    whole = Trajectories(steps, {"x": values}, names, ("cold",) * 1000, np.zeros(1000, dtype=bool))
    (panel,) = panels(whole, {}, 0.85)
    assert len(panel.traces) == MOST_LINES + 1
    assert [trace.replica for trace in panel.traces if trace.apart] == ["cold/501"]
    assert len(panel.steps) == MOST_TIMES
    assert (panel.steps[0], panel.steps[-1]) == (0, 999)


def test_a_replica_stands_apart_where_it_does() -> None:
    """Odd in one observable, it is not called odd in the others; one still to be trained is not called odd at all."""
    rows = np.random.default_rng(2).uniform(size=(2, 12, 3))
    rows[0, 4, -1] = 9.0
    rows[:, 7] = np.nan
    rows[:, 8] = np.nan
    waiting = np.arange(12) == 7
    names = tuple(f"cold/{i}" for i in range(12))
    values = {"test_loss": rows[0], "test_accuracy": rows[1]}
    path = Trajectories(np.arange(3), values, names, ("cold",) * 12, np.zeros(12, dtype=bool), unfinished=waiting)
    apart = {
        panel.observable: [trace.replica for trace in panel.traces if trace.apart] for panel in panels(path, {}, 0.85)
    }
    assert apart == {"test_loss": ["cold/4", "cold/8"], "test_accuracy": ["cold/8"]}


def test_states_are_told_apart() -> None:
    """Finished, diverged, crashed and still to be trained."""
    some = ensemble(0.004, 0.0, replicas=3)
    some.values["energy"][1, -1] = np.inf
    some.values["energy"][2:4] = np.nan
    crashed, waiting = np.zeros(6, dtype=bool), np.zeros(6, dtype=bool)
    crashed[2], waiting[3] = True, True
    path = Trajectories(some.steps, some.values, some.replicas, some.histories, crashed, unfinished=waiting)
    lines = replica_lines(path, ("energy",), {})
    assert [line.state for line in lines] == ["finished", "diverged", "crashed", "unfinished", "finished", "finished"]
    assert lines[1].finals == (None,)


def test_alike_replicas_stand_side_by_side() -> None:
    """Two groups, shuffled: the order puts each together; the cloud has every pair once, with the right names."""
    group = np.array([0, 1, 0, 1, 1, 0])
    apart = np.where(group[:, None] == group, 0.1, 0.9)
    np.fill_diagonal(apart, 0.0)
    names = tuple(f"cold/{i}" for i in range(6))
    matrix = overlap_matrix(apart, names)
    assert matrix is not None
    ordered = [group[names.index(name)] for name in matrix.replicas]
    assert ordered in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])
    assert matrix.values[0, 0] == 1.0
    assert matrix.values[0, 1] == pytest.approx(0.9)
    values = {"x": np.arange(6.0)[:, None]}
    path = Trajectories(np.array([1]), values, names, ("cold",) * 6, np.zeros(6, dtype=bool))
    (cloud,) = pair_clouds(path, {"x": 1.0}, apart, names, {})
    assert cloud.total == len(cloud.first) == 15
    place = list(zip(cloud.first, cloud.second, strict=True)).index(("cold/0", "cold/3"))
    assert cloud.difference[place] == 3.0
    assert cloud.divergence[place] == 0.9


def test_a_matrix_with_a_gap_keeps_its_order() -> None:
    """Where a distance is not known there is no similarity to order by; nothing at all gives no matrix."""
    apart = np.array([[0.0, np.nan, 0.2], [np.nan, 0.0, 0.5], [0.2, 0.5, 0.0]])
    matrix = overlap_matrix(apart, ("a", "b", "c"))
    assert matrix is not None
    assert matrix.replicas == ("a", "b", "c")
    assert overlap_matrix(None, ()) is None
