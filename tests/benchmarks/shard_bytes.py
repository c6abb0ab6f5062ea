"""Whether two checkouts train the same bytes: each replica's arrays, compared to the last bit.

    python tests/benchmarks/shard_bytes.py OLD NEW [--specs SPEC.yaml ...] [--old-set ensemble.shard=4] [--ignore REGEX]

Trains every spec with the code of both checkouts, in processes of their own with one worker, and compares what the shards hold
row by row: observables, kept parameters, and what was found out at the end; the findings about microstates count as a row. Rows
are matched by the name that the replica table gives them, so shards may be of any width. But a shard with a twin or its main
replica keeps the parameters of step 1 of all its rows: give both sides one width (`--old-set ensemble.shard=4`), or
`--ignore 'snapshot/0*1'`.

The files are read with safetensors and json alone; `FORMATS` has one reader for each version of the format, and what has no
counterpart by design (states, checksums, times) is left out there. Bytes depend on the processor: both sides are trained on one
machine. The exit code is 1 where anything differs.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

SPECS: Final = Path(__file__).resolve().parents[1] / "fixtures" / "runs_0_5" / "specs"
KEY: Final = "thermo"  # of the metadata: the record beside the arrays
ROWS: Final = ("values/", "snapshot/", "final/")  # what begins with one of these has replicas along its first axis
SHOWN, NAMED = 8, 3  # differing rows that are listed, and arrays of each
Arrays = dict[str, NDArray[Any]]
Rows = dict[str, Arrays]


@dataclass(frozen=True)
class Side:
    """One of the two checkouts.

    Attributes:
        title: What it is called.
        root: Where it is.
        overrides: `key.sub=value` assignments for it alone.
    """

    title: str
    root: Path
    overrides: tuple[str, ...] = ()


def train(side: Side, spec: Path, results: Path) -> Path:
    """Train a spec with the code of a checkout, and return the run folder.

    Args:
        side: The checkout.
        spec: The YAML file.
        results: An empty folder.
    """
    words = ["--results", str(results), "--workers", "1", "--allow", "command", "--allow", "local"]
    words += [word for override in side.overrides for word in ("--set", override)]
    done = subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.run", str(spec), *words],
        cwd=results, env={**os.environ, "PYTHONPATH": str(side.root.resolve())}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    folders = [path for path in results.iterdir() if (path / "resolved.yaml").exists()]
    if done.returncode or len(folders) != 1:
        raise SystemExit(f"{side.title}: {spec.name} ended with exit code {done.returncode}\n{done.stderr[-4000:]}")
    return folders[0]


def read_file(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read the arrays of a file, and the record beside them.

    Args:
        path: A safetensors file.
    """
    with safe_open(path, framework="np") as handle:
        record = json.loads((handle.metadata() or {}).get(KEY, "{}"))
        return {name: handle.get_tensor(name) for name in handle.keys()}, record  # noqa: SIM118 - not a dict


def table_of(folder: Path) -> list[dict[str, str]]:
    """Return the lines of the replica table; none where the replicas were made elsewhere.

    Args:
        folder: The run.
    """
    path = folder / "replicas.csv"
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def name_of(line: Mapping[str, str]) -> str:
    """Return the name of a row, with its point where there is a sweep.

    Args:
        line: Of the replica table.
    """
    return (f"point {line['point']}, " if "point" in line else "") + line["replica"]


def read_1(folder: Path) -> Rows:
    """Return the rows of format 1: one file for a shard, `steps`, and arrays with replicas along their first axis.

    Args:
        folder: The run.
    """
    table = table_of(folder)
    shards = {name: read_file(folder / "shards" / f"{name}.safetensors")[0] for name in {row["shard"] for row in table}}
    return {name_of(row): row_of(shards[row["shard"]], int(row["slot"])) for row in table} | recorded_1(folder)


def read_2(folder: Path) -> Rows:
    """Return the rows of format 2: the arrays of format 1, in one file or in numbered ones that follow each other in time.

    States lie in a folder of their own, and are left out.

    Args:
        folder: The run.
    """
    table = table_of(folder)
    shards = {name: joined(list(parts_2(folder, name))) for name in {row["shard"] for row in table}}
    return {name_of(row): row_of(shards[row["shard"]], int(row["slot"])) for row in table} | recorded_1(folder)


FORMATS: Final[dict[int, Callable[[Path], Rows]]] = {1: read_1, 2: read_2}


