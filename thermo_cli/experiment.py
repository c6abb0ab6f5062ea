"""What is prepared: one or more points, each resolved and checked by its kind before the first step, and nothing trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from thermo_cli.environment import DEVICE
from thermo_cli.errors import DataError, SpecError
from thermo_cli.fingerprints import PLUS, code_of_all, data_name, joined
from thermo_cli.kinds.kind import Facts, Setup, kind_of
from thermo_cli.metric import own_names
from thermo_cli.replicas import Replica, replica_table, streams_used
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec, identity
from thermo_cli.spec.sweeping import Point, points_of
from thermo_cli.store import RunFolder
from thermo_cli.store.catalogue import find_or_name
from thermo_cli.trust import Trust, set_trust


@dataclass(frozen=True)
class Experiment:
    """An experiment of which everything has been resolved and checked, and nothing trained.

    Attributes:
        spec: The resolved spec.
        base: Folder of the spec, where relative paths start.
        folder: Where the run is, or will be.
        table: The replica table of all points.
        points: In order; without a sweep there is one.
        fingerprint: Hash of the data, scripts or records that the run rests on.
        identity: The eight digits of the run.
    """

    spec: Spec
    base: Path
    folder: RunFolder
    table: tuple[Replica, ...]
    points: tuple[Setup, ...]
    fingerprint: str
    identity: str

    @property
    def stacked(self) -> int:
        """Replicas that pay in one stack; 0 where bits depend on its width, so that each shard trains alone."""
        return min(point.facts.stacked for point in self.points)


def prepare(
    spec: Spec, base: Path, results: Path, allow: Sequence[str] = (), loaded: Mapping[str, Any] = MappingProxyType({})
) -> Experiment:
    """Resolve and check everything before the first step.

    Args:
        spec: The resolved spec.
        base: Folder of the spec.
        results: Where run folders are.
        allow: What the spec may run beyond the built-ins: `local`, `command`, or packages.
        loaded: Data that were read before, by what their kind knows them by.

    Raises:
        SpecError: Parts of the spec do not fit each other or the data.
        DataError: The data cannot serve.
        RunError: The stacked step is not the plain one.
    """
    set_trust(Trust(tuple(allow), base))
    points, table = points_of(spec), replica_table(spec)
    groups: dict[int, list[Replica]] = {point.number: [] for point in points}
    for row in table:
        groups[row.point].append(row)
    tables = [tuple(groups[point.number]) for point in points]
    known = dict(loaded)
    facts = [_facts(point, base, rows, known) for point, rows in zip(points, tables, strict=True)]
    specs = [point.spec for point in points]
    fingerprint = joined(map(data_name, specs), [one.fingerprint for one in facts], PLUS)
    code = code_of_all(specs)
    digits = identity(spec, fingerprint + code, DEVICE)
    folder = find_or_name(results, spec.name, digits, fingerprint, code)
    setups = tuple(
        Setup(point.spec, base, fact, rows, RunFolder(folder.path, point.number) if spec.sweep else folder)
        for point, fact, rows in zip(points, facts, tables, strict=True)
    )
    return Experiment(spec, base, folder, table, setups, fingerprint, digits)


def _facts(point: Point, base: Path, table: Sequence[Replica], loaded: dict[str, Any]) -> Facts:
    """Prepare one point; what is wrong with it is told with its values."""
    try:
        facts = kind_of(point.spec).prepare(point.spec, base, table, loaded)
        _check_observables(point.spec, facts)
        _check_margins(point.spec, facts)
        _check_varied(point.spec, facts)
    except (SpecError, DataError) as error:
        if not point.values:
            raise
        raise error.within(f"sweep, at {point.label}") from None
    return facts


def _check_observables(spec: Spec, facts: Facts) -> None:
    """Refuse observables of the user's own where nothing answers."""
    own = own_names(spec.observe.macro)
    if own and facts.dataset is None:
        raise SpecError(
            f"a {spec.system.use} system has no outputs that this could be computed from",
            received=own[0],
            remedy="leave it out; what the system shows is observed by itself",
            where="observe.macro",
        )


def _check_margins(spec: Spec, facts: Facts) -> None:
    """Refuse margins of observables that a run does not measure."""
    if facts.observables is None:
        return
    for observable in spec.equilibrium.margins:
        if observable not in facts.observables:
            what = f"this {facts.dataset.task}" if facts.dataset is not None else "this system"
            raise SpecError(
                f"{observable} is not observed in {what}",
                received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(facts.observables)),
                where="equilibrium.margins",
            )


def _check_varied(spec: Spec, facts: Facts) -> None:
    """Refuse an ensemble of copies: what `vary` names must be used."""
    consumed = streams_used(spec, facts.examples, facts.pool, noisy=facts.noisy)
    if facts.runs is None and not consumed & set(spec.ensemble.vary):
        raise SpecError(
            "replicas would be copies of each other: this experiment uses nothing that varies",
            received=", ".join(spec.ensemble.vary),
            remedy="vary " + ", ".join(name for name in STREAMS if name in consumed),
            where="ensemble.vary",
        )
