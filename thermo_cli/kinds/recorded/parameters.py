"""Parameters of recorded runs: safetensors files, found by a pattern."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from thermo_cli.contracts import Array, Trajectories
from thermo_cli.data.tensors import read_tensors
from thermo_cli.errors import DataError

_FIELD: Final = re.compile(r"\{(history|replica|step)\}")


def read_parameters(pattern: str, base: Path, recorded: Trajectories, step: int) -> Array:
    """Read the parameters of all replicas at one step; every tensor of a file is flattened, in the order of their names.

    Args:
        pattern: Path with the fields {history}, {replica} (as written in the records) and {step}, relative to `base`.
        base: Folder of the spec.
        recorded: The replicas.
        step: The step at which they were saved.

    Returns:
        Parameters, (replica, parameters); a row of NaN for a lost replica that has no file.

    Raises:
        DataError: A file is missing or unreadable, replicas differ in their tensors, or a name leads to another folder.
    """
    files: dict[Path, str] = {}
    for name, history in zip(recorded.replicas, recorded.histories, strict=True):
        file = base / _filled(pattern, {"history": history, "replica": name[len(history) + 1 :], "step": str(step)})
        if file in files:
            raise DataError(
                "two replicas have the same file of parameters",
                received=f"{files[file]} and {name}: {file}",
                remedy="use {history} and {replica} in the pattern",
            )
        files[file] = name
    names, first = list(files.values()), ""
    shapes: dict[str, tuple[int, ...]] = {}
    parameters = np.full((len(names), 0), math.nan)
    for row, file in enumerate(files):
        tensors = read_tensors(file)
        if tensors is None and recorded.states[row] != "finished":
            continue
        if tensors is None:
            raise DataError(
                "there is no such file of parameters",
                received=str(file),
                remedy=f"save the parameters of {names[row]} at step {step}, or correct the pattern {pattern!r}",
            )
        own = {name: tensor.shape for name, tensor in tensors.items()}
        if not shapes:
            shapes, first = own, names[row]
            parameters = np.full((len(names), sum(tensor.size for tensor in tensors.values())), math.nan)
        if own != shapes:
            raise _other_tensors(file, names[row], own, first, shapes)
        parameters[row] = np.concatenate([tensor.ravel() for tensor in tensors.values()])
    return parameters


def _filled(pattern: str, fields: Mapping[str, str]) -> str:
    """Fill the fields of a pattern, refusing a name that would lead to another folder than the pattern says."""
    parts = []
    for part in pattern.split("/"):
        filled = _FIELD.sub(lambda match: fields[match[1]], part)
        if filled != part and ("\\" in filled or any(piece in ("", ".", "..") for piece in filled.split("/"))):
            raise DataError(
                "a name in the records leads to another folder",
                received=f"{fields['history']}/{fields['replica']} in {pattern}",
                remedy="rename the history or the replica: no .. and no / at its ends",
            )
        parts.append(filled)
    return "/".join(parts)


def _other_tensors(
    file: Path, name: str, own: Mapping[str, tuple[int, ...]], first: str, shapes: Mapping[str, tuple[int, ...]]
) -> DataError:
    tensor = min(key for key in own.keys() | shapes.keys() if own.get(key) != shapes.get(key))
    return DataError(
        "replicas have different tensors",
        received=f"{tensor!r} is {own.get(tensor, 'missing')} in {name} and {shapes.get(tensor, 'missing')} in {first}",
        remedy="save the same tensors, of the same shapes, for every replica",
        where=str(file),
    )
