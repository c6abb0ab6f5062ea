"""The spec: everything that decides a run, as frozen pydantic models with a sentence for every field."""

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from thermo_cli.registry import DATA, DYNAMICS, SYSTEMS, load, nearest
from thermo_cli.spec.ensemble import Ensemble
from thermo_cli.spec.histories import FirstPhase, History
from thermo_cli.spec.observing import Equilibrium, Observe
from thermo_cli.spec.parts import FIT, MODULE, PART, STILL, DynamicsPart, Part, fitting, tag_of
from thermo_cli.spec.schedules import WarmupSchedule, name_of
from thermo_cli.spec.traits import Traits, kind_named, traits_of

RECIPE = "system.with.point"  # which of several recipes of recorded runs
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def union_of(table: Mapping[str, str]) -> Any:
    """Return what a part can be: the model that its `use` names.

    Args:
        table: `use` to the model, `module:object`.
    """
    models = tuple(Annotated[load(place), Tag(use)] for use, place in table.items())
    return Annotated[Union[models], Discriminator(tag_of)]  # noqa: UP007 - of a tuple


if TYPE_CHECKING:
    from thermo_cli.spec.data_rules import DataPart as Data
    from thermo_cli.spec.parts import DynamicsPart as Dynamics
    from thermo_cli.spec.parts import SystemPart as System
