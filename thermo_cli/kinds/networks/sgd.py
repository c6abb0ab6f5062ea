"""Stochastic gradient descent with momentum: v <- mu v + g, theta <- theta - lr v, with g including the L2 penalty."""

from collections.abc import Mapping, Sequence

import torch
from torch.optim.sgd import sgd

from thermo_cli.kinds.networks.plain import FunctionalOptimizer, State


class Sgd:
    """SGD on the flat parameters of a stack; equals torch.optim.SGD on each replica.

    Nesterov: theta <- theta - lr (g + mu v). Source: Sutskever 2013, in the form of torch.optim.SGD.

    Args:
        weight_decay: lambda of the penalty (lambda / 2) |theta|^2.
    """

    follows_rate = True

    def __init__(self, lr: float, momentum: float, nesterov: bool, weight_decay: float) -> None:
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.nesterov = nesterov and momentum > 0
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
        torch._fused_sgd_(
            [parameters],
            [gradient],
            [state["velocity"]] if self.buffers else [],
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            lr=lr,
            dampening=0.0,
            nesterov=self.nesterov,
            maximize=False,
            is_first_step=False,
        )

    def plain(self, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
        """Return the same rule from torch.optim."""

        def move(moved: list[torch.Tensor], gradients: list[torch.Tensor], state: Sequence[State], lr: float) -> None:
            velocities = [kept.get("velocity") for kept in state]
            sgd(
                moved,
                gradients,
                velocities,
                weight_decay=self.weight_decay,
                momentum=self.momentum,
                lr=lr,
                dampening=0.0,
                nesterov=self.nesterov,
                maximize=False,
            )
            for kept, velocity in zip(state, velocities, strict=True):
                kept["velocity"] = velocity

        return FunctionalOptimizer(parameters, self.lr, move)
