"""What a microstate is made of: tensors, and the transformations that change no output."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Block:
    """One parameter tensor of a replica.

    Attributes:
        name: The name it has in the plain torch module.
        shape: Its shape.
        bound: Initial values are uniform in (-bound, bound).
        trained: Whether it is a parameter; running statistics are not.
    """

    name: str
    shape: tuple[int, ...]
    bound: float
    trained: bool = True

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Group:
    """Hidden units whose order is a convention.

    Attributes:
        name: In `Symmetry.axes`.
        size: Number of units.
        sign: Whether turning a unit over changes nothing (odd activations: tanh).
        scale: Whether scaling what goes in by c > 0 and what comes out by 1/c changes nothing (ReLU).
    """

    name: str
    size: int
    sign: bool = False
    scale: bool = False


@dataclass(frozen=True)
class Norm:
    """A batch-norm after a layer, by the names of its blocks; eps as in torch.

    Attributes:
        weight: Of the layer before it.
        bias: Of that layer, if it has one.
        gamma: Factor.
        beta: Shift.
        mean: Running mean.
        variance: Running variance.
    """

    weight: str
    bias: str | None
    gamma: str
    beta: str
    mean: str
    variance: str


@dataclass(frozen=True)
class Product:
    """Two tensors of which only the product matters, head by head: sum_e left[h, e, i] right[h, e, j].

    Attributes:
        name: Of the product, (head, i, j).
        left: Block (head, inner, i).
        right: Block (head, inner, j).
    """

    name: str
    left: str
    right: str


@dataclass(frozen=True)
class Symmetry:
    """What can be done to a microstate without a change of any output.

    Attributes:
        blocks: The parameters, in order.
        groups: Hidden units, group by group.
        axes: Block to the group of each of its axes, None where the order means something. Axis 0 is where a unit's input
            arrives (rows of a weight, biases); on every other axis the unit is read.
        shifts: Blocks whose first axis runs over logits: a softmax does not see what is added to all of them.
        norms: Batch-norms, to be folded into the layers before them.
        products: Pairs of blocks of which only the product matters.
        centred: Block to the axis along which a constant added to all entries changes nothing.
    """

    blocks: tuple[Block, ...]
    groups: tuple[Group, ...] = ()
    axes: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    shifts: tuple[str, ...] = ()
    norms: tuple[Norm, ...] = ()
    products: tuple[Product, ...] = ()
    centred: Mapping[str, int] = field(default_factory=dict)

    def places(self, group: str) -> tuple[tuple[str, int], ...]:
        """Return where a group's units appear: block and axis.

        Args:
            group: Its name.
        """
        return tuple(
            (block, axis) for block, axes in self.axes.items() for axis, name in enumerate(axes) if name == group
        )
