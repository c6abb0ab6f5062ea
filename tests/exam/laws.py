"""Laws that the criteria were not made for: heavy tails, minorities, hidden and shared movement, coarse scores.

Units are those of the cells: delta = 1, T = 1000 steps. H and S2 speak of means that are trimmed by 15 % on each side; where a
law is said to lie at the margin of H, it is those that are one margin apart.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from scipy import optimize, stats

from tests.exam.cell import STEPS, Cell, Z, ordinary, time
from tests.exam.cells import stuck
from tests.exam.tally import LARGE, SIZES, Array, Truth

Offsets = Callable[[np.random.Generator, int], Array]
TRIM: Final = 0.15
UNSEEN: Final = 0.04


def law(name: str, truth: Truth, draw: Callable[[np.random.Generator, int], Array], **more: Any) -> Cell:
    """Build a cell of one observable and one history."""
    return Cell(("settled",), lambda g, n: {"A": draw(g, n)}, name=name, truth=truth, **more)


def offset(name: str, truth: Truth, offsets: Offsets, *, noise: float = 0.0, **more: Any) -> Cell:
    """Build a cell of replicas that are still, and apart by constant offsets (replica,)."""
    return law(name, truth, lambda g, n: ordinary(g, n, spread=0.0, noise=noise) + offsets(g, n)[:, None], **more)


def tails(g: np.random.Generator, n: int) -> Array:
    """Draw noise of Student's t with three degrees of freedom, in units of its standard deviation, (replica, time)."""
    return g.standard_t(3, (n, len(STEPS))) / np.sqrt(3)


def spikes(g: np.random.Generator, n: int, size: float) -> Array:
    """Draw outliers of so many margins in 1 % of the measurements, (replica, time)."""
    return size * g.standard_normal((n, len(STEPS))) * (g.random((n, len(STEPS))) < 0.01)


def seen(share: float) -> tuple[int, ...]:
    """Return the numbers of replicas of which one at least belongs to a minority, but for 4 % of ensembles."""
    return tuple(size for size in SIZES if (1 - share) ** size < UNSEEN)


def few(g: np.random.Generator, n: int, share: float) -> Array:
    """Draw who belongs to a minority, (replica, 1)."""
    return (g.random((n, 1)) < share).astype(np.float64)


def escapes(hazard: float) -> Cell:
    """Build a cell of replicas that leave for good at a constant hazard per T; the mean moves by one margin from T to 4T.

    Where none may have left by T, nothing can be promised.
    """
    jump = 1 / (np.exp(-0.6 * hazard) - np.exp(-3.6 * hazard))
    return law(
        f"escapes, hazard {hazard}/T: the mean moves by one margin",
        "margin",
        lambda g, n: ordinary(g, n, spread=0.1, noise=0.1) + jump * (time() > 0.4 + g.exponential(1 / hazard, (n, 1))),
        promised=seen(1 - np.exp(-0.6 * hazard)),
    )


def hidden(frozen: float, growth: float, noise: float = 0.02) -> Cell:
    """Build a cell of replicas that drift apart behind frozen offsets, so that the half-width grows by so much until 4T."""
    sd = own_lines(frozen, growth)
    return law(
        f"hidden drift: frozen {frozen}, noise {noise}, half-width grows by {growth}",
        "margin" if growth == 0.5 else "off",
        lambda g, n: ordinary(g, n, spread=frozen, noise=noise) + sd * g.standard_normal((n, 1)) * time(),
        promised=(32, 64, 128) if growth >= 1 else (),
    )


def own_lines(frozen: float, growth: float) -> float:
    """Return the sd s of b_r T for which Z (sqrt(f^2 + 16 s^2) - sqrt(f^2 + s^2)) is the growth."""
    return float(
        optimize.brentq(lambda s: Z * (np.sqrt(frozen**2 + 16 * s**2) - np.sqrt(frozen**2 + s**2)) - growth, 0, 5)
    )


def minority(share: float, movement: float) -> Cell:
    """Build a cell in which a minority drifts, and the plain mean moves by so much from T to 4T."""
    return law(
        f"drift carried by {share:.0%}: the mean moves by {movement:g}",
        "margin" if movement == 1 else "off",
        lambda g, n: ordinary(g, n, spread=0.1, noise=0.1) + movement / share / 3 * few(g, n, share) * time(),
        promised=seen(share),
    )


