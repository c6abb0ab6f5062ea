"""What the structure of an estimator is, and the form in which kernels are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array

ANCHORS: Final = 512  # examples of the test set that kernels are made of, at most
Read = Callable[[Any, NDArray[Any], str], NDArray[np.floating] | None]


@dataclass(frozen=True)
class Structure:
    """One thing that estimators are made of.

    Attributes:
        name: In run folders and reports.
        kernel: Whether its numbers are a kernel on the anchors, and held together by 1 - CKA; else by their squared distance.
        read: From a fitted estimator, what it sees of the anchors, (anchor, feature), and the task to its numbers, (number,);
            None where the estimator is made of something else.
    """

    name: str
    kernel: bool
    read: Read


def upper(kernel: Array) -> NDArray[np.float32]:
    """Return what is above the diagonal of a kernel, row after row.

    Args:
        kernel: (anchor, anchor).
    """
    return kernel[np.triu_indices(len(kernel), 1)].astype(np.float32)
