"""Fully connected networks as stacks, linear models among them, with a written-out forward and backward pass.

Activations are feature-major, (replica, feature, example): the softmax over ten classes then runs along contiguous examples,
14 times faster than across them, and every product is one batched matrix product written into a buffer that is kept.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import Site, Symmetry, Task
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.dropout import Dropout, masks
from thermo_cli.microstates.perceptron import perceptron


def mlp(inputs: int, outputs: int, task: Task, hidden: Sequence[int], activation: str, dropout: float = 0.0) -> "Mlp":
    """Build a fully connected network.

    Args:
        task: Softmax with cross-entropy, or squared error.
        hidden: Units of each hidden layer.
        activation: `relu` or `tanh`.
        dropout: Probability of a hidden unit to be left out in training.
    """
    return Mlp((inputs, *hidden, outputs), task, activation, dropout)


class Mlp:
    """A stack of fully connected networks, loss = mean over the batch of the cross-entropy or the squared error.

    Args:
        sizes: Features, hidden units, outputs.
        activation: `relu` or `tanh`.
        dropout: Probability of a hidden unit to be left out in training.
    """

    def __init__(self, sizes: Sequence[int], task: Task, activation: str, dropout: float = 0.0) -> None:
        self.sizes = tuple(sizes)
        self.task: Task = task
        self.activation, self.dropout = activation, dropout
        self.outputs = self.sizes[-1]
        self._symmetry = perceptron(self.sizes, activation, softmax=task == "classification")
        self.blocks = self._symmetry.blocks

    @property
    def noisy(self) -> bool:
        """Whether it drops out in training."""
        return self.dropout > 0

    @property
    def convex(self) -> bool:
        """Whether an L2 penalty makes the energy strictly convex, hence its minimum the only one."""
        return len(self.sizes) == 2

    def symmetry(self) -> Symmetry:
        """Return what changes no output: the order of hidden units, signs (tanh) or scales (ReLU), shifts of all logits."""
        return self._symmetry

    def initial(self, generator: np.random.Generator, scale: float) -> NDArray[np.float64]:
        """Draw the initial parameters of one replica, (parameters,).

        Args:
            generator: Generator of the replica's `init` stream.
            scale: Factor of the history.
        """
        return layout.initial(self.blocks, generator, scale)

    def activations(self) -> int:
        """Return the number of activations per example."""
        return sum(self.sizes)

    def bind(self, parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int) -> "MlpPass":
        """Allocate the buffers of a pass.

        Args:
            parameters: The flat parameters that the pass reads, (width * parameters,).
            gradient: Where it writes the gradient, same shape; None for a pass that only goes forward.
            batch: Number of examples per replica.
        """
        return MlpPass(self, parameters, gradient, width, batch)

    def module(self) -> torch.nn.Module:
        """Return one replica as a plain torch module, its parameters named as the blocks."""
        nonlinear: type[torch.nn.Module] = torch.nn.ReLU if self.activation == "relu" else torch.nn.Tanh
        modules: OrderedDict[str, torch.nn.Module] = OrderedDict()
        last = len(self.sizes) - 2
        for layer, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            modules[f"layer{layer}"] = _unset(fan_in, fan_out)
            if layer < last:
                modules[f"activation{layer}"] = nonlinear()
                if self.noisy:
                    modules[f"dropout{layer}"] = Dropout(self.dropout)
        return torch.nn.Sequential(modules)


def _unset(fan_in: int, fan_out: int) -> torch.nn.Linear:
    """Return a layer whose numbers are yet to be filled in, drawn from no generator.

    Its tensors are replaced by hand: `to_empty` would import torch's symbolic shapes, which takes a quarter of a second.
    """
    layer = torch.nn.Linear(fan_in, fan_out, device="meta")
    layer.weight = torch.nn.Parameter(torch.empty(fan_out, fan_in))
    layer.bias = torch.nn.Parameter(torch.empty(fan_out))
    return layer


class MlpPass:
    """Forward and backward of a stack of networks on batches of one size.

    Attributes:
        inputs: To be filled with features, (replica * example, feature).
        targets: To be filled with one-hot classes or numbers, (replica * example, output).
        sites: Where activations are dropped out.
        noise: To be filled with uniform numbers before a step in training, (replica, number).
    """

    def __init__(
        self, system: Mlp, parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int
    ) -> None:
        sizes, dtype = system.sizes, parameters.dtype
        self.relu = system.activation == "relu"
        self.classify = system.task == "classification"
        self.scale = 1.0 / batch if self.classify else 2.0 / (batch * system.outputs)
        self.inputs = torch.zeros(width * batch, sizes[0], dtype=dtype)
        self.targets = torch.zeros(width * batch, sizes[-1], dtype=dtype)
        self._target = self.targets.view(width, batch, -1).transpose(1, 2)
        blocks = layout.views(parameters, system.blocks, width)
        self._weight, self._bias = blocks[0::2], [bias.unsqueeze(2) for bias in blocks[1::2]]
        self._weight_t = [weight.transpose(1, 2) for weight in self._weight]
        self._layers = range(len(sizes) - 1)
        first = self.inputs.view(width, batch, -1).transpose(1, 2)
        self._active = [first, *(torch.zeros(width, size, batch, dtype=dtype) for size in sizes[1:])]
        hidden = sizes[1:-1] if system.noisy and gradient is not None else ()
        self.sites = tuple(Site(f"dropout{layer}", system.dropout, (batch, size)) for layer, size in enumerate(hidden))
        self.noise = torch.zeros(width, sum(site.size for site in self.sites))
        self._masks = [torch.zeros(width, size, batch, dtype=dtype) for size in hidden]
        self._given = [first, *(torch.zeros_like(mask) for mask in self._masks)] if hidden else self._active
        self._dropping = False
        if gradient is None:
            return
        blocks = layout.views(gradient, system.blocks, width)
        self._weight_gradient, self._bias_gradient = blocks[0::2], [bias.unsqueeze(2) for bias in blocks[1::2]]
        self._active_t = [active.transpose(1, 2) for active in self._active]
        self._given_t = [given.transpose(1, 2) for given in self._given]
        self._delta = [torch.zeros(width, size, batch, dtype=dtype) for size in sizes[1:]]

    @property
    def hidden(self) -> dict[str, torch.Tensor]:
        """Activations of each hidden layer after `forward`, (replica, unit, example)."""
        return {f"hidden{layer}": active for layer, active in enumerate(self._active[1:-1])}

    def settle(self) -> None:
        """Do nothing: there are no running statistics."""

    def forward(self, training: bool = False) -> torch.Tensor:
        """Fill and return the outputs (logits or numbers), (replica, output, example).

        Args:
            training: With dropout by `noise`, where there is a gradient to fill; nothing else depends on the batch.
        """
        self._dropping = training and bool(self.sites)
        if self._dropping:
            for mask, found in zip(self._masks, masks(self.noise, self.sites, self.inputs.dtype).values(), strict=True):
                mask.copy_(found.transpose(1, 2))
        given = self._given if self._dropping else self._active
        for layer in self._layers:
            out = self._active[layer + 1]
            torch.baddbmm(self._bias[layer], self._weight[layer], given[layer], out=out)
            if layer < len(self._layers) - 1:
                torch.relu_(out) if self.relu else torch.tanh(out, out=out)
                if self._dropping:
                    torch.mul(out, self._masks[layer], out=given[layer + 1])
        return self._active[-1]

    def backward(self) -> None:
        """Fill the gradient of each replica's mean loss; `forward` must have run on the same inputs."""
        delta = self._delta[-1]
        if self.classify:
            torch.softmax(self._active[-1], 1, out=delta)
            delta.sub_(self._target)
        else:
            torch.sub(self._active[-1], self._target, out=delta)
        delta.mul_(self.scale)
        given_t = self._given_t if self._dropping else self._active_t
        for layer in reversed(self._layers):
            delta = self._delta[layer]
            torch.bmm(delta, given_t[layer], out=self._weight_gradient[layer])
            torch.sum(delta, 2, keepdim=True, out=self._bias_gradient[layer])
            if layer > 0:
                below, active = self._delta[layer - 1], self._active[layer]
                torch.bmm(self._weight_t[layer], delta, out=below)
                if self._dropping:
                    below.mul_(self._masks[layer - 1])
                if self.relu:
                    torch.ops.aten.threshold_backward.grad_input(below, active, 0, grad_input=below)
                else:
                    torch.ops.aten.tanh_backward.grad_input(below, active, grad_input=below)
