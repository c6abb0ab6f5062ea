"""Laws that the physical systems must obey, measured from runs of thermo-run: variances, integrated times, Kramers' rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import integrate, stats

import thermo_cli
from tests.exam.tally import Array
from tests.exam.trained import SPECS
from thermo_cli.engines.engine import Engine

CONFIDENCE: Final = 0.99
PHI: Final = 0.9  # of harmonic.yaml: 1 - 0.1 x 1
TEMPERATURES: Final = (0.07, 0.08, 0.11, 0.13, 0.15, 0.17, 0.20, 0.25, 0.40)  # of the double well with a barrier of 1


@dataclass(frozen=True)
class Law:
    """A quantity with a known value.

    Attributes:
        name: What.
        known: By theory.
        estimate: Measured.
        low: Of the interval.
        high: Of the interval.
    """

    name: str
    known: float
    estimate: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the interval covers the known value."""
        return self.low <= self.known <= self.high


def laws(replicas: int, results: Path, engine: Engine) -> list[Law]:
    """Train the harmonic systems and compare variance and integrated times with their closed forms.

    Args:
        replicas: R.
        results: Where run folders are.
        engine: Where they are trained.
    """
    every = ["observe.window_measurements=2001", f"ensemble.replicas={replicas}", "histories={cold: {}}"]
    langevin = _window(_run("harmonic", every, results, engine), 2001)
    momentum = _window(_run("noisy-quadratic", every, results, engine), 2001)
    return [
        _variance("Langevin: variance", langevin["energy_density"], 1 / (1 - 0.05)),
        _variance("SGD with momentum: variance", momentum["energy_density"], 0.1 * 1.9 / (0.1 * (3.8 - 0.1))),
        _time("Langevin: integrated time of x", langevin["position"], PHI),
        _time("Langevin: integrated time of the energy", langevin["energy_density"], PHI**2),
    ]


@dataclass(frozen=True)
class Crossing:
    """The double well at one temperature.

    Attributes:
        temperature: T, with a barrier of 1.
        crossings: k t by Kramers.
        difference: Left from right, measured: law with the known value 2 m exp(-2 k t).
        history: Outcome of H.
        verdict: Of the ensemble.
    """

    temperature: float
    crossings: float
    difference: Law
    history: str
    verdict: str


def crossover(
    replicas: int, results: Path, engine: Engine, temperatures: Sequence[float] = TEMPERATURES
) -> list[Crossing]:
    """Train the double well from both sides at several temperatures.

    Args:
        replicas: Per side.
        results: Where run folders are.
        engine: Where they are trained.
        temperatures: Which.
    """
    found = []
    for temperature in temperatures:
        overrides = [f"ensemble.replicas={replicas}", f"dynamics.with.temperature={temperature}"]
        run = _run("double-well-glassy", [*overrides, "observe.window_measurements=256"], results, engine)
        x, labels = run.observables.values["position"][:, -1], np.array(run.observables.histories)
        left, right = x[labels == "left"], x[labels == "right"]
        time = (run.folder.spec.total - 400) * 0.02
        rate, mean = rate_and_mean(temperature)
        half = stats.t.ppf((1 + CONFIDENCE) / 2, 2 * replicas - 2) * np.sqrt(
            (left.var(ddof=1) + right.var(ddof=1)) / replicas
        )
        gap = float(right.mean() - left.mean())
        law = Law(
            f"T = {temperature:g}",
            2 * mean * float(np.exp(-2 * rate * time)),
            gap,
            gap - float(half),
            gap + float(half),
        )
        kramers = np.sqrt(32) / (2 * np.pi) * np.exp(-1 / temperature) * time
        found.append(Crossing(temperature, float(kramers), law, run.verdict.outcomes["history"], run.verdict.verdict))
    return found


def rate_and_mean(temperature: float) -> tuple[float, float]:
    """Return the rate of leaving a well of (x^2 - 1)^2, and the mean position in it.

    k = T / (int_{-1}^{1} e^{U/T} dx  int_{-inf}^{0} e^{-U/T} dx), of which Kramers' rate is the limit for T << 1.

    Args:
        temperature: T.

    Source: Kramers 1940 (flux over population).
    """

    def weight(x: float, sign: float) -> float:
        return float(np.exp(sign * (x**2 - 1) ** 2 / temperature))

    barrier = integrate.quad(lambda x: weight(x, 1.0), -1, 1)[0]
    well = integrate.quad(lambda x: weight(x, -1.0), 0, 4)[0]
    mean = integrate.quad(lambda x: x * weight(x, -1.0), 0, 4)[0] / well
    return temperature / (barrier * well), mean


def _run(spec: str, overrides: list[str], results: Path, engine: Engine) -> Any:
    return thermo_cli.run(SPECS / f"{spec}.yaml", overrides=overrides, results=results, engine=engine)


def _window(run: Any, measurements: int) -> dict[str, Array]:
    """Return the observables at every step of the window, (replica, step)."""
    steps = run.observables.steps[-measurements:]
    assert np.all(np.diff(steps) == 1)
    return {name: array[:, -measurements:] for name, array in run.observables.values.items()}


def _variance(name: str, energy_density: Array, known: float) -> Law:
    """Var(x) = 2 <U/d> / a; t-interval over the replicas' means."""
    means = 2 * energy_density.mean(axis=1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
    return Law(name, known, float(means.mean()), float(means.mean() - half), float(means.mean() + half))


def _time(name: str, values: Array, phi: float) -> Law:
    """Integrated time: n Var(window mean) / Var(A) over replicas; chi-square interval.

    For AR(1), n Var(mean) / Var = (1 + phi)/(1 - phi) - 2 phi (1 - phi^n) / (n (1 - phi)^2); the last term is added back.
    """
    replicas, n = values.shape
    end = 2 * phi * (1 - phi**n) / (n * (1 - phi) ** 2)
    found = n * values.mean(axis=1).var(ddof=1) / np.mean((values - values.mean()) ** 2)
    low, high = (
        found * (replicas - 1) / stats.chi2.ppf(share, replicas - 1)
        for share in ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)
    )
    return Law(name, (1 + phi) / (1 - phi), float(found + end), float(low + end), float(high + end))