def against(name: str, truth: Truth, other: Offsets, **more: Any) -> Cell:
    """Build a cell of a history at 0 and one with other offsets, which began ten margins to either side."""

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        plain = ordinary(g, n, spread=0.1, noise=0.05, start=-10.0)
        return {"A": np.concatenate([plain, ordinary(g, n, spread=0.0, noise=0.05) + other(g, n)[:, None]])}

    return Cell(("settled",), draw, ("plain", "other"), name=name, truth=truth, **more)


def skewed(g: np.random.Generator, n: int) -> Array:
    """Draw 0.2 lognormal(1) with a trimmed mean of one margin, (replica,)."""
    shares = np.linspace(TRIM, 1 - TRIM, 20001)
    return 1 + 0.2 * (np.exp(g.standard_normal(n)) - float(np.exp(stats.norm.ppf(shares)).mean()))


def mixed(share: float) -> Offsets:
    """Offsets with a trimmed mean of one margin, of which a share is stuck 30 margins away."""
    shares = np.linspace(TRIM, 1 - TRIM, 20001)[:-1]
    centre = 0.1 * float(stats.norm.ppf(np.minimum(shares / (1 - share), 1 - 1e-9)).mean())
    return lambda g, n: 1 - centre + np.where(g.random(n) < share, 30.0, 0.1 * g.standard_normal(n))


def unequal(name: str, truth: Truth, outside: float, weights: tuple[int, int], **more: Any) -> Cell:
    """Build a cell of two histories of unequal size; of the second, so many are 3 margins away."""

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        plain = ordinary(g, weights[0] * n, spread=0.1, noise=0.1, start=-10.0)
        other = ordinary(g, weights[1] * n, spread=0.1, noise=0.1) + 3.0 * few(g, weights[1] * n, outside)
        return {"A": np.concatenate([plain, other])}

    return Cell(("settled",), draw, ("plain", "other"), weights, name=name, truth=truth, **more)


def counted(examples: int, what: str, truth: Truth, drift: float = 0.0, delta: float = 0.0, **more: Any) -> Cell:
    """Build a cell of accuracies in 1/n; the drift is that from T to 4T in margins, which are max(.02, 2/n) unless stated."""
    margin = delta or max(0.02, 2 / examples)

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        exact = 0.75 + margin * (ordinary(g, n, start=-10.0) + drift / 3 * time())
        return {"test_accuracy": np.round(examples * exact) / examples}

    stated = {"test_accuracy": delta} if delta else {}
    name = f"accuracy in 1/{examples}{', as the margin' if delta else ''}: {what}"
    facts = {"margins": stated, "more": {"test_examples": examples}, "name": name, "truth": truth}
    return Cell(("settled",), draw, **facts, **more)


def family(name: str, truth: Truth, draw: Callable[[np.random.Generator, int], Array], **more: Any) -> Cell:
    """Build a cell of ten observables of one law, independent of each other."""
    names = [f"A{number}" for number in range(10)]
    facts = {"margins": dict.fromkeys(names, 1.0), "name": name, "truth": truth, "sizes": (32, 64)}
    return Cell(("settled",), lambda g, n: {one: draw(g, n) for one in names}, **facts, **more)


def four(name: str, truth: Truth, gap: float, **more: Any) -> Cell:
    """Build a cell of four histories that began 10 to 30 margins apart; the last ends so far from the others."""

    def draw(g: np.random.Generator, n: int) -> Mapping[str, Array]:
        parts = [ordinary(g, n, start=start) for start in (-10.0, 10.0, 20.0, -20.0)]
        return {"A": np.concatenate([*parts[:3], parts[3] + gap * (time() > 0.4)])}

    return Cell(("settled",), draw, ("a", "b", "c", "d"), name=name, truth=truth, **more)


def swing(amplitude: float) -> Callable[[np.random.Generator, int], Array]:
    """Replicas that swing together, 16 times in the last doubling."""
    return lambda g, n: ordinary(g, n) + amplitude * np.cos(32 * np.pi * (time() - 0.5))


def shortest_lognormal() -> float:
    """Return the width of the shortest interval that holds 85 % of a lognormal(1) variable."""
    lower = np.linspace(1e-6, 0.15 - 1e-6, 20001)
    return float(np.min(np.exp(stats.norm.ppf(lower + 0.85)) - np.exp(stats.norm.ppf(lower))))


