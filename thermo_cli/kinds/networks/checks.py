"""Does a stacked step equal a plain one? Asked before every run, as the stacked step relies on how torch rounds and updates."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset, Integers
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.errors import RunError, SpecError
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.dropout import masks
from thermo_cli.kinds.networks.protocols import Leg, Protocol, legs_of
from thermo_cli.kinds.networks.stack import Stack
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

MOST_STACKED: Final = 16  # replicas; more gain little at any width
STACK_NUMBERS: Final = 2**18  # parameters of a stack: sixteen replicas of width 64, eight of 128, four of 256
TRIED_STEPS: Final = 3
LEAST_STACKED: Final = 2  # alone, a replica goes through other kernels: it is trained beside a copy


def check_stacking(protocol: Protocol, dataset: Dataset, members: Sequence[Replica], subsamples: Integers) -> float:
    """Check that two stacked steps equal two plain torch steps of each replica, in float64.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.

    Returns:
        The largest relative difference of a replica's parameters.

    Raises:
        RunError: It exceeds 1e-9: this version of torch does not do what the stacked step relies on.
    """
    exact = dataclasses.replace(protocol, dtype=torch.float64)
    stack = Stack((Leg((exact,), (len(members),), 2, subsamples, subsamples),), dataset, members)
    start = layout.vectors(stack.parameters, protocol.system.blocks, stack.width).clone()
    stack.advance(2)
    moved = layout.vectors(stack.parameters, protocol.system.blocks, stack.width)
    worst = 0.0
    for slot in range(stack.width):
        expected = plain_steps(stack, slot, start[slot], 2)
        worst = max(worst, float((moved[slot] - expected).norm() / expected.norm()))
    if not worst < 1e-9 and bool(torch.isfinite(moved).all()):
        raise RunError(
            "the stacked step does not equal the plain torch step",
            received=f"relative difference {worst:.1e}, torch {torch.__version__}",
            remedy="install the torch version that this release was tested with (pyproject.toml)",
        )
    return worst


def stackable(
    protocol: Protocol, dataset: Dataset, members: Sequence[Replica], subsamples: Integers, shard: int
) -> int:
    """Say how many replicas pay in one stack, so that shards may share it: 0 where the bits of a replica depend on the others.

    Some steps and an evaluation of the first two replicas, of the first shard, and of a whole stack are compared to the last
    bit, on one thread as in workers.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.
        members: A few replicas; they are repeated to fill the stack.
        subsamples: Their examples.
        shard: Replicas of a shard.
    """
    pays = STACK_NUMBERS // max(layout.count(protocol.system.blocks), 1) // shard * shard
    most = min(max(pays, shard), MOST_STACKED)
    rows = np.resize(np.arange(len(members)), most)
    bits: list[list[NDArray[Any]]] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for count in (most, shard, LEAST_STACKED):
            examples, some = subsamples[rows[:count]], [members[row] for row in rows[:count]]
            stack = Stack((Leg((protocol,), (count,), TRIED_STEPS, examples, examples),), dataset, some)
            stack.advance(TRIED_STEPS)
            now = stack.evaluate()
            bits.append([stack.vectors(), now.train, now.test, now.gradient])
    finally:
        torch.set_num_threads(threads)
    same = all(
        np.array_equal(whole[: len(part)], part, equal_nan=True)
        for parts in bits[1:]
        for whole, part in zip(bits[0], parts, strict=True)
    )
    return most if same else 0


def plain_steps(stack: Stack, slot: int, start: torch.Tensor, steps: int) -> torch.Tensor:
    """Train one replica of a stack by itself with torch.nn, autograd and torch.optim, on the same batches.

    Args:
        stack: Whose legs, data and streams are used.
        start: Its initial parameters, (parameters,).

    Returns:
        Its parameters afterwards, (parameters,).
    """
    values, memory, leg = start, None, None
    for step in range(steps):
        if stack.leg(step) != leg:
            leg = stack.leg(step)
            protocol = stack.protocol_of(slot, leg)
            module = protocol.system.module().to(protocol.dtype)
            parameters = list(module.parameters())
            state = dict(module.named_parameters()) | dict(module.named_buffers())
            whole = [state[block.name].data for block in protocol.system.blocks]
            for tensor, part in zip(whole, torch.split(values, [one.numel() for one in whole]), strict=True):
                tensor.copy_(part.view_as(tensor))
            optimizer = protocol.optimizer.plain(parameters)
            if memory is not None:  # velocities and running means go on
                for parameter, kept in zip(parameters, memory, strict=True):
                    optimizer.state[parameter] = kept
            measure = torch.nn.CrossEntropyLoss() if protocol.system.task == "classification" else torch.nn.MSELoss()
        for group in optimizer.param_groups:
            group["lr"] = protocol.rate(step)
        x_rows, target_rows = stack.rows(step, step + 1)
        rows = slice(slot * protocol.batch, (slot + 1) * protocol.batch)
        places = stack.passes[stack.leg(step)].sites
        if places:
            for name, mask in masks(stack.noise(step, step + 1)[0][slot : slot + 1], places, protocol.dtype).items():
                module.get_submodule(name).mask = mask[0]
        outputs = module.train()(stack.x[x_rows[0][rows]])
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        loss = measure(outputs, stack.targets[target_rows[0][rows]])
        named = dict(module.named_parameters())
        loss = loss + protocol.energies.plain(
            {block.name: named[block.name] for block in protocol.system.blocks if block.trained}
        )
        module.zero_grad()
        loss.backward()
        if protocol.clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, protocol.clip)
        optimizer.step()
        values = torch.cat([tensor.reshape(-1) for tensor in whole])
        memory = [optimizer.state[parameter] for parameter in parameters]
    return values


def check_protocols(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> tuple[bool, int]:
    """Check every protocol that is trained with, and that a first phase keeps shapes.

    Args:
        dataset: Pool and test set.

    Returns:
        Whether training draws noise at every step, and how many replicas pay in one stack.

    Raises:
        SpecError: The parameters of a first phase have other shapes.
        RunError: The stacked step is not the plain one.
    """
    noisy, stacked = False, 0
    for history in spec.histories:
        members = [row for row in table if row.history == history][:2]
        part, subsamples = dataset.gathered(draw_subsamples(spec, len(dataset.y), members, dataset.classes))
        legs = legs_of(spec, part, members, subsamples)
        noisy = noisy or any(leg.protocol.system.noisy for leg in legs)
        shapes = [[block.shape for block in leg.protocol.system.blocks] for leg in legs]
        if shapes[0] != shapes[-1]:
            raise SpecError(
                "the first phase has parameters of other shapes",
                received=str(shapes[0]),
                remedy=f"keep {shapes[-1]}",
                where=f"histories.{history}.first.system",
            )
        for leg in legs if history == table[0].history or len(legs) > 1 else ():
            for protocol in leg.protocols:
                check_stacking(protocol, part, members, leg.examples)
        if history == table[0].history:
            stacked = stackable(legs[-1].protocol, part, members, subsamples, spec.width)
    return noisy, stacked
