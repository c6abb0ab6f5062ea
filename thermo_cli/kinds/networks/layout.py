"""The flat form of a stack's parameters: block after block, each (replica, *shape) and contiguous.

Elementwise optimizers act on the flat tensor; networks see each block through a view; everything that asks about one
replica (norms, distances, files) asks for its vector.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import Block


def count(blocks: Sequence[Block]) -> int:
    """Return the number of parameters of one replica."""
    return sum(block.size for block in blocks)


def views(flat: torch.Tensor, blocks: Sequence[Block], width: int) -> list[torch.Tensor]:
    """Return each block of a stack as (replica, *shape), sharing memory with the flat tensor.

    Args:
        flat: (width * parameters,).
        width: Number of replicas in the stack.
    """
    return [part.view(width, *block.shape) for part, block in zip(_parts(flat, blocks, width), blocks, strict=True)]


def vectors(flat: torch.Tensor, blocks: Sequence[Block], width: int) -> torch.Tensor:
    """Return the parameters of each replica as one row, (replica, parameters).

    Args:
        flat: (width * parameters,).
        width: Number of replicas in the stack.
    """
    return torch.cat([part.view(width, -1) for part in _parts(flat, blocks, width)], dim=1)


def flatten(rows: torch.Tensor, blocks: Sequence[Block]) -> torch.Tensor:
    """Return the flat form of a stack given one row per replica; the inverse of `vectors`.

    Args:
        rows: (replica, parameters).
    """
    return torch.cat([part.reshape(-1) for part in torch.split(rows, [block.size for block in blocks], dim=1)])


def initial(blocks: Sequence[Block], generator: np.random.Generator, scale: float) -> NDArray[np.float64]:
    """Draw the initial parameters of one replica: uniform in (-scale * bound, scale * bound), as torch.nn.Linear does.

    Args:
        generator: Generator of the replica's `init` stream.
        scale: Factor of the history.

    Returns:
        (parameters,).
    """
    return np.concatenate(
        [generator.uniform(-scale * block.bound, scale * block.bound, block.size) for block in blocks]
    )


def _parts(flat: torch.Tensor, blocks: Sequence[Block], width: int) -> Iterator[torch.Tensor]:
    return iter(torch.split(flat, [block.size * width for block in blocks]))
