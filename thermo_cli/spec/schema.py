"""The spec: everything that decides a run, as frozen pydantic models with a sentence for every field."""

from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, model_validator

from thermo_cli.registry import nearest
from thermo_cli.spec.builtins import (
    MODULE,
    CommandSystem,
    Data,
    Dynamics,
    FitDynamics,
    NamedSystem,
    Part,
    System,
    WarmupSchedule,
    name_of,
)
from thermo_cli.spec.builtins.parts import LATER
from thermo_cli.spec.ensemble import Ensemble
from thermo_cli.spec.histories import FirstPhase, History
from thermo_cli.spec.observing import Equilibrium, Observe

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]

ESTIMATOR: Final = "sklearn.module:Class"
FITS_PER_TASK: Final = 2  # so that workers end together, and a file holds more than one
STACKED: Final = ("mlp", "linear", "cnn", "transformer", MODULE)
LEARNERS: Final = (*STACKED, ESTIMATOR)
MOVES: Final[dict[str, tuple[str | None, ...]]] = {
    **dict.fromkeys(STACKED, ("sgd", "adam", "adamw", MODULE)),
    ESTIMATOR: ("fit",),
    "harmonic": ("langevin", "sgd"),
    "double_well": ("langevin",),
    "random_energy": ("metropolis",),
    "autoregressive": ("recursion",),
    "recorded": (None,),
    "command": ("process",),
}


