"""What a spec says of training, put together: the system, and by which rule and at which rate each of its replicas moves."""

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from thermo_cli import rng
from thermo_cli.contracts import Dataset, Integers, Optimizer, StackedSystem
from thermo_cli.errors import SpecError, collected
from thermo_cli.kinds.networks.energies import NONE, Energies, energies_of
from thermo_cli.kinds.networks.torch_optim import torch_optimizer
from thermo_cli.kinds.networks.user_modules import custom
from thermo_cli.registry import SCHEDULES, load
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.spec.schedules import name_of


@dataclass(frozen=True)
class Protocol:
    """What is trained and how: the same for every replica that follows it.

    Attributes:
        system: The model family.
        optimizer: The update rule.
        rate: Learning rate before a step, from the schedule.
        batch: Examples per step.
        dtype: Floating-point type of the parameters.
        clip: Largest norm of a replica's gradient; None for any.
        energies: What is added to the loss, apart from the optimizer's penalty.
    """

    system: StackedSystem
    optimizer: Optimizer
    rate: Callable[[int], float]
    batch: int
    dtype: torch.dtype
    clip: float | None = None
    energies: Energies = NONE

    @property
    def temperature(self) -> float:
        """T of Langevin dynamics; 0 of every rule that has none."""
        return float(getattr(self.optimizer, "temperature", 0.0))

    @property
    def noisy(self) -> bool:
        """Whether it draws from the `noise` streams at every step."""
        return self.system.noisy or self.temperature > 0


@dataclass(frozen=True)
class Leg:
    """A stretch of the training of a stack.

    Attributes:
        protocols: What is trained and how, one per run of rows with the same dynamics; system, batch and type are those of all.
        counts: Rows that follow each protocol, in order.
        until: Step at which it ends.
        examples: What each replica sees, indices into the pool, (replica, example).
        targets: Whose targets it is told, same shape; the same examples unless the labels are shuffled.
    """

    protocols: tuple[Protocol, ...]
    counts: tuple[int, ...]
    until: int
    examples: Integers
    targets: Integers

    @property
    def protocol(self) -> Protocol:
        """The protocol of the first rows."""
        return self.protocols[0]


def protocol(system: Any, dynamics: Any, dataset: Dataset, examples: int, total: int, precision: str) -> Protocol:
    """Build what a spec names.

    Args:
        system: The spec's `system`, or that of a first phase.
        dynamics: The spec's `dynamics`, or that of a first phase.
        dataset: The data, for the shapes.
        examples: Examples of a replica.
        total: Steps over which the learning rate follows its schedule.
        precision: Floating-point type of the parameters.

    Raises:
        SpecError: A part from outside does not serve.
    """
    return _protocols([(system, dynamics)], dataset, examples, total, precision)[0]


def legs_of(
    specs: Spec | Sequence[Spec], dataset: Dataset, members: Sequence[Replica], subsamples: Integers
) -> tuple[Leg, ...]:
    """Lay out the training of a history: its first phase, if it has one, and the final protocol.

    Args:
        specs: The experiment; or one per replica, which differ in their dynamics alone, equal ones side by side.
        members: Replicas of one history and one budget.
        subsamples: Their examples, (replica, example).

    Raises:
        SpecError: The experiments differ in more than what can go in one stack.
    """
    runs = _runs([specs] * len(members) if isinstance(specs, Spec) else specs)
    spec, counts = runs[0][0], tuple(count for _, count in runs)
    total, first = members[0].steps, spec.histories[members[0].history].first
    precision = spec.ensemble.precision
    rules = _protocols([(one.system, one.dynamics) for one, _ in runs], dataset, subsamples.shape[1], total, precision)
    final = Leg(rules, counts, total, subsamples, subsamples)
    if first is None:
        return (final,)
    examples = subsamples
    if first.examples is not None:
        count = max(round(first.examples.fraction * subsamples.shape[1]), 1)
        examples = np.stack(
            [
                np.sort(rng.generator(member.noise, 1).permutation(row)[:count])
                for member, row in zip(members, subsamples, strict=True)
            ]
        )
    targets = examples
    if first.labels == "shuffled":
        targets = np.stack(
            [rng.generator(member.noise).permutation(row) for member, row in zip(members, examples, strict=True)]
        )
    parts = [one.first_parts(first) for one, _ in runs]
    rules = _protocols(parts, dataset, examples.shape[1], first.steps, precision)
    return Leg(rules, counts, first.steps, examples, targets), final


