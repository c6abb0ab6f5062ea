"""The histories of a spec: other ways to the same final protocol."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from thermo_cli.spec.parts import Part, Positive, Scalar
from thermo_cli.spec.schedules import Schedule


class PartOfTheExamples(Part):
    """A part of each replica's subsample."""

    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the subsample, drawn by the replica's `noise` stream."""


class OtherSystem(Part):
    """Fields of the system that are different in a first phase."""

    arguments: dict[str, Any] = Field(alias="with")
    """Arguments to replace; the parameters must keep their shapes."""


class OtherDynamics(Part):
    """Fields of the dynamics that are different in a first phase."""

    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments to replace."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] | None = None
    """Other batches."""
    schedule: Schedule | None = None
    """Another path of the learning rate, over the steps of the first phase."""


class FirstPhase(Part):
    """A first phase of training, before the final protocol; its steps are part of `dynamics.steps`."""

    steps: Annotated[int, Field(ge=1)]
    """Length of the first phase in steps."""
    labels: Literal["shuffled"] | None = None
    """`shuffled`: the targets are permuted within the subsample, differently for every replica (stream `noise`)."""
    examples: PartOfTheExamples | None = None
    """A curriculum: train on a part of the subsample first."""
    system: OtherSystem | None = None
    """Another system of the same shape first: `{with: {tilt: 2.0}}`."""
    dynamics: OtherDynamics | None = None
    """Another dynamics of the same kind first: `{with: {lr: 0.3}, schedule: cosine}`."""

    @model_validator(mode="after")
    def _differs(self) -> "FirstPhase":
        if not (self.labels or self.examples or self.system or self.dynamics):
            raise ValueError("say what is different in the first phase: labels, examples, system or dynamics")
        return self


class History(Part):
    """A variant of the path that leads to the same final protocol."""

    init_scale: Positive = 1.0
    """Factor on the initial parameters (`hot` histories use 3)."""
    first: FirstPhase | None = None
    """A first phase on something else (`detour` histories)."""
    values: dict[str, Scalar] = Field(default_factory=dict)
    """Other values of a `command`'s placeholders."""
