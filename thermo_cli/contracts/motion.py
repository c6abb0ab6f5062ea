"""What trains: the protocols of stacked systems, optimizers, and whatever moves a shard."""

import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts.structure import Block, Symmetry
from thermo_cli.contracts.types import Array, Task

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Site:
    """A place where activations are dropped out in training.

    Attributes:
        name: Of the module there.
        p: Probability of each number to be left out.
        shape: Of one replica's mask for a batch.
    """

    name: str
    p: float
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


class Pass(Protocol):
    """Forward and backward pass of a whole stack on batches of one size, with buffers allocated once.

    Attributes:
        inputs: To be filled with features, (replica * example, feature).
        targets: To be filled with one-hot classes or numbers, (replica * example, output).
        sites: Where activations are dropped out in training.
        noise: To be filled with uniform numbers for all sites, (replica, number), before a step in training.
    """

    inputs: "torch.Tensor"
    targets: "torch.Tensor"
    sites: tuple[Site, ...]
    noise: "torch.Tensor"

    @property
    def hidden(self) -> "Mapping[str, torch.Tensor]":
        """Activations of the hidden layers after `forward`, each (replica, unit, example)."""

    def forward(self, training: bool = False) -> "torch.Tensor":
        """Fill and return the outputs, (replica, output, example); in training with the statistics of the batch."""

    def backward(self) -> None:
        """Fill the gradient of each replica's mean loss over its batch."""

    def settle(self) -> None:
        """Put new running statistics in place, after the optimizer's update."""


class StackedSystem(Protocol):
    """A model family whose replicas train in one stack.

    The stack's parameters are one flat tensor: block after block, each (replica, *shape), contiguous.
    """

    blocks: tuple[Block, ...]
    task: Task
    outputs: int

    @property
    def noisy(self) -> bool:
        """Whether training consumes the `noise` stream (dropout)."""

    @property
    def convex(self) -> bool:
        """Whether an L2 penalty makes the minimum of the energy the only one."""

    def symmetry(self) -> Symmetry | None:
        """Return the transformations of the parameters that change no output; None where they are not known."""

    def initial(self, generator: np.random.Generator, scale: float) -> Array:
        """Draw the initial parameters of one replica, (parameters,)."""

    def bind(self, parameters: "torch.Tensor", gradient: "torch.Tensor | None", width: int, batch: int) -> Pass:
        """Allocate the buffers of a pass of `width` replicas over `batch` examples each."""

    def module(self) -> "torch.nn.Module":
        """Return one replica as a plain torch module, for checks and for users."""

    def activations(self) -> int:
        """Return the number of activations per example, for the memory plan."""


class Movement(Protocol):
    """A stack of replicas in motion, whatever moves it: what training needs to know."""

    @property
    def step(self) -> int:
        """Steps taken."""

    def advance(self, until: int) -> None:
        """Move up to a step."""

    def measure(self) -> "Mapping[str, Array]":
        """Return the macroscopic observables at this step, each (replica,)."""

    def vectors(self) -> NDArray[np.floating]:
        """Return the microstates, (replica, parameter)."""

    def finish(self) -> "Mapping[str, NDArray[Any]]":
        """Return what is recorded once, at the end, each (replica, ...)."""

    def state_arrays(self, slots: slice) -> "dict[str, NDArray[np.floating]]":
        """Return everything that decides the rest for some neighbours, except the step and the replica table.

        Each array is (replica, ...), or a single number that they share.
        """

    def restore(self, step: int, slots: slice, arrays: "dict[str, NDArray[np.floating]]") -> None:
        """Continue from a committed state of some neighbours."""


class PlainOptimizer(Protocol):
    """A rule on the parameters of one replica, in the way of torch.optim."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """One group, with the learning rate `lr`."""

    @property
    def state(self) -> "MutableMapping[torch.Tensor, Any]":
        """Parameter to what the rule remembers of it."""

    def step(self) -> object:
        """Move the parameters by their gradients, in place."""


class Optimizer(Protocol):
    """An elementwise update rule on the flat parameters of a stack.

    Attributes:
        lr: Learning rate, on which schedules act.
        penalty: lambda of the energy (lambda / 2) |theta|^2 that the rule adds to the gradient.
        buffers: What it keeps between steps, one number per parameter, zero at the start.
        counters: What else it keeps, single numbers, zero at the start, and their type.
        follows_rate: Whether a change of the learning rate has any effect after the first step.
    """

    lr: float
    follows_rate: bool
    penalty: float
    buffers: tuple[str, ...]
    counters: "Mapping[str, torch.dtype]"

    def update(
        self, parameters: "torch.Tensor", gradient: "torch.Tensor", state: "Mapping[str, torch.Tensor]", lr: float
    ) -> None:
        """Move the parameters by one step, in place."""

    def plain(self, parameters: "list[torch.nn.Parameter]") -> PlainOptimizer:
        """Return the rule of torch.optim that this rule equals."""
