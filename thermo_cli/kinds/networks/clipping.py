"""Gradient clipping: each replica's gradient is shortened to a norm, as torch.nn.utils.clip_grad_norm_ does for one model."""

from collections.abc import Iterable
from typing import Final

import torch

EPSILON: Final = 1e-6  # as in torch


def clip(gradients: Iterable[torch.Tensor], limit: float) -> None:
    """Shorten gradients in place: g <- g min(1, c / (|g| + 1e-6)), |g| over all tensors of a replica.

    Args:
        gradients: Each (replica, *shape).
    """
    parts = [gradient.flatten(1) for gradient in gradients]
    norms = torch.stack([torch.linalg.vector_norm(part, dim=1) for part in parts], dim=1)
    factor = (limit / (torch.linalg.vector_norm(norms, dim=1, keepdim=True) + EPSILON)).clamp(max=1.0)
    for part in parts:
        part.mul_(factor)
