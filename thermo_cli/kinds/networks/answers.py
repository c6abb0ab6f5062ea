"""What a module returns, as outputs: a tensor, the first of a tuple, or what is called `logits`."""

from collections.abc import Mapping
from typing import Any

import torch


def answer_of(found: Any, examples: int, outputs: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the outputs, (example, output), and the activations that a second value of a tuple names, (example, ...).

    Args:
        found: A tensor; a tuple or list, whose first value counts; a mapping or an object with `logits`.
        examples: In the batch.
        outputs: Number of outputs.

    Raises:
        ValueError: It holds no outputs of this shape.
    """
    hidden: Any = {}
    if isinstance(found, tuple | list) and found and not hasattr(found, "logits"):
        hidden = found[1] if len(found) > 1 and isinstance(found[1], Mapping) else {}
        found = found[0]
    if isinstance(found, Mapping):
        found = found.get("logits", next((one for one in found.values() if _fits(one, examples, outputs)), found))
    found = getattr(found, "logits", found)
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    if not _fits(found, examples, outputs):
        raise ValueError(f"the module returned {shape} for {examples} examples, not ({examples}, {outputs})")
    if not found.is_floating_point():
        raise ValueError(
            f"the module returned {str(found.dtype).removeprefix('torch.')}, not real floating-point numbers"
        )
    layers = {
        str(name): active
        for name, active in hidden.items()
        if isinstance(active, torch.Tensor) and active.ndim > 1 and len(active) == examples
    }
    return found.reshape(examples, outputs), layers


def _fits(value: Any, examples: int, outputs: int) -> bool:
    """Say whether a value has the shape of outputs; axes of length one may have been squeezed."""
    if not isinstance(value, torch.Tensor):
        return False
    return [size for size in value.shape if size > 1] == [size for size in (examples, outputs) if size > 1]
