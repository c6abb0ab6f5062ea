"""Stochastic gradient descent with momentum: v <- mu v + g, theta <- theta - lr v, with g including the L2 penalty.

At a temperature T (without momentum) it is Langevin dynamics, theta <- theta - lr g + sqrt(2 lr T) xi: whoever calls `update`
adds -sqrt(2 T / lr) xi to the gradient.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.optim.sgd import sgd

from thermo_cli.kinds.networks.plain import FunctionalOptimizer, State


class Sgd:
    """SGD on the flat parameters of a stack; equals torch.optim.SGD on each replica.

    Nesterov: theta <- theta - lr (g + mu v). Source: Sutskever 2013, in the form of torch.optim.SGD.

    Args:
        weight_decay: lambda of the penalty (lambda / 2) |theta|^2.
        temperature: T.
    """

    follows_rate = True

    def __init__(
        self, lr: float, momentum: float, nesterov: bool, weight_decay: float, temperature: float = 0.0
    ) -> None:
        self.lr, self.temperature = lr, temperature
        self._constants: dict[str, Any] = {"weight_decay": weight_decay, "momentum": momentum, "dampening": 0.0}
        self._constants |= {"nesterov": nesterov and momentum > 0, "maximize": False}
        self.penalty = weight_decay
        self.buffers: tuple[str, ...] = ("velocity",) if momentum > 0 else ()
        self.counters: Mapping[str, torch.dtype] = {}

    def update(
        self, parameters: torch.Tensor, gradient: torch.Tensor, state: Mapping[str, torch.Tensor], lr: float
    ) -> None:
        """Move the parameters by one step, in place.

        Args:
            gradient: Of the loss alone; overwritten.
            state: `velocity`, zero at the start.
            lr: Learning rate of this step.
        """
        velocities = [state["velocity"]] if self.buffers else []
        torch._fused_sgd_([parameters], [gradient], velocities, lr=lr, is_first_step=False, **self._constants)

    def plain(self, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
        """Return the same rule from torch.optim."""

        def move(moved: list[torch.Tensor], gradients: list[torch.Tensor], state: Sequence[State], lr: float) -> None:
            velocities = [kept.get("velocity") for kept in state]
            sgd(moved, gradients, velocities, lr=lr, **self._constants)
            for kept, velocity in zip(state, velocities, strict=True):
                kept["velocity"] = velocity

        return FunctionalOptimizer(parameters, self.lr, move)
