"""What papers say about microstates, and what this code sees: runs experiments/literature/ and writes two tables of the README.

    python tests/benchmarks/literature.py [--results DIR]

Numbers, with 95 % intervals, go to results/reference/literature.json too.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import thermo_cli

ROOT = Path(__file__).resolve().parent.parent.parent
SPECS: Final = ROOT / "experiments" / "literature"
WIDTHS: Final = (16, 32, 64, 128, 256)
SCALES: Final = (16, 128, 512)
State = Mapping[str, Any]


def run(name: str, results: Path, *overrides: str) -> dict[str, Any]:
    """Train, or read what was trained, and return verdict.json.

    Args:
        name: Of the spec.
        results: Where run folders are.
        overrides: Of its fields.
    """
    content = thermo_cli.run(SPECS / f"{name}.yaml", overrides=overrides, results=results, workers=2).as_dict()
    content["microscopic"]["overlap"].pop("distribution")
    return content


def shown(state: State, digits: int = 2) -> str:
    """Write an estimate with its interval.

    Args:
        state: A microscopic quantity.
        digits: Significant ones.
    """
    low, high = state["interval"]
    if low is None:
        return f"{state['estimate']:.{digits}g}"
    return f"{state['estimate']:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def beside(state: State) -> str:
    """Write an estimate with its interval, and its null in brackets.

    Args:
        state: A microscopic quantity.
    """
    return f"{shown(state)}, ({state['null']:.2g})"


def scales_table(found: Mapping[int, dict[str, Any]]) -> str:
    """Write the scales of microscopic quantities, one column for each width.

    Args:
        found: Width to verdict.json.
    """
    micro = {width: one["microscopic"] for width, one in found.items()}
    layers = list(next(iter(micro.values()))["similarity"]["layers"])
    rows: list[tuple[str, Any]] = [
        ("raw cosine", lambda m: shown(m["raw_cosine"])),
        ("cosine once aligned (of shuffled copies)", lambda m: beside(m["aligned_cosine"])),
        ("overlap Q*", lambda m: shown(m["overlap"])),
        ("overlap Q*, all pairs in one frame", lambda m: shown(m["overlap"]["frame"])),
        ("overlap Q*, pairs on one bath", lambda m: shown(m["overlap"]["same_bath"])),
        ("Q* of a replica with itself at T/2", lambda m: f"{m['overlap']['self']:.3g}"),
        ("loss barrier, raw", lambda m: shown(m["barrier_raw"])),
        ("loss barrier, aligned", lambda m: shown(m["barrier"])),
        ("disagreement", lambda m: shown(m["disagreement"])),
        ("error consistency", lambda m: shown(m["error_consistency"])),
        *(
            (f"CKA of {layer} (untrained)", lambda m, layer=layer: beside(m["similarity"]["layers"][layer]))
            for layer in layers
        ),
        ("rounding floor over distance", lambda m: f"{m['chaos']['null']:.1g}"),
    ]
    head = "| width | " + " | ".join(str(width) for width in micro) + " |"
    accuracy = " | ".join(
        f"{one['macroscopic']['test_accuracy']['mean']:.3f} +- {one['macroscopic']['test_accuracy']['sd']:.3f}"
        for one in found.values()
    )
    lines = [head, "| --- |" + " ---: |" * len(micro), f"| test accuracy (mean +- sd) | {accuracy} |"]
    lines += [f"| {name} | " + " | ".join(cell(one) for one in micro.values()) + " |" for name, cell in rows]
    return "\n".join(lines)


def literature_table(found: Mapping[str, dict[str, Any]]) -> str:
    """Write what papers say and what was seen.

    Args:
        found: Name and override to verdict.json.
    """
    barriers = ", ".join(
        f"{width}: {found[f'git-rebasin {width}']['microscopic']['barrier_raw']['estimate']:.2g} -> "
        f"{shown(found[f'git-rebasin {width}']['microscopic']['barrier'])}"
        for width in WIDTHS
    )
    fort, kornblith = found["fort"]["microscopic"], found["kornblith"]["microscopic"]
    layers = ", ".join(
        f"{layer} {shown(state)} against {state['null']:.2g}"
        for layer, state in kornblith["similarity"]["layers"].items()
    )
    order, both = found["frankle"]["microscopic"], found["frankle other start"]["microscopic"]
    fast = found["frankle fast"]["microscopic"]
    rows = [
        (
            "`git-rebasin`, Ainsworth 2022",
            "matched units: the barrier between two networks falls as they get wider",
            f"raw -> aligned by width: {barriers}",
        ),
        (
            "`fort`, Fort 2019",
            "other starts: orthogonal parameters, other answers; one training run: close, same answers",
            f"raw cosine {shown(fort['raw_cosine'])}; disagreement {shown(fort['disagreement'])} between replicas of "
            f"test error {fort['disagreement']['test_error']:.2g}, "
            f"{fort['disagreement']['self']:.2g} of a replica with itself at T/2",
        ),
        (
            "`kornblith`, Kornblith 2019",
            "corresponding layers are alike in trained networks, less in untrained ones",
            f"unbiased CKA, trained against untrained: {layers}",
        ),
        (
            "`frankle`, Frankle 2020",
            "one start, another order: no barrier where training is stable; other starts: a barrier",
            f"raw barrier {shown(order['barrier_raw'])} from one start (Q* of displacements {shown(order['overlap'])}), "
            f"{shown(fast['barrier_raw'])} at four times the rate, {shown(both['barrier_raw'])} from other starts",
        ),
    ]
    lines = ["| spec, paper | it says | seen here |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def main() -> None:
    """Run everything and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "literature")
    results: Path = parser.parse_args().results
    scales = {width: run("scales", results, f"system.with.hidden=[{width}, {width}]") for width in SCALES}
    found = {
        f"git-rebasin {width}": run("git-rebasin", results, f"system.with.hidden=[{width}, {width}]")
        for width in WIDTHS
    }
    found |= {name: run(name, results) for name in ("fort", "kornblith", "frankle")}
    found["frankle other start"] = run("frankle", results, "ensemble.vary=[init, order]")
    found["frankle fast"] = run("frankle", results, "dynamics.with.lr=0.2")
    readme = ROOT / "README.md"
    text = readme.read_text()
    for mark, table in (("scales", scales_table(scales)), ("literature", literature_table(found))):
        print(table, end="\n\n")
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
        text = re.sub(pattern, lambda m, table=table: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL)
    readme.write_text(text)
    content = {
        "schema_version": 1,
        "scales": {str(width): one["microscopic"] for width, one in scales.items()},
        "literature": {name: {"verdict": one["verdict"], **one["microscopic"]} for name, one in found.items()},
    }
    (ROOT / "results" / "reference" / "literature.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
