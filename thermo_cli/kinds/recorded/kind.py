"""Runs that exist, from the spec to what the court has to know."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset, Findings, Trajectories
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.kinds.kind import (
    Facts,
    Needs,
    Setup,
    Work,
    no_comparable_fields,
    no_diagnostics,
    no_objective,
    no_rehearsal,
    nothing_to_settle,
)
from thermo_cli.kinds.recorded.parameters import read_parameters
from thermo_cli.kinds.recorded.records import Logs, key_of, read_logs
from thermo_cli.metric import default_margins, per_cent_words, resolutions
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder
from thermo_cli.store.recorded import write_recorded

settle, diagnostics, rehearse = nothing_to_settle, no_diagnostics, no_rehearsal
objective, comparable_fields = no_objective, no_comparable_fields

ASSUMED: Final = (
    "the learning rate is taken for constant over the second half of training; say system.with.schedule: scheduled if it was "
    "not, for then no trajectory tells of longer training"
)
workers_import: Final = ()


def prepare(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Any]) -> Facts:
    """Read the runs; those of all points at once."""
    given, equilibrium = spec.system.arguments, spec.equilibrium
    named = {**equilibrium.margins, **equilibrium.targets, **equilibrium.better}
    key = key_of(given)
    if key not in loaded:
        loaded[key] = read_logs(given, base, named)
    logs: Logs = loaded[key]
    recorded = logs.at(given.point)
    runs = recorded.runs
    assumed = [ASSUMED] if "schedule" not in given.model_fields_set and len(runs.steps) > 1 else []
    words = per_cent_words(given.test_examples, runs.values, equilibrium.margins)
    remarks = (*recorded.notes, *([words] if words else []), *assumed)
    return Facts(recorded.fingerprint, runs=runs, observables=tuple(runs.values), remarks=remarks)


def begin(setup: Setup) -> None:
    """Copy the runs into the run folder, so that it is whole by itself."""
    runs, pattern = setup.facts.runs, setup.spec.system.arguments.parameters
    assert runs is not None
    parameters = read_parameters(pattern, setup.base, runs, int(runs.steps[-1])) if pattern is not None else None
    write_recorded(setup.folder.recorded_file, setup.folder.identity, runs, parameters)


def outline(setup: Setup, needs: Needs | None, workers: int) -> dict[str, str]:
    """Say what is there."""
    runs = setup.facts.runs
    assert runs is not None
    counts = ", ".join(f"{count} of {history}" for history, count in setup.histories.items())
    return {
        "recorded": f"{counts}; {len(runs.steps)} times up to step {runs.steps[-1]}; nothing is trained",
        "observed": ", ".join(runs.values),
    }


def needs(setup: Setup) -> None:
    """Return nothing: nothing is trained."""


def pace(setup: Setup) -> None:
    """Return nothing: nothing is trained."""


def train(work: Work) -> str:
    """Return at once: there are no shards."""
    return "finished"


def gather(folder: RunFolder, most: int) -> None:
    """Return nothing: recorded parameters say nothing of their symmetries."""


def examine(folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
    """Return what was found out without looking: nothing."""
    return Findings({}, {})


def question(folder: RunFolder, trajectories: Trajectories) -> Question:
    """Collect what the court has to know: what is said of the runs."""
    given = folder.spec.system.arguments
    return Question(
        int(trajectories.steps[-1]),
        tuple(dict.fromkeys(trajectories.histories)),
        default_margins(given.test_examples, trajectories.values),
        given.schedule,
        given.scope,
        initial=given.initial,
        energy_margin=bool(trajectories.steps[0] == 0),
        resolutions=resolutions(given.test_examples, trajectories.values),
    )


def raw(folder: RunFolder) -> tuple[NDArray[np.floating], None] | None:
    """Return the parameters that were recorded, (replica, parameter)."""
    given = folder.spec.system.arguments
    return (folder.parameters(folder.total), None) if given.parameters and folder.status == "complete" else None


def stated(spec: Spec, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the runs say of themselves."""
    given = spec.system.arguments
    return {"test_examples": given.test_examples, "scope": given.scope}
