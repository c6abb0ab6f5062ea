"""Files of a run folder that are cut, changed, emptied, exchanged or removed, and what the same command makes of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

import thermo_cli
from tests.reliability.bench import SPECS, Bench, bench_of, run_of
from tests.reliability.tally import Tally
from thermo_cli.errors import ThermoError


def _cut(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: int(generator.integers(len(content)))] if content else b"x"


def _flip(content: bytes, generator: np.random.Generator) -> bytes:
    if not content:
        return b"x"
    place, bit = int(generator.integers(len(content))), 1 << int(generator.integers(8))
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


DAMAGE: Final[dict[str, Callable[[bytes, np.random.Generator], bytes]]] = {
    "cut": _cut,
    "flipped": _flip,
    "emptied": lambda content, generator: b"",
    "garbage": lambda content, generator: generator.bytes(max(len(content), 16)),
}
GROWTH_ONLY: Final = "states/"
"""A last state that was removed is made again when steps grow, and not before: who needs the disk may remove them."""


def damaged(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Damage one file of a finished run of every kind in turn: a report never lies, and the same command mends it.

    Args:
        number: Of faults.
        folder: An empty one.
        generator: Draws files and damage.
    """
    tally, benches = Tally(), {kind: bench_of(kind) for kind in list(SPECS)[:number]}
    for fault in range(number):
        bench = list(benches.values())[fault % len(benches)]
        names = [name for name in bench.promised if name != "spec.yaml"] + ["manifest.json"]
        name, kind = names[int(generator.integers(len(names)))], str(generator.choice([*DAMAGE, "removed"]))
        run = bench.copy(folder / "attacked")
        path = run / name
        if kind == "removed":
            path.unlink()
        else:
            path.write_bytes(DAMAGE[kind](path.read_bytes(), generator))
        changed = not path.exists() or path.read_bytes() != (run_of(bench.folder / "clean") / name).read_bytes()
        _count(tally, bench, folder / "attacked", f"{bench.kind}: {name} {kind}", name if changed else "")
    return tally


def exchanged(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Put a file of one place into another, of the same run or of a run that differs in its seed: each is named and mended.

    Args:
        number: Of faults.
        folder: An empty one.
        generator: Draws places.
    """
    tally, kinds = Tally(), [kind for kind in SPECS if kind != "recorded"][: max(number, 1)]
    benches = {kind: bench_of(kind) for kind in kinds}
    others = {kind: bench_of(kind, "seed: 3", "seed: 4") for kind in kinds}
    for fault in range(number):
        bench = benches[kinds[fault % len(kinds)]]
        run = bench.copy(folder / "attacked")
        arrays = sorted(str(path.relative_to(run)) for path in run.rglob("*.safetensors"))
        place = str(generator.choice(arrays))
        if generator.random() < 0.5:
            source = run_of(others[bench.kind].folder / "clean") / place
        else:
            source = run / str(generator.choice(arrays))
        if not source.exists() or source.read_bytes() == (run / place).read_bytes():
            continue
        shutil.copyfile(source, run / place)
        _count(tally, bench, folder / "attacked", f"{bench.kind}: {place} from {source}", place)
    return tally


def _count(tally: Tally, bench: Bench, results: Path, fault: str, name: str) -> None:
    """Look at a run that was attacked: its report, then what the same command leaves."""
    tally.tried += 1
    run, expected = run_of(results), json.loads(bench.promised["verdict.json"])
    try:
        reported: dict[str, Any] = thermo_cli.open_run(run).as_dict()
    except ThermoError as error:
        tally.named += 1
        if not str(error).strip():
            tally.silent.append(f"{fault}: a report without a word")
    else:
        if _lies(reported, expected):
            tally.silent.append(f"{fault}: the report says {reported['verdict']} without a word")
    try:
        said = bench.again(results)
    except ThermoError as error:
        tally.lost.append(f"{fault}: {error}")
        return
    left = [other for other in bench.differences(results) if not (other == name and other.startswith(GROWTH_ONLY))]
    if left:
        tally.lost.append(f"{fault}: {', '.join(left)} not made again")
    elif (run / "damaged").exists() and not any("damaged/" in words for words in said):
        tally.silent.append(f"{fault}: set aside without a word")


def _lies(reported: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Say whether a report decides anything otherwise than the undisturbed run's; what it leaves open is no lie."""
    places = list(zip(reported["points"] or [reported], expected["points"] or [expected], strict=True))
    open_ = reported["run"]["status"] != "complete"
    return any(
        _decided(known).get(row, said) != said
        for place, known in places
        if not (open_ and place["verdict"] in (None, "undecided"))
        for row, said in _decided(place).items()
    )


def _decided(place: dict[str, Any]) -> dict[Any, Any]:
    return {
        (row["criterion"], row["statistic"], row["observable"], row["scope"]): (row["outcome"], row["estimate"])
        for row in place["criteria"]
        if row["outcome"] in ("holds", "fails")
    }
