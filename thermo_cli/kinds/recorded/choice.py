"""Which of all that was logged is read: what the spec names, and the likeliest scores."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.names import CLOCKS, HELD_OUT, RATES, TIMES
from thermo_cli.metric import SHARE_MARGIN, higher_is_better, is_share, whole

MOST: Final = 12  # scores that are read where the spec names none
SHOWN: Final = 8  # names in a message


def likeliest(names: Sequence[str]) -> list[str]:
    """Return the scores among some names, the likeliest first: on held-out examples, where there are such; no clocks, no rates.

    Args:
        names: Of all that was logged.
    """
    able = [name for name in names if not (CLOCKS.fullmatch(name) or RATES.fullmatch(name) or name.lower() in TIMES)]
    held_out = [name for name in able if HELD_OUT.fullmatch(name)] or able
    return sorted(held_out, key=lambda name: (not is_share(name), higher_is_better(name) is None))


def margin_like(name: str, runs: Trajectories) -> float:
    """Return a margin to begin with: of a share 0.02, two of a hundred in per cent; else the same part of the typical value.

    Args:
        name: Of the observable.
        runs: That have measured it.
    """
    if is_share(name):
        return SHARE_MARGIN * whole(name, runs.values)
    finals = runs.finals[name]
    finite = np.abs(finals[np.isfinite(finals)])
    typical = float(np.median(finite)) if len(finite) else 1.0
    return float(f"{SHARE_MARGIN * typical:.1g}") if typical > 0 else SHARE_MARGIN


def chosen_of(names: Sequence[str], named: Collection[str], where: str) -> list[str]:
    """Return which observables are read, in the order of the file.

    Args:
        names: Of all that was logged.
        named: Those that have a margin, a target or a direction in the spec.
        where: The file.

    Raises:
        DataError: There are many, and none is named.
    """
    scores = likeliest(names)
    if len(scores) > MOST:
        known = [name for name in scores if higher_is_better(name) is not None]
        scores = known if len(known) <= MOST else []
    chosen = {*scores, *named}
    if not chosen.intersection(names) and names:
        shown = likeliest(names)[:SHOWN]
        raise DataError(
            f"which of {len(names):,} observables are to be judged?",
            received=", ".join(shown) + (", ..." if len(names) > len(shown) else ""),
            remedy=f"name them by their margins: --margin {[*shown, *names][0]}=0.02, or equilibrium.margins in the spec",
            where=where,
        )
    return [name for name in names if name in chosen]


def words_of(names: Sequence[str], chosen: Sequence[str]) -> str:
    """Say what is read and what is left out; nothing where all is read."""
    out = [name for name in names if name not in chosen]
    if not out:
        return ""
    more = f" and {len(out) - SHOWN:,} more" if len(out) > SHOWN else ""
    return f"observables: {', '.join(chosen)}; left out: {', '.join(out[:SHOWN])}{more} (a margin brings one in)"
