"""What is reported beside the verdict and never decides it, collected from a run folder."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Findings
from thermo_cli.equilibrium.diagnostics.comparison import comparison
from thermo_cli.equilibrium.diagnostics.mixing import mixing
from thermo_cli.equilibrium.diagnostics.noise_budget import noise_budget
from thermo_cli.equilibrium.diagnostics.sampling_noise import distribution_wise
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.kinds.recorded.parts import RecordedSystem
from thermo_cli.microstates.raw import raw_overlaps
from thermo_cli.microstates.summary import current, divergence, mean_divergence
from thermo_cli.replicas import main_rows
from thermo_cli.store import RunFolder


def known_microstates(folder: RunFolder) -> Findings | None:
    """Return what is known of the microstates, unless an older version has found it out.

    Args:
        folder: The run.
    """
    found = folder.findings()
    return found if found is not None and current(found) else None


def diagnostics_of(folder: RunFolder, ensemble: Ensemble) -> dict[str, Any]:
    """Collect what is reported beside the verdict and never decides it.

    Args:
        folder: The run.
        ensemble: Its observables, margins and window.
    """
    values = ensemble.recorded.values
    found: dict[str, Any] = {"mixing": {}}
    for name in ensemble.margins:
        found["mixing"][name] = mixing(values[name][:, ensemble.window])
    if folder.spec.traits.learns:
        errors = folder.finals("test_errors")
        if errors is not None:
            found["test_noise"] = distribution_wise(errors.astype(np.float64))
        for name in ("quench_gap", "response", "flatness"):
            finals = folder.finals(name)
            if finals is not None:
                found[name] = _moments(finals)
    found["energy_terms"] = {
        name: _moments(array[:, -1]) for name, array in values.items() if name.startswith("energy_")
    }
    crossed = folder.spec.ensemble.crossed
    if crossed is not None:
        shape = (crossed.init, crossed.subsample, crossed.order)
        found["noise_budget"] = {
            name: noise_budget(values[name][:, -1].reshape(shape), ensemble.settings.alpha) for name in ensemble.margins
        }
    return found


def _moments(values: NDArray[np.floating]) -> dict[str, float | None]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return {
        "mean": float(finite.mean()) if len(finite) else None,
        "sd": float(finite.std(ddof=1)) if len(finite) > 1 else None,
    }


def beside_microstates(found: Findings | None, ensemble: Ensemble) -> dict[str, Any]:
    """Compare the spread of the gating observables with the distance of the same replicas' microstates.

    Args:
        found: What is known of the microstates.
        ensemble: The observables and their margins.
    """
    apart = divergence(found) if found is not None else None
    if found is None or apart is None:
        return {}
    place = {name: row for row, name in enumerate(ensemble.recorded.replicas)}
    rows = [place[name] for name in found.facts["replicas"]]
    return {"comparison": comparison(ensemble, rows, apart, mean_divergence(found))}


def raw(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Compare parameters as they are, symmetries and all; empty where none were kept.

    Args:
        folder: The run.
    """
    if folder.status != "complete" or folder.spec.traits.name == "estimators":
        return {}
    system = folder.spec.system
    if isinstance(system, RecordedSystem):
        return raw_overlaps(folder.parameters(folder.total), None) if system.arguments.parameters else {}
    kept = set.intersection(*(set(folder.records[row.shard].snapshots) for row in main_rows(folder.table)))
    if folder.total not in kept:
        return {}
    return raw_overlaps(folder.parameters(folder.total), folder.parameters(0) if 0 in kept else None)
