"""Fully connected networks as microstates: their blocks, and what changes no output. Networks and estimators have them."""

import itertools
import math
from collections.abc import Sequence

from thermo_cli.contracts import Block, Group, Symmetry


def perceptron(sizes: Sequence[int], activation: str, softmax: bool) -> Symmetry:
    """Return the blocks of a fully connected network and what changes no output.

    The order of hidden units, their signs (tanh) or scales (ReLU), and, under a softmax, what is added to all logits.

    Args:
        sizes: Features, hidden units, outputs.
        activation: Of the hidden units, `relu`, `tanh` or another, of which the order alone is known.
        softmax: Whether the outputs are logits.
    """
    blocks: list[Block] = []
    axes: dict[str, tuple[str | None, ...]] = {}
    last = len(sizes) - 2
    names = [None, *(f"hidden{layer}" for layer in range(last)), None]
    for layer, ((inputs, outputs), (before, after)) in enumerate(
        zip(itertools.pairwise(sizes), itertools.pairwise(names), strict=True)
    ):
        bound = 1.0 / math.sqrt(inputs)
        weight, bias = f"layer{layer}.weight", f"layer{layer}.bias"
        blocks += [Block(weight, (outputs, inputs), bound), Block(bias, (outputs,), bound)]
        axes |= {weight: (after, before), bias: (after,)}
    groups = tuple(
        Group(f"hidden{layer}", size, sign=activation == "tanh", scale=activation == "relu")
        for layer, size in enumerate(sizes[1:-1])
    )
    shifts = (f"layer{last}.weight", f"layer{last}.bias") if softmax else ()
    return Symmetry(tuple(blocks), groups, axes, shifts)
