"""Shards from their rows in the replica table to their files on disk: what a worker process does, start to end.

Workers commit into the run folder and return; nobody believes what they return, the disk is the truth.
"""

import itertools
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from thermo_cli.contracts import Dataset, Movement
from thermo_cli.data.split import load_dataset
from thermo_cli.environment import DEVICE
from thermo_cli.errors import DataError
from thermo_cli.fingerprints import code_of_all, rests_on
from thermo_cli.kinds.kind import Work, kind_of
from thermo_cli.replicas import Replica, alike
from thermo_cli.segments import Training
from thermo_cli.spec import Spec, identity
from thermo_cli.spec.size import Size
from thermo_cli.spec.sweeping import points_of
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardStore
from thermo_cli.trust import Trust, code_fingerprint, locate, set_trust


@dataclass(frozen=True)
class ShardTask:
    """What a worker is told.

    Attributes:
        folder: Of the run.
        shards: All rows of each shard to be trained, in one stack where there are several.
        base: Folder of the spec, where relative data paths start.
        allow: What the spec may run beyond the built-ins.
        filled: Whether an incomplete shard is filled with copies, because bits depend on the width of a stack here.
        sizes: What the look that it is trained for has of each point that grows.
    """

    folder: Path
    shards: tuple[tuple[Replica, ...], ...]
    base: Path
    allow: tuple[str, ...] = ()
    filled: bool = False
    sizes: tuple[tuple[int, Size], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the shards."""
        return tuple(members[0].shard for members in self.shards)


def tasks_of(folder: RunFolder, base: Path, allow: Sequence[str], workers: int, most: int) -> list[ShardTask]:
    """Divide what is still to be trained among workers: as many shards to a stack as pay, and no worker without one.

    A shard that is not full stands last in its stack, or alone: behind it others would lie at addresses that are no multiple
    of a vector, and there products are rounded otherwise.

    Args:
        folder: The run.
        base: Folder of the spec.
        allow: What the spec may run.
        workers: Number of processes.
        most: Replicas of one stack; 0 where bits depend on its width, so that each shard trains alone and filled.
    """
    names = folder.unfinished()
    likes = {point: alike(spec) for point, spec in folder.specs.items()} if names and most else {}
    groups: dict[object, list[tuple[Replica, ...]]] = {}
    for name in names:
        members = folder.shards[name]
        first, spec = members[0], folder.spec_of(members[0])
        together = most >= 2 * spec.width and (len(members) == spec.width or len(likes) == 1)
        key = (likes[first.point], first.history, first.steps, first.role == "main") if together else name
        groups.setdefault(key, []).append(members)
    shares = [
        max(min(most // folder.spec_of(shards[0][0]).width, len(names) // workers), 1) for shards in groups.values()
    ]
    counts = [-(-len(shards) // share) for shards, share in zip(groups.values(), shares, strict=True)]
    tasks = []
    for shards, stacks in zip(groups.values(), _evened(counts, [*map(len, groups.values())], workers), strict=True):
        cuts = [number * len(shards) // stacks for number in range(stacks + 1)]
        tasks += [tuple(shards[start:stop]) for start, stop in itertools.pairwise(cuts)]
    path, sizes = folder.path.resolve(), tuple(folder.sizes.items())
    return [ShardTask(path, shards, base, tuple(allow), not most, sizes) for shards in tasks]


def _evened(stacks: Sequence[int], shards: Sequence[int], workers: int) -> list[int]:
    """Divide the last groups further, so that no worker is idle while another trains the last stack alone.

    Args:
        stacks: Of each group, as wide as pays.
        shards: Of each group.
        workers: Number of processes.
    """
    evened, idle = list(stacks), -sum(stacks) % workers
    for group in reversed(range(len(evened))):
        more = min(idle, shards[group] - evened[group])
        evened[group] += more
        idle -= more
    return evened


def train_shard(task: ShardTask) -> str:
    """Train some shards until they have finished or the run is asked to stop.

    Args:
        task: Which shards.

    Returns:
        `finished`, `interrupted`, or `failed` where a script did and the reason is kept.

    Raises:
        DataError: The data are not those that the run began with.
        StoreError: The disk is full, or a committed file is damaged.
    """
    set_trust(Trust(task.allow, task.base))
    folder = RunFolder(task.folder, sizes=dict(task.sizes))
    shards = [(folder.store_of(members), members) for members in task.shards]
    with ExitStack() as locks:
        for store, _ in shards:
            locks.callback(store.lock().release)
        missing = []
        for store, members in shards:
            if store.finished:
                store.clean()
            else:
                missing.append((store, members))
        if missing:
            _check_code(folder)
        for group in _abreast(missing):
            word = _train(folder, task, group)
            if word != "finished":
                return word
    return "finished"


def _check_code(folder: RunFolder) -> None:
    """Refuse code of the user's that is not what the run began with: it is imported now, and what its files hold then counts.

    Raises:
        DataError: A file was changed since.
    """
    specs = [point.spec for point in points_of(folder.spec)]
    for name in dict.fromkeys(name for spec in specs for name in spec.foreign):
        with suppress(Exception):  # what cannot be imported is told of the replicas that need it
            locate(name, name)
    code = code_of_all(specs)
    if code and identity(folder.spec, folder.manifest["data_fingerprint"] + code, DEVICE) != folder.identity:
        raise DataError(
            "code that the spec names changed while the run was in progress",
            received=", ".join(
                dict.fromkeys(name for spec in specs for name in spec.foreign if code_fingerprint(name))
            ),
            remedy="give the same command again: it begins a run of the changed code",
        )


Shards = list[tuple[ShardStore, tuple[Replica, ...]]]


def _abreast(shards: Shards) -> list[Shards]:
    """Group shards that stand at the same step: one that was killed amid a commit has left some of them behind."""
    groups: dict[tuple[int, int], Shards] = {}
    for store, members in shards:
        groups.setdefault((store.segments, store.step), []).append((store, members))
    return list(groups.values())


def _train(folder: RunFolder, task: ShardTask, shards: Shards) -> str:
    store, rows = shards[0][0], tuple(row for _, members in shards for row in members)
    spec = folder.spec_of(rows[0])
    if spec.traits.stacks:  # a stack of one rounds otherwise than one of two
        rows += (rows[0],) * ((spec.width if task.filled else 2) - len(rows))

    def dataset() -> Dataset:
        found = _dataset(spec.model_dump_json(), task.base, task.folder)
        specs = [point.spec for point in points_of(folder.spec)]
        if not rests_on(specs, folder.manifest["data_fingerprint"], rows[0].point, found.fingerprint):
            _dataset.cache_clear()  # a worker that lives on finds them restored
            raise DataError(
                "the data changed while the run was in progress",
                received=found.fingerprint[:12],
                remedy="restore the data, or use --fresh"
                + ("; a function must return the same data each time: give it a seed" if _by_function(spec) else ""),
            )
        return found

    def move(moving: Movement) -> str:
        return Training(folder, spec, shards, moving).run()

    specs = [folder.spec_of(row) for row in rows]
    return kind_of(spec).train(Work(folder, store, specs, rows, task.base, dataset, move))


def _by_function(spec: Spec) -> bool:
    return spec.data is not None and ":" in spec.data.use


@lru_cache(maxsize=1)
def _dataset(spec: str, base: Path, run: Path) -> Dataset:
    """Load the data once per worker."""
    data = Spec.model_validate_json(spec).data
    assert data is not None  # only what learns from data asks for it
    return load_dataset(data, base, RunFolder(run).source())