def _runs(specs: Sequence[Spec]) -> list[tuple[Spec, int]]:
    """Group neighbours of equal dynamics, and refuse specs that cannot share a stack."""
    runs = [(spec, len(list(group))) for spec, group in itertools.groupby(specs)]
    first = _shared(runs[0][0])
    for spec, _ in runs[1:]:
        other = _shared(spec)
        if other != first:
            name = next(key for key in first if first[key] != other[key])
            raise SpecError(
                "replicas of one stack may differ in their dynamics alone, and there neither in batches nor in steps",
                received=f"{name}: {first[name]} and {other[name]}",
                remedy="train them in stacks of their own",
            )
    return runs


def _shared(spec: Spec) -> dict[str, Any]:
    """Return what specs of one stack have in common."""
    dynamics = {key: getattr(spec.dynamics, key, None) for key in ("batch_size", "steps")}
    return dynamics | {
        "system": spec.system,
        "histories": spec.histories,
        "precision": spec.ensemble.precision,
        "subsample": spec.ensemble.subsample,
    }


def _protocols(
    parts: Sequence[tuple[Any, Any]], dataset: Dataset, examples: int, total: int, precision: str
) -> tuple[Protocol, ...]:
    works = [functools.partial(optimizer_of, dynamics) for _, dynamics in parts]
    system, *optimizers = collected([functools.partial(_system, parts[0][0], dataset), *works])
    return tuple(
        _protocol(system, optimizer, dynamics, examples, total, precision)
        for optimizer, (_, dynamics) in zip(optimizers, parts, strict=True)
    )


def _system(system: Any, dataset: Dataset) -> StackedSystem:
    if ":" in system.use:
        return custom(system.use, dataset, system.arguments)
    built: StackedSystem = load(system.builds)(
        inputs=dataset.inputs, outputs=dataset.outputs, task=dataset.task, **system.arguments.model_dump()
    )
    return built


def optimizer_of(dynamics: Any) -> Optimizer:
    """Build the update rule that a spec names.

    Args:
        dynamics: The spec's `dynamics`, or that of a first phase.

    Raises:
        SpecError: It may not be imported, does not serve, or does not follow the schedule.
    """
    if ":" not in dynamics.use:
        built: Optimizer = load(dynamics.builds)(**dynamics.arguments.model_dump())
        return built
    optimizer = torch_optimizer(dynamics.use, dynamics.arguments)
    if not optimizer.follows_rate and dynamics.schedule != "constant":
        raise SpecError(
            "this optimizer uses its learning rate at the first step only",
            received=f"{dynamics.use}, schedule: {name_of(dynamics.schedule)}",
            remedy="schedule: constant",
            where="dynamics.schedule",
        )
    return optimizer


def _protocol(
    system: StackedSystem, optimizer: Optimizer, dynamics: Any, examples: int, total: int, precision: str
) -> Protocol:
    schedule = _schedule(dynamics.schedule)
    batch = examples if dynamics.batch_size == "full" else dynamics.batch_size
    return Protocol(
        system,
        optimizer,
        lambda step: optimizer.lr * schedule(step, total),
        batch,
        getattr(torch, precision),
        dynamics.clip,
        energies_of(dynamics.energy, system),
    )


def _schedule(given: Any) -> Callable[[int, int], float]:
    """Return the factor on the learning rate as a function of step and training time."""
    arguments = {} if isinstance(given, str) else given.model_dump(exclude={"use"})
    factor: Callable[[int, int], float] = functools.partial(load(SCHEDULES[name_of(given)]), **arguments)
    return factor
