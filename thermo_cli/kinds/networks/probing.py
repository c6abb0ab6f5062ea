"""What stacked networks compute: outputs and hidden activations on the same examples for every replica, from parameter rows."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli.contracts import StackedSystem
from thermo_cli.kinds.networks import layout

CHUNK_REPLICAS: Final = 16
CHUNK_EXAMPLES: Final = 1024


@dataclass(frozen=True)
class Probe:
    """Answers of an ensemble.

    Attributes:
        outputs: Logits or numbers, (replica, output, example).
        layers: Hidden layer to its activations, (replica, unit, example).
    """

    outputs: NDArray[np.floating]
    layers: dict[str, NDArray[np.floating]]


def probe(
    system: StackedSystem,
    rows: NDArray[np.floating],
    x: NDArray[np.floating],
    *,
    hidden: bool = False,
    anew: bool = False,
) -> Probe:
    """Run every replica on the same examples.

    Args:
        rows: Parameters, (replica, parameter), in the precision to compute in.
        x: Features, (example, feature).
        hidden: Whether the hidden activations are wanted too.
        anew: With the statistics of these examples instead of the running ones (for batch-norm).
    """
    pieces = [rows[start : start + CHUNK_REPLICAS] for start in range(0, len(rows), CHUNK_REPLICAS)]
    found = [_stack(system, piece, x, hidden, anew) for piece in pieces]
    return Probe(
        np.concatenate([one.outputs for one in found]),
        {name: np.concatenate([one.layers[name] for one in found]) for name in found[0].layers},
    )


def _stack(
    system: StackedSystem, rows: NDArray[np.floating], x: NDArray[np.floating], hidden: bool, anew: bool
) -> Probe:
    width, parameters = len(rows), layout.flatten(torch.from_numpy(np.ascontiguousarray(rows)), system.blocks)
    outputs, layers = [], []
    chunk = len(x) if anew else CHUNK_EXAMPLES  # one batch, one set of statistics
    for start in range(0, len(x), chunk):
        part = torch.from_numpy(x[start : start + chunk])
        run = system.bind(parameters, None, width, len(part))
        run.inputs.view(width, *part.shape).copy_(part)
        outputs.append(run.forward(training=anew).numpy().copy())
        layers.append({name: active.numpy().copy() for name, active in run.hidden.items()} if hidden else {})
    return Probe(
        np.concatenate(outputs, axis=2),
        {name: np.concatenate([one[name] for one in layers], axis=2) for name in layers[0]},
    )
