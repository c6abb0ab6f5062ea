"""Gradient dynamics of a stack: replicas that share a model and a protocol move together, each on its own data.

Losses add over replicas, so one backward pass gives every replica its own gradient; nothing that happens to one replica
(not even a NaN) reaches another.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.blame import told
from thermo_cli.contracts import Array, Dataset, Pass
from thermo_cli.errors import Crashes
from thermo_cli.kinds.networks import batches, layout
from thermo_cli.kinds.networks.batches import CHUNK_STEPS
from thermo_cli.kinds.networks.clipping import clip
from thermo_cli.kinds.networks.cohorts import Cohort, cohorts_of, padded
from thermo_cli.kinds.networks.draws import block_steps, draws
from thermo_cli.kinds.networks.protocols import Leg, Protocol
from thermo_cli.observables.macroscopic import Evaluation
from thermo_cli.replicas import Replica

LOST: Final = "lost"  # in a state
HEAT_NUMBERS: Final = 2**22  # normal numbers drawn at once, at most
CHUNK_ROWS: Final = 2**21  # of data are named at once, at most
CHUNK_EXAMPLES: Final = 1024  # examples evaluated at once: it fixes the order of the sums, hence the bits


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
        self.lost: dict[int, str] = {}
        initial = torch.from_numpy(self._initial(init_scale)).to(dtype)
        twins = torch.tensor([member.role == "twin" for member in self.members])
        initial[twins] = torch.nextafter(initial[twins], torch.full_like(initial[twins], torch.inf))
        flat = layout.flatten(initial, system.blocks)
        whole = padded(len(flat), dtype), padded(len(flat), dtype)
        self.parameters, self.gradient = (one[: len(flat)] for one in whole)
        self.parameters.copy_(flat)
        self.cohorts = cohorts_of(self.legs, whole, system.blocks, self.width)
        self.trained = torch.cat(
            [torch.full((self.width * block.size,), float(block.trained), dtype=dtype) for block in system.blocks]
        )
        self.x = torch.from_numpy(dataset.x).to(dtype).contiguous()
        self.x_test = torch.from_numpy(dataset.x_test).to(dtype).contiguous()
        shifted = dataset.x_shifted
        self.x_shifted = torch.from_numpy(shifted).to(dtype).contiguous() if shifted is not None else None
        self.targets = target_table(dataset, dtype)
        self._slots = np.arange(self.width)[:, None]
        self.passes = [
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

    def protocol_of(self, slot: int, leg: int) -> Protocol:
        """Return what a replica follows.

        Args:
            slot: Its place in the stack.
            leg: Number of the leg.
        """
        cohort = next(cohort for cohort in self.cohorts if cohort.rows.start <= slot < cohort.rows.stop)
        return self.legs[leg].protocols[cohort.number]

    def advance(self, until: int, rate: Callable[[Protocol, int], float] | None = None) -> None:
        """Train up to a step.

        Args:
            until: Number of steps taken when this returns.
            rate: Learning rate of a protocol before a step, instead of the protocol's own.
        """
        while self.step < until:
            number = self.leg(self.step)
            leg, train = self.legs[number], self.passes[number]
            chunk = max(min(CHUNK_STEPS, CHUNK_ROWS // (self.width * leg.protocol.batch)), 1)
            if train.noise.shape[1]:
                block = block_steps(train.noise.shape[1])
                chunk = min(chunk, block - self.step % block)
            stop = min(until, self.step + chunk, leg.until if number < len(self.legs) - 1 else until)
            heated = any(protocol.temperature > 0 for protocol in leg.protocols)
            if heated:
                stop = min(stop, self.step + max(HEAT_NUMBERS // len(self.parameters), 1))
            x_rows, target_rows = self.rows(self.step, stop)
            heat = self.heat(self.step, stop) if heated else None
            drawn = self.noise(self.step, stop) if train.noise.shape[1] else None
            for x_row, target_row in zip(x_rows.unbind(), target_rows.unbind(), strict=True):
                self._passed(train, x_row, target_row, drawn[self.step - stop] if drawn is not None else None)
                for cohort in self.cohorts:
                    protocol = leg.protocols[cohort.number]
                    cohort.gather()
                    protocol.energies.add_gradient(cohort.named, cohort.gradients)
                    if protocol.clip is not None:
                        clip(cohort.gradients.values(), protocol.clip)
                    lr = rate(protocol, self.step) if rate is not None else protocol.rate(self.step)
                    if heat is not None:
                        cohort.heat(heat[self.step - stop], protocol.temperature, lr)
                    protocol.optimizer.update(cohort.parameters, cohort.gradient, cohort.state, lr)
                    cohort.scatter()
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
            train.append(_numpy(self._passed(piece, index, index)))
            total.add_(self._evaluation_gradient, alpha=rows.shape[1] / self.size)
        trained = self.parameters * self.trained
        parameters = layout.vectors(trained, blocks, self.width)
        gradient = layout.vectors(total, blocks, self.width)
        energies: dict[str, Array] = {}
        for cohort, protocol in zip(self.cohorts, self.legs[-1].protocols, strict=True):
            gradient[cohort.rows].add_(parameters[cohort.rows], alpha=protocol.optimizer.penalty)
            cohort.gather()
            beside = torch.zeros_like(cohort.parameters)
            protocol.energies.add_gradient(cohort.named, cohort.trained(beside))
            gradient[cohort.rows].add_(layout.vectors(beside[: cohort.size], blocks, cohort.count))
            for name, values in protocol.energies.values(cohort.named).items():
                energies.setdefault(name, np.zeros(self.width))[cohort.rows] = _numpy(values)
        return Evaluation(
            np.concatenate(train, axis=2),
            self.outputs(self.x_test),
            _numpy(parameters),
            _numpy(gradient),
            energies,
            self.outputs(self.x_shifted) if self.x_shifted is not None else None,
        )

    @property
    def penalty(self) -> Array:
        """Factor lambda of each replica's L2 penalty, (replica,)."""
        leg = self.legs[-1]
        return np.repeat(np.array([float(one.optimizer.penalty) for one in leg.protocols]), leg.counts)

    def outputs(self, x: torch.Tensor) -> Array:
        """Compute the outputs of all replicas on the same examples, (replica, output, example).

        Args:
            x: Features, (example, feature).
        """
        found = []
        for start in range(0, len(x), CHUNK_EXAMPLES):
            rows = x[start : start + CHUNK_EXAMPLES]
            piece = self._evaluation_pass(len(rows))

            def run(piece: Pass = piece, rows: torch.Tensor = rows) -> torch.Tensor:
                piece.inputs.view(self.width, *rows.shape).copy_(rows)
                self._stand_in(piece)
                return piece.forward()

            found.append(_numpy(self._surviving(run)))
        return np.concatenate(found, axis=2)

    def lose(self, reasons: Mapping[int, str]) -> None:
        """Give up some replicas; the others go on as if nothing had happened, to the last bit.

        Args:
            reasons: Place in the stack to what happened.

        Raises:
            Crashes: None is left.
        """
        self.lost = dict(sorted({**reasons, **self.lost}.items()))
        if len(self.lost) == self.width:
            raise Crashes({slot: f"replica {self.members[slot].name}: {why}" for slot, why in self.lost.items()})

    def _initial(self, scale: float) -> Array:
        """Draw where each replica begins, (replica, parameter); those whose constructor fails are lost."""
        system, rows, reasons = self.protocol.system, list[Array](), dict[int, str]()
        for slot, member in enumerate(self.members):
            try:
                rows.append(system.initial(rng.generator(member.init), scale))
            except Exception as error:  # noqa: BLE001 - whatever a stranger's constructor raises
                reasons[slot] = told(error)
                rows.append(np.full(layout.count(system.blocks), np.nan))
        if reasons:
            self.lose(reasons)
        return np.stack(rows)

    def _passed(
        self, piece: Pass, x_row: torch.Tensor, target_row: torch.Tensor, drawn: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Go forward and backward on some rows of the pool, in training where the pass is one of a leg's."""

        def run() -> torch.Tensor:
            torch.index_select(self.x, 0, x_row, out=piece.inputs)
            torch.index_select(self.targets, 0, target_row, out=piece.targets)
            if drawn is not None:
                piece.noise.copy_(drawn)
            self._stand_in(piece)
            outputs = piece.forward(training=piece in self.passes)
            piece.backward()
            return outputs

        return self._surviving(run)

    def _surviving(self, run: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Run a pass until no replica's code fails in it."""
        while True:
            try:
                return run()
            except Crashes as crash:
                self.lose(crash.reasons)

    def _stand_in(self, piece: Pass) -> None:
        """Let the first replica that is left stand in for those that are lost: width and bits of a stack stay what they are."""
        if self.lost:
            first = next(slot for slot in range(self.width) if slot not in self.lost)
            filled = [one.view(self.width, -1) for one in (piece.inputs, piece.targets, piece.noise)]
            for view in (*layout.views(self.parameters, self.protocol.system.blocks, self.width), *filled):
                view[list(self.lost)] = view[first].clone()

    def state_arrays(self, slots: slice) -> dict[str, NDArray[np.floating]]:
        """Return what decides the rest of the training of some neighbours, except the step and the replica table.

        Args:
            slots: Their places in the stack; all follow one protocol.

        Returns:
            `parameters` and what the optimizer keeps, each (replica, parameter), or one number of all; and, where replicas
            are lost, which and why.
        """
        cohort, inside = self._cohort(slots)
        arrays: dict[str, NDArray[Any]] = {"parameters": self.vectors()[slots]}
        for name, tensor in cohort.state.items():
            array = cohort.vectors(tensor)[inside].numpy() if tensor.ndim else tensor.numpy().copy()
            arrays[f"optimizer.{name}"] = array
        start, stop, _ = slots.indices(self.width)
        lost = {str(slot - start): reason for slot, reason in self.lost.items() if start <= slot < stop}
        return arrays | ({LOST: np.frombuffer(json.dumps(lost).encode(), dtype=np.uint8).copy()} if lost else {})

    def restore(self, step: int, slots: slice, arrays: Mapping[str, NDArray[np.floating]]) -> None:
        """Continue from a committed state of some neighbours.

        Args:
            slots: Their places in the stack; all follow one protocol.
            arrays: What `state_arrays` returned then.
        """
        self.step = step
        cohort, inside = self._cohort(slots)
        blocks = self.protocol.system.blocks
        if LOST in arrays:
            start = slots.indices(self.width)[0]
            reasons = json.loads(arrays[LOST].tobytes())
            self.lose({start + int(slot): reason for slot, reason in reasons.items()})
        _put_rows(layout.views(self.parameters, blocks, self.width), slots, arrays["parameters"])
        for name, tensor in cohort.state.items():
            array = arrays[f"optimizer.{name}"]
            if tensor.ndim:
                _put_rows(cohort.views(tensor), inside, array)
            else:
                tensor.copy_(torch.from_numpy(array))

    def whole_state(self) -> list[torch.Tensor]:
        """Return a copy of everything that decides the rest of the training, to be put back."""
        return [tensor.clone() for tensor in self._tensors()]

    def put_back(self, step: int, state: Sequence[torch.Tensor]) -> None:
        """Go back to where the stack was.

        Args:
            step: Steps taken then.
            state: What `whole_state` returned then.
        """
        self.step = step
        for tensor, earlier in zip(self._tensors(), state, strict=True):
            tensor.copy_(earlier)

    def _tensors(self) -> list[torch.Tensor]:
        return [self.parameters, *(tensor for cohort in self.cohorts for tensor in cohort.state.values())]

    def _cohort(self, slots: slice) -> tuple[Cohort, slice]:
        """Return the cohort that neighbours belong to, and their places in it."""
        start, stop, _ = slots.indices(self.width)
        cohort = next(one for one in self.cohorts if one.rows.start <= start < one.rows.stop)
        return cohort, slice(start - cohort.rows.start, stop - cohort.rows.start)

    def vectors(self) -> NDArray[np.floating]:
        """Return the parameters of each replica as one row, in the training's own precision, (replica, parameters)."""
        rows: NDArray[np.floating] = layout.vectors(self.parameters, self.protocol.system.blocks, self.width).numpy()
        return rows

    def rows(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which rows of the pool's features and targets some steps use, each (step, replica * batch).

        Args:
            stop: Step after the last; both in the same leg.
        """
        leg = self.legs[self.leg(start)]
        orders, size = [member.order for member in self.members], leg.examples.shape[1]
        positions = batches.positions(orders, size, leg.protocol.batch, start, stop)
        x_rows = torch.from_numpy(leg.examples[self._slots, positions].reshape(stop - start, -1))
        if leg.targets is leg.examples:
            return x_rows, x_rows
        return x_rows, torch.from_numpy(leg.targets[self._slots, positions].reshape(stop - start, -1))

    def noise(self, start: int, stop: int) -> torch.Tensor:
        """Return the uniform numbers that some steps drop out by, (step, replica, number).

        Args:
            stop: Step after the last; both in the same leg.
        """
        number, streams = self.leg(start), [member.noise for member in self.members]
        return torch.from_numpy(draws("uniform", streams, number, self.passes[number].noise.shape[1], start, stop))

    def heat(self, start: int, stop: int) -> torch.Tensor:
        """Return the normal numbers of some steps of Langevin dynamics, (step, replica, parameter).

        Args:
            stop: Step after the last; both in the same leg.
        """
        number, streams = self.leg(start), [member.noise for member in self.members]
        numbers = layout.count(self.protocol.system.blocks)
        drawn = torch.from_numpy(draws("normal", streams, number, numbers, start, stop))
        return drawn.to(self.protocol.dtype)


def target_table(dataset: Dataset, dtype: torch.dtype) -> torch.Tensor:
    """Return the pool's targets as a network sees them: one-hot rows or one number, (pool, output)."""
    if dataset.task == "classification":
        return torch.eye(dataset.outputs, dtype=dtype)[torch.from_numpy(dataset.y.astype(np.int64))].contiguous()
    return torch.from_numpy(dataset.y).to(dtype).unsqueeze(1).contiguous()


def _put_rows(views: Sequence[torch.Tensor], slots: slice, rows: NDArray[np.floating]) -> None:
    """Write vectors of some replicas, (replica, parameter), into the blocks of a stack, each (replica, *shape)."""
    parts = torch.split(torch.from_numpy(rows), [view[0].numel() for view in views], dim=1)
    for view, part in zip(views, parts, strict=True):
        view[slots] = part.reshape(view[slots].shape)


def _numpy(tensor: torch.Tensor) -> Array:
    """Copy a tensor out of its buffer, in double precision."""
    array: Array = tensor.detach().to(torch.float64, copy=True).numpy()
    return array
