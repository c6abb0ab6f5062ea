"""What a spec must know of networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from thermo_cli.kinds.data_checks import require_data
from thermo_cli.metric import margin_problem, recordable
from thermo_cli.spec.traits import Traits, learner_streams

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def check(spec: "Spec") -> None:
    """Refuse steps before a module, which takes the data as they are."""
    require_data(spec)
    if getattr(spec.system, "preprocess", []):
        raise ValueError("system.preprocess: it goes with dynamics fit: a torch module takes the data as they are")


def streams(spec: "Spec", examples: int, pool: int, histories: Sequence[str], noisy: bool) -> set[str]:
    """Return the sources of randomness that training consumes; dropout and heat draw from `noise`."""
    drops = noisy or getattr(spec.system.arguments, "dropout", 0.0) > 0
    drops = drops or getattr(spec.motion.arguments, "temperature", 0.0) > 0
    return {"init", *(("noise",) if drops else ()), *learner_streams(spec, examples, pool, histories)}


def _unique(spec: "Spec") -> bool:
    """Say whether it is linear with an L2 penalty."""
    arguments: Any = spec.motion.arguments
    decay = arguments.get("weight_decay", 0.0) if isinstance(arguments, dict) else arguments.weight_decay
    return spec.system.use == "linear" and bool(decay)


TRAITS: Final = Traits(
    name="networks",
    title="a system that learns from data",
    width=4,  # so that eight replicas use two cores; a worker stacks as many shards as pay
    check=check,
    streams=streams,
    resamples=True,
    margin_problem=margin_problem,
    recordable=recordable,
    stacks=True,
    twins=True,
    unique=_unique,
)