class Spec(Part):
    """One experiment: data, system, dynamics, ensemble, histories, observables and margins."""

    name: Name = "run"
    """Name of the run; with a hash it becomes the name of the run folder."""
    description: str = ""
    """What the experiment is for; decides nothing."""
    data: Data | None = None
    """Where the examples come from; physical and recorded systems have none."""
    system: System
    """What is trained."""
    dynamics: Dynamics | None = None
    """How it moves; recorded runs have moved already."""
    ensemble: Ensemble = Field(default_factory=Ensemble)
    """The replicas."""
    histories: Annotated[dict[Name, History], Field(min_length=1, max_length=64)] = Field(
        default_factory=lambda: {"cold": History()}
    )
    """Named paths to the final protocol; one named `cold` if absent. Each has its own replicas."""
    observe: Observe = Field(default_factory=Observe)
    """What is measured."""
    equilibrium: Equilibrium = Field(default_factory=Equilibrium)
    """Margins and confidence."""
    sweep: Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], LATER] = Field(default_factory=dict)
    """Field to the values that it takes, `dynamics.with.lr: [0.01, 0.1]`: an ensemble and a verdict for each combination."""

    @property
    def learns(self) -> bool:
        """Whether the system learns from data; physical and recorded ones do not."""
        return self.family in LEARNERS

    @property
    def family(self) -> str:
        """Name of the built-in system; of the others, what is fitted is an estimator, and what moves is a torch module."""
        if ":" not in self.system.use:
            return self.system.use
        fitted = isinstance(self.dynamics, FitDynamics) or self.system.use.startswith("sklearn.")
        return ESTIMATOR if fitted else MODULE

    @property
    def stacks(self) -> bool:
        """Whether replicas train in one stack: networks and modules."""
        return self.learns and self.family != ESTIMATOR

    @property
    def width(self) -> int:
        """Replicas of a shard: `ensemble.shard` where they train in one stack; one process, or a few fits."""
        return {"command": 1, ESTIMATOR: FITS_PER_TASK}.get(self.family, self.ensemble.shard)

    @property
    def time(self) -> str:
        """What the training time counts: `steps`, or what the spec says of a fit."""
        return self.dynamics.arguments.time if isinstance(self.dynamics, FitDynamics) else "steps"

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of what is not built in, `module:object`, whose code decides the numbers too."""
        parts = self.model_dump(mode="json", include={"data", "system", "dynamics", "histories"})
        named = [*_names_in(parts), *self.observe.macro]
        return tuple(dict.fromkeys(name for name in named if ":" in name))

    @property
    def total(self) -> int:
        """Training time T; 0 where it is read from records."""
        return self.dynamics.steps if self.dynamics is not None else 0

    @property
    def schedule(self) -> str:
        """Name of the learning-rate schedule, or `constant` where the rate no longer changes in [T/2, T]."""
        if self.time == "partial" and self._decays:
            return "decaying"
        schedule = getattr(self.dynamics, "schedule", "constant")
        warm = isinstance(schedule, WarmupSchedule) and schedule.use == "warmup" and schedule.steps <= self.total // 2
        return "constant" if warm else name_of(schedule)

    @property
    def _decays(self) -> bool:
        """Whether an estimator lowers its own learning rate from epoch to epoch."""
        name, given = self.system.use.rpartition(":")[2], dict(self.system.arguments)
        usual = {"SGDClassifier": "optimal", "SGDRegressor": "invscaling"}.get(name, "constant")
        return given.get("learning_rate", usual) in ("optimal", "invscaling", "adaptive")

    @model_validator(mode="after")
    def _parts_fit(self) -> "Spec":
        system, dynamics = self.system.use, self.dynamics.use if self.dynamics is not None else None
        if (MODULE if dynamics is not None and ":" in dynamics else dynamics) not in MOVES[self.family]:
            known = [name for name in MOVES[self.family] if name is not None]
            raise ValueError(
                f"{system} goes with dynamics {' or '.join(known)}, not {dynamics or 'none'}"
                if known
                else f"{system} runs have moved already: leave dynamics out"
            )
        if (self.data is not None) != self.learns:
            raise ValueError(f"{system} needs data" if self.learns else f"{system} learns from no data: leave data out")
        if self.ensemble.subsample.disjoint and "subsample" not in self.ensemble.vary:
            raise ValueError("ensemble.subsample is disjoint, so ensemble.vary must contain subsample")
        resampled = self.learns or self.family == "command"
        if self.ensemble.crossed is not None and (not resampled or len(self.histories) > 1):
            raise ValueError("ensemble.design: crossed takes a system that learns from data, and one history")
        if self.ensemble.crossed is not None and (self.ensemble.subsample.disjoint or self.observe.budgets):
            raise ValueError("ensemble.design: crossed takes neither disjoint subsamples nor budgets")
        self._check_fit()
        if self.sweep and self.family == "recorded":
            raise ValueError("sweep: recorded runs are judged and not trained; give each a spec of its own")
        for field, values in self.sweep.items():
            if any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"sweep.{field}: each value once")
        schedule = getattr(self.dynamics, "schedule", None)
        if isinstance(schedule, WarmupSchedule) and schedule.steps >= self._shortest[0]:
            steps, budget = self._shortest
            raise ValueError(f"dynamics.schedule.steps ({schedule.steps}) must be fewer than {budget} ({steps})")
        for name, history in self.histories.items():
            if history.first is not None:
                self._check_first(name, history.first)
            self._check_values(name, history)
        return self

    def _check_fit(self) -> None:
        """Refuse what an estimator's fit does not have: steps of one shot, other starts than its own, first phases."""
        if isinstance(self.system, NamedSystem) and self.system.preprocess and self.family != ESTIMATOR:
            raise ValueError("system.preprocess goes with dynamics fit: a torch module takes the data as they are")
        if not isinstance(self.dynamics, FitDynamics):
            return
        if self.ensemble.crossed is not None and self.ensemble.crossed.order > 1:
            raise ValueError(
                "ensemble.design.crossed.order: an estimator's fit has no order of mini-batches of its own"
            )
        time, steps = self.dynamics.arguments.time, self.dynamics.steps
        if time == "once" and steps != 1:
            raise ValueError(
                "dynamics.steps counts something only with dynamics.with.time: staged, warm_start, partial, budget"
            )
        if time in ("staged", "warm_start", "budget") and steps < 4:
            raise ValueError(f"dynamics.steps with time {time} must be at least 4, not {steps}")
        for name, history in self.histories.items():
            first = history.first
            if history.init_scale != 1 or (first is not None and (time != "partial" or first.system or first.dynamics)):
                raise ValueError(
                    f"histories.{name}: the only path an estimator can take is a first phase of partial fits with shuffled "
                    "labels or a part of the examples (dynamics.with.time: partial)"
                )

    @property
    def _shortest(self) -> tuple[int, str]:
        """The shortest training time of a replica, and what it is."""
        if self.observe.budgets and self.schedule != "constant":
            return self.total // 4, "the smallest budget, a quarter of dynamics.steps"
        return self.total, "dynamics.steps"

    def _check_values(self, name: str, history: History) -> None:
        known = self.system.arguments.values if isinstance(self.system, CommandSystem) else {}
        for key in history.values:
            if key not in known:
                guess = nearest(key, known)
                hint = f"did you mean {guess!r}?" if guess else "they replace those of a command's system.with.values"
                raise ValueError(f"histories.{name}.values: there is no value {key!r} to replace; {hint}")

    def _check_first(self, name: str, first: FirstPhase) -> None:
        if self.family == "command":
            raise ValueError(f"histories.{name}.first: a command trains itself: tell it by histories.{name}.values")
        shortest, budget = self._shortest
        if first.steps >= shortest:
            raise ValueError(f"histories.{name}.first.steps ({first.steps}) must be fewer than {budget} ({shortest})")
        if (first.labels or first.examples) and not self.learns:
            raise ValueError(f"histories.{name}.first: {self.system.use} has no labels and no examples")
        try:
            self.first_parts(first)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in detail["loc"])
            raise ValueError(f"histories.{name}.first: {place}: {detail['msg']}") from None

    def first_parts(self, first: FirstPhase) -> tuple[Any, Any]:
        """Return system and dynamics of a first phase: those of the spec with some fields replaced.

        Args:
            first: The first phase.
        """
        system = self.system.model_dump(mode="json")
        if first.system is not None:
            system["with"] = system["with"] | first.system.arguments
        dynamics = self.dynamics.model_dump(mode="json") if self.dynamics is not None else {}
        dynamics["steps"] = first.steps
        if first.dynamics is not None:
            changed = first.dynamics.model_dump(mode="json", exclude_none=True)
            dynamics |= {key: value for key, value in changed.items() if key != "with"}
            dynamics["with"] = dynamics["with"] | first.dynamics.arguments
        return type(self.system).model_validate(system), type(self.dynamics).model_validate(dynamics)  # type: ignore[union-attr]


def _names_in(content: Any) -> list[str]:
    """Return what stands behind every `use`, however deep."""
    if isinstance(content, dict):
        own = [content["use"]] if isinstance(content.get("use"), str) else []
        return own + [name for value in content.values() for name in _names_in(value)]
    return [name for value in content for name in _names_in(value)] if isinstance(content, list | tuple) else []
