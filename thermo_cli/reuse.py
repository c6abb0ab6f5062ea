"""Points that were trained before: a value more in a sweep trains that value alone.

What decides the numbers of a point is its own spec, whatever other points stand beside it and wherever it stands among them. So
the finished shards of a run of the same name, data, code, versions and processor, at a point of the same spec, are those that
training would write: they are copied under the new run's name, byte for byte what a training of it would leave.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from thermo_cli.environment import DEVICE, changes
from thermo_cli.errors import UNEXPECTED, StoreError
from thermo_cli.experiment import Experiment
from thermo_cli.fingerprints import code_of_all, own
from thermo_cli.kinds.kind import Setup
from thermo_cli.replicas import folder_of
from thermo_cli.spec import Spec, deciding_order, identity
from thermo_cli.spec.sweeping import points_of
from thermo_cli.store import RunFolder
from thermo_cli.store.catalogue import list_runs
from thermo_cli.store.outputs import adopt_output


def reuse(experiment: Experiment) -> str:
    """Copy what other runs have finished of points that have nothing yet, and say so; nothing where there is none.

    Args:
        experiment: What has been prepared, its folder begun.
    """
    if not experiment.spec.traits.trains:
        return ""
    run, manifest = experiment.folder, experiment.folder.manifest
    empty = {number: setup for number, setup in enumerate(experiment.points) if not _begun(run, number, experiment)}
    taken: dict[str, int] = {}
    for other in list_runs(run.path.parent) if empty else ():
        if not empty:
            break
        if other.name == run.name or other.name.rpartition("-")[0] != experiment.spec.name:
            continue
        for number, source in _twins(other, empty, experiment, manifest):
            if _copy(source, run, number, experiment):
                taken[other.name] = taken.get(other.name, 0) + 1
                del empty[number]
    if not taken:
        return ""
    words = " and ".join(f"{count} from {name}" for name, count in taken.items())
    return f"{sum(taken.values())} of {len(experiment.points)} points were trained before and are not trained again: {words}"


def _begun(run: RunFolder, number: int, experiment: Experiment) -> bool:
    place = run.path / "shards" / folder_of(points_of(experiment.spec)[number])
    return any(place.glob("*.safetensors")) or any(place.glob("*/state.safetensors"))


def _twins(
    other: RunFolder, empty: dict[int, Setup], experiment: Experiment, manifest: dict[str, Any]
) -> Iterator[tuple[int, RunFolder]]:
    """Yield the points that another run has too, with what it holds of them."""
    try:
        known = other.manifest
        if changes(known, manifest) or not _same_code(other, known["data_fingerprint"], experiment.spec):
            return
        views = other.points or (other,)
        specs = [view.spec for view in views]
    except (StoreError, *UNEXPECTED):  # what is damaged is nobody's twin, and complains where it is asked for
        return
    data = own(specs, known["data_fingerprint"])
    theirs = {(_key(spec), hash_): view for spec, hash_, view in zip(specs, data, views, strict=True)}
    for number, setup in list(empty.items()):
        twin = theirs.get((_key(setup.spec), setup.facts.fingerprint))
        if twin is not None:
            yield number, twin


def _same_code(other: RunFolder, fingerprint: str, spec: Spec) -> bool:
    """Say whether a run is what its spec would be today: with the same code of the user's, on the same kind of device."""
    if not {name for point in points_of(other.spec) for name in point.spec.foreign} <= {
        name for point in points_of(spec) for name in point.spec.foreign
    }:
        return False
    code = code_of_all([point.spec for point in points_of(other.spec)])
    return identity(other.spec, fingerprint + code, DEVICE) == other.identity


def _key(spec: Spec) -> str:
    """Return what two points have in common that are one experiment."""
    return f"{identity(spec, '', DEVICE)} {deciding_order(spec)}"


def _copy(source: RunFolder, run: RunFolder, number: int, experiment: Experiment) -> bool:
    """Copy the shards of a point, and what scripts have left of them; say whether there was one."""
    there = folder_of(points_of(RunFolder(source.path).spec)[source.point or 0])
    here = folder_of(points_of(experiment.spec)[number])
    found = False
    for name, members in source.shards.items():
        store = source.shard(name)
        if not store.segments or store.place.old:
            continue
        shard = f"{here}/{name.removeprefix(f'{there}/')}".lstrip("/")
        rows = tuple(dataclasses.replace(member, shard=shard, point=number) for member in members)
        adopt_output(run.path, shard, source.path, name)  # before the shard counts as finished
        try:
            run.store_of(rows).adopt(store)
        except StoreError:  # damaged there: it is trained here
            continue
        found = True
    return found
