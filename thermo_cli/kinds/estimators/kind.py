"""Estimators, from the spec to what the court has to know; scikit-learn is imported where something is fitted or looked at."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Dataset, Findings, Trajectories
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.kinds import learning
from thermo_cli.kinds.capacity import needs_of
from thermo_cli.kinds.kind import Facts, Needs, Pace, Setup, Work, controls_of, no_rehearsal, nothing_to_settle
from thermo_cli.metric import default_margins, resolutions
from thermo_cli.observables.formulas import formulas_of
from thermo_cli.replicas import Replica, budgets_of
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder

begin, diagnostics = learning.begin, learning.diagnostics
comparable_fields, stated = learning.comparable_fields, learning.stated
settle, rehearse = nothing_to_settle, no_rehearsal
workers_import: Final = ("thermo_cli.training", "thermo_cli.kinds.estimators.train")


def prepare(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Dataset]) -> Facts:
    """Load the data, and fit a replica to a few examples."""
    from thermo_cli.kinds.estimators.trial import try_building, try_fit

    dataset, examples = learning.load(spec, base, table, loaded, [partial(try_building, spec, table[0])])
    answers, random = try_fit(spec, dataset, table[0])
    return learning.facts(spec, dataset, examples, random, formulas_of(spec.observe.macro, dataset.task, answers))


def outline(setup: Setup, needs: Needs | None, workers: int) -> dict[str, str]:
    """Say what is fitted, and what its time counts."""
    assert needs is not None
    spec = setup.spec
    words = f", time: {spec.time}" if spec.time != "steps" else ""
    words += "".join(f", and again with {budget} steps" for budget in budgets_of(spec))
    return {
        "data": learning.data_line(setup),
        "system": f"{spec.system.use}, {needs.parameters} numbers of structure",
        "dynamics": f"fit, {spec.total} steps{words}",
    }


def needs(setup: Setup) -> Needs:
    """Fit a few examples and look at what is kept."""
    from thermo_cli.kinds.estimators.train import fit_replica, measured_steps
    from thermo_cli.kinds.estimators.trial import bytes_of, few, members_of, shortened

    spec, dataset, first = setup.spec, setup.facts.dataset, setup.table[0]
    assert dataset is not None
    rows = few(draw_subsamples(spec, len(dataset.y), [first], dataset.classes)[0], dataset)
    short, tried = shortened(spec, first)
    trial, times = fit_replica(short, dataset, tried, rows), members_of(spec, first) / members_of(short, tried)
    numbers, item = next(iter(trial.snapshots.values())).size, 8 if spec.ensemble.precision == "float64" else 4
    training = spec.width * numbers * item + learning.data_bytes(setup)
    if times > 1:  # what is large is what has so many members
        training += round(times * bytes_of(short, dataset, tried, rows))
    return needs_of(spec, numbers, item, (len(measured_steps(spec, first)), 1), len(trial.values), training)


def pace(setup: Setup) -> Pace:
    """Fit one replica."""
    from thermo_cli.kinds.estimators.train import fit_replica

    assert setup.facts.dataset is not None
    start = time.perf_counter()
    fit_replica(setup.spec, setup.facts.dataset, setup.table[0])
    return Pace(setup.spec.width * (time.perf_counter() - start) / setup.spec.total, 0.0)


def train(work: Work) -> str:
    """Fit one replica after the other."""
    from thermo_cli.kinds.estimators.train import fit_shard

    return fit_shard(work.folder, work.store, work.specs[0], work.dataset(), work.members)


def gather(folder: RunFolder, most: int) -> Any:
    """Choose main replicas that have not crashed, partners and nulls."""
    from thermo_cli.kinds.estimators.examine import gather_fits

    return gather_fits(folder, folder.table, most)


def examine(folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
    """Examine structure, then functions and representations as far as the spec asks for them."""
    from thermo_cli.kinds.estimators.examine import examine_estimators

    assert dataset is not None
    return examine_estimators(folder, dataset, specimens)


def question(folder: RunFolder, trajectories: Trajectories) -> Question:
    """Collect what the court has to know."""
    spec, data, timeless = folder.spec, folder.manifest["data"], _timeless(folder, trajectories)
    return Question(
        spec.total,
        tuple(spec.histories),
        default_margins(int(data["test_examples"])),
        spec.schedule,
        learning.scope(spec, data),
        independent=spec.ensemble.crossed is None,
        controls=controls_of(folder),
        evolves=not timeless,
        once=spec.time == "once" and not timeless,
        initial=_before(folder),
        energy_margin=False,
        resolutions=resolutions(int(data["test_examples"])),
        **learning.constant_of(data),
    )


def raw(folder: RunFolder) -> None:
    """Return nothing: numbers of structure are no parameters that compare as they are."""


def objective(spec: Spec) -> Any:
    """Return the estimator with its arguments: they decide what is minimized."""
    return spec.system.model_dump(mode="json")


def _timeless(folder: RunFolder, trajectories: Trajectories) -> bool:
    """Say whether every fit is in closed form, or came to the only optimum there is: no training time is left."""
    if folder.spec.time != "once":
        return False
    timeless = folder.finals("timeless")
    return timeless is not None and bool(np.all(timeless[~trajectories.crashed]))


def _before(folder: RunFolder) -> dict[str, float]:
    """Return the test metrics of what has learned nothing yet, their means over replicas."""
    if not folder.records:
        return {}
    names = [name for name in next(iter(folder.records.values())).final if name.startswith("before/")]
    finals = {name.removeprefix("before/"): folder.finals(name) for name in names}
    return {name: float(np.nanmean(values)) for name, values in finals.items() if values is not None}
