"""What a spec must know of physical systems."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from thermo_cli.kinds.data_checks import refuse_data
from thermo_cli.spec.traits import Traits

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def check(spec: "Spec") -> None:
    """Refuse data, and a temperature of descent: noise on the gradient is the system's own, heat is that of `langevin`."""
    refuse_data(spec)
    if getattr(spec.motion.arguments, "temperature", 0.0) and spec.motion.use == "sgd":
        raise ValueError(
            "dynamics.with.temperature: a physical system is heated by dynamics: {use: langevin, with: {temperature: T}}"
        )


def streams(spec: "Spec", examples: int, pool: int, histories: Sequence[str], noisy: bool) -> set[str]:
    """Return the sources of randomness of a walk: where it starts, what drives it, and a random landscape."""
    return {"init", "noise", *(("subsample",) if spec.system.use == "random_energy" else ())}


TRAITS: Final = Traits(
    name="physical",
    title="a physical system",
    width=16,  # a step costs the interpreter the same for one walker as for sixteen
    check=check,
    streams=streams,
    twins=True,
    unique=lambda spec: bool(spec.system.use == "harmonic"),
)
