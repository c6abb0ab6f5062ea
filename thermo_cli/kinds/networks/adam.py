"""Adam: the gradient's running mean over the root of its running square, both corrected for their start at zero.

m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2, theta <- theta - lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
Source: Kingma & Ba 2015, algorithm 1; decoupled decay: Loshchilov & Hutter 2019, algorithm 2.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from thermo_cli.kinds.networks.plain import FunctionalOptimizer, State


class Adam:
    """Adam on the flat parameters of a stack; equals torch.optim.Adam on each replica.

    Args:
        lr: Learning rate.
        betas: b1, b2.
        eps: Added to the root of the running square.
        weight_decay: lambda of the penalty (lambda / 2) |theta|^2, part of the energy.
    """

    follows_rate = True
    buffers: tuple[str, ...] = ("mean", "square")
    counters: Mapping[str, torch.dtype] = {"count": torch.float32}

    def __init__(self, lr: float, betas: Sequence[float], eps: float, weight_decay: float) -> None:
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay
        self.betas = (betas[0], betas[1])
        self.penalty = weight_decay

    def update(
        self, parameters: torch.Tensor, gradient: torch.Tensor, state: Mapping[str, torch.Tensor], lr: float
    ) -> None:
        """Move the parameters by one step, in place.

        Args:
            parameters: theta, flat.
            gradient: Of the loss alone; overwritten.
            state: `mean`, `square` and `count`, zero at the start.
            lr: Learning rate of this step.
        """
        _fused(torch._fused_adam_, self, parameters, gradient, state, lr)

    def plain(self, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
        """Return the same rule from torch.optim.

        Args:
            parameters: Of one replica.
        """
        return _plain(adam, self, parameters)


class AdamW:
    """Adam with decay decoupled from the gradient: theta <- theta - lr lambda theta first; it belongs to no energy.

    Args:
        lr: Learning rate.
        betas: b1, b2.
        eps: Added to the root of the running square.
        weight_decay: lambda.
    """

    follows_rate = True
    buffers: tuple[str, ...] = ("mean", "square")
    counters: Mapping[str, torch.dtype] = {"count": torch.float32}

    def __init__(self, lr: float, betas: Sequence[float], eps: float, weight_decay: float) -> None:
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay
        self.betas = (betas[0], betas[1])
        self.penalty = 0.0

    def update(
        self, parameters: torch.Tensor, gradient: torch.Tensor, state: Mapping[str, torch.Tensor], lr: float
    ) -> None:
        """Move the parameters by one step, in place.

        Args:
            parameters: theta, flat.
            gradient: Of the loss; overwritten.
            state: `mean`, `square` and `count`, zero at the start.
            lr: Learning rate of this step.
        """
        _fused(torch._fused_adamw_, self, parameters, gradient, state, lr)

    def plain(self, parameters: list[torch.nn.Parameter]) -> FunctionalOptimizer:
        """Return the same rule from torch.optim.

        Args:
            parameters: Of one replica.
        """
        return _plain(adamw, self, parameters)


def _fused(
    kernel: object,
    rule: Adam | AdamW,
    parameters: torch.Tensor,
    gradient: torch.Tensor,
    state: Mapping[str, torch.Tensor],
    lr: float,
) -> None:
    count = state["count"]
    count += 1
    kernel(  # type: ignore[operator]
        [parameters],
        [gradient],
        [state["mean"]],
        [state["square"]],
        [],
        [count],
        lr=lr,
        beta1=rule.betas[0],
        beta2=rule.betas[1],
        weight_decay=rule.weight_decay,
        eps=rule.eps,
        amsgrad=False,
        maximize=False,
    )


def _plain(
    function: Callable[..., None], rule: Adam | AdamW, parameters: list[torch.nn.Parameter]
) -> FunctionalOptimizer:
    def move(moved: list[torch.Tensor], gradients: list[torch.Tensor], state: Sequence[State], lr: float) -> None:
        for parameter, kept in zip(moved, state, strict=True):
            if not kept:
                kept |= {
                    "mean": torch.zeros_like(parameter),
                    "square": torch.zeros_like(parameter),
                    "count": torch.tensor(0.0),
                }
        means, squares, counts = ([kept[name] for kept in state] for name in ("mean", "square", "count"))
        function(
            moved,
            gradients,
            means,
            squares,
            [],
            counts,
            amsgrad=False,
            beta1=rule.betas[0],
            beta2=rule.betas[1],
            lr=lr,
            weight_decay=rule.weight_decay,
            eps=rule.eps,
            maximize=False,
        )

    return FunctionalOptimizer(parameters, rule.lr, move)
