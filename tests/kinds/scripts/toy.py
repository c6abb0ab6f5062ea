"""A training script without anything but the standard library, and runs of it, in this process or by the command."""

from pathlib import Path
from typing import Any

import yaml

from thermo_cli.environment import manifest
from thermo_cli.experiment import Experiment, prepare
from thermo_cli.spec import load_spec
from thermo_cli.store import RunFolder
from thermo_cli.training import ShardTask, train_shard

SCRIPT = """
import argparse, json, os, random, struct, subprocess, sys, time
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("--seed", "--order", "--steps", "--replica", "--bad", "--every"):
    parser.add_argument(name, type=int, default=0)
parser.add_argument("--offset", type=float, default=0.0)
parser.add_argument("--mode", default="good")
parser.add_argument("--examples", type=Path)
parser.add_argument("--out", type=Path, required=True)
args = parser.parse_args()
bad = args.mode if args.bad in (args.replica, -1) else "good"
every = args.every or 1
assert not any(args.out.iterdir()), "the output folder is not empty"
log = (args.out / "metrics.jsonl").open("w")
first, later = random.Random(args.seed), random.Random(args.order)
theta = [first.gauss(0, 1) for _ in range(24)]
mean = 0.0
if args.examples:
    chosen = [int(line) for line in args.examples.read_text().split()]
    mean = sum(chosen) / len(chosen) / 1000


def report(step, **values):
    log.write(json.dumps({"step": step, **values}) + "\\n")
    log.flush()


def keep(step):
    header = json.dumps({"w": {"dtype": "F64", "shape": [6, 4], "data_offsets": [0, 192]}}).encode()
    data = struct.pack("<Q", len(header)) + header + struct.pack("<24d", *theta)
    (args.out / f"parameters-{step}.safetensors").write_bytes(data)


print("replica", args.replica, "starts")
for step in range(args.steps + 1):
    if step % every == 0:
        noise = later.gauss(0, 0.01)
        report(step, energy=2.0**-step + noise, test_accuracy=0.9 - 0.4 * 2.0**-step + args.offset + mean + noise)
    if step in (0, args.steps // 4, args.steps // 2, args.steps):
        keep(step)
    theta = [0.9 * value + later.gauss(0, 0.3) for value in theta]
    if step == args.steps // 2 and bad != "good":
        exec(bad)
print("replica", args.replica, "ends")
"""
TOY: dict[str, Any] = {
    "name": "toy",
    "system": {
        "use": "command",
        "with": {
            "run": [
                "python",
                "toy.py",
                "--seed",
                "{seed}",
                "--order",
                "{order_seed}",
                "--out",
                "{output}",
                "--steps",
                "{steps}",
                "--replica",
                "{replica}",
                "--offset",
                "{offset}",
                "--examples",
                "{subsample}",
            ],
            "values": {"offset": 0.0},
            "pool": 50,
        },
    },
    "dynamics": {"use": "process", "steps": 32},
    "ensemble": {"replicas": 4, "seed": 3},
}


def toy(folder: Path, mode: str = "", bad: int = -1, **changes: Any) -> Path:
    """Write the script and a spec of it; return the spec's path.

    Args:
        folder: Where.
        mode: Statements that replicas execute half way.
        bad: Which replicas do; all if negative.
        changes: Dotted fields of the spec with `__` for the point, or `args` for further arguments.
    """
    (folder / "toy.py").write_text(SCRIPT)
    spec = yaml.safe_load(yaml.safe_dump(TOY))
    spec["system"]["with"]["run"] += changes.pop("args", [])
    if mode:
        spec["system"]["with"]["run"] += ["--mode", mode.replace("{", "{{").replace("}", "}}"), "--bad", str(bad)]
    for name, value in changes.items():
        *path, last = name.replace("arguments", "with").split("__")
        place = spec
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def prepared(path: Path, *overrides: str) -> Experiment:
    """Check a spec, with its script allowed."""
    return prepare(load_spec(path, overrides), path.parent, path.parent / "results", ["command"])


def trained(path: Path, *overrides: str, shards: list[str] | None = None) -> tuple[RunFolder, dict[str, str]]:
    """Train some replicas of a spec in this process; return the run, and what became of each.

    Args:
        path: The spec.
        overrides: `key.sub=value`.
        shards: All if absent.
    """
    experiment = prepared(path, *overrides)
    folder, examples = experiment.folder, experiment.points[0].facts.examples
    folder.make()
    facts = manifest({"task": None}, experiment.fingerprint, experiment.base)
    folder.create(path.read_text(), experiment.spec, {"run": experiment.identity, **facts})
    folder.write_table([examples])
    names = shards if shards is not None else folder.unfinished()
    return folder, {name: train_shard(task(folder, name)) for name in names}


def task(folder: RunFolder, shard: str) -> ShardTask:
    """Return what a worker is told."""
    return ShardTask(folder.path, (folder.shards[shard],), folder.path.parent.parent, ("command",))


def reason(folder: RunFolder, shard: str) -> str:
    """Return the kept reason of a failure."""
    return (folder.path / "shards" / f"{shard}.error.txt").read_text()
