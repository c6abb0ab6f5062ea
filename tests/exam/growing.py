"""Ensembles that grow until they are decided: the error rate over all looks, and what they cost against fixed ones.

Look k is judged at the level alpha / 2^k, and what the next one adds is the package's own answer. Times are in units of the T
of the first look. A law is drawn once, with the most replicas and steps that it may come to; a look sees the first of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np

from tests.exam.cell import ERRORS, STEPS, T, Z
from tests.exam.cells import exponential, movers, stuck
from tests.exam.tally import FALSE, Answer, Array, Question
from tests.exam.trained import SPECS
from thermo_cli.contracts import Trajectories, Verdict
from thermo_cli.equilibrium import court
from thermo_cli.equilibrium.ensemble import Ensemble, Settings
from thermo_cli.equilibrium.ensemble import Question as Asked
from thermo_cli.equilibrium.statistics.slope import slopes
from thermo_cli.judging.looks import next_size
from thermo_cli.spec import Spec, load_spec
from thermo_cli.spec.size import Size, first_size

SPEC: Final = SPECS / "xor-solved.yaml"  # networks come in shards of four, so that 36 replicas are 36
SIZES: Final = {
    "replicas": ("{from: 36, to: 288}", "1000"),
    "steps": ("56", "{from: 1000, to: 8000}"),
    "both": ("{from: 56, to: 448}", "{from: 1000, to: 8000}"),
}  # the least `from` with which A can hold at the first look, or at all of them
TIMES: Final = (
    np.concatenate([STEPS, *(np.round(np.linspace(T * 2**k, 2 * T * 2**k, 64))[1:] for k in range(3))]).astype(int) / T
)
How = Literal["replicas", "steps", "both", "fixed"]
Draw = Callable[[np.random.Generator, int, Array], Array]


@cache
def plan(how: str) -> Spec:
    """Return a spec that may grow so; of its system nothing is used."""
    replicas, steps = SIZES[how]
    return load_spec(SPEC, [f"ensemble.replicas={replicas}", f"dynamics.steps={steps}"])


@dataclass(frozen=True)
class Growing(Question):
    """An ensemble that may grow to eight times its replicas, its steps, or both; or a fixed one.

    Attributes:
        draw: Generator, replicas per history, t -> (history, replica, time).
        how: What may grow.
        verdicts: Right ones at equilibrium.
        error: What would be wrong elsewhere.
    """

    draw: Draw
    how: How
    verdicts: tuple[str, ...] = ("settled",)
    error: Literal["settled", "history"] = "settled"

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Look until it is decided."""
        for verdict, spent in self.looks(generator, replicas):
            last, number = verdict, spent
        wrong = ERRORS[self.error](last) if self.truth != "equilibrium" else False
        right = last.verdict in self.verdicts if self.truth == "equilibrium" else not wrong
        return Answer(last.verdict, wrong, right, number)

    def looks(self, generator: np.random.Generator, replicas: int) -> Iterator[tuple[Verdict, int]]:
        """Yield each look's verdict and replicas."""
        if self.how == "fixed":
            yield judged(self.draw(generator, replicas, STEPS / T), STEPS, 0), replicas
            return
        spec, look = plan(self.how), 0
        whole = self.draw(generator, spec.ensemble.replicas.last, TIMES[spec.total / T >= TIMES])
        size: Size | None = first_size(spec)
        while size is not None:
            look += 1
            steps = TIMES[size.steps / T >= TIMES]
            verdict = judged(whole[:, : size.replicas, : len(steps)], np.round(T * steps).astype(np.int64), look)
            yield verdict, size.replicas
            size = next_size(spec, size, verdict)

    def sample(self, generator: np.random.Generator) -> Any:
        """Draw four replicas."""
        return [self.draw(generator, 4, TIMES)]


def judged(values: Array, steps: Any, look: int) -> Verdict:
    """Judge one look.

    Args:
        values: (history, replica, time).
        steps: (time,).
        look: From 1; 0 for a fixed ensemble.
    """
    paths, count, _ = values.shape
    names = tuple(f"h{path}" for path in range(paths))
    labels = tuple(np.repeat(names, count).tolist())
    replicas = tuple(f"{label}/{number % count}" for number, label in enumerate(labels))
    finite = np.zeros(paths * count, dtype=bool)
    trajectories = Trajectories(steps, {"A": values.reshape(paths * count, -1)}, replicas, labels, finite, {})
    asked = Asked(int(steps[-1]), names, {}, "constant", "for the replicas given")
    return court.judge(Ensemble(trajectories, asked, Settings(margins={"A": 1.0}, look=look)))


