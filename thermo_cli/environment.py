"""The manifest: what a run was made with, and what determinism that promises."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from thermo_cli.contracts import Dataset
from thermo_cli.revision import revision_of
from thermo_cli.rounding import PACKAGES, capability, processor
from thermo_cli.trust import TRUSTED

DEVICE: Final = "cpu"
READERS: Final = ("safetensors", "pydantic")  # which compute nothing
DETERMINISM: Final = (
    "Same machine type, same package versions: all arrays are equal byte for byte, whatever the number of workers, "
    "interruptions, or the number of replicas. Other processors or versions round differently."
)


def manifest(
    data: Mapping[str, Any], fingerprint: str, base: Path, stacks: bool = True, foreign: Iterable[str] = ()
) -> dict[str, Any]:
    """Describe the surroundings of a run.

    Args:
        data: `facts_of` its data.
        fingerprint: Hash of the data that the run rests on.
        base: Folder of the spec, whose git revision is recorded.
        stacks: Whether torch trains it.
        foreign: Names that the spec takes code from, `module:object`.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_fingerprint": fingerprint,
        "data": data,
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES} | _versions_of(foreign),
        "python": platform.python_version(),
        "git": revision_of(base),
        "hardware": {
            "device": DEVICE,
            "machine": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "cpu_capability": capability() if stacks else None,
        },
        "threads_per_worker": 1,
        "determinism": DETERMINISM,
    }


def _versions_of(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed packages that some code is of; a module beside the spec has none."""
    tops = {name.partition(":")[0].partition(".")[0] for name in names} - {*TRUSTED}
    installed = importlib.metadata.packages_distributions() if tops else {}
    return {name: importlib.metadata.version(name) for top in sorted(tops) for name in sorted(installed.get(top, ()))}


def facts_of(dataset: Dataset | None, noisy: bool, constants: Mapping[str, float]) -> dict[str, Any]:
    """Return what judging must know of the data.

    Args:
        dataset: Pool and test set; None where nothing is learned from data.
        noisy: Whether training draws from the `noise` streams at every step.
        constants: Observable to what always giving one answer would score.
    """
    if dataset is None:
        return {"task": None}
    return {
        "task": dataset.task,
        "pool_examples": len(dataset.y),
        "test_examples": len(dataset.y_test),
        "features": dataset.inputs,
        "outputs": dataset.outputs,
        "noisy": noisy,
        "constants": dict(constants),
    }


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """List what differs between two manifests and can change the rounding.

    Args:
        before: The stored manifest.
        now: The present one.
    """
    found = [
        f"{name} {before['packages'].get(name)} -> {version}"
        for name, version in now["packages"].items()
        if name not in READERS and before["packages"].get(name, version) != version
    ]
    for key in ("processor", "cpu_capability"):
        if before["hardware"].get(key) != now["hardware"][key]:
            found.append(f"{key} {before['hardware'].get(key)} -> {now['hardware'][key]}")
    return found
