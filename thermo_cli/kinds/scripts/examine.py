"""What scripts have kept of their parameters: overlaps where they compare as they are, else raw distances."""

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Block, Findings, Symmetry
from thermo_cli.kinds.gathering import UNALIGNED
from thermo_cli.microstates.material import Material
from thermo_cli.microstates.survey import examine
from thermo_cli.replicas import shares_init
from thermo_cli.store import RunFolder

NO_ALIGNMENT: Final = (
    "alignment unsupported: what symmetries these parameters have is not known (none: system.with.symmetries: none)"
)
NO_START: Final = "the replicas share a start that the script has not kept: parameters-0.safetensors is needed"
OTHER_STARTS: Final = "ensemble.vary lacks init, and yet the replicas begin with different parameters"


def examine_scripts(folder: RunFolder, material: Material) -> Findings:
    """Examine what scripts have kept.

    Args:
        folder: A run in which every script has ended.
    """
    spec, given = folder.spec, folder.spec.system.arguments
    shapes = json.loads(next(iter(folder.records.values())).final["tensors"].tobytes())
    symmetry = Symmetry(tuple(Block(name, tuple(shape), 0.0) for name, shape in shapes.items()))
    begun, shared = bool(np.isfinite(material.initial).all()), shares_init(spec)
    failure = ""
    if shared and not (begun and _one_start(material.initial)):
        failure = OTHER_STARTS if begun else NO_START
    elif not shared and given.symmetries == "unknown":
        failure = NO_ALIGNMENT
    findings = examine(material, symmetry, shared and not failure)
    arrays = {
        name: array
        for name, array in findings.arrays.items()
        if (not failure or name.startswith(UNALIGNED)) and (begun or name != "memory")
    }
    words: dict[str, Any] = {"crossed": spec.ensemble.crossed is not None}
    return Findings(arrays, {**findings.facts, **words, **({"untested": failure} if failure else {})})


def _one_start(initial: NDArray[np.floating]) -> bool:
    """Say whether all replicas begin with the same parameters, but for their scale."""
    norms = np.linalg.norm(initial.astype(np.float64), axis=1, keepdims=True)
    return bool(np.allclose(initial * norms[0], initial[0] * norms, rtol=1e-5, atol=1e-6 * float(norms.max()) ** 2))
