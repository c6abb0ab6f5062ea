"""What a spec must know of its kind of system: a record for each wing of `kinds`, read without what trains it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from thermo_cli.registry import KINDS, load

Spec = Any  # that of spec.schema, which reads this


def first_steps(dynamics: Mapping[str, Any]) -> int:
    """Return where the training time of a spec's `dynamics` begins to grow.

    Args:
        dynamics: As it is written in JSON.
    """
    steps = dynamics["steps"]
    return int(steps["from"] if isinstance(steps, dict) else steps)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """A kind of system as the spec sees it.

    Attributes:
        name: Of the wing.
        title: In sentences about what compares with what, "a system that learns from data".
        width: Replicas of a shard, the unit of files.
        closed: From the spec to why no training goes on where it has ended; empty where it does.
        trains: Whether it is trained here; recorded runs have moved already.
        resamples: Whether subsamples of a pool can tell its replicas apart.
        stacks: Whether its replicas move in one stack.
        twins: Whether a replica can start again one unit in the last place away.
        nulls: Whether partners come with fits to shuffled labels.
        prefix: Package whose objects are of this kind, whatever moves them; empty without one.
        no_pairs: Why diversity cannot be decided where there are no same-bath pairs; empty where the number of pairs says it.
        no_parameters: What is said of microstates where too few are kept; empty where judging says it.
        check: Raises ValueError where parts of the spec do not fit each other.
        streams: From spec, examples of a replica, pool, histories and whether training draws noise, to the sources of
            randomness that training consumes, varied or not.
        margin_problem: From an observable and what is observed, to why it cannot carry a margin, or None.
        recordable: From what is observed to the names that can be recorded; empty where only the training itself shows them.
        partners: Whether partners on one bath can be compared, and are no copies.
        unique: Whether there may be one optimum, which telling takes more pairs.
        pool: Number of examples that subsamples are drawn from, where the spec itself says it; 0 elsewhere.
        deciding: From the spec's `dynamics` to what of it decides the numbers.
        values: Placeholders of the user's own, which a history may replace.
        time: What the training time counts.
        decays: Whether the learning rate falls although the spec names no schedule.
    """

    name: str
    title: str
    width: int
    check: Callable[[Spec], None]
    streams: Callable[[Spec, int, int, Sequence[str], bool], set[str]]
    closed: Callable[[Spec], str] = lambda spec: ""
    trains: bool = True
    resamples: bool = False
    stacks: bool = False
    twins: bool = False
    nulls: bool = False
    prefix: str = ""
    no_pairs: str = ""
    no_parameters: str = ""
    margin_problem: Callable[[str, Sequence[str]], str | None] = lambda observable, macro: None
    recordable: Callable[[Sequence[str]], Collection[str]] = lambda macro: ()
    partners: Callable[[Spec], bool] = lambda spec: True
    unique: Callable[[Spec], bool] = lambda spec: False
    pool: Callable[[Spec], int] = lambda spec: 0
    deciding: Callable[[dict[str, Any]], dict[str, Any]] = lambda dynamics: dynamics | {"steps": first_steps(dynamics)}
    values: Callable[[Spec], Mapping[str, object]] = lambda spec: {}
    time: Callable[[Spec], str] = lambda spec: "steps"
    decays: Callable[[Spec], bool] = lambda spec: False


def learner_streams(spec: Spec, examples: int, pool: int, histories: Sequence[str]) -> set[str]:
    """Return the sources of randomness that whatever learns from examples consumes by its data and its path.

    Args:
        pool: Examples that they are drawn from.
        histories: Those that are asked about.
    """
    phases = [phase for name in histories if (phase := spec.histories[name].first) is not None]
    batches = [getattr(spec.dynamics, "batch_size", "full")]
    batches += [batch for phase in phases if phase.dynamics and (batch := phase.dynamics.batch_size) is not None]
    consumed = {
        "subsample": spec.ensemble.subsample.bootstrap or examples < pool,
        "noise": any(phase.labels or phase.examples for phase in phases),
        "order": any(batch not in ("full", examples) for batch in batches),
    }
    return {stream for stream, used in consumed.items() if used}


@cache
def traits_of(kind: str) -> Traits:
    """Return what a spec must know of a kind.

    Args:
        kind: A key of `registry.KINDS`.
    """
    traits: Traits = load(f"{KINDS[kind]}.traits:TRAITS")
    return traits


def kind_named(use: str) -> str:
    """Return the kind that every object of a package is of, whatever moves it; empty where its dynamics decides.

    Args:
        use: `module:Class`.
    """
    return next((kind for kind in KINDS if (prefix := traits_of(kind).prefix) and use.startswith(prefix)), "")
