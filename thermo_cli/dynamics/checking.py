"""Does a stacked step equal a plain one? Asked before every run, as the stacked step relies on how torch rounds and updates."""

import dataclasses
from collections.abc import Sequence

import torch

from thermo_cli.contracts import Dataset, Integers
from thermo_cli.design import Replica
from thermo_cli.dynamics.gradient import Protocol, Stack
from thermo_cli.errors import RunError
from thermo_cli.systems import layout


def check_stacking(protocol: Protocol, dataset: Dataset, members: Sequence[Replica], subsamples: Integers) -> float:
    """Check that two stacked steps equal two plain torch steps of each replica, in float64.

    Args:
        protocol: What is trained and how.
        dataset: Pool and test set.
        members: A few replicas.
        subsamples: Their examples.

    Returns:
        The largest relative difference of a replica's parameters.

    Raises:
        RunError: It exceeds 1e-9: this version of torch does not do what the stacked step relies on.
    """
    exact = dataclasses.replace(protocol, dtype=torch.float64)
    stack = Stack(exact, dataset, members, subsamples)
    start = layout.vectors(stack.parameters, protocol.system.blocks, stack.width).clone()
    stack.advance(2)
    moved = layout.vectors(stack.parameters, protocol.system.blocks, stack.width)
    worst = 0.0
    for slot in range(stack.width):
        expected = plain_steps(exact, stack, slot, start[slot], 2)
        worst = max(worst, float((moved[slot] - expected).norm() / expected.norm()))
    if not worst < 1e-9 and bool(torch.isfinite(moved).all()):
        raise RunError(
            "the stacked step does not equal the plain torch step",
            received=f"relative difference {worst:.1e}, torch {torch.__version__}",
            remedy="install the torch version that this release was tested with (pyproject.toml)",
        )
    return worst


def plain_steps(protocol: Protocol, stack: Stack, slot: int, start: torch.Tensor, steps: int) -> torch.Tensor:
    """Train one replica of a stack by itself with torch.nn, autograd and torch.optim, on the same batches.

    Args:
        protocol: What is trained and how.
        stack: Whose data and streams are used.
        slot: Which replica.
        start: Its initial parameters, (parameters,).
        steps: Number of steps.

    Returns:
        Its parameters afterwards, (parameters,).
    """
    module = protocol.system.module().to(protocol.dtype)
    parameters = list(module.parameters())
    for parameter, values in zip(parameters, torch.split(start, [p.numel() for p in parameters]), strict=True):
        parameter.data.copy_(values.view_as(parameter))
    optimizer = protocol.optimizer.plain(parameters)
    measure = torch.nn.CrossEntropyLoss() if protocol.system.task == "classification" else torch.nn.MSELoss()
    x_rows, target_rows = stack.rows(0, steps)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = protocol.rate(step)
        rows = slice(slot * protocol.batch, (slot + 1) * protocol.batch)
        loss = measure(module(stack.x[x_rows[step][rows]]), stack.targets[target_rows[step][rows]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([parameter.data.reshape(-1) for parameter in parameters])
