"""How alike representations are, layer by layer: unbiased linear CKA of the kernels on common anchors."""

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array


def unbiased_cka(features: NDArray[np.floating]) -> Array:
    """Return CKA of all pairs, from HSIC1 of their linear kernels K = X X^T.

    HSIC1(K, L) = [tr(KL) + 1'K1 1'L1 / ((m-1)(m-2)) - 2/(m-2) 1'KL1] / (m (m-3)), with zero diagonals;
    CKA(K, L) = HSIC1(K, L) / sqrt(HSIC1(K, K) HSIC1(L, L)). Biased CKA is near 1 for unrelated wide layers; this one is 0.

    Args:
        features: (replica, anchor, feature), four anchors or more.

    Returns:
        (replica, replica); NaN where a representation is constant.

    Source: Kornblith 2019; HSIC1 of Song 2012.
    """
    m = features.shape[1]
    centred = features - features.mean(axis=1, keepdims=True)  # of no effect but on rounding
    kernels = centred @ centred.transpose(0, 2, 1)
    size = np.square(features, dtype=np.float64).sum(axis=(1, 2))
    varies = np.square(centred, dtype=np.float64).sum(axis=(1, 2)) > m * np.finfo(features.dtype).eps ** 2 * 100 * size
    return _cka(kernels, ~varies)


def kernel_cka(triangles: NDArray[np.floating]) -> Array:
    """Return the same of kernels that are given by what is above their diagonals.

    Args:
        triangles: Row after row, (replica, m (m - 1) / 2); four anchors or more.

    Returns:
        (replica, replica); NaN where a kernel is constant.
    """
    m = round((1 + np.sqrt(1 + 8 * triangles.shape[1])) / 2)
    kernels = np.zeros((len(triangles), m, m), dtype=triangles.dtype)
    above = np.triu_indices(m, 1)
    kernels[:, above[0], above[1]] = triangles
    kernels += kernels.transpose(0, 2, 1)
    return _cka(kernels, np.ptp(triangles, axis=1) == 0)


def _cka(kernels: NDArray[np.floating], constant: NDArray[np.bool_]) -> Array:
    """CKA of kernels, which are changed."""
    m = kernels.shape[1]
    index = np.arange(m)
    kernels[:, index, index] = 0.0
    flat = kernels.reshape(len(kernels), -1)
    sums = kernels.sum(axis=2, dtype=np.float64)
    totals = sums.sum(axis=1)
    hsic = (flat @ flat.T).astype(np.float64)
    hsic += np.outer(totals, totals) / ((m - 1) * (m - 2)) - 2 / (m - 2) * (sums @ sums.T)
    own = np.diag(hsic).copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        cka: Array = hsic / np.sqrt(np.outer(own, own))
    constant = constant | (own <= 0)
    cka[constant] = np.nan
    cka[:, constant] = np.nan
    return cka
