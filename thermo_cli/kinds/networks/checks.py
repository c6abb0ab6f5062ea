"""Does a stacked step equal a plain one? Asked before every run, as the stacked step relies on how torch rounds and updates."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset, Integers
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.errors import Crashes, RunError, SpecError, collected
from thermo_cli.generators import watched
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.anatomy import dense
from thermo_cli.kinds.networks.answers import answer_of
from thermo_cli.kinds.networks.dropout import masks
from thermo_cli.kinds.networks.entries import members
from thermo_cli.kinds.networks.modules import tolerance
from thermo_cli.kinds.networks.passes import plain_attention, step_seed
from thermo_cli.kinds.networks.protocols import Leg, Protocol, legs_of, optimizer_of
from thermo_cli.kinds.networks.stack import CHUNK_EXAMPLES, Stack
from thermo_cli.kinds.networks.user_modules import module_class
from thermo_cli.memory import check_memory
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.trust import locate_function

MOST_STACKED: Final = 16  # replicas; more gain little at any width
STACK_NUMBERS: Final = 2**18  # parameters of a stack: sixteen replicas of width 64, eight of 128, four of 256
TRIED_STEPS: Final = 3
SWAYED: Final = 100  # times what rounding makes of a step: it is drawn anew each time
COPIES: Final = (
    6  # of all parameters while a stack is checked: start, gradients, those of plain training, where both went
)
LEAST_STACKED: Final = 2  # alone, a replica goes through other kernels: it is trained beside a copy


def check_stacking(
    protocol: Protocol, dataset: Dataset, members: Sequence[Replica], subsamples: Integers, use: str = ""
) -> float:
    """Check that two stacked steps equal two plain torch steps of each replica, in float64 where the module computes in it.

    They may differ by what so many steps round, or by what they make of a start that is moved by that much: Adam divides a
    gradient of 0 by its own rounding.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.
        use: Name of the system.

    Returns:
        The largest relative difference of a replica's parameters.

    Raises:
        RunError: It is larger: this version of torch does not do what the stacked step relies on.
        SpecError: A module fails on its examples, or does not compute in the precision of the spec.
    """
    system = protocol.system
    single, kept = getattr(system, "single", ""), getattr(system, "kept", ())
    if single and protocol.dtype == torch.float64:
        raise SpecError(
            "the module does not compute in double precision",
            received=single,
            remedy="ensemble.precision: float32",
            where="ensemble.precision",
        )
    exact = dataclasses.replace(protocol, dtype=torch.float32 if single else torch.float64)
    try:
        stack = Stack((Leg((exact,), (len(members),), 2, subsamples, subsamples),), dataset, members)
        start = layout.vectors(stack.parameters, system.blocks, stack.width).clone()
        stack.advance(2)
        moved = layout.vectors(stack.parameters, system.blocks, stack.width)
        stack.evaluate()
    except Crashes as crash:
        raise _failure(crash.reasons, exact.dtype) from crash
    if stack.lost:
        raise _failure(stack.lost, exact.dtype)
    worst = 0.0
    for slot in range(stack.width) if not kept else ():  # what keeps attributes is looped over as a plain loop does
        expected = plain_steps(stack, slot, start[slot], 2)
        apart, allowed = _apart(moved[slot], expected), tolerance(exact.dtype, 2)
        if not apart <= allowed and bool(torch.isfinite(moved).all()):
            nearby = plain_steps(stack, slot, start[slot] * (1 + allowed), 2)
            if not apart <= allowed + SWAYED * _apart(nearby, expected):
                if ":" in use:
                    raise SpecError(
                        "a replica of this module does not train as the module alone does",
                        received=f"relative difference {apart:.1e} after two steps, where rounding makes {allowed:.1e}",
                        remedy="keep what it remembers in buffers, and let the optimizer alone change what is trained",
                        where="system.use",
                    )
                raise RunError(
                    "the stacked step does not equal the plain torch step",
                    received=f"relative difference {apart:.1e} where rounding makes {allowed:.1e}, torch {torch.__version__}",
                    remedy="install the torch version that this release was tested with (pyproject.toml)",
                )
        worst = max(worst, apart)
    return worst


def _failure(reasons: Mapping[int, str], dtype: torch.dtype) -> SpecError:
    """Say that a module fails before anything is recorded of it."""
    return SpecError(
        f"the module fails in the first steps, in {str(dtype).removeprefix('torch.')}",
        received=next(iter(reasons.values())),
        remedy="mend it; it is trained on batches of a replica's examples and evaluated on all of them, in ensemble.precision",
        where="system.use",
    )


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


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
            try:
                stack = Stack((Leg((protocol,), (count,), TRIED_STEPS, examples, examples),), dataset, some)
                stack.advance(TRIED_STEPS)
                now = stack.evaluate()
            except Crashes as crash:
                raise _failure(crash.reasons, protocol.dtype) from crash
            bits.append([stack.vectors(), now.train, now.test, now.gradient])
    finally:
        torch.set_num_threads(threads)
    same = all(
        np.array_equal(whole[: len(part)], part, equal_nan=True)
        for parts in bits[1:]
        for whole, part in zip(bits[0], parts, strict=True)
    )
    return most if same else 0


def check_size(protocol: Protocol, dataset: Dataset, replicas: int) -> None:
    """Refuse a network of which the replicas that are checked do not fit into memory.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.
        replicas: How many are checked at once.

    Raises:
        SpecError: They do not.
    """
    system = protocol.system
    parameters = layout.count(system.blocks)
    activations = system.activations() * (protocol.batch + min(len(dataset.y), CHUNK_EXAMPLES))
    needed = 8 * replicas * (parameters * (COPIES + len(protocol.optimizer.buffers)) + activations)
    check_memory(needed, f"{replicas} replicas of {parameters:,} parameters", "system.with")


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
            parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
            state = {name: value for name, (_, value) in members(module).items()}
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
        x = stack.x[x_rows[0][rows]]
        seed = step_seed(stack.noise(step, step + 1)[0][slot]) if getattr(protocol.system, "draws", ()) else 0
        with watched(seed), plain_attention():
            outputs = answer_of(module.train()(x), len(x), protocol.system.outputs)[0]
            loss = measure(outputs, stack.targets[target_rows[0][rows]])
            named = dict(module.named_parameters())
            loss = loss + protocol.energies.plain(
                {block.name: named[block.name] for block in protocol.system.blocks if block.trained}
            )
            module.zero_grad()
            loss.backward()
        for parameter in parameters:
            if parameter.grad is None:  # of no use to the loss, and decays all the same
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad = dense(parameter.grad)
        if protocol.clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, protocol.clip)
        if protocol.temperature > 0 and protocol.rate(step) > 0:
            normals = torch.split(stack.heat(step, step + 1)[0][slot], [block.size for block in protocol.system.blocks])
            for block, xi in zip(protocol.system.blocks, normals, strict=True):
                moved = named.get(block.name) if block.trained else None
                if moved is not None and moved.grad is not None:
                    moved.grad -= (2 * protocol.temperature / protocol.rate(step)) ** 0.5 * xi.view_as(moved)
        optimizer.step()
        state = {name: value for name, (_, value) in members(module).items()}
        values = torch.cat(
            [state[block.name].detach().to(protocol.dtype).reshape(-1) for block in protocol.system.blocks]
        )
        memory = [optimizer.state[parameter] for parameter in parameters]
    return values


def check_names(spec: Spec) -> None:
    """Check what a spec names of the user's own, as far as that goes without data.

    Raises:
        SpecError: The module, the optimizer or a further energy may not be imported, or is none.
    """
    energy = getattr(spec.dynamics, "energy", None)
    works = [partial(module_class, spec.system.use)] if ":" in spec.system.use else []
    works.append(partial(optimizer_of, spec.dynamics))
    for name, term in energy.terms.items() if energy is not None else ():
        works.append(partial(locate_function, term.use, f"dynamics.energy.terms.{name}.use"))
    collected(works)


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
        noisy = noisy or any(leg.protocol.noisy for leg in legs)
        shapes = [[block.shape for block in leg.protocol.system.blocks] for leg in legs]
        if shapes[0] != shapes[-1]:
            raise SpecError(
                "the first phase has parameters of other shapes",
                received=str(shapes[0]),
                remedy=f"keep {shapes[-1]}",
                where=f"histories.{history}.first.system",
            )
        for leg in legs:
            check_size(leg.protocol, part, len(members))
        for leg in legs if history == table[0].history or len(legs) > 1 else ():
            for protocol in leg.protocols:
                check_stacking(protocol, part, members, leg.examples, spec.system.use)
        if history == table[0].history:
            stacked = stackable(legs[-1].protocol, part, members, subsamples, spec.width)
    return noisy, stacked
