"""What decides how a process rounds: versions of packages, and the processor."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Final

PACKAGES: Final = ("thermo-cli", "torch", "numpy", "scipy", "scikit-learn", "safetensors", "pydantic")


def rounding() -> dict[str, str]:
    """Return what decides how this process rounds: versions and processor, by name."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    place = {"machine": platform.machine(), "processor": processor(), "cpu_capability": capability()}
    return versions | {"python": platform.python_version()} | place


def capability() -> str:
    """Return which instructions torch uses, on which its rounding depends."""
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


def processor() -> str:
    """Return the processor's model name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor()
    return platform.processor()