def resting(spread: float, noise: float, shape: Callable[[Array], Array] = np.zeros_like) -> Draw:
    """Replicas that began ten margins away, with offsets and noise, and follow a curve."""

    def draw(g: np.random.Generator, n: int, t: Array) -> Array:
        offsets, fluctuations = spread * g.standard_normal((n, 1)), noise * g.standard_normal((n, len(t)))
        return (10 * np.exp(-t / 0.03) + shape(t) + offsets + fluctuations)[None]

    return draw


def scattered(offsets: Callable[[np.random.Generator, int], Array], noise: float = 0.0) -> Draw:
    """Replicas that are still, and apart by constant offsets (replica,)."""
    return lambda g, n, t: resting(0.0, noise)(g, n, t) + offsets(g, n)[:, None]


def swapping(g: np.random.Generator, n: int, t: Array) -> Array:
    """Replicas of which 15 % change sides in the middle of every doubling: S1 is at its margin at each T."""
    sides = np.prod([np.sign(t - 0.75 * 2**k) for k in range(4)], axis=0)
    return resting(0.0, 0.0)(g, n, t) + movers(g, n) / 2 * sides


def creeping(t: Array) -> Array:
    """Creep with log t, so that the drift per step is projected to one margin at each T."""
    window = np.linspace(0.5, 1, 64)
    return np.log2(t + 1e-3) / (3 * float(slopes(np.log2(window)[None], window)[0]))


def parting(g: np.random.Generator, n: int, t: Array) -> Array:
    """Replicas that part with log t, so that the half-width grows by half a margin from any T to 4T."""
    return resting(0.0, 0.0)(g, n, t) + g.standard_normal((n, 1)) / (4 * Z) * np.maximum(np.log2(t + 1e-3) + 2, 0)


def two(gap: float) -> Draw:
    """Two histories that came from either side and end a gap apart."""

    def draw(g: np.random.Generator, n: int, t: Array) -> Array:
        one, other = (resting(0.2, 0.2)(g, n, t)[0] for _ in range(2))
        return np.stack([one, other - 20 * np.exp(-t / 0.03) + gap * (t > 0.4)])

    return draw


def relaxing(t: Array) -> Array:
    """Relax with the time T of the first look, by one margin from T to 4T."""
    return -exponential(t, 1.0)


def uniform(g: np.random.Generator, n: int) -> Array:
    """Offsets of which 85 % lie within one margin."""
    return g.uniform(-1, 1, n) / 0.85


ALL: Final[tuple[How, ...]] = ("replicas", "steps", "both")
EDGES: Final[tuple[tuple[str, Draw, tuple[How, ...]], ...]] = (
    ("A: uniform", scattered(uniform), ALL),
    ("A: 15 % stuck elsewhere", scattered(stuck(0.15, 5.0)), ALL),
    ("S1: 15 % change sides", swapping, ALL),
    ("S2: a projection of one margin at each T", resting(0.2, 0.2, creeping), ALL),
    ("S3: growth of half a margin from each T", parting, ALL),
    ("band: all swing together by one margin", resting(0.2, 0.2, lambda t: np.cos(32 * np.pi * (t - 0.5))), ALL),
)
AT_MARGINS: Final = (
    *(
        Growing(draw, how, name=f"growing {how}, {name}", truth="margin", sizes=(32,))
        for name, draw, ways in EDGES
        for how in ways
    ),
    *(
        Growing(two(1.0), how, (), "history", name=f"growing {how}, H: one margin apart", truth="margin", sizes=(32,))
        for how in ALL
    ),
    *(
        Growing(
            resting(0.2, 0.2, relaxing),
            how,
            name=f"growing {how}, tau = T",
            truth="equilibrium",
            away=True,
            sizes=(32,),
        )
        for how in ALL[1:]
    ),
)
DECIDED: Final = (*FALSE, "relaxing", "glassy")
COSTS: Final[Mapping[str, Draw]] = {
    "spread 0.2, noise 0.2": resting(0.2, 0.2),
    "spread 0.3, noise 0.3": resting(0.3, 0.3),
    "spread 0.4, noise 0.3": resting(0.4, 0.3),
    "3 % stuck": scattered(stuck(0.03, 5.0), 0.1),
    "8 % stuck": scattered(stuck(0.08, 5.0), 0.1),
    "a quarter stuck": scattered(stuck(0.25, 5.0), 0.1),
}
GROWN: Final = tuple(
    Growing(draw, "replicas", DECIDED, name=name, truth="equilibrium", sizes=(32,)) for name, draw in COSTS.items()
)
FIXED: Final = tuple(
    Growing(draw, "fixed", DECIDED, name=name, truth="equilibrium", sizes=(32, 64, 128, 256))
    for name, draw in COSTS.items()
)
