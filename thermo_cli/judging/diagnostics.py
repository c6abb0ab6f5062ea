"""What is reported beside the verdict and never decides it, collected from a run folder."""

from typing import Any

from thermo_cli.contracts import Findings
from thermo_cli.equilibrium.diagnostics.comparison import comparison
from thermo_cli.equilibrium.diagnostics.mixing import mixing
from thermo_cli.equilibrium.diagnostics.noise_budget import noise_budget
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.mean_and_sd import mean_and_sd
from thermo_cli.microstates.summary import current, divergence, mean_divergence
from thermo_cli.store import RunFolder


def known_microstates(folder: RunFolder) -> Findings | None:
    """Return what is known of the microstates, unless an older version has found it out."""
    findings = folder.findings()
    return findings if findings is not None and current(findings) else None


def diagnostics_of(folder: RunFolder, ensemble: Ensemble) -> dict[str, Any]:
    """Collect what is reported beside the verdict and never decides it.

    Args:
        folder: The run.
        ensemble: Its observables, margins and window.
    """
    values = ensemble.recorded.values
    terms = {name: array[:, -1] for name, array in values.items() if name.startswith("energy_")}
    diagnostics: dict[str, Any] = {
        "mixing": {name: mixing(values[name][:, ensemble.window]) for name in ensemble.margins},
        "energy_terms": {name: mean_and_sd(finals) for name, finals in terms.items()},
    }
    crossed = folder.spec.ensemble.crossed
    if crossed is not None:
        shape = (crossed.init, crossed.subsample, crossed.order)
        diagnostics["noise_budget"] = {
            name: noise_budget(values[name][:, -1].reshape(shape), ensemble.settings.alpha) for name in ensemble.margins
        }
    return diagnostics


def beside_microstates(findings: Findings | None, ensemble: Ensemble) -> dict[str, Any]:
    """Compare the spread of the gating observables with the distance of the same replicas' microstates.

    Args:
        findings: What is known of the microstates.
        ensemble: The observables and their margins.
    """
    apart = divergence(findings) if findings is not None else None
    if findings is None or apart is None:
        return {}
    place = {name: row for row, name in enumerate(ensemble.recorded.replicas)}
    rows = [place[name] for name in findings.facts["replicas"]]
    return {"comparison": comparison(ensemble, rows, apart, mean_divergence(findings))}
