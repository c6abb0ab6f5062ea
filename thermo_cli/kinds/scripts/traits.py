"""What a spec must know of scripts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from thermo_cli.kinds.data_checks import refuse_data
from thermo_cli.placeholders import SEEDS
from thermo_cli.spec.traits import Traits

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def check(spec: "Spec") -> None:
    """Refuse data and first phases: a script has its own, and trains itself."""
    for name, history in spec.histories.items():
        if history.first is not None:
            raise ValueError(f"histories.{name}.first: a command trains itself: tell it by histories.{name}.values")
    refuse_data(spec)


def streams(spec: "Spec", examples: int, pool: int, histories: Sequence[str], noisy: bool) -> set[str]:
    """Return the sources of randomness that the command is told of."""
    placeholders = _arguments(spec).placeholders
    drawn = spec.ensemble.subsample.bootstrap or examples < pool
    return {stream for name, stream in SEEDS.items() if name in placeholders and (drawn or stream != "subsample")}


def _partners(spec: "Spec") -> bool:
    """Say whether parameters can be compared without alignment, and partners on one bath are no copies."""
    comparable = _arguments(spec).symmetries == "none" or "init" not in spec.ensemble.vary
    return comparable and bool(streams(spec, 0, 0, (), False) & set(spec.ensemble.vary) - {"subsample"})


def _pool(spec: "Spec") -> int:
    return _arguments(spec).pool or 0


def _values(spec: "Spec") -> Mapping[str, object]:
    values: Mapping[str, object] = _arguments(spec).values
    return values


def _arguments(spec: "Spec") -> Any:
    return spec.system.arguments


TRAITS: Final = Traits(
    name="scripts",
    title="command",
    width=1,  # a process each
    closed=lambda spec: "a script trains itself",
    check=check,
    streams=streams,
    resamples=True,
    no_pairs="needs parameters that compare (system.with.symmetries: none, or one init), and a varied seed",
    no_parameters="no two replicas have finite parameters at step T: the script keeps parameters-<T>.safetensors, if it likes",
    partners=_partners,
    deciding=lambda dynamics: {name: value for name, value in dynamics.items() if name != "with"},
    pool=_pool,
    values=_values,
)
