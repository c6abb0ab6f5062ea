"""What a spec must know of estimators."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from thermo_cli.kinds.data_checks import require_data
from thermo_cli.kinds.estimators.energy import STRICTLY_CONVEX
from thermo_cli.metric import margin_problem, recordable
from thermo_cli.spec.parts import fitting
from thermo_cli.spec.traits import Traits, learner_streams

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec

DRAWING: Final = (
    "LinearSVC",
    "LinearSVR",
    "sag",
    "saga",
    "liblinear",
)  # estimators and solvers that use random numbers
LEAST_STEPS: Final = 4  # so that T/4 is a step
RATES: Final = {
    "SGDClassifier": "optimal",
    "SGDRegressor": "invscaling",
}  # learning rates that are not constant by default


def check(spec: "Spec") -> None:
    """Refuse what a fit does not have: steps of one shot, other starts than its own, first phases."""
    histories = [partial(_check_path, spec, name) for name in spec.histories]
    fitting([partial(require_data, spec), partial(_check_order, spec), partial(_check_steps, spec), *histories])


def _check_order(spec: "Spec") -> None:
    if spec.ensemble.crossed is not None and spec.ensemble.crossed.order > 1:
        raise ValueError("ensemble.design.crossed.order: an estimator's fit has no order of mini-batches of its own")


def _check_steps(spec: "Spec") -> None:
    time, steps = _time(spec), spec.ends[0]
    if time == "once" and steps != 1:
        raise ValueError(
            "dynamics.steps: they count something only with dynamics.with.time: staged, warm_start, partial, budget"
        )
    if time in ("staged", "warm_start", "budget") and steps < LEAST_STEPS:
        raise ValueError(f"dynamics.steps: with time {time} they must be at least {LEAST_STEPS}, not {steps}")


def _check_path(spec: "Spec", name: str) -> None:
    history, time = spec.histories[name], _time(spec)
    first = history.first
    if history.init_scale != 1 or (first is not None and (time != "partial" or first.system or first.dynamics)):
        raise ValueError(
            f"histories.{name}: the only path an estimator can take is a first phase of partial fits with shuffled "
            "labels or a part of the examples (dynamics.with.time: partial)"
        )


def streams(spec: "Spec", examples: int, pool: int, histories: Sequence[str], noisy: bool) -> set[str]:
    """Return the sources of randomness that fitting consumes; the random state is the `init` stream."""
    return {*(("init",) if noisy else ()), *learner_streams(spec, examples, pool, histories)}


def _time(spec: "Spec") -> str:
    arguments: Any = spec.dynamics.arguments  # type: ignore[union-attr]
    return str(arguments.time)


def _closed(spec: "Spec") -> str:
    """Only what adds to a shorter fit has a longer one that begins like it."""
    return "" if _time(spec) in ("partial", "warm_start") else "a fit is made anew"


def _decays(spec: "Spec") -> bool:
    """Say whether the estimator lowers its own learning rate from epoch to epoch."""
    usual = RATES.get(spec.system.use.rpartition(":")[2], "constant")
    rate = dict(spec.system.arguments).get("learning_rate", usual)
    return _time(spec) == "partial" and rate in ("optimal", "invscaling", "adaptive")


TRAITS: Final = Traits(
    name="estimators",
    title="a system that learns from data",
    width=2,  # so that workers end together, and a file holds more than one
    closed=_closed,
    check=check,
    streams=streams,
    resamples=True,
    margin_problem=margin_problem,
    recordable=recordable,
    nulls=True,
    prefix="sklearn.",
    unique=lambda spec: spec.system.use.rpartition(":")[2] in STRICTLY_CONVEX,
    time=_time,
    decays=_decays,
)
