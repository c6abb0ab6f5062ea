"""The rules of torch.optim in the functional form that its classes call themselves.

Building any class of torch.optim imports torch's compiler, which takes as long as torch itself, and every run that checks its
stacked step would wait for it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch

State = dict[str, torch.Tensor | None]
Move = Callable[[list[torch.Tensor], list[torch.Tensor], Sequence[State], float], None]


class FunctionalOptimizer:
    """A rule with what it remembers, used like a torch.optim.Optimizer.

    Args:
        move: Moves parameters, in place, by their gradients; what it remembers of each is its third argument, empty at first.

    Attributes:
        param_groups: One, with the learning rate.
        state: Parameter to what is remembered of it.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], lr: float, move: Move) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": lr}]
        self.state: defaultdict[torch.Tensor, Any] = defaultdict(dict)
        self._move = move

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients; those without one stay."""
        (group,) = self.param_groups
        moving = [(parameter, parameter.grad) for parameter in group["params"] if parameter.grad is not None]
        self._move(
            [parameter for parameter, _ in moving],
            [gradient for _, gradient in moving],
            [self.state[parameter] for parameter, _ in moving],
            group["lr"],
        )
