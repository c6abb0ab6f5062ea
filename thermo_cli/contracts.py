"""What the rooms hand to each other: plain frozen records of NumPy arrays, and the protocols of what can be plugged in."""

import math
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Tensors = dict[str, NDArray[np.floating]]
Task = Literal["classification", "regression"]
Outcome = Literal["holds", "fails", "undecided", "untested", "inapplicable"]
CriterionName = Literal["stationarity", "agreement", "history", "diversity", "ergodicity"]
VerdictName = Literal["diverged", "relaxing", "glassy", "crystallized", "thermalized", "settled", "undecided"]
VERDICTS: Final[tuple[VerdictName, ...]] = (
    "diverged", "relaxing", "glassy", "crystallized", "thermalized", "settled", "undecided",
)  # fmt: skip
COMPARISONS: Final = ("equivalent", "not-worse")  # what a gate can ask of a comparison with a baseline


class Rows(Protocol):
    """Features that stay on disk: an array of (examples, features) of which rows are read when they are asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of examples and of features."""

    def __getitem__(self, index: Any) -> Array:
        """Read the rows that an index of integers or a slice names, (..., features)."""


@dataclass(frozen=True)
class Examples:
    """A source of examples before it is split.

    Attributes:
        x: Features, (examples, features).
        y: Classes 0..C-1 as integers, or numbers, (examples,).
        task: Classification or regression.
        labels: Names of the classes; empty for regression.
        key: Group or time of each example, (examples,); None where the source has none.
        test: Which examples are the test set, where the source says so itself.
        encode: From pool, test set and a seed to further features of both, fitted on the pool.
    """

    x: "Array | Rows"
    y: Integers | Array
    task: Task
    labels: tuple[str, ...] = ()
    key: NDArray[Any] | None = None
    test: Integers | None = None
    encode: Callable[[Integers, Integers, int], tuple[Array, Array]] | None = None


