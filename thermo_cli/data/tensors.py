"""Parameters that others have saved: a safetensors file as arrays."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from thermo_cli.contracts import Array
from thermo_cli.errors import DataError


def read_tensors(file: Path) -> dict[str, Array] | None:
    """Read the tensors of a file in the order of their names; None if there is no such file.

    Args:
        file: A safetensors file.

    Raises:
        DataError: It cannot be read, or holds something else than real numbers.
    """
    try:
        with safe_open(file, framework="np") as handle:
            names = sorted(handle.keys())
            kinds = {handle.get_slice(name).get_dtype() for name in names}
        if not names or kinds & {"C64", "C128"}:
            raise ValueError(f"tensors of {', '.join(sorted(kinds))}" if names else "no tensors")
        with safe_open(file, framework="pt" if "BF16" in kinds else "np") as handle:  # NumPy has no bfloat16
            tensors = {name: handle.get_tensor(name) for name in names}
        if "BF16" in kinds:
            tensors = {name: tensor.double().numpy() for name, tensor in tensors.items()}
        return {name: np.asarray(tensor, dtype=np.float64) for name, tensor in tensors.items()}
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise DataError(
            "the parameters cannot be read",
            received=str(error),
            remedy="save them with safetensors, as real numbers",
            where=str(file),
        ) from None
