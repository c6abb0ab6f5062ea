"""What a spec must know of runs that exist."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from thermo_cli.spec.traits import Traits

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def check(spec: "Spec") -> None:
    """Refuse nothing: what is recorded is checked when it is read."""


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
    no_pairs="recorded parameters say nothing of their symmetries",
)
