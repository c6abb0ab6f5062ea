"""How much memory this process may have, asked before anything large is made."""

import os
from pathlib import Path
from typing import Final

from thermo_cli.errors import SpecError

CGROUPS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_bytes() -> int:
    """Return the least of what the machine has, its control group allows, and the process's own limits."""
    import resource

    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        limit = resource.getrlimit(name)[0]
        limits += [limit] if limit != resource.RLIM_INFINITY else []
    for place in map(Path, CGROUPS):
        words = place.read_text().strip() if place.is_file() else ""
        limits += [int(words)] if words.isdigit() else []
    return min(limits)


def check_memory(needed: float, what: str, where: str) -> None:
    """Refuse what does not fit into the memory of this machine.

    Args:
        needed: Bytes that are held at once.
        what: Holds them, with its size.
        where: The field of the spec that makes it so large.

    Raises:
        SpecError: It needs more than there is.
    """
    there = memory_bytes()
    if needed > there:
        raise SpecError(
            "this does not fit into memory",
            received=f"{what}: about {needed / 1e9:,.1f} GB, where {there / 1e9:,.1f} GB are there",
            remedy="make it smaller, or run where there is more memory",
            where=where,
        )
