"""A shard of a learning system: its stack in motion, what is measured on the way, and what is tried on it at the end."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.errors import Crashes, RunError
from thermo_cli.generators import watched
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.protocols import legs_of
from thermo_cli.kinds.networks.stack import Stack
from thermo_cli.observables import response
from thermo_cli.observables.macroscopic import Evaluation, measure
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

QUENCH_SHARE: Final = 0.05  # of the training time
PERTURBED: Final = 4  # draws
INPUT_STEP: Final = 0.01  # of the root mean square of the inputs
PARAMETER_STEP: Final = 0.05  # of each parameter


class Learner:
    """A shard of a learning system in motion.

    Args:
        specs: The experiment; or one per member, which differ in their dynamics alone, equal ones side by side.
        members: The shard's rows of the replica table, all of one history and one budget.
    """

    def __init__(self, specs: Spec | Sequence[Spec], dataset: Dataset, members: Sequence[Replica]) -> None:
        self.spec = specs if isinstance(specs, Spec) else specs[0]
        self.stack = build_stack(specs, dataset, members)
        self.dataset = self.stack.dataset
        blocks = self.stack.protocol.system.blocks
        self.trained = np.concatenate([np.full(block.size, block.trained) for block in blocks])
        self.initial = self.stack.vectors().astype(np.float64) * self.trained

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.stack.step

    def advance(self, until: int) -> None:
        """Train up to a step.

        Args:
            until: Number of steps taken when this returns.
        """
        with self._undrawn():
            self.stack.advance(until)

    def measure(self) -> dict[str, Array]:
        """Return the macroscopic observables at this step, each (replica,)."""
        with self._undrawn():
            return self._observables(self.stack.evaluate())

    def vectors(self) -> NDArray[np.floating]:
        """Return the parameters of each replica, (replica, parameter); NaN where it is lost."""
        rows: NDArray[np.floating] = self._without_lost(self.stack.vectors())
        return rows

    def state_arrays(self, slots: slice) -> dict[str, NDArray[np.floating]]:
        """Return everything that decides the rest of the training of some neighbours, except the step and the replica table.

        Args:
            slots: Their places in the stack; all of one protocol.
        """
        return self.stack.state_arrays(slots)

    def restore(self, step: int, slots: slice, arrays: dict[str, NDArray[np.floating]]) -> None:
        """Continue from a committed state of some neighbours.

        Args:
            slots: Their places in the stack; all of one protocol.
            arrays: What `state_arrays` returned then.
        """
        self.stack.restore(step, slots, arrays)

    def finish(self) -> dict[str, NDArray[Any]]:
        """Return what is recorded once, at the end, each (replica, ...); the stack is left as it was.

        `test_errors` of each test example; `response`, `flatness` and `quench_gap`.
        """
        with self._undrawn():
            now = self.stack.evaluate()
            found: dict[str, NDArray[Any]] = {
                "test_errors": response.errors(now.test, self.dataset.y_test, self.dataset.task),
                "response": self._without_lost(self._response(now)),
                "flatness": self._without_lost(self._flatness(now)),
                "quench_gap": self._without_lost(self._quench_gap(now)),
            }
        if self.stack.lost:
            found["crashed"] = np.isin(np.arange(self.stack.width), list(self.stack.lost))
        return found

    def crashes(self, shard: str) -> str:
        """Return what happened to the replicas of a shard that are lost; empty where none is.

        Args:
            shard: Its name.
        """
        lost = [(self.stack.members[slot], reason) for slot, reason in self.stack.lost.items()]
        return "\n".join(f"replica {member.name}\n{reason}\n" for member, reason in lost if member.shard == shard)

    def _observables(self, now: Evaluation) -> dict[str, Array]:
        """Measure all replicas; one for which the user's own observable fails is lost."""
        stack, macro = self.stack, self.spec.observe.macro
        while True:
            shifted = None if now.shifted is None else self._without_lost(now.shifted)
            train, test = self._without_lost(now.train), self._without_lost(now.test)
            kept = dataclasses.replace(now, train=train, test=test, shifted=shifted)
            try:
                found = measure(macro, self.dataset, stack.subsamples, kept, self.initial, stack.penalty)
            except Crashes as crash:
                stack.lose(crash.reasons)
                continue
            return {name: self._without_lost(values) for name, values in found.items()}

    def _without_lost(self, array: NDArray[Any]) -> Any:
        """Return an array, (replica, ...), with NaN where a replica is lost."""
        if self.stack.lost:
            array = array.copy()
            array[list(self.stack.lost)] = np.nan
        return array

    @contextmanager
    def _undrawn(self) -> Iterator[None]:
        """Refuse code of a user that draws from a global generator without having done so when it was tried."""
        with watched() as draws:
            yield
        if draws.names:
            raise RunError(
                f"code of the spec draws from the global generator of {', '.join(draws.names)} by step {self.step}",
                received="it drew from none when it was tried before training, so it is not seeded for each replica",
                remedy="let it draw from the first step on",
            )

    def _energy(self) -> Array:
        return self._observables(self.stack.evaluate())["energy"]

    def _response(self, now: Evaluation) -> Array:
        """Average the change of the output per unit of a small random change of the input."""
        x, draw = self.dataset.x_test, rng.generator(self.spec.ensemble.seed, 1)
        size = INPUT_STEP * (float(np.sqrt((x**2).mean())) or 1.0)
        changes = []
        for _ in range(PERTURBED):
            shift = size * draw.standard_normal(x.shape)
            moved = self.stack.outputs(torch.from_numpy(x + shift))
            changes.append(response.susceptibility(now.test, moved, shift, self.dataset.task))
        return np.asarray(np.mean(changes, axis=0))

    def _flatness(self, now: Evaluation) -> Array:
        """Average the rise of the energy when every parameter is changed by a random share of itself."""
        before, kept = self._observables(now)["energy"], self.stack.parameters.clone()
        state = self.stack.vectors().astype(np.float64)
        blocks, draw = self.stack.protocol.system.blocks, rng.generator(self.spec.ensemble.seed, 2)
        rises = []
        for _ in range(PERTURBED):
            factor = 1 + PARAMETER_STEP * draw.standard_normal(layout.count(blocks)) * self.trained
            rows = torch.from_numpy(state * factor).to(kept.dtype)
            self.stack.parameters.copy_(layout.flatten(rows, blocks))
            rises.append(self._energy() - before)
        self.stack.parameters.copy_(kept)
        return np.asarray(np.mean(rises, axis=0))

    def _quench_gap(self, now: Evaluation) -> Array:
        """Anneal the learning rate to zero and return by how much the energy falls: how far above its minimum it settles.

        NaN where the optimizer does not look at its rate.
        """
        stack, before = self.stack, self._observables(now)["energy"]
        state = stack.whole_state()
        first, steps = stack.step, max(round(QUENCH_SHARE * stack.step), 1)
        stack.advance(first + steps, rate=lambda rule, step: rule.rate(first - 1) * (1 - (step - first + 1) / steps))
        after = self._energy()
        stack.put_back(first, state)
        leg = stack.legs[-1]
        annealed = np.repeat([rule.optimizer.follows_rate for rule in leg.protocols], leg.counts)
        return np.where(annealed, before - after, np.nan)


def build_stack(specs: Spec | Sequence[Spec], dataset: Dataset, members: Sequence[Replica]) -> Stack:
    """Put a shard's replicas at step 0.

    Args:
        specs: The experiment; or one per member, which differ in their dynamics alone, equal ones side by side.
        members: The shard's rows of the replica table, all of one history and one budget.
    """
    spec = specs if isinstance(specs, Spec) else specs[0]
    subsamples = draw_subsamples(spec, len(dataset.y), members, dataset.classes)
    dataset, subsamples = dataset.gathered(subsamples)
    legs = legs_of(specs, dataset, members, subsamples)
    return Stack(legs, dataset, members, spec.histories[members[0].history].init_scale)