@dataclass(frozen=True)
class Dataset:
    """A pool from which subsamples are drawn, and one test set for all replicas.

    Attributes:
        x: Features of the pool, (pool, features); an array, or rows on disk. `x[indices]` is an array either way.
        y: Targets of the pool, (pool,).
        x_test: Features of the test set, (test, features).
        y_test: Targets of the test set, (test,).
        task: Classification or regression.
        labels: Names of the classes.
        target_sd: What one unit of a regression target is in the units of the file.
        fingerprint: SHA-256 of all of the above and below.
        x_shifted: Features of a test set from another distribution, (shifted, features); None where there is none.
        y_shifted: Its targets, (shifted,).
        source: Of rows on disk, what spares a worker to read all of them again: see `data.mapped`.
    """

    x: "Array | Rows"
    y: Integers | Array
    x_test: Array
    y_test: Integers | Array
    task: Task
    labels: tuple[str, ...]
    target_sd: float
    fingerprint: str
    x_shifted: Array | None = None
    y_shifted: Integers | Array | None = None
    source: Mapping[str, Any] | None = None

    @property
    def classes(self) -> Integers | None:
        """Class of each example of the pool, (pool,); None for regression."""
        return self.y.astype(np.int64) if self.task == "classification" else None

    def gathered(self, examples: Integers) -> "tuple[Dataset, Integers]":
        """Read what some replicas use of a pool on disk into memory; a pool in memory is returned as it is.

        The order of the rows is kept, so nothing that is computed from them changes.

        Args:
            examples: Indices into the pool, (replica, example).

        Returns:
            The data with only those rows as the pool, and the same examples as indices into it.
        """
        if isinstance(self.x, np.ndarray):
            return self, examples
        used, places = np.unique(examples, return_inverse=True)
        return replace(self, x=self.x[used], y=self.y[used]), places.reshape(examples.shape).astype(np.int64)

    @property
    def inputs(self) -> int:
        """Number of features."""
        return int(self.x.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs of a model: classes, or one number."""
        return len(self.labels) if self.task == "classification" else 1


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
    """One shard in motion, whatever moves it: what training needs to know."""

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

    def state_arrays(self) -> "dict[str, NDArray[np.floating]]":
        """Return everything that decides the rest, except the step and the replica table."""

    def restore(self, step: int, arrays: "dict[str, NDArray[np.floating]]") -> None:
        """Continue from a committed state."""


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


@dataclass(frozen=True)
class Trajectories:
    """Macroscopic observables of an ensemble: the only thing that most criteria look at.

    Attributes:
        steps: Measured steps, increasing, (time,).
        values: Observable to (replica, time); NaN where a replica has no value.
        replicas: Names, (replica,).
        histories: History of each replica, (replica,).
        crashed: Replicas whose training raised an error, (replica,) of bool.
        budgets: Observable to (replica, 3), final values of the same replicas trained with total budgets T/4, T/2 and T;
            empty where those were not run.
        unfinished: Replicas that are still to be trained, (replica,) of bool; None where there are none.
    """

    steps: Integers
    values: Mapping[str, Array]
    replicas: tuple[str, ...]
    histories: tuple[str, ...]
    crashed: NDArray[np.bool_]
    budgets: Mapping[str, Array] = field(default_factory=dict)
    unfinished: NDArray[np.bool_] | None = None

    @property
    def trained(self) -> "Trajectories":
        """The same of the replicas whose training is over, for good or bad."""
        if self.unfinished is None:
            return self
        rows = ~self.unfinished
        return Trajectories(
            self.steps, {name: values[rows] for name, values in self.values.items()},
            tuple(name for name, kept in zip(self.replicas, rows, strict=True) if kept),
            tuple(name for name, kept in zip(self.histories, rows, strict=True) if kept),
            self.crashed[rows], {name: values[rows] for name, values in self.budgets.items()},
        )  # fmt: skip

    @property
    def states(self) -> tuple[str, ...]:
        """How each replica ended: `finished`, `diverged` (a value that is not finite), `crashed`, or `unfinished`."""
        finite = np.ones(len(self.replicas), dtype=bool)
        for values in self.values.values():
            finite &= np.isfinite(values).all(axis=1)
        words = np.where(self.crashed, "crashed", np.where(finite, "finished", "diverged"))
        if self.unfinished is not None:
            words = np.where(self.unfinished, "unfinished", words)
        return tuple(words.tolist())

    def members(self, history: str) -> NDArray[np.bool_]:
        """Return which replicas belong to a history, (replica,) of bool."""
        return np.array([name == history for name in self.histories], dtype=bool)


@dataclass(frozen=True)
class Overlaps:
    """What decides whether replicas are different models: squared distances once symmetries are removed.

    Attributes:
        distances: Of each same-bath pair at T, (pair,).
        null: Of pairs without anything in common, through the same pipeline, (null pair,).
        own: Of each pair's main replica from itself T/2 earlier, (pair,); empty where that was not kept.
        floor: Distance that rounding alone makes.
        null_cosine: Mean cosine of the null's pairs; not a number where the null is no shuffling.
        dimensions: Independent numbers in a microstate.
        untested: Why nothing can be said, or empty.
        unique: Identical by construction: nothing that the partners differ in is consumed, and there is one optimum.
    """

    distances: Array
    null: Array
    own: Array
    floor: float
    null_cosine: float
    dimensions: int
    untested: str = ""
    unique: bool = False


@dataclass(frozen=True)
class Findings:
    """What was found out about the microstates of an ensemble, as the run folder keeps it.

    Attributes:
        arrays: Matrices over replicas and vectors over pairs, named in `microstates.examination` and `microscopy`.
        facts: Names of replicas, pairs and layers; floor, dimensions, kind of null; why something is untested.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One confidence statement of the court.

    Attributes:
        criterion: Which criterion it belongs to.
        statistic: What was computed.
        observable: Of which observable.
        scope: Over which replicas.
        gates: Whether the criterion's outcome depends on it.
        outcome: The answer.
        estimate: Point estimate, in the observable's unit.
        interval: Confidence interval in the same unit; an end is None when the replicas are too few to bound it.
        margin: The margin that the interval is compared with.
        confidence: Confidence of each end of the comparison.
        explanation: A sentence a person understands; the reason when there is no number.
        replicas_needed: Replicas per history that would decide it, if that would.
        steps_needed: Training time T that would decide it, if that would.
    """

    criterion: CriterionName
    statistic: str
    observable: str | None
    scope: str
    gates: bool
    outcome: Outcome
    estimate: float | None = None
    interval: tuple[float | None, float | None] | None = None
    margin: float | None = None
    confidence: float | None = None
    explanation: str = ""
    replicas_needed: int | None = None
    steps_needed: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What the court decided, and all that it rests on; `as_dict` in `equilibrium.verdict` gives verdict.json."""

    verdict: VerdictName
    phase: str
    summary: str
    scope: str
    criteria: tuple[Row, ...]
    outcomes: Mapping[CriterionName, Outcome]
    macroscopic: Mapping[str, Mapping[str, Any]]
    microscopic: Mapping[str, Mapping[str, Any]]
    diagnostics: Mapping[str, Any]
    replicas: Mapping[str, int]
    warnings: tuple[str, ...] = field(default=())

    @property
    def unfinished(self) -> int:
        """Number of replicas that are still to be trained."""
        return self.replicas["planned"] - sum(self.replicas[word] for word in ("finished", "diverged", "crashed"))
