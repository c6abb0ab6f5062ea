"""Gradient dynamics of a stack: replicas that share a model and a protocol move together, each on its own data.

Losses add over replicas, so one backward pass gives every replica its own gradient; nothing that happens to one replica
(not even a NaN) reaches another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Integers, Optimizer, StackedSystem
from thermo_cli.design import Replica
from thermo_cli.dynamics import batches
from thermo_cli.registry import resolve
from thermo_cli.spec import Spec
from thermo_cli.systems import layout
from thermo_cli.systems.custom import custom

CHUNK_STEPS: Final = 256  # steps whose batches are drawn at once, fewer where
CHUNK_ROWS: Final = 2**21  # so many rows of data would be named at once
CHUNK_EXAMPLES: Final = 1024  # examples evaluated at once: it fixes the order of the sums, hence the bits


@dataclass(frozen=True)
class Protocol:
    """What is trained and how: the same for every replica of a run.

    Attributes:
        system: The model family.
        optimizer: The update rule.
        rate: Learning rate before a step, from the schedule.
        batch: Examples per step.
        dtype: Floating-point type of the parameters.
    """

    system: StackedSystem
    optimizer: Optimizer
    rate: Callable[[int], float]
    batch: int
    dtype: torch.dtype


@dataclass(frozen=True)
class Leg:
    """A stretch of the training under one protocol.

    Attributes:
        protocol: What is trained and how.
        until: Step at which it ends.
        examples: What each replica sees, indices into the pool, (replica, example).
        targets: Whose targets it is told, same shape; the same examples unless the labels are shuffled.
    """

    protocol: Protocol
    until: int
    examples: Integers
    targets: Integers


@dataclass(frozen=True)
class Evaluation:
    """Everything that macroscopic observables are computed from, at one step.

    Attributes:
        train: Outputs on each replica's own subsample, (replica, output, example).
        test: Outputs on the test set, (replica, output, example).
        parameters: (replica, parameters), 0 where they are running statistics.
        gradient: Of the energy over the whole subsample, (replica, parameters).
        shifted: Outputs on the shifted test set, (replica, output, example); None where there is none.
    """

    train: Array
    test: Array
    parameters: Array
    gradient: Array
    shifted: Array | None = None


def protocol(system: Any, dynamics: Any, dataset: Dataset, examples: int, total: int, precision: str) -> Protocol:
    """Build what a spec names.

    Args:
        system: The spec's `system`, or that of a first phase.
        dynamics: The spec's `dynamics`, or that of a first phase.
        dataset: The data, for the shapes.
        examples: Examples of a replica.
        total: Steps over which the learning rate follows its schedule.
        precision: Floating-point type of the parameters.
    """
    if ":" in system.use:
        built: StackedSystem = custom(system.use, dataset.inputs, dataset.outputs, dataset.task, system.arguments)
    else:
        built = resolve("system", system.use)(
            inputs=dataset.inputs, outputs=dataset.outputs, task=dataset.task, **system.arguments.model_dump()
        )
    optimizer = resolve("dynamics", dynamics.use)(**dynamics.arguments.model_dump())
    schedule = resolve("schedule", dynamics.schedule)
    batch = examples if dynamics.batch_size == "full" else dynamics.batch_size
    return Protocol(
        built, optimizer, lambda step: optimizer.lr * schedule(step, total), batch, getattr(torch, precision)
    )


def legs_of(spec: Spec, dataset: Dataset, members: Sequence[Replica], subsamples: Integers) -> tuple[Leg, ...]:
    """Lay out the training of a history: its first phase, if it has one, and the final protocol.

    Args:
        spec: The experiment.
        dataset: Its data.
        members: Replicas of one history and one budget.
        subsamples: Their examples, (replica, example).
    """
    total, precision = members[0].steps, spec.ensemble.precision
    rule = protocol(spec.system, spec.dynamics, dataset, subsamples.shape[1], total, precision)
    final = Leg(rule, total, subsamples, subsamples)
    first = spec.histories[members[0].history].first
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
    rule = protocol(*spec.first_parts(first), dataset, examples.shape[1], first.steps, precision)
    return Leg(rule, first.steps, examples, targets), final


class Stack:
    """One shard in training.

    Args:
        legs: Its training from the first step to the last.
        dataset: Pool, in memory, and test set.
        members: The replicas, one per slot; the last may repeat the first to fill the shard.
        init_scale: Factor of the history on the initial parameters.
    """

    def __init__(
        self, legs: Sequence[Leg], dataset: Dataset, members: Sequence[Replica], init_scale: float = 1.0
    ) -> None:
        self.legs, self.members, self.dataset = tuple(legs), tuple(members), dataset
        self.protocol, self.subsamples = legs[-1].protocol, legs[-1].examples
        protocol = self.protocol
        self.width, self.size = self.subsamples.shape
        self.step = 0
        system, dtype = protocol.system, protocol.dtype
        rows = [system.initial(rng.generator(member.init), init_scale) for member in self.members]
        initial = torch.from_numpy(np.stack(rows)).to(dtype)
        twins = torch.tensor([member.role == "twin" for member in self.members])
        initial[twins] = torch.nextafter(initial[twins], torch.full_like(initial[twins], torch.inf))
        self.parameters = layout.flatten(initial, system.blocks)
        self.gradient = torch.zeros_like(self.parameters)
        self.trained = torch.cat(
            [torch.full((self.width * block.size,), float(block.trained), dtype=dtype) for block in system.blocks]
        )
        self.state = {
            name: torch.zeros((), dtype=torch.float32) if name == "count" else torch.zeros_like(self.parameters)
            for name in dict.fromkeys(name for leg in self.legs for name in leg.protocol.optimizer.buffers)
        }
        self.x = torch.from_numpy(dataset.x).to(dtype).contiguous()
        self.x_test = torch.from_numpy(dataset.x_test).to(dtype).contiguous()
        shifted = dataset.x_shifted
        self.x_shifted = torch.from_numpy(shifted).to(dtype).contiguous() if shifted is not None else None
        self.targets = target_table(dataset, dtype)
        self._slots = np.arange(self.width)[:, None]
        self._passes = [
            leg.protocol.system.bind(self.parameters, self.gradient, self.width, leg.protocol.batch)
            for leg in self.legs
        ]
        self._evaluation_gradient = torch.zeros_like(self.parameters)
        # one pass per batch size, kept: the last piece of an evaluation is often shorter
        self._evaluation_pass = cache(
            lambda batch: system.bind(self.parameters, self._evaluation_gradient, self.width, batch)
        )

    def leg(self, step: int) -> int:
        """Return the number of the leg that a step belongs to; steps beyond the last one continue it.

        Args:
            step: The step to be taken.
        """
        return next((number for number, leg in enumerate(self.legs) if step < leg.until), len(self.legs) - 1)

    def advance(self, until: int, rate: Callable[[int], float] | None = None) -> None:
        """Train up to a step.

        Args:
            until: Number of steps taken when this returns.
            rate: Learning rate before a step, instead of the protocol's.
        """
        parameters, gradient, state = self.parameters, self.gradient, self.state
        while self.step < until:
            number = self.leg(self.step)
            leg, train = self.legs[number], self._passes[number]
            update, rate_of = leg.protocol.optimizer.update, rate or leg.protocol.rate
            chunk = max(min(CHUNK_STEPS, CHUNK_ROWS // (self.width * leg.protocol.batch)), 1)
            stop = min(until, self.step + chunk, leg.until if number < len(self.legs) - 1 else until)
            x_rows, target_rows = self.rows(self.step, stop)
            for x_row, target_row in zip(x_rows.unbind(), target_rows.unbind(), strict=True):
                torch.index_select(self.x, 0, x_row, out=train.inputs)
                torch.index_select(self.targets, 0, target_row, out=train.targets)
                train.forward(training=True)
                train.backward()
                update(parameters, gradient, state, rate_of(self.step))
                train.settle()
                self.step += 1

    def evaluate(self) -> Evaluation:
        """Compute outputs, parameters and the gradient of the energy, on all of each replica's subsample and the test set."""
        blocks, total = self.protocol.system.blocks, torch.zeros_like(self.parameters)
        train = []
        for start in range(0, self.size, CHUNK_EXAMPLES):
            rows = self.subsamples[:, start : start + CHUNK_EXAMPLES]
            piece = self._evaluation_pass(rows.shape[1])
            index = torch.from_numpy(rows.reshape(-1))
            torch.index_select(self.x, 0, index, out=piece.inputs)
            torch.index_select(self.targets, 0, index, out=piece.targets)
            train.append(_numpy(piece.forward()))
            piece.backward()
            total.add_(self._evaluation_gradient, alpha=rows.shape[1] / self.size)
        trained = self.parameters * self.trained
        total.add_(trained, alpha=self.protocol.optimizer.penalty)
        return Evaluation(
            np.concatenate(train, axis=2), self.outputs(self.x_test),
            _numpy(layout.vectors(trained, blocks, self.width)), _numpy(layout.vectors(total, blocks, self.width)),
            self.outputs(self.x_shifted) if self.x_shifted is not None else None,
        )  # fmt: skip

    def outputs(self, x: torch.Tensor) -> Array:
        """Compute the outputs of all replicas on the same examples, (replica, output, example).

        Args:
            x: Features, (example, feature).
        """
        found = []
        for start in range(0, len(x), CHUNK_EXAMPLES):
            rows = x[start : start + CHUNK_EXAMPLES]
            piece = self._evaluation_pass(len(rows))
            piece.inputs.view(self.width, *rows.shape).copy_(rows)
            found.append(_numpy(piece.forward()))
        return np.concatenate(found, axis=2)

    def state_arrays(self) -> dict[str, NDArray[np.floating]]:
        """Return everything that decides the rest of the training, except the step and the replica table."""
        return {
            "parameters": self.parameters.numpy(),
            **{f"optimizer.{name}": tensor.numpy() for name, tensor in self.state.items()},
        }

    def restore(self, step: int, arrays: dict[str, NDArray[np.floating]]) -> None:
        """Continue from a committed state.

        Args:
            step: Steps taken.
            arrays: What `state_arrays` returned then.
        """
        self.step = step
        self.parameters.copy_(torch.from_numpy(arrays["parameters"]))
        for name, tensor in self.state.items():
            tensor.copy_(torch.from_numpy(arrays[f"optimizer.{name}"]))

    def vectors(self) -> NDArray[np.floating]:
        """Return the parameters of each replica as one row, in the training's own precision, (replica, parameters)."""
        rows: NDArray[np.floating] = layout.vectors(self.parameters, self.protocol.system.blocks, self.width).numpy()
        return rows

    def rows(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which rows of the pool's features and targets some steps use, each (step, replica * batch).

        Args:
            start: First step.
            stop: Step after the last; both in the same leg.
        """
        leg = self.legs[self.leg(start)]
        orders, size = [member.order for member in self.members], leg.examples.shape[1]
        positions = batches.positions(orders, size, leg.protocol.batch, start, stop)
        x_rows = torch.from_numpy(leg.examples[self._slots, positions].reshape(stop - start, -1))
        if leg.targets is leg.examples:
            return x_rows, x_rows
        return x_rows, torch.from_numpy(leg.targets[self._slots, positions].reshape(stop - start, -1))


def target_table(dataset: Dataset, dtype: torch.dtype) -> torch.Tensor:
    """Return the pool's targets as a network sees them: one-hot rows or one number, (pool, output).

    Args:
        dataset: The data.
        dtype: Floating-point type.
    """
    if dataset.task == "classification":
        return torch.eye(dataset.outputs, dtype=dtype)[torch.from_numpy(dataset.y.astype(np.int64))].contiguous()
    return torch.from_numpy(dataset.y).to(dtype).unsqueeze(1).contiguous()


def _numpy(tensor: torch.Tensor) -> Array:
    """Copy a tensor out of its buffer, in double precision."""
    array: Array = tensor.detach().to(torch.float64, copy=True).numpy()
    return array
