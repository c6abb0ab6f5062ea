"""Small networks with their symmetries, for planted tests: fully connected, linear, convolutional with batch-norm, residual."""

import itertools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import Block, Group, Norm, Symmetry, Tensors

Forward = Callable[[Tensors, NDArray[np.float64]], NDArray[np.float64]]
EPSILON = 1e-5


def dense(sizes: tuple[int, ...], activation: str, softmax: bool = True) -> tuple[Symmetry, Forward]:
    """A fully connected network; without hidden sizes a linear model."""
    groups = tuple(
        Group(f"hidden{k}", size, sign=activation == "tanh", scale=activation == "relu")
        for k, size in enumerate(sizes[1:-1])
    )
    names = [None, *(group.name for group in groups), None]
    blocks: list[Block] = []
    axes: dict[str, tuple[str | None, ...]] = {}
    for k, (inner, outer) in enumerate(itertools.pairwise(sizes)):
        blocks += [Block(f"layer{k}.weight", (outer, inner), 1.0), Block(f"layer{k}.bias", (outer,), 1.0)]
        axes |= {f"layer{k}.weight": (names[k + 1], names[k]), f"layer{k}.bias": (names[k + 1],)}
    last = len(sizes) - 2
    shifts = (f"layer{last}.weight", f"layer{last}.bias") if softmax else ()

    def forward(tensors: Tensors, x: NDArray[np.float64]) -> NDArray[np.float64]:
        active = np.repeat(x[None], len(tensors["layer0.bias"]), axis=0)
        for k in range(last + 1):
            active = active @ tensors[f"layer{k}.weight"].transpose(0, 2, 1) + tensors[f"layer{k}.bias"][:, None]
            if k < last:
                active = np.maximum(active, 0) if activation == "relu" else np.tanh(active)
        return active

    return Symmetry(tuple(blocks), groups, axes, shifts), forward


def convolutional(channels: int = 8, classes: int = 4) -> tuple[Symmetry, Forward]:
    """conv-norm-relu, a residual block (conv-norm-relu-conv-norm, added), relu, mean over the image, linear; 6 x 6 images."""
    shapes = {
        "stem": (channels, 1, 3, 3),
        "inner": (channels + 2, channels, 3, 3),
        "outer": (channels, channels + 2, 3, 3),
    }
    of = {"stem": "stream", "inner": "inside", "outer": "stream"}
    reads = {"stem": None, "inner": "stream", "outer": "inside"}
    blocks: list[Block] = []
    axes: dict[str, tuple[str | None, ...]] = {}
    norms = []
    for name, shape in shapes.items():
        blocks.append(Block(f"{name}.weight", shape, 1.0))
        axes[f"{name}.weight"] = (of[name], reads[name], None, None)
        for part in ("gamma", "beta", "mean", "variance"):
            blocks.append(Block(f"{name}.{part}", shape[:1], 1.0))
            axes[f"{name}.{part}"] = (of[name],)
        norms.append(Norm(f"{name}.weight", None, f"{name}.gamma", f"{name}.beta", f"{name}.mean", f"{name}.variance"))
    blocks += [Block("head.weight", (classes, channels), 1.0), Block("head.bias", (classes,), 1.0)]
    axes |= {"head.weight": (None, "stream"), "head.bias": (None,)}
    groups = (Group("stream", channels, scale=True), Group("inside", channels + 2, scale=True))

    def one(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        def layer(name: str, value: torch.Tensor) -> torch.Tensor:
            value = torch.nn.functional.conv2d(value, tensors[f"{name}.weight"], padding=1)
            if f"{name}.gamma" not in tensors:  # folded
                return value + tensors[f"{name}.beta"][:, None, None]
            return torch.nn.functional.batch_norm(
                value,
                tensors[f"{name}.mean"],
                tensors[f"{name}.variance"],
                tensors[f"{name}.gamma"],
                tensors[f"{name}.beta"],
            )

        stream = torch.relu(layer("stem", x))
        stream = torch.relu(stream + layer("outer", torch.relu(layer("inner", stream))))
        return stream.mean(dim=(2, 3)) @ tensors["head.weight"].T + tensors["head.bias"]

    def forward(tensors: Tensors, x: NDArray[np.float64]) -> NDArray[np.float64]:
        images = torch.from_numpy(x.reshape(len(x), 1, 6, 6))
        count = len(tensors["head.bias"])
        rows = (
            {name: torch.from_numpy(np.ascontiguousarray(t[r])) for name, t in tensors.items()} for r in range(count)
        )
        return np.stack([one(row, images).numpy() for row in rows])

    return Symmetry(tuple(blocks), groups, axes, ("head.weight", "head.bias"), tuple(norms)), forward


def drawn(symmetry: Symmetry, replicas: int, generator: np.random.Generator) -> Tensors:
    """Draw random parameters; variances and factors positive."""
    found = {}
    for block in symmetry.blocks:
        values = generator.standard_normal((replicas, *block.shape)) / np.sqrt(max(np.prod(block.shape[1:]), 1))
        found[block.name] = np.abs(values) + 0.5 if block.name.endswith(("variance", "gamma")) else values
    return found
