"""What a spec says of runs that exist: where they are, and what is known of them."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.kinds.recorded.header import REQUIRED
from thermo_cli.spec.parts import Part, SystemPart

_FILE: Final = f"Records ({', '.join(IMPORTERS)}) with columns {', '.join(REQUIRED)} and optionally history"


class RecordedArguments(Part):
    """Arguments of `recorded`."""

    path: Annotated[str, Field(min_length=1, description=f"{_FILE}; relative to the spec.")]
    parameters: Annotated[str, Field(min_length=1)] | None = None
    """Path pattern of safetensors files with parameters, with {history}, {replica} and {step}; relative to the spec."""
    initial: dict[str, float] = Field(default_factory=dict)
    """Observable to its mean before training, where the first record is later than that."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate was constant over the window; if not, stationarity cannot be read off one trajectory."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    """Size of the test set, for the default margin of the accuracy."""
    scope: Annotated[str, Field(min_length=1)] = "for the runs recorded"
    """Which randomness was varied, printed with the verdict."""


class RecordedSystem(SystemPart):
    """Runs that exist already, judged without training."""

    kind: ClassVar[str] = "recorded"

    use: Literal["recorded"]
    """Recorded runs."""
    arguments: RecordedArguments = Field(alias="with")
    """Where the records are."""
