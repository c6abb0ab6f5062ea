"""Adam: the gradient's running mean over the root of its running square, both corrected for their start at zero.

m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2, theta <- theta - lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
Source: Kingma & Ba 2015, algorithm 1; decoupled decay: Loshchilov & Hutter 2019, algorithm 2.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.optim.adam import adam as torch_adam
from torch.optim.adamw import adamw as torch_adamw

from thermo_cli.kinds.networks.plain import FunctionalOptimizer, State


class Adam:
    """Adam on the flat parameters of a stack; equals torch.optim.Adam, or AdamW, on each replica.

    Args:
        betas: b1, b2.
        eps: Added to the root of the running square.
        weight_decay: lambda of the penalty (lambda / 2) |theta|^2, part of the energy; decoupled, it belongs to none.
        decoupled: Whether decay is theta <- theta - lr lambda theta, before the step.
    """

    follows_rate = True
    buffers: tuple[str, ...] = ("mean", "square")
    counters: Mapping[str, torch.dtype] = {"count": torch.float32}

    def __init__(
        self, lr: float, betas: Sequence[float], eps: float, weight_decay: float, decoupled: bool = False
    ) -> None:
        self.lr, self.decoupled = lr, decoupled
        self.constants: dict[str, Any] = {
            "beta1": betas[0],
            "beta2": betas[1],
            "eps": eps,
            "weight_decay": weight_decay,
        }
        self.constants |= {"amsgrad": False, "maximize": False}
        self.penalty = 0.0 if decoupled else weight_decay

    def update(
        self, parameters: torch.Tensor, gradient: torch.Tensor, state: Mapping[str, torch.Tensor], lr: float
    ) -> None:
        """Move the parameters by one step, in place.

        Args:
            gradient: Of the loss alone, flat; overwritten.
            state: `mean`, `square` and `count`, zero at the start.
        """
        state["count"].add_(1)
        kernel = torch._fused_adamw_ if self.decoupled else torch._fused_adam_
        means, squares, counts = ([state[name]] for name in ("mean", "square", "count"))
        kernel([parameters], [gradient], means, squares, [], counts, lr=lr, **self.constants)

    def plain(self, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
        """Return the same rule from torch.optim on the parameters of one replica."""
        return _plain(self, parameters)


adamw = functools.partial(Adam, decoupled=True)


def _plain(rule: Adam, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
    function: Callable[..., None] = torch_adamw if rule.decoupled else torch_adam

    def move(moved: list[torch.Tensor], gradients: list[torch.Tensor], state: Sequence[State], lr: float) -> None:
        for parameter, kept in zip(moved, state, strict=True):
            if not kept:
                kept |= {
                    "mean": torch.zeros_like(parameter),
                    "square": torch.zeros_like(parameter),
                    "count": torch.tensor(0.0),
                }
        means, squares, counts = ([kept[name] for kept in state] for name in ("mean", "square", "count"))
        function(moved, gradients, means, squares, [], counts, lr=lr, **rule.constants)

    return FunctionalOptimizer(parameters, rule.lr, move)
