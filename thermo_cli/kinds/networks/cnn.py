"""A small convolutional network with batch-norm and residual blocks, for images given as rows of pixels."""

import functools
import math
from collections.abc import Sequence

import torch
from torch import nn

from thermo_cli.contracts import Block, Group, Norm, Symmetry, Task
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks.modules import ModuleSystem
from thermo_cli.memory import check_memory

ITEM = 8 * 12  # bytes for a weight while two replicas are checked in double precision


def cnn(inputs: int, outputs: int, task: Task, channels: int, blocks: int, image: Sequence[int] | None) -> ModuleSystem:
    """Build a convolutional network.

    Args:
        inputs: Number of features: pixels times colours.
        task: Softmax with cross-entropy, or squared error.
        blocks: Residual blocks after the first layer.
        image: Colours, height and width of an image; a square of one colour if absent.

    Raises:
        SpecError: The features are no such image.
    """
    side = math.isqrt(inputs)
    shape = tuple(image) if image is not None else (1, side, side)
    if math.prod(shape) != inputs:
        raise SpecError(
            "the features are no image of this shape",
            received=f"{inputs} features, {' x '.join(map(str, shape))}",
            remedy="image: [colours, height, width] of the data",
            where="system.with.image",
        )
    weights = 9 * channels * (shape[0] + 2 * blocks * channels)
    check_memory(ITEM * weights, f"a network of {weights:,} weights", "system.with")
    return ModuleSystem(functools.partial(Cnn, shape, outputs, channels, blocks), inputs, outputs, task)


class Cnn(nn.Module):
    """conv-norm-relu, then blocks x -> relu(x + norm(conv(relu(norm(conv(x)))))), the mean over the image, a linear layer.

    Args:
        image: Colours, height and width.
    """

    def __init__(self, image: tuple[int, ...], outputs: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.image, self.blocks = image, blocks
        self.stem = _Layer(image[0], channels)
        for number in range(blocks):
            self.add_module(f"inner{number}", _Layer(channels, channels))
            self.add_module(f"outer{number}", _Layer(channels, channels))
        self.head = nn.Linear(channels, outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the outputs, (example, output), and the activations after the first layer and each block.

        Args:
            x: Rows of pixels, (example, feature).
        """
        value = torch.relu(self.stem(x.view(-1, *self.image)))
        hidden = {"stem": value.flatten(1)}
        for number in range(self.blocks):
            inner, outer = self.get_submodule(f"inner{number}"), self.get_submodule(f"outer{number}")
            value = torch.relu(value + outer(torch.relu(inner(value))))
            hidden[f"block{number}"] = value.flatten(1)
        return self.head(value.mean((2, 3))), hidden

    def stated_symmetry(self, blocks: tuple[Block, ...], task: Task) -> Symmetry:
        """Return what changes no output: order and scale of the channels, those of the residual stream all together.

        Args:
            blocks: Parameters and running statistics.
            task: A softmax does not see a shift of all logits.
        """
        layers: dict[str, tuple[str, str | None]] = {"stem": ("stream", None)}
        for number in range(self.blocks):
            layers |= {f"inner{number}": (f"inside{number}", "stream"), f"outer{number}": ("stream", f"inside{number}")}
        axes: dict[str, tuple[str | None, ...]] = {"head.weight": (None, "stream"), "head.bias": (None,)}
        norms = []
        for name, (writes, reads) in layers.items():
            axes[f"{name}.weight"] = (writes, reads, None, None)
            norm = Norm(
                f"{name}.weight", None, f"{name}.gamma", f"{name}.beta", f"{name}.running_mean", f"{name}.running_var"
            )
            axes |= dict.fromkeys((norm.gamma, norm.beta, norm.mean, norm.variance), (writes,))
            norms.append(norm)
        channels = self.head.in_features
        groups = (
            Group("stream", channels, scale=True),
            *(Group(f"inside{n}", channels, scale=True) for n in range(self.blocks)),
        )
        shifts = ("head.weight", "head.bias") if task == "classification" else ()
        return Symmetry(blocks, groups, axes, shifts, tuple(norms))


class _Layer(nn.Module):
    """A 3 x 3 convolution and batch-norm; momentum 0.1 and eps 1e-5 as in torch.nn.BatchNorm2d."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        convolution = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
        self.weight, self.gamma, self.beta = (
            convolution.weight,
            nn.Parameter(torch.ones(outer)),
            nn.Parameter(torch.zeros(outer)),
        )
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", torch.zeros(outer))
        self.register_buffer("running_var", torch.ones(outer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = nn.functional.conv2d(x, self.weight, padding=1)
        return nn.functional.batch_norm(
            value, self.running_mean, self.running_var, self.gamma, self.beta, self.training
        )