def parts_2(folder: Path, shard: str) -> Iterator[Arrays]:
    """Yield the arrays of a shard's files, in order.

    Args:
        folder: The run.
        shard: Its name in the replica table.
    """
    for path in sorted((folder / "shards").glob(f"{shard}.*.safetensors")):
        yield read_file(path)[0]


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Put the files of a shard together: times follow each other, everything else is there once.

    Args:
        parts: At least one.
    """
    whole: Arrays = {}
    for arrays in parts:
        for name, array in arrays.items():
            follows = name in whole and (name == "steps" or name.startswith("values/"))
            whole[name] = np.concatenate([whole[name], array], axis=-1) if follows else array
    return whole


def row_of(arrays: Arrays, slot: int) -> Arrays:
    """Return one replica's part of a shard.

    Args:
        arrays: Of the shard.
        slot: Its place.
    """
    own = {name: array[slot] for name, array in arrays.items() if name.startswith(ROWS)}
    return {"steps": arrays["steps"], **own}


def recorded_1(folder: Path) -> Rows:
    """Return the rows of runs that were made elsewhere; none of a run that was trained.

    Args:
        folder: The run.
    """
    path = folder / "recorded.safetensors"
    if not path.exists():
        return {}
    arrays, record = read_file(path)
    names = [str(name) for name in record["replicas"]]
    return {name: row_of(arrays, slot) | {"crashed": arrays["crashed"][slot]} for slot, name in enumerate(names)}


def read_run(folder: Path) -> Rows:
    """Return the rows of a run by the reader of its format, and the findings about its microstates as rows of their own.

    Args:
        folder: The run.
    """
    version = json.loads((folder / "manifest.json").read_text())["schema_version"]
    if version not in FORMATS:
        raise SystemExit(f"{folder.name} is of format {version}; known are {', '.join(map(str, FORMATS))}")
    found = {path.stem: read_file(path)[0] for path in sorted(folder.glob("microstates*.safetensors"))}
    return FORMATS[version](folder) | found


def differing(old: Arrays, new: Arrays, ignored: str) -> dict[str, str]:
    """Return which arrays are not the same bytes, and how they differ.

    Args:
        old: Of one side.
        new: Of the other.
        ignored: A pattern of the names of arrays that do not count.
    """
    found = {}
    for name in sorted(old.keys() | new.keys()):
        if re.fullmatch(ignored, name):
            continue
        if name not in old or name not in new:
            found[name] = f"only {'old' if name in old else 'new'}"
            continue
        one, other = np.asarray(old[name]), np.asarray(new[name])
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            found[name] = f"{one.dtype}{one.shape} and {other.dtype}{other.shape}"
        elif one.tobytes() != other.tobytes():
            found[name] = _distance(one, other)
    return found


def _distance(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Say how many entries differ, and by how much at most."""
    with np.errstate(all="ignore"):
        gap = np.abs(one.astype(np.float64) - other.astype(np.float64))
    bits = one.view(np.uint8).reshape(one.size, -1) if one.shape else np.frombuffer(one.tobytes(), np.uint8)[None]
    others = other.view(np.uint8).reshape(one.size, -1) if one.shape else np.frombuffer(other.tobytes(), np.uint8)[None]
    count = int((bits != others).any(axis=1).sum())
    return f"{count} of {one.size}, by {np.nanmax(gap) if np.isfinite(gap).any() else np.nan:.2g} at most"


def compare(old: Rows, new: Rows, ignored: str, details: bool) -> list[str]:
    """Return a line for each row that is not the same bytes on both sides.

    Args:
        old: Rows of one side.
        new: Rows of the other.
        ignored: A pattern of the names of arrays that do not count.
        details: Whether all of a row's arrays are named.
    """
    lines = [f"{name}: only {'old' if name in old else 'new'}" for name in sorted(old.keys() ^ new.keys())]
    for name in old:
        arrays = differing(old[name], new[name], ignored) if name in new else {}
        words = [f"{key} {how}" for key, how in arrays.items()]
        if words:
            more = len(words) - NAMED
            shown = words if details or more <= 0 else [*words[:NAMED], f"and {more} more arrays"]
            lines.append(f"{name}: " + "; ".join(shown))
    return lines


def main() -> None:
    """Train on both sides, compare, and say which replicas differ."""
    parser = argparse.ArgumentParser(description="Compare the bytes that two checkouts train.")
    parser.add_argument("old", type=Path, metavar="OLD", help="a checkout")
    parser.add_argument("new", type=Path, metavar="NEW", help="another one")
    parser.add_argument("--specs", nargs="+", type=Path, metavar="SPEC.yaml", help="those of the fixtures if absent")
    parser.add_argument("--old-set", action="append", default=[], metavar="KEY=VALUE", help="override for OLD alone")
    parser.add_argument("--new-set", action="append", default=[], metavar="KEY=VALUE", help="override for NEW alone")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the run folders here")
    parser.add_argument("--details", action="store_true", help="list every row and array that differs")
    parser.add_argument("--ignore", default="", metavar="REGEX", help="names of arrays that do not count")
    given = parser.parse_args()
    sides = (Side("old", given.old, tuple(given.old_set)), Side("new", given.new, tuple(given.new_set)))
    different = 0
    with tempfile.TemporaryDirectory() as temporary:
        place = given.keep.resolve() if given.keep else Path(temporary)
        for spec in [path.resolve() for path in given.specs or sorted(SPECS.glob("*.yaml"))]:
            runs = []
            for side in sides:
                results = place / side.title / spec.stem
                results.mkdir(parents=True)
                runs.append(read_run(train(side, spec, results)))
            lines = compare(runs[0], runs[1], given.ignore, given.details)
            different += len(lines)
            print(
                f"{spec.stem}: {len(runs[0])} rows, " + (f"{len(lines)} differ" if lines else "equal to the last bit")
            )
            for line in lines if given.details else lines[:SHOWN]:
                print(f"  {line}")
            if len(lines) > SHOWN and not given.details:
                print(f"  and {len(lines) - SHOWN} more (--details)")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
