"""Array cells: ensembles of numbers drawn from closed forms, in units of the margin delta = 1, T = 1000 steps.

A cell says what the truth is. `equilibrium`: A(t) is stationary and replicas agree. `margin`: something is off by exactly as
much as the margin allows. `off`: it is off by more. In the last two a verdict of settled is an error, at a rate of 5 % at most.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np

from tests.exam.cell import NOISE, STEPS, Cell, Z, ordinary, time
from tests.exam.tally import LARGE, SIZES, Array, Truth


def settled(name: str, **facts: float) -> Cell:
    """Build a cell at equilibrium."""
    away = bool(facts.pop("away", 1.0))
    return Cell(("settled",), lambda g, n: {"A": ordinary(g, n, **facts)}, name=name, truth="equilibrium", away=away)  # type: ignore[arg-type]


def drifting(name: str, truth: Truth, shape: Callable[[Array], Array], *, away: bool = False) -> Cell:
    """Build a cell whose replicas all follow one curve."""
    return Cell(("relaxing",), lambda g, n: {"A": ordinary(g, n) + shape(time())}, name=name, truth=truth, away=away)


def parting(
    name: str, truth: Truth, sd: float, *, spread: float = 0.0, noise: float = 0.02, away: bool = False
) -> Cell:
    """Build a cell whose replicas each drift along a line of their own, b_r t with sd(b_r T) = sd."""
    return Cell(
        ("relaxing",),
        lambda g, n: {"A": ordinary(g, n, spread=spread, noise=noise) + sd * g.standard_normal((n, 1)) * time()},
        name=name,
        truth=truth,
        away=away,
    )


def walking(name: str, truth: Truth, sd: float, *, away: bool = False) -> Cell:
    """Build a cell of random walks that have spread to `sd` at T."""

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        steps = np.sqrt(np.diff(time(), prepend=0.0)) * g.standard_normal((n, len(STEPS)))
        return {"A": ordinary(g, n, spread=0.0, noise=0.0) + sd * np.cumsum(steps, axis=1)}

    return Cell(("relaxing",), draw, name=name, truth=truth, away=away)


def apart(
    name: str,
    truth: Truth,
    offsets: Callable[[np.random.Generator, int], Array],
    *,
    noise: float = NOISE,
    away: bool = False,
) -> Cell:
    """Build a cell of replicas that are still, and apart by constant offsets (replica,)."""
    return Cell(
        ("glassy",),
        lambda g, n: {"A": ordinary(g, n, spread=0.0, noise=noise) + offsets(g, n)[:, None]},
        name=name,
        truth=truth,
        away=away,
    )


def histories(
    name: str,
    truth: Truth,
    gap: float,
    right: str,
    *,
    away: bool = False,
    error: Literal["settled", "history"] = "settled",
) -> Cell:
    """Build a cell of two histories that begin 10 margins to either side and end `gap` apart."""

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        left, other = ordinary(g, n, start=-10.0), ordinary(g, n, start=10.0) + gap * (time() > 0.4)
        return {"A": np.concatenate([left, other])}

    sizes = SIZES if error == "history" else LARGE
    return Cell((right,), draw, ("left", "right"), name=name, truth=truth, away=away, error=error, sizes=sizes)


def stepping(name: str, sd: float) -> Cell:
    """Build a cell whose replicas each step once in the middle of the window, by N(0, sd^2)."""
    return Cell(
        ("relaxing",),
        lambda g, n: {"A": ordinary(g, n, spread=0.0, noise=0.0) + sd * g.standard_normal((n, 1)) * (time() > 0.75)},
        name=name,
        truth="margin",
    )


def movers(g: np.random.Generator, n: int) -> Array:
    """Draw by how much replicas move: 15 % by just more than a margin, either way, the others not at all, (replica, 1)."""
    return 1.05 * g.choice([-1.0, 1.0], (n, 1)) * (g.random((n, 1)) < 0.15)


def swapping(g: np.random.Generator, n: int) -> Mapping[str, Array]:
    """Draw replicas of which 15 % change sides in the middle of the window: neither mean nor spread moves."""
    return {"A": ordinary(g, n, spread=0.0, noise=0.0) + movers(g, n) / 2 * np.sign(time() - 0.75)}


def plateau(g: np.random.Generator, n: int) -> Mapping[str, Array]:
    """Draw an accuracy that is still while the energy keeps falling by 0.4 of its fall per doubling."""
    energy = ordinary(g, n, noise=0.02, spread=0.02) - 4.0 * np.log2(1 + 100 * time())
    return {"A": ordinary(g, n), "energy": energy}


def opposite(g: np.random.Generator, n: int) -> Mapping[str, Array]:
    """Draw two histories that drift in opposite directions, so that their mean is still."""
    up = np.repeat([1.0, -1.0], n)[:, None] * 2.0 * (time() - 0.5)
    return {"A": ordinary(g, 2 * n) + up}


def exponential(t: Array, tau: float) -> Array:
    """Relax with a time tau T, by one margin from T to 4T."""
    return -np.exp(-t / tau) / (np.exp(-1 / tau) - np.exp(-4 / tau))


def stuck(share: float, distance: float) -> Callable[[np.random.Generator, int], Array]:
    """Offsets of which a share sits at a distance."""
    return lambda g, n: distance * (g.random(n) < share) + 0.1 * g.standard_normal(n)


CELLS: Final = (
    settled("at rest, spread and noise 0.2"),
    settled("at rest, spread 0.3, noise 0.2", spread=0.3),
    settled("at rest, spread 0.1, noise 0.3", spread=0.1, noise=0.3),
    settled("at rest, AR(1) noise 0.1, phi 0.5", noise=0.1, phi=0.5),
    settled("at rest, AR(1) noise 0.1, phi 0.9", noise=0.1, phi=0.9, away=0.0),
    settled("at rest, spread and noise 0.3", spread=0.3, noise=0.3, away=0.0),
    settled("at rest, spread 0.5", spread=0.5, away=0.0),
    histories("two histories that have met", "equilibrium", 0.0, "settled", away=True),
    apart("A at its margin: 85 % inside, normal", "margin", lambda g, n: g.standard_normal(n) / Z, noise=0.0),
    apart("A at its margin: 85 % inside, uniform", "margin", lambda g, n: g.uniform(-1, 1, n) / 0.85, noise=0.0),
    apart("A at its margin: 15 % stuck elsewhere", "margin", stuck(0.15, 5.0), noise=0.0),
    stepping("S1 at its margin: 85 % move less", 1 / Z),
    Cell(("relaxing",), swapping, name="S1 at its margin: 15 % change sides", truth="margin"),
    drifting("linear drift, A(4T) at the margin", "margin", lambda t: t / 3),
    drifting("logarithmic drift, A(4T) at the margin", "margin", lambda t: np.log2(t + 1e-3) / 2),
    drifting("exponential, tau = T, A(4T) at the margin", "margin", lambda t: exponential(t, 1.0)),
    drifting("exponential, tau = 3T, A(4T) at the margin", "margin", lambda t: exponential(t, 3.0)),
    parting("drifting apart, A(4T) at the margin", "margin", 1 / (4 * Z)),
    parting("drifting apart, S3 at its margin", "margin", 0.5 / (3 * Z), noise=0.0),
    walking("random walks, A(4T) and S3 at the margin", "margin", 0.5 / Z),
    histories("histories one margin apart: H holds?", "margin", 1.0, "settled", error="history"),
    apart("frozen glass, offsets 3", "off", lambda g, n: 3 * g.standard_normal(n), away=True),
    apart("a third is stuck 3 margins away", "off", stuck(0.33, 3.0), away=True),
    histories("histories that have not met", "off", 4.0, "glassy", away=True),
    drifting("linear drift, 3 margins until 4T", "off", lambda t: t, away=True),
    drifting("logarithmic drift, 2 margins until 4T", "off", lambda t: np.log2(t + 1e-3), away=True),
    drifting("exponential, tau = 2T, 2 margins until 4T", "off", lambda t: 2 * exponential(t, 2.0), away=True),
    parting("drifting apart, spread 1 at T", "off", 1.0, noise=0.1, away=True),
    walking("random walks, spread 1 at T", "off", 1.0, away=True),
    Cell(
        ("relaxing",), opposite, ("up", "down"), name="histories drift in opposite directions", truth="off", away=True
    ),
    Cell(("relaxing",), plateau, name="still accuracy, falling energy", truth="off", away=True),
    Cell(
        ("undecided",),
        lambda g, n: {"A": ordinary(g, n, start=0.0)},
        name="nothing has moved since the start",
        truth="off",
        away=True,
    ),
)
