"""What a shard has recorded, in memory and as named arrays of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = dict[str, list[NDArray[np.float64]]]


@dataclass
class ShardRecords:
    """What a shard has recorded: observables at measured steps, parameters at a few.

    Attributes:
        steps: Measured steps.
        values: Observable to one (replica,) per step.
        snapshots: Step to (replica, parameters).
        final: What was found out once, at the end, each (replica, ...).
    """

    steps: list[int] = field(default_factory=list)
    values: Records = field(default_factory=dict)
    snapshots: dict[int, NDArray[np.floating]] = field(default_factory=dict)
    final: dict[str, NDArray[Any]] = field(default_factory=dict)

    def add(self, step: int, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Append one measurement.

        Args:
            step: When.
            values: Observable to (replica,).
        """
        self.steps.append(step)
        for name, array in values.items():
            self.values.setdefault(name, []).append(array)

    def extend(self, later: "ShardRecords") -> None:
        """Append everything that another one recorded afterwards.

        Args:
            later: The records that follow.
        """
        self.steps += later.steps
        for name, arrays in later.values.items():
            self.values.setdefault(name, []).extend(arrays)
        self.snapshots.update(later.snapshots)
        self.final = later.final

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the records as named arrays: `steps`, `values/...` (replica, time), `snapshot/<step>`, `final/...`."""
        result: dict[str, NDArray[Any]] = {"steps": np.array(self.steps, dtype=np.int64)}
        result |= {f"values/{name}": np.stack(arrays, axis=1) for name, arrays in self.values.items()}
        result |= {f"snapshot/{step:012d}": array for step, array in self.snapshots.items()}
        return result | {f"final/{name}": array for name, array in self.final.items()}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> "ShardRecords":
        """Return the records behind named arrays; the inverse of `arrays`.

        Args:
            arrays: What `arrays` returned.
        """
        records = ShardRecords([int(step) for step in arrays["steps"]])
        for name, array in arrays.items():
            kind, _, rest = name.partition("/")
            if kind == "values":
                records.values[rest] = list(array.T)
            elif kind == "snapshot":
                records.snapshots[int(rest)] = array
            elif kind == "final":
                records.final[rest] = array
        return records
