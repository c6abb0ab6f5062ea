"""Names of array types."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Tensors = dict[str, NDArray[np.floating]]
Task = Literal["classification", "regression"]
