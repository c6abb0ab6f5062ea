"""Torch modules that a spec names as `module:Class`: built with its arguments, checked on a few rows before training."""

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from thermo_cli.arguments import building
from thermo_cli.contracts import Task
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks.dropout import dropouts, with_masks
from thermo_cli.kinds.networks.modules import ModuleSystem, seeded
from thermo_cli.trust import locate_class

USE, WITH = "system.use", "system.with"


def custom(use: str, inputs: int, outputs: int, task: Task, arguments: Mapping[str, Any]) -> ModuleSystem:
    """Build the system behind `module:Class`.

    Args:
        inputs: Number of features; given to the class if it takes `inputs`.
        outputs: Number of outputs; given to the class if it takes `outputs`.
        arguments: The spec's `system.with`.

    Raises:
        SpecError: It may not be imported, is no module, or does not map features to outputs.
    """
    kind = locate_class(use, nn.Module, "torch module", USE)
    accepted = inspect.signature(kind).parameters
    sizes = {name: size for name, size in (("inputs", inputs), ("outputs", outputs)) if name in accepted}
    make = functools.partial(kind, **{**sizes, **arguments})

    def build() -> nn.Module:
        return with_masks(make())

    with building("the module", accepted, WITH):
        module = seeded(build, 0)
    _check(module, use, inputs, outputs)
    return ModuleSystem(build, inputs, outputs, task)


def _check(module: nn.Module, use: str, inputs: int, outputs: int) -> None:
    """Refuse a module without parameters, with other outputs, or that draws random numbers."""
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise SpecError("the module has no parameters to train", received=use, remedy="name another", where=USE)
    x = torch.linspace(-1, 1, 3 * inputs).view(3, inputs)
    answers = []
    for seed in (0, 1):
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                torch.manual_seed(seed)  # noqa: TID251 - whatever the module draws, it draws from there
                found = module.train()(x)
        except Exception as error:
            raise SpecError(
                "the module does not take rows of features",
                received=f"{type(error).__name__}: {error}",
                remedy=f"forward takes (examples, {inputs}) and returns (examples, {outputs})",
                where=USE,
            ) from error
        answers.append(found[0] if isinstance(found, tuple) else found)
    shape = tuple(answers[0].shape) if isinstance(answers[0], torch.Tensor) else type(answers[0]).__name__
    if shape != (3, outputs):
        raise SpecError(
            "the module's outputs have another shape",
            received=f"{shape} for 3 examples",
            remedy=f"(3, {outputs})",
            where=USE,
        )
    if not torch.equal(answers[0], answers[1]):
        raise SpecError(
            "the module draws random numbers when it is trained, from a generator that all replicas share",
            received=use,
            remedy="use nn.Dropout modules, whose masks are drawn from each replica's stream; or leave it out",
            where=USE,
        )
    for name, part in dropouts(module).items():
        if part.calls != 2 or not part.p < 1:  # the two passes above
            raise SpecError(
                "a dropout module must be used once in forward, with p below 1",
                received=f"{use}: {name}, p = {part.p}, used {part.calls / 2:g} times",
                remedy="give each place a dropout module of its own",
                where=USE,
            )