T2: Final = float(stats.t.ppf((1 + 0.85) / 2, 2))
LOGNORMAL: Final = shortest_lognormal()

LAWS: Final = (
    offset("at rest, t2 offsets 0.05", "equilibrium", lambda g, n: 0.05 * g.standard_t(2, n), noise=0.2),
    offset("A at its margin: t2 offsets", "margin", lambda g, n: g.standard_t(2, n) / T2),
    offset("A at its margin: lognormal offsets", "margin", lambda g, n: 2 * np.exp(g.standard_normal(n)) / LOGNORMAL),
    offset("t2 offsets, three times too wide", "off", lambda g, n: 3 * g.standard_t(2, n) / T2, away=True),
    law(
        "at rest, t3 noise of sd 0.15",
        "equilibrium",
        lambda g, n: ordinary(g, n, noise=0) + 0.15 * tails(g, n),
        away=True,
    ),
    law("at rest, t3 noise of scale 0.15", "equilibrium", lambda g, n: ordinary(g, n, noise=0) + 0.26 * tails(g, n)),
    law(
        "t3 noise, drift at the margin",
        "margin",
        lambda g, n: ordinary(g, n, noise=0) + 0.15 * tails(g, n) + time() / 3,
    ),
    law(
        "at rest, 1 % spikes of sd 2",
        "equilibrium",
        lambda g, n: ordinary(g, n) + spikes(g, n, 2),
        away=True,
        least=0.8,
    ),
    law("at rest, 1 % spikes of sd 5", "equilibrium", lambda g, n: ordinary(g, n) + spikes(g, n, 5)),
    law(
        "1 % spikes of sd 2, drift at the margin", "margin", lambda g, n: ordinary(g, n) + spikes(g, n, 2) + time() / 3
    ),
    *(
        offset(f"{share:.0%} stuck 5 margins away", "equilibrium", stuck(share, 5.0), sizes=(*LARGE, 256))
        for share in (0.03, 0.05, 0.08, 0.1)
    ),
    offset("15 % stuck 30 margins away", "margin", stuck(0.15, 30.0)),
    minority(0.1, 1.0),
    minority(0.1, 3.0),
    minority(0.05, 1.0),
    *(escapes(hazard) for hazard in (0.02, 0.05, 0.1, 0.2, 0.5)),
    *(hidden(frozen, growth) for frozen in (0.2, 0.3) for growth in (0.5, 1.0)),
    hidden(0.2, 1.0, 0.2),
    law("all swing together by one margin", "margin", swing(1.0)),
    law("all swing together by two margins", "off", swing(2.0), away=True),
    unequal("at rest, unequal histories", "equilibrium", 0.0, (4, 1), away=True),
    unequal("a fifth of the smaller of two histories is stuck", "off", 0.2, (4, 1)),
    unequal("15 % of one of two histories are stuck", "margin", 0.15, (1, 1)),
    unequal("a fifth of one of two histories is stuck", "off", 0.2, (1, 1)),
    against("H at its margin: skewed", "margin", skewed, error="history", sizes=SIZES),
    *(
        against(f"H at its margin: {p:.0%} stuck elsewhere", "margin", mixed(p), error="history", sizes=SIZES)
        for p in (0.03, 0.1, 0.15)
    ),
    *(counted(n, "at rest", "equilibrium", away=True) for n in (30, 100, 540)),
    *(counted(n, "drift at the margin", "margin", 1.0) for n in (30, 100, 540)),
    counted(30, "drift at the margin", "margin", 1.0, 1 / 30),
    family("ten observables at rest", "equilibrium", lambda g, n: ordinary(g, n, spread=0.1, noise=0.1), away=True),
    family(
        "ten observables, 15 % stuck in each: false alarms",
        "margin",
        lambda g, n: ordinary(g, n, spread=0.0, noise=0.0) + stuck(0.15, 5.0)(g, n)[:, None],
        error="alarm",
    ),
    four("four histories that have met", "equilibrium", 0.0, away=True),
    four("four histories, one is one margin away: H holds?", "margin", 1.0, error="history", sizes=SIZES),
    law("copies of one run", "off", lambda g, n: np.repeat(ordinary(g, 1), n, axis=0), away=True),
    law("four runs, each copied", "off", lambda g, n: np.repeat(ordinary(g, 4), n // 4, axis=0), away=True),
    law("moved by exactly one margin", "margin", lambda g, n: ordinary(g, n, start=1.0)),
)
