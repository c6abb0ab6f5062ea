"""What a spec says of estimators: how a fit takes its time."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from thermo_cli.spec.parts import DynamicsPart, Part, Steps


class FitArguments(Part):
    """Arguments of `fit`."""

    time: Literal["once", "staged", "warm_start", "partial", "budget"] = "once"
    """What `steps` counts: nothing (`once`); stages of boosting (`staged`); trees added to a forest (`warm_start`); epochs of
    partial fits (`partial`); iterations, trained anew with T/4, T/2 and T (`budget`)."""
    parameter: Annotated[str, Field(min_length=1)] | None = None
    """Argument of the estimator that `steps` is given to; `n_estimators` or `max_iter`, whichever it takes, if absent."""


class FitDynamics(DynamicsPart):
    """The estimator's own fit."""

    kind: ClassVar[str] = "estimators"

    use: Literal["fit"] = "fit"
    """The estimator's own fit."""
    arguments: FitArguments = Field(default_factory=FitArguments, alias="with")
    """What the training time is."""
    steps: Steps = Field(default_factory=lambda: Steps.model_validate(1), json_schema_extra={"default": 1})
    """Training time T, in what `time` says; 1 for a fit that is done `once`."""
