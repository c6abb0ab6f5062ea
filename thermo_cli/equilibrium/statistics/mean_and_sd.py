"""Mean and spread of what is finite, as reports show them; they decide nothing."""

import numpy as np
from numpy.typing import NDArray


def mean_and_sd(values: NDArray[np.floating]) -> dict[str, float | None]:
    """Return `mean` and `sd` (ddof = 1) over the replicas that are finite; None where they are too few for it.

    Args:
        values: (replica,).
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    with np.errstate(over="ignore"):  # a spread that overflows is infinite, hence null
        sd = float(finite.std(ddof=1)) if len(finite) > 1 else None
    return {"mean": float(finite.mean()) if len(finite) else None, "sd": sd}
