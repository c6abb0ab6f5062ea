"""What a spec must know of runs that exist."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from thermo_cli.kinds.data_checks import refuse_data
from thermo_cli.spec.traits import Traits

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def check(spec: "Spec") -> None:
    """Refuse data and first phases: what is recorded has moved already."""
    for name, history in spec.histories.items():
        if history.first is not None:
            raise ValueError(f"histories.{name}.first: {spec.system.use} runs have moved already: leave it out")
    refuse_data(spec)


def streams(spec: "Spec", examples: int, pool: int, histories: Sequence[str], noisy: bool) -> set[str]:
    """Return nothing: of streams of randomness nothing is known."""
    return set()


TRAITS: Final = Traits(
    name="recorded",
    title="recorded",
    width=1,
    check=check,
    streams=streams,
    trains=False,
    deciding=lambda dynamics: dynamics,
    no_pairs="recorded parameters say nothing of their symmetries",
)
