"""Energies beside the loss and the L2 penalty: l1 sum |theta|, and functions of the parameters that a user writes.

A function takes a replica's trained parameters, name to tensor, and returns one number that can be differentiated. It is called
under `vmap` over the replicas, or, where torch cannot, for one replica after the other.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from thermo_cli import rng
from thermo_cli.blame import told
from thermo_cli.contracts import StackedSystem
from thermo_cli.errors import SpecError
from thermo_cli.generators import watched
from thermo_cli.kinds.networks import layout
from thermo_cli.trust import locate_function

Named = Mapping[str, torch.Tensor]
Function = Callable[[dict[str, torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class Term:
    """One function of the parameters.

    Attributes:
        weight: Its factor in the energy.
        function: Of one replica's parameters.
        looped: Whether replicas are taken one after the other.
    """

    weight: float
    function: Function
    looped: bool

    def of(self, named: Named) -> torch.Tensor:
        """Return the weighted function of each replica, (replica,).

        Args:
            named: Name to parameters, (replica, *shape).
        """
        if not self.looped:
            found: torch.Tensor = torch.func.vmap(self.function)(dict(named))
        else:
            count = len(next(iter(named.values())))
            rows = [{name: tensor[row] for name, tensor in named.items()} for row in range(count)]
            found = torch.stack([self.function(row) for row in rows])
        return self.weight * found


@dataclass(frozen=True)
class Energies:
    """What is added to the loss, apart from the optimizer's penalty.

    Attributes:
        l1: lambda of lambda sum |theta|, over all trained parameters.
        terms: Name to function.
    """

    l1: float
    terms: Mapping[str, Term]

    def values(self, named: Named) -> dict[str, torch.Tensor]:
        """Return each energy, (replica,).

        Args:
            named: Name to trained parameters, (replica, *shape).
        """
        found: dict[str, torch.Tensor] = {}
        if self.l1:
            sums = [tensor.flatten(1).abs().sum(dim=1, dtype=torch.float64) for tensor in named.values()]
            found["l1"] = self.l1 * torch.stack(sums).sum(dim=0)
        with torch.no_grad():
            return found | {name: term.of(named) for name, term in self.terms.items()}

    def add_gradient(self, named: Named, gradients: Named) -> None:
        """Add the gradient of all energies to that of the loss, in place; that of |theta| at 0 is 0.

        Args:
            named: Name to trained parameters, (replica, *shape).
        """
        if self.l1:
            for name, tensor in named.items():
                gradients[name].add_(tensor.sign(), alpha=self.l1)
        if self.terms:
            leaves = {name: tensor.detach().requires_grad_() for name, tensor in named.items()}
            with torch.enable_grad():
                total = torch.stack([term.of(leaves).sum() for term in self.terms.values()]).sum()
                found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
            for name, one in zip(leaves, found, strict=True):
                if one is not None:
                    gradients[name].add_(one)

    def plain(self, named: dict[str, torch.Tensor]) -> torch.Tensor | float:
        """Return the sum of the energies of one replica, as a plain loop would write it."""
        l1 = self.l1 * sum(tensor.abs().sum() for tensor in named.values())
        return l1 + sum(term.weight * term.function(named) for term in self.terms.values())


NONE = Energies(0.0, {})


def energies_of(given: Any, system: StackedSystem) -> Energies:
    """Build what a spec adds to the loss, and try each function on two replicas.

    Args:
        given: The spec's `dynamics.energy`, or None.
        system: Whose parameters they are functions of.

    Raises:
        SpecError: A function may not be imported, or does not return a finite number that can be differentiated.
    """
    if given is None:
        return NONE
    terms = {}
    for name, term in given.terms.items():
        where = f"dynamics.energy.terms.{name}"
        function = locate_function(term.use, f"{where}.use")
        terms[name] = _tried(functools.partial(function, **term.arguments), term.weight, term.use, where, system)
    return Energies(given.l1, terms)


def _tried(function: Function, weight: float, use: str, where: str, system: StackedSystem) -> Term:
    """Call a function on two replicas, one by one and stacked; refuse what is no finite differentiable number."""
    start = np.stack([system.initial(rng.generator(seed), 1.0) for seed in (0, 1)])
    views = layout.views(layout.flatten(torch.from_numpy(start), system.blocks), system.blocks, 2)
    named = {block.name: view for block, view in zip(system.blocks, views, strict=True) if block.trained}
    for row in (0, 1):
        problem = _problem(function, {name: view[row].clone().requires_grad_() for name, view in named.items()})
        if problem:
            raise SpecError(
                "this function of the parameters cannot be an energy",
                received=f"{use}: {problem}",
                remedy="it takes a mapping of names to tensors and returns one number made of them by torch",
                where=where,
            )
    stacked, looped = (Term(weight, function, looped) for looped in (False, True))
    try:
        equal = torch.allclose(stacked.of(named), looped.of(named), rtol=1e-9, atol=1e-12)
    except (RuntimeError, NotImplementedError, ValueError):
        return looped
    return stacked if equal else looped


def _problem(function: Function, leaves: dict[str, torch.Tensor]) -> str:
    """Say what keeps a function of one replica's parameters from being an energy, or nothing."""
    try:
        with watched(0) as draws:
            value, again = (function(dict(leaves)) for _ in range(2))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's function raises
        return told(error)
    if draws.names:
        return f"it draws random numbers, from the global generator of {', '.join(draws.names)}"
    if not isinstance(value, torch.Tensor) or value.ndim or not value.is_floating_point():
        return f"returned {tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__}, not one number"
    if not torch.isfinite(value):
        return f"returned {value.item()}"
    if not torch.equal(value, again):
        return "it draws random numbers, or remembers something: twice the same parameters gave two values"
    if not value.requires_grad:
        return "returned a number without a gradient"
    found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    finite = all(one is None or bool(torch.isfinite(one).all()) for one in found)
    return "" if finite else "its gradient is not finite"
