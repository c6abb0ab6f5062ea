"""What a spec says of networks: `system` and `dynamics` of torch modules that train in stacks."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from thermo_cli.kinds.networks.energy_parts import Energy
from thermo_cli.spec.named import GRADIENT
from thermo_cli.spec.parts import (
    CLASS,
    DynamicsPart,
    NonNegative,
    Part,
    Positive,
    SystemPart,
    UnitInterval,
)
from thermo_cli.spec.schedules import Schedule


class NetworkSystem(SystemPart):
    """Base of the built-in networks."""

    kind: ClassVar[str] = "networks"
    moves: ClassVar[tuple[str, ...]] = GRADIENT


class MlpArguments(Part):
    """Arguments of `mlp`."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1, max_length=64)] = Field(
        default=[32, 32]
    )
    """Number of units of each hidden layer."""
    activation: Literal["relu", "tanh"] = "relu"
    """Nonlinearity of the hidden units."""
    dropout: UnitInterval = 0.0
    """Probability of a hidden unit to be left out in training; masks come from each replica's `noise` stream."""


class MlpSystem(NetworkSystem):
    """A fully connected network."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.mlp:mlp"

    use: Literal["mlp"]
    """A fully connected network."""
    arguments: MlpArguments = Field(default_factory=MlpArguments, alias="with")
    """Hidden layers and activation."""


class CnnArguments(Part):
    """Arguments of `cnn`."""

    channels: Annotated[int, Field(ge=1, le=4096)] = 8
    """Channels of every layer."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 1
    """Residual blocks of two layers, after the first layer."""
    image: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)] | None = None
    """Colours, height and width of an image; a square of one colour if absent."""


class CnnSystem(NetworkSystem):
    """A convolutional network with batch-norm and residual blocks."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.cnn:cnn"

    use: Literal["cnn"]
    """A convolutional network."""
    arguments: CnnArguments = Field(default_factory=CnnArguments, alias="with")
    """Channels, blocks and shape of the images."""


class TransformerArguments(Part):
    """Arguments of `transformer`."""

    tokens: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Into how many parts a row of features divides (2 for modular_addition); the side of a square if absent."""
    width: Annotated[int, Field(ge=2, le=4096)] = 32
    """Width of the residual stream."""
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    """Heads of each attention; they share the width."""
    layers: Annotated[int, Field(ge=1, le=32)] = 1
    """Blocks of attention and network."""
    hidden: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Hidden units of each block's network."""
    activation: Literal["relu", "tanh", "gelu"] = "relu"
    """Nonlinearity of the hidden units."""
    dropout: UnitInterval = 0.0
    """Probability of a number that a block adds to the stream to be left out in training."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "TransformerArguments":
        if self.width % self.heads:
            raise ValueError(f"the width ({self.width}) must be a multiple of the heads ({self.heads})")
        return self


class TransformerSystem(NetworkSystem):
    """A transformer encoder for rows that divide into tokens."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.transformer:transformer"

    use: Literal["transformer"]
    """A transformer encoder."""
    arguments: TransformerArguments = Field(default_factory=TransformerArguments, alias="with")
    """Tokens, width, heads, blocks and activation."""


class GradientPart(DynamicsPart):
    """What every gradient dynamics has."""

    kind: ClassVar[str] = "networks"

    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = 64
    """Examples per step, drawn from the replica's subsample in shuffled epochs; `full` uses all of them at every step."""
    schedule: Schedule = "constant"
    """Learning rate in time: constant, cosine, {use: step}, {use: warmup, steps: N}; if it changes late, S needs budgets."""
    clip: Positive | None = None
    """Largest norm of a replica's gradient (without weight_decay); a longer one is shortened to it."""
    energy: Energy | None = None
    """What is added to the loss besides weight_decay: an L1 penalty, and functions of your own."""


class SgdArguments(Part):
    """Arguments of `sgd`."""

    lr: Positive = 0.1
    """Learning rate."""
    momentum: UnitInterval = 0.0
    """Momentum mu."""
    nesterov: bool = False
    """Nesterov's form of momentum."""
    weight_decay: NonNegative = 0.0
    """L2 penalty lambda: adds (lambda / 2) |theta|^2 to the energy."""
    temperature: Annotated[NonNegative, Field(exclude_if=lambda value: value == 0)] = (
        0.0  # runs without keep their names
    )
    """T of Langevin dynamics: each step adds sqrt(2 lr T) times normal noise; on full batches the law is exp(-U / T)."""

    @model_validator(mode="after")
    def _without_momentum(self) -> "SgdArguments":
        if self.temperature and self.momentum:
            raise ValueError("temperature goes without momentum: noise that is carried on has another temperature")
        return self


class SgdDynamics(GradientPart):
    """Stochastic gradient descent."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.sgd:Sgd"

    use: Literal["sgd"]
    """Stochastic gradient descent."""
    arguments: SgdArguments = Field(default_factory=SgdArguments, alias="with")
    """Learning rate, momentum and penalty."""


class AdamArguments(Part):
    """Arguments of `adam` and `adamw`."""

    lr: Positive = 1e-3
    """Learning rate."""
    betas: tuple[UnitInterval, UnitInterval] = Field(default=(0.9, 0.999), strict=False)
    """Decay rates of the running mean of the gradient and of its square."""
    eps: Positive = 1e-8
    """Added to the root of the running square."""
    weight_decay: NonNegative = 0.0
    """`adam`: L2 penalty, part of the energy; `adamw`: decoupled decay, which belongs to no energy."""


class AdamDynamics(GradientPart):
    """Adam, with an L2 penalty."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.adam:Adam"
    use: Literal["adam"]
    """Adam; `adamw` decouples the decay from the gradient."""
    arguments: AdamArguments = Field(default_factory=AdamArguments, alias="with")
    """Learning rate, decay rates and penalty."""


class AdamwDynamics(GradientPart):
    """Adam with decoupled decay."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.adam:adamw"
    use: Literal["adamw"]
    """Adam with decoupled decay."""
    arguments: AdamArguments = Field(default_factory=AdamArguments, alias="with")
    """Learning rate, decay rates and decay."""


class OptimizerDynamics(GradientPart):
    """An elementwise optimizer of torch.optim, or one of your own with --allow local or --allow PACKAGE."""

    use: CLASS
    """`torch.optim:RMSprop`, `module:Class`: a torch.optim.Optimizer that treats every parameter by itself."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class; weight_decay that it adds to the gradient is part of the energy, decoupled decay is not."""
