"""An interval against its margin: where each comparison turns, and what rounding is forgiven."""

import numpy as np

from thermo_cli.equilibrium.statistics.interval import Interval


def test_just_inside_and_just_outside_a_margin() -> None:
    """Each comparison turns exactly at the margin, and nothing is decided by a NaN."""
    assert Interval(0.0, -0.99, 0.99).inside(1.0) == "holds"
    assert Interval(0.0, -1.01, 0.99).inside(1.0) == "undecided"
    assert Interval(1.5, 0.99, 2.0).inside(1.0) == "undecided"
    assert Interval(1.5, 1.01, 2.0).inside(1.0) == "fails"
    assert Interval(-1.5, -2.0, -1.01).inside(1.0) == "fails"
    assert Interval(0.5, 0.2, 1.0).below(1.0) == "holds"
    assert Interval(0.5, 0.2, 1.01).below(1.0) == "undecided"
    assert Interval(1.5, 1.01, 2.0).below(1.0) == "fails"
    assert Interval(np.nan, np.nan, np.nan).inside(1.0) == "undecided"
    assert Interval(np.nan, np.nan, np.nan).below(1.0) == "undecided"


def test_rounding_is_forgiven_and_no_more() -> None:
    """A size above its margin by a part in 10^10 is at it; by a part in 10^8 it is beyond it."""
    assert Interval(1.0, 0.0, 1.0 + 1e-10).below(1.0) == "holds"
    assert Interval(1.0, 0.0, 1.0 + 1e-8).below(1.0) == "undecided"
    assert Interval(1.0, 1.0 + 1e-8, 2.0).below(1.0) == "fails"
