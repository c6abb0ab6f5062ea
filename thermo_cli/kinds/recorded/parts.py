"""What a spec says of runs that exist: where they are, and what is known of them."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.spec.parts import Part, SystemPart

Format = Literal["auto", "long", "wide", "lightning", "keras", "wandb", "trainer_state", "tensorboard", "mlflow"]
Column = Literal["replica", "step", "observable", "value", "history", "point", "budget", "seconds"]
_PATH: Final = (
    f"Where the runs are, relative to the spec: a file ({', '.join(IMPORTERS)}, trainer_state.json, TensorBoard's event "
    "files, MLflow's database), a folder of such, or a pattern with {replica}, {history}, {point} and *; or a list of "
    "such"
)
_LATER: Final = ("format", "columns", "point")  # not in 0.6: left out of what is resolved where they say nothing


def _without_zero(path: str) -> str:
    if "\0" in path:
        raise ValueError("a path cannot contain a zero byte")
    return path


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_without_zero)]


class RecordedArguments(Part):
    """Arguments of `recorded`."""

    path: Annotated[Pattern | Annotated[list[Pattern], Field(min_length=1)], Field(description=f"{_PATH}.")]
    format: Format = "auto"
    """What the files are; `auto` finds out and says so."""
    columns: dict[Column, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Of a table: what columns are to the names that they have in it ({replica: seed, step: iteration})."""
    point: Annotated[str, Field(min_length=1)] | None = None
    """Which recipe is judged, where there are several: sweep system.with.point over them."""
    parameters: Pattern | None = None
    """Path pattern of safetensors files with parameters, with {history}, {replica} and {step}; relative to the spec."""
    initial: dict[str, float] = Field(default_factory=dict)
    """Observable to its mean before training, where the first record is later than that."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate was constant over the window; if not, stationarity cannot be read off one trajectory."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    """Size of the test set, for the default margin of the accuracy."""
    scope: Annotated[str, Field(min_length=1)] = "for the runs recorded"
    """Which randomness was varied, printed with the verdict."""

    @property
    def paths(self) -> list[str]:
        """Where the runs are, one or several."""
        return [self.path] if isinstance(self.path, str) else self.path

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> Any:
        """Leave out what says nothing, so that the identity of runs that are kept stays what it is."""
        silent = {name for name in _LATER if getattr(self, name) in ("auto", {}, None)}
        return {name: value for name, value in write(self).items() if name not in silent}


class RecordedSystem(SystemPart):
    """Runs that exist already, judged without training."""

    kind: ClassVar[str] = "recorded"

    use: Literal["recorded"]
    """Recorded runs."""
    arguments: RecordedArguments = Field(alias="with")
    """Where the records are."""
