"""Straight lines by least squares, one per replica."""

from thermo_cli.contracts import Array


def slopes(values: Array, x: Array) -> Array:
    """Fit a straight line to each replica and return its slope, b = sum (x - mean x) A_r / sum (x - mean x)^2, (replica,).

    Args:
        values: A_r(x), (replica, time).
        x: (time,), not constant.
    """
    centred = x - x.mean()
    slope: Array = values @ centred / (centred @ centred)
    return slope
