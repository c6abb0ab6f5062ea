"""The long form of the attacks: `python -m tests.reliability`.

It writes results/reliability.md. What was counted is kept, part by part, in results/reliability.jsonl, so that a long form that
was interrupted goes on; `--anew` counts all of it again, `--only` some rows.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.reliability import bench, disks, processes, unprotected
from tests.reliability.attacks import ATTACKS
from tests.reliability.tally import Attack, Tally
from thermo_cli import rng

ROOT: Final = Path(__file__).resolve().parents[2]
COUNTS: Final = ROOT / "results" / "reliability.jsonl"
PAGE: Final = ROOT / "results" / "reliability.md"
CLUSTERED: Final = (
    (processes.killed, 18),
    (processes.told, 12),
    (processes.live, 4),
    (disks.vanished, 6),
)
PART: Final = 20  # faults that are counted and kept together, at least
INTRODUCTION: Final = """\
# What it survives

Written by `python -m tests.reliability`. Runs of every kind (stacked networks, growing ones, sweeps, physical systems,
estimators, scripts, recorded runs) are attacked, and the same command is given again. *Survived*: what it promises (shards,
states, table, microstates, verdict) is to the byte what an undisturbed run leaves. *Named*: the fault was answered by a
sentence that says what is wrong. *Silent*: other numbers, code that ran, or a traceback, without such a sentence. *Lost*:
something finished that the same command did not bring back. *Without it*: faults that were silent or lost in a few tries
where the protection was taken away (`--unprotected`; some of the runs died at once). CI tries a few of each attack.
"""


def main() -> int:
    """Count what is not counted yet, write the page, and return 1 where anything was silent or lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="attacks whose functions begin so")
    parser.add_argument("--anew", action="store_true", help="forget what was counted")
    parser.add_argument(
        "--unprotected", action="store_true", help="only whether attacks succeed where nothing protects"
    )
    parser.add_argument(
        "--cluster", action="store_true", help="attack commands that train on a Dask cluster of two workers"
    )
    chosen = parser.parse_args()
    if chosen.cluster:
        return _on_a_cluster()
    if chosen.anew:
        COUNTS.unlink(missing_ok=True)
    for attack in ATTACKS:
        if attack.run.__name__.startswith(tuple(chosen.only)) and chosen.unprotected:
            _keep(unprotected.kept(attack.run.__name__))
        elif attack.run.__name__.startswith(tuple(chosen.only)):
            size = max(PART, attack.long // 25)
            for first in range(0, attack.long, size):
                _count(attack, first // size, min(size, attack.long - first))
    _write()
    print(PAGE.read_text())
    return int(any(tally.silent or tally.lost for tally in map(_total, ATTACKS)))


def _write() -> None:
    PAGE.write_text("\n".join(_page([(attack, _total(attack)) for attack in ATTACKS])) + "\n")


def _on_a_cluster() -> int:
    """Attack the processes of a command whose shards train on a cluster that goes on; each attack is kept as one of its own."""
    from distributed import LocalCluster

    lines = []
    with LocalCluster(2, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50) as it:
        bench.SCHEDULER[:] = ["--scheduler", str(it.scheduler_address)]
        for attack, number in CLUSTERED:
            with tempfile.TemporaryDirectory() as folder:
                tally = attack(number, Path(folder), rng.generator(2026, zlib.crc32(attack.__name__.encode())))
            lines.append(
                {"attack": f"{attack.__name__} on a cluster", "unprotected": None, **dataclasses.asdict(tally)}
            )
            print(lines[-1], flush=True)
            _keep(lines[-1])
    _write()
    return int(any(line["silent"] or line["lost"] for line in lines))


def _count(attack: Attack, part: int, faults: int) -> None:
    """Try the faults of a part, unless that was done."""
    name = attack.run.__name__
    if any((kept["attack"], kept["part"], kept["faults"]) == (name, part, faults) for kept in _kept(False)):
        return
    generator = rng.generator(2026, zlib.crc32(name.encode()), part)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = attack.run(faults, Path(folder), generator)
    line = {"attack": name, "part": part, "faults": faults, "revision": _revision(), **dataclasses.asdict(tally)}
    _keep(line)
    print(
        f"{name} {part}: {tally.tried} in {time.monotonic() - begun:.0f} s",
        *tally.silent,
        *tally.lost,
        sep="\n  ",
        flush=True,
    )


def _keep(line: dict[str, Any]) -> None:
    """Keep what was counted; without protection the last count alone."""
    lines = COUNTS.read_text().splitlines() if COUNTS.exists() else []
    if "unprotected" in line:
        same = ("attack", "unprotected")
        lines = [old for old in lines if [json.loads(old).get(key) for key in same] != [line[key] for key in same]]
    COUNTS.write_text("\n".join([*lines, json.dumps(line)]) + "\n")


def _kept(unprotected: bool | None) -> Iterator[dict[str, Any]]:
    lines = map(json.loads, COUNTS.read_text().splitlines() if COUNTS.exists() else [])
    yield from (line for line in lines if line.get("unprotected", False) == unprotected)


def _total(attack: Attack, unprotected: bool = False) -> Tally:
    """Return what was counted of an attack, all parts together."""
    total = Tally()
    for kept in _kept(unprotected):
        if kept["attack"] == attack.run.__name__:
            total.tried += kept["tried"]
            total.named += kept["named"]
            total.silent += kept["silent"]
            total.lost += kept["lost"]
    return total


def _page(rows: Sequence[tuple[Attack, Tally]]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from (INTRODUCTION, "| attack | tried | survived | named | silent | lost | what protects | without it |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |"
    for attack, tally in rows:
        numbers = (tally.tried, tally.survived, tally.named, len(tally.silent), len(tally.lost))
        bare = _total(attack, unprotected=True)
        lost = f"{min(bare.tried - bare.survived, bare.tried)} of {bare.tried}" if bare.tried else ""
        yield f"| {attack.name} | {' | '.join(map(str, numbers))} | {attack.protection} | {lost} |"
    faults = [f"- {attack.name}: {fault}" for attack, tally in rows for fault in (*tally.silent, *tally.lost)]
    if faults:
        yield from ("", "## Silent or lost", "", *faults)
    yield from _clustered()
    revisions = sorted({str(kept["revision"]) for kept in _kept(False)})
    yield from ("", f"Counted at {', '.join(revisions)}.")


def _clustered() -> Iterator[str]:
    """Yield what became of commands whose shards train on a cluster."""
    lines = [line for line in _kept(None) if line["attack"].endswith(" on a cluster")]
    if lines:
        yield from ("", "With `--scheduler tcp://...`, two workers (`--cluster`):", "")
        yield from ("| attack | tried | named | silent | lost |", "| --- | ---: | ---: | ---: | ---: |")
    for line in lines:
        numbers = (line["tried"], line["named"], len(line["silent"]), len(line["lost"]))
        yield f"| {line['attack'].removesuffix(' on a cluster')} | {' | '.join(map(str, numbers))} |"


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "no revision"


if __name__ == "__main__":
    sys.exit(main())