else:
    Data, System, Dynamics = union_of(DATA), union_of(SYSTEMS), union_of(DYNAMICS)


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
    """How it moves; recorded runs have moved already, and an estimator is fitted: {use: fit} goes without saying."""
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
    sweep: dict[str, Annotated[list[Any], Field(min_length=1, max_length=1024)]] = Field(default_factory=dict)
    """Field to the values that it takes, `dynamics.with.lr: [0.01, 0.1]`: an ensemble and a verdict for each combination."""

    @property
    def traits(self) -> Traits:
        """What is known of this kind of system: that of the built-in, else of the package or the dynamics."""
        return traits_of(self.system.kind or kind_named(self.system.use) or self.motion.kind or "networks")

    @property
    def motion(self) -> DynamicsPart:
        """How it moves, or that it has moved already."""
        return self.dynamics or STILL

    @property
    def width(self) -> int:
        """Replicas of a shard, the unit of files; it follows from the kind of system alone."""
        return self.traits.width

    @property
    def time(self) -> str:
        """What the training time counts: `steps`, or what the spec says of a fit."""
        return self.traits.time(self)

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of what is not built in, `module:object`, whose code decides the numbers too."""
        parts = self.model_dump(mode="json", include={"data", "system", "dynamics", "histories"})
        given = [parts["system"].get("with"), parts["system"].get("preprocess"), parts["histories"]]
        names = [*_names_in(parts), *_named_parts(given), *self.observe.macro]
        return tuple(dict.fromkeys(name for name in names if ":" in name))

    @property
    def total(self) -> int:
        """Training time T; 0 where it is read from records."""
        return self.motion.steps.last

    @property
    def ends(self) -> tuple[int, ...]:
        """Where segments of the training end: at `steps.from`, and at every doubling of it up to T."""
        return self.motion.steps.ends

    @property
    def closed(self) -> str:
        """Why the steps of a finished training cannot grow: another T is another training; empty where they can."""
        schedule = self.schedule
        reason = f"the learning rate follows a {schedule} schedule over all of T" if schedule != "constant" else ""
        return self.traits.closed(self) or reason

    @property
    def schedule(self) -> str:
        """Name of the learning-rate schedule, or `constant` where the rate no longer changes in [T/2, T]."""
        if self.traits.decays(self):
            return "decaying"
        schedule = getattr(self.dynamics, "schedule", "constant")
        warm = isinstance(schedule, WarmupSchedule) and schedule.use == "warmup" and schedule.steps <= self.ends[0] // 2
        return "constant" if warm else name_of(schedule)

    @property
    def shortest(self) -> tuple[int, str]:
        """The shortest training time of a replica, and what it is."""
        if self.observe.budgets and self.schedule != "constant":
            return self.ends[0] // 4, "the smallest budget, a quarter of dynamics.steps"
        return self.ends[0], "dynamics.steps"

    @model_validator(mode="before")
    @classmethod
    def _a_fit_goes_without_saying(cls, value: Any) -> Any:
        """A class that nothing else moves is an estimator, and its dynamics is its own fit."""
        if not isinstance(value, dict) or not isinstance(value.get("system"), dict):
            return value
        use, dynamics = value["system"].get("use"), value.get("dynamics")
        named = isinstance(use, str) and ":" in use and not use.startswith("torch.")
        silent = dynamics is None or (isinstance(dynamics, dict) and "use" not in dynamics)
        return value | {"dynamics": {"use": FIT, **(dynamics or {})}} if named and silent else value

    @model_validator(mode="after")
    def _parts_fit(self) -> "Spec":
        self._check_dynamics()  # what does not move this way is of another kind, and the rest would mislead
        fitting(
            [
                self._check_steps,
                self._check_schedule,
                self._check_design,
                lambda: self.traits.check(self),
                self._check_sweep,
                *(partial(self._check_history, name) for name in self.histories),
            ]
        )
        return self

    def _check_steps(self) -> None:
        if self.total > self.motion.steps.first and self.closed:
            remedy = f"run with a new total instead: steps: {self.total}"
            raise ValueError(f"dynamics.steps: {self.closed}, so it cannot grow; {remedy}")

    def _check_schedule(self) -> None:
        schedule = getattr(self.dynamics, "schedule", None)
        if isinstance(schedule, WarmupSchedule) and schedule.steps >= self.shortest[0]:
            steps, budget = self.shortest
            raise ValueError(f"dynamics.schedule.steps: {schedule.steps} must be fewer than {budget} ({steps})")

    def _check_history(self, name: str) -> None:
        history = self.histories[name]
        if history.first is not None:
            self._check_first(name, history.first)
        self._check_values(name, history)

    def _check_dynamics(self) -> None:
        """Refuse a system that does not move this way."""
        system, dynamics = self.system.use, self.motion.use
        moves = [name for name in self.system.moves if self.system.kind or traits_of(_kind_of(name)) is self.traits]
        if (MODULE if ":" in dynamics else dynamics) not in (moves or [""]):
            missing = f": write dynamics: {{use: {moves[0]}, steps: T}}" if moves and not dynamics else ""
            raise ValueError(
                f"dynamics.use: {system} goes with dynamics {' or '.join(moves)}, not {dynamics or 'none'}{missing}"
                if moves
                else f"dynamics: {system} runs have moved already: leave dynamics out"
            )

    def _check_design(self) -> None:
        """Refuse ensembles that contradict themselves."""
        ensemble, crossed = self.ensemble, self.ensemble.crossed
        if ensemble.subsample.disjoint and "subsample" not in ensemble.vary:
            raise ValueError("ensemble.subsample: it is disjoint, so ensemble.vary must contain subsample")
        if crossed is not None and (not self.traits.resamples or len(self.histories) > 1):
            raise ValueError("ensemble.design: crossed takes a system that learns from data, and one history")
        if crossed is not None and (ensemble.subsample.disjoint or self.observe.budgets):
            raise ValueError("ensemble.design: crossed takes neither disjoint subsamples nor budgets")

    def _check_sweep(self) -> None:
        if not self.traits.trains and set(self.sweep) - {RECIPE}:
            raise ValueError(f"sweep: recorded runs are judged and not trained: what can be swept is {RECIPE}")
        for field, values in self.sweep.items():
            if any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"sweep.{field}: each value once")

    def _check_values(self, name: str, history: History) -> None:
        known = self.traits.values(self)
        for key in history.values:
            if key not in known:
                guess = nearest(key, known)
                hint = f"did you mean {guess!r}?" if guess else "they replace those of a command's system.with.values"
                raise ValueError(f"histories.{name}.values: there is no value {key!r} to replace; {hint}")

    def _check_first(self, name: str, first: FirstPhase) -> None:
        shortest, budget = self.shortest
        if first.steps >= shortest:
            raise ValueError(f"histories.{name}.first.steps: {first.steps} must be fewer than {budget} ({shortest})")
        try:
            self.first_parts(first)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in detail["loc"])
            raise ValueError(f"histories.{name}.first: {place}: {detail['msg']}") from None

    def first_parts(self, first: FirstPhase) -> tuple[Any, Any]:
        """Return system and dynamics of a first phase: those of the spec with some fields replaced."""
        system = self.system.model_dump(mode="json")
        if first.system is not None:
            system["with"] = system["with"] | first.system.arguments
        dynamics = self.motion.model_dump(mode="json")
        dynamics["steps"] = first.steps
        if first.dynamics is not None:
            changed = first.dynamics.model_dump(mode="json", exclude_none=True)
            dynamics |= {key: value for key, value in changed.items() if key != "with"}
            dynamics["with"] = dynamics["with"] | first.dynamics.arguments
        return type(self.system).model_validate(system), type(self.motion).model_validate(dynamics)


def _kind_of(dynamics: str) -> str:
    """Return the kind of a system without one of its own that moves by this dynamics."""
    model: type[DynamicsPart] = load(DYNAMICS[dynamics])
    return model.kind


def _names_in(content: Any) -> list[str]:
    """Return what stands behind every `use`, however deep."""
    if isinstance(content, dict):
        own = [content["use"]] if isinstance(content.get("use"), str) else []
        return own + [name for value in content.values() for name in _names_in(value)]
    return [name for value in content for name in _names_in(value)] if isinstance(content, list | tuple) else []


def _named_parts(content: Any) -> list[str]:
    """Return the texts among arguments that may be names of classes and functions, however deep."""
    if isinstance(content, dict | list | tuple):
        values = content.values() if isinstance(content, dict) else content
        return [name for value in values for name in _named_parts(value)]
    return [content] if isinstance(content, str) and re.fullmatch(PART, content) else []
