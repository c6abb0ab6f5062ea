"""Rows of a stack that follow one rule: their flat parameters and gradient, and what the optimizer keeps.

One rule for all rows works on the stack's own flat tensors. Of several, each has flat tensors of its own, filled from its rows
before its step: kernels round a number by its place in a tensor (whole vectors, then a rest), and flat tensors are padded to
whole vectors, so a replica moves by the same bits whoever is in the stack beside it.
"""

from collections.abc import Sequence
from typing import Final

import torch

from thermo_cli.contracts import Block
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.protocols import Leg

VECTOR: Final = 64  # a multiple of the numbers in any vector register


class Cohort:
    """Rows start..stop-1 of a stack.

    Args:
        number: Which rule of each leg they follow.
        rows: Their places in the stack.
        whole: The stack's padded parameters and gradient.
        legs: Of the stack, for what their optimizers keep.
        width: Number of rows of the stack.

    Attributes:
        parameters: Padded flat parameters.
        gradient: Padded flat gradient.
        state: What the optimizers keep; a number per parameter is as long as the parameters.
        size: Numbers without the padding.
        named: Name of each trained block to its parameters, (row, *shape).
        gradients: The same of the gradient.
    """

    def __init__(
        self,
        number: int,
        rows: slice,
        whole: tuple[torch.Tensor, torch.Tensor],
        blocks: Sequence[Block],
        legs: Sequence[Leg],
        width: int,
    ) -> None:
        self.number, self.rows, self.blocks = number, rows, blocks
        self.count = rows.stop - rows.start
        self.size = self.count * layout.count(blocks)
        self._outside: list[tuple[list[torch.Tensor], list[torch.Tensor]]] = []
        if self.count == width:
            self.parameters, self.gradient = whole
        else:
            inside = [padded(self.size, whole[0].dtype) for _ in whole]
            self.parameters, self.gradient = inside
            for flat, own in zip(whole, inside, strict=True):
                views = layout.views(flat[: width * layout.count(blocks)], blocks, width)
                self._outside.append(([view[rows] for view in views], self.views(own)))
        self.named, self.gradients = self.trained(self.parameters), self.trained(self.gradient)
        optimizers = [leg.protocols[number].optimizer for leg in legs]
        self.state = {
            name: torch.zeros_like(self.parameters) for optimizer in optimizers for name in optimizer.buffers
        } | {
            name: torch.zeros((), dtype=dtype) for optimizer in optimizers for name, dtype in optimizer.counters.items()
        }

    def views(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Return each block of these rows, (row, *shape)."""
        return layout.views(flat[: self.size], self.blocks, self.count)

    def vectors(self, flat: torch.Tensor) -> torch.Tensor:
        """Return one row for each of these rows, (row, parameter).

        Args:
            flat: Padded.
        """
        return layout.vectors(flat[: self.size], self.blocks, self.count)

    def trained(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return each trained block of these rows by its name, (row, *shape)."""
        return {block.name: view for block, view in zip(self.blocks, self.views(flat), strict=True) if block.trained}

    def heat(self, normals: torch.Tensor, temperature: float, lr: float) -> None:
        """Add -sqrt(2 T / lr) xi to the gradient of what is trained, so that a step of descent is one of Langevin dynamics.

        Args:
            normals: xi of all rows of the stack, (row of the stack, parameter).
            temperature: T.
            lr: Learning rate of this step.
        """
        if temperature > 0 and lr > 0:
            parts = torch.split(normals[self.rows], [block.size for block in self.blocks], dim=1)
            for block, view, part in zip(self.blocks, self.views(self.gradient), parts, strict=True):
                if block.trained:
                    view.sub_(part.reshape(view.shape), alpha=(2 * temperature / lr) ** 0.5)

    def gather(self) -> None:
        """Take parameters and gradient of these rows out of the stack."""
        for outside, inside in self._outside:
            torch._foreach_copy_(inside, outside)

    def scatter(self) -> None:
        """Put the parameters of these rows back into the stack."""
        for outside, inside in self._outside[:1]:
            torch._foreach_copy_(outside, inside)


def padded(size: int, dtype: torch.dtype) -> torch.Tensor:
    """Return zeros, as many as asked for and some more, to whole vectors.

    Args:
        size: Numbers that are used.
    """
    return torch.zeros(-(-size // VECTOR) * VECTOR, dtype=dtype)


def cohorts_of(
    legs: Sequence[Leg], whole: tuple[torch.Tensor, torch.Tensor], blocks: Sequence[Block], width: int
) -> tuple[Cohort, ...]:
    """Divide a stack by rule.

    Args:
        legs: Of the stack; all divide it alike.
        whole: The stack's padded parameters and gradient.
    """
    found, start = [], 0
    for number, count in enumerate(legs[-1].counts):
        found.append(Cohort(number, slice(start, start + count), whole, blocks, legs, width))
        start += count
    return tuple(found)
