"""The attacks, row by row as results/reliability.md shows them."""

from typing import Final

from tests.reliability import damage, disks, markup, processes, specs
from tests.reliability.tally import Attack

ATTACKS: Final = (
    Attack(
        "files cut, changed, emptied, replaced or removed, of runs of every kind",
        damage.damaged,
        7,
        420,
        "store.healing; checksums of arrays, facts and the resolved spec",
    ),
    Attack(
        "files exchanged within a run, or with one of another seed",
        damage.exchanged,
        6,
        240,
        "the record of every file: run, point, shard, rows, sequence, what it follows",
    ),
    Attack("disk full at one write", disks.full, 7, 280, "files.replacing: temporary file, sync, rename"),
    Attack(
        "a limit on the size of files, or on memory",
        disks.limited,
        2,
        40,
        "the same; a worker that dies is blamed alone",
    ),
    Attack("the run folder removed while it is at work", disks.vanished, 1, 24, "StoreError of every write"),
    Attack(
        "kill -9 of parent, worker or all", processes.killed, 2, 100, "commits: records, then the state that names them"
    ),
    Attack(
        "SIGINT, SIGTERM, SIGHUP, SIGUSR1 to all",
        processes.told,
        2,
        40,
        "engines.interrupts; workers leave it to their parent",
    ),
    Attack(
        "kill -9 of the workers of a Dask cluster, under 64 replicas",
        processes.clustered,
        0,  # in CI tests/engines/test_dask kills one
        10,
        "what a worker has not committed is trained again by another",
    ),
    Attack("a second command, with --fresh, beside a live one", processes.live, 1, 20, "the lock of the run"),
    Attack(
        "markup in names of files, replicas, histories and observables",
        markup.injected,
        6,
        96,
        "escapes of every format",
    ),
    Attack(
        "malformed specs, drawn from the schema or made of experiments",
        specs.refused,
        0,  # in CI Hypothesis draws them: test_specs
        5000,
        "a located SpecError; sizes known before anything is made",
    ),
)
