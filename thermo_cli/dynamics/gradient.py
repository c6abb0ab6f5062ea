"""Gradient dynamics of a stack: replicas that share a model and a protocol move together, each on its own data.

Losses add over replicas, so one backward pass gives every replica its own gradient; nothing that happens to one replica
(not even a NaN) reaches another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

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
class Evaluation:
    """Everything that macroscopic observables are computed from, at one step.

    Attributes:
        train: Outputs on each replica's own subsample, (replica, output, example).
        test: Outputs on the test set, (replica, output, example).
        parameters: (replica, parameters).
        gradient: Of the energy over the whole subsample, (replica, parameters).
    """

    train: Array
    test: Array
    parameters: Array
    gradient: Array


def protocol(spec: Spec, dataset: Dataset, subsample_size: int) -> Protocol:
    """Build what a spec names.

    Args:
        spec: The experiment.
        dataset: Its data, for the shapes.
        subsample_size: Examples of a replica.
    """
    dynamics = spec.dynamics
    system = resolve("system", spec.system.use)(
        inputs=dataset.inputs, outputs=dataset.outputs, task=dataset.task, **spec.system.arguments.model_dump()
    )
    optimizer = resolve("dynamics", dynamics.use)(**dynamics.arguments.model_dump())
    schedule = resolve("schedule", dynamics.schedule)
    batch = subsample_size if dynamics.batch_size == "full" else dynamics.batch_size
    return Protocol(
        system,
        optimizer,
        lambda step: optimizer.lr * schedule(step, dynamics.steps),
        batch,
        getattr(torch, spec.ensemble.precision),
    )


class Stack:
    """One shard in training.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.
        members: The replicas, one per slot; the last may repeat the first to fill the shard.
        subsamples: Examples of each, indices into the pool, (replica, subsample).
        init_scale: Factor of the history on the initial parameters.
        shuffled_until: Length of a first phase on shuffled targets, 0 for none.
    """

    def __init__(
        self, protocol: Protocol, dataset: Dataset, members: Sequence[Replica], subsamples: Integers,
        init_scale: float = 1.0, shuffled_until: int = 0,
    ) -> None:  # fmt: skip
        self.protocol, self.members, self.subsamples = protocol, tuple(members), subsamples
        self.shuffled_until = shuffled_until
        self.width, self.size = subsamples.shape
        self.step = 0
        system, dtype = protocol.system, protocol.dtype
        rows = [layout.initial(system.blocks, rng.generator(member.init), init_scale) for member in self.members]
        self.parameters = layout.flatten(torch.from_numpy(np.stack(rows)).to(dtype), system.blocks)
        self.gradient = torch.zeros_like(self.parameters)
        self.state = {
            name: torch.zeros((), dtype=torch.float32) if name == "count" else torch.zeros_like(self.parameters)
            for name in protocol.optimizer.buffers
        }
        self.x = torch.from_numpy(dataset.x).to(dtype).contiguous()
        self.x_test = torch.from_numpy(dataset.x_test).to(dtype).contiguous()
        self.targets = target_table(dataset, dtype)
        self._shuffled: Integers | None = None
        self._slots = np.arange(self.width)[:, None]
        self._pass = system.bind(self.parameters, self.gradient, self.width, protocol.batch)
        self._evaluation_gradient = torch.zeros_like(self.parameters)
        # one pass per batch size, kept: the last piece of an evaluation is often shorter
        self._evaluation_pass = cache(
            lambda batch: system.bind(self.parameters, self._evaluation_gradient, self.width, batch)
        )

    def advance(self, until: int) -> None:
        """Train up to a step.

        Args:
            until: Number of steps taken when this returns.
        """
        protocol, train, state = self.protocol, self._pass, self.state
        parameters, gradient, update = self.parameters, self.gradient, protocol.optimizer.update
        while self.step < until:
            stop = min(until, self.step + max(min(CHUNK_STEPS, CHUNK_ROWS // (self.width * protocol.batch)), 1))
            if self.step < self.shuffled_until:
                stop = min(stop, self.shuffled_until)
            x_rows, target_rows = self.rows(self.step, stop)
            for x_row, target_row in zip(x_rows.unbind(), target_rows.unbind(), strict=True):
                torch.index_select(self.x, 0, x_row, out=train.inputs)
                torch.index_select(self.targets, 0, target_row, out=train.targets)
                train.forward()
                train.backward()
                update(parameters, gradient, state, protocol.rate(self.step))
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
        total.add_(self.parameters, alpha=self.protocol.optimizer.penalty)
        test = []
        for start in range(0, len(self.x_test), CHUNK_EXAMPLES):
            x = self.x_test[start : start + CHUNK_EXAMPLES]
            piece = self._evaluation_pass(len(x))
            piece.inputs.view(self.width, *x.shape).copy_(x)
            test.append(_numpy(piece.forward()))
        return Evaluation(
            np.concatenate(train, axis=2), np.concatenate(test, axis=2),
            _numpy(layout.vectors(self.parameters, blocks, self.width)), _numpy(layout.vectors(total, blocks, self.width)),
        )  # fmt: skip

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
            stop: Step after the last; both in the same phase.
        """
        batch = self.protocol.batch
        positions = batches.positions([member.order for member in self.members], self.size, batch, start, stop)
        x_rows = torch.from_numpy(self.subsamples[self._slots, positions].reshape(stop - start, -1))
        if start >= self.shuffled_until:
            return x_rows, x_rows
        return x_rows, torch.from_numpy(self._shuffle()[self._slots, positions].reshape(stop - start, -1))

    def _shuffle(self) -> Integers:
        """Permute the targets within each subsample by the replica's `noise` stream."""
        if self._shuffled is None:
            self._shuffled = np.stack(
                [
                    rng.generator(member.noise).permutation(row)
                    for member, row in zip(self.members, self.subsamples, strict=True)
                ]
            )
        return self._shuffled


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
