"""From a run folder to a judged run: pure, no training; the verdict is a function of the folder and the margins."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Findings, Trajectories, Verdict
from thermo_cli.data.split import subsample_size
from thermo_cli.design import main_rows, pool_of, replica_table, streams_used
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.diagnostics.comparison import comparison
from thermo_cli.equilibrium.diagnostics.mixing import mixing
from thermo_cli.equilibrium.diagnostics.noise_budget import noise_budget
from thermo_cli.equilibrium.diagnostics.sampling_noise import distribution_wise
from thermo_cli.equilibrium.settings import Setting, Settings, margins_of, window_of
from thermo_cli.equilibrium.verdict import as_dict
from thermo_cli.errors import SpecError, StoreError
from thermo_cli.microstates.raw import raw_overlaps
from thermo_cli.microstates.summary import divergence, mean_divergence, overlaps_of, unknown_overlaps
from thermo_cli.microstates.summary import microscopic as summarized
from thermo_cli.preparation import check_margins
from thermo_cli.reports.phases import SweepView, point_view
from thermo_cli.reports.view import RunView, view_of
from thermo_cli.spec import Spec
from thermo_cli.spec.builtins import CommandSystem, RecordedSystem
from thermo_cli.spec.loading import validate
from thermo_cli.spec.schema import ESTIMATOR, Equilibrium
from thermo_cli.spec.yaml_source import Source
from thermo_cli.store import RunFolder

NOT_EXAMINED: Final = (
    "the microstates were not examined, or too few replicas have finite ones: give the thermo-run command again"
)


@dataclass(frozen=True)
class Run:
    """A run that has been judged.

    Attributes:
        folder: Its folder.
        verdict: What the court decided.
        observables: Macroscopic observables, (replica, time).
    """

    folder: RunFolder
    verdict: Verdict
    observables: Trajectories

    def parameters(self, step: int) -> NDArray[np.floating]:
        """Return the parameters of all replicas, (replica, parameters), at 0, T/4, T/2 or T.

        Args:
            step: One of the kept steps.
        """
        return self.folder.parameters(step)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json."""
        return as_dict(self.verdict, self.folder.spec.name, self.folder.name.rpartition("-")[2], self.folder.status)


@dataclass(frozen=True)
class Sweep:
    """A sweep that has been judged: a run for each of its points, and no verdict of its own.

    Attributes:
        folder: Its folder.
        runs: One per point, in order; None where a point cannot be judged.
        reasons: Why not, one per point; empty where it can.
    """

    folder: RunFolder
    runs: tuple[Run | None, ...]
    reasons: tuple[str, ...]
    verdict: None = None

    @property
    def points(self) -> tuple[dict[str, Any], ...]:
        """Swept field to its value, of each point."""
        return tuple(point.swept for point in self.folder.points)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json: all that is said of the points, and null where one verdict would be."""
        judged = {number: run.as_dict() for number, run in enumerate(self.runs) if run is not None}
        whole = list(judged.values())
        counts = {key: sum(one["run"]["replicas"][key] for one in whole) for key in whole[0]["run"]["replicas"]}
        head = whole[0]["run"] | {"status": self.folder.status, "replicas": counts}
        said = (
            "verdict",
            "phase",
            "summary",
            "scope",
            "criteria",
            "outcomes",
            "macroscopic",
            "microscopic",
            "diagnostics",
        )
        reached = Counter(one["verdict"] for one in whole) + Counter("not judged" for run in self.runs if run is None)
        summary = ", ".join(f"{count} {name}" for name, count in reached.most_common())
        return {
            "schema_version": whole[0]["schema_version"], "run": head, "scope": whole[0]["scope"], "verdict": None,
            "phase": None, "summary": f"{len(self.runs)} points: {summary}.", "criteria": [], "outcomes": {}, "macroscopic": {},
            "microscopic": {}, "diagnostics": {},
            "points": [
                {
                    "point": point, "replicas": judged[number]["run"]["replicas"],
                    **{key: judged[number][key] for key in said if key in judged[number]},
                }
                if number in judged
                else {
                    "point": point, "replicas": None, "verdict": None, "phase": None, "summary": self.reasons[number],
                    "criteria": [], "macroscopic": {}, "microscopic": {},
                }
                for number, point in enumerate(self.points)
            ],
        }  # fmt: skip


def judge_folder(folder: RunFolder, changes: Mapping[str, Any] | None = None) -> Run | Sweep:
    """Judge a run folder, or every point of a sweep: pure, no training, nothing written.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace, at every point of a sweep.
    """

    def judged(one: RunFolder) -> Run:
        return judge_run(one, _with(one, changes)[1].equilibrium if changes else None)

    if not folder.points:
        return judged(folder)
    runs: list[Run | None] = []
    reasons: list[str] = []
    for point in folder.points:
        try:
            runs.append(judged(point))
            reasons.append("")
        except StoreError as error:
            if len(reasons) + 1 == len(folder.points) and not any(runs):
                raise
            runs.append(None)
            reasons.append(str(error))
    return Sweep(folder, tuple(runs), tuple(reasons))


def judge_run(folder: RunFolder, equilibrium: Equilibrium | None = None) -> Run:
    """Judge a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        equilibrium: Other margins, confidence, content or window than the spec's.
    """
    trajectories, settings = folder.trajectories(), settings_of(equilibrium or folder.spec.equilibrium)
    if folder.spec.family == "command":
        _check_reported_margins(settings.margins, trajectories)
    setting = setting_of(
        folder.spec, folder.manifest["data"], trajectories, timeless(folder, trajectories), before(folder)
    )
    found = folder.findings()
    overlaps = (
        overlaps_of(found) if found is not None else unknown_overlaps(NOT_EXAMINED) if folder.spec.dynamics else None
    )
    microscopic = _raw(folder) | (summarized(found, settings.confidence) if found is not None else {})
    diagnostics = diagnostics_of(folder, trajectories, setting, settings) | _comparison(
        found, trajectories, setting, settings
    )
    return Run(folder, judge(trajectories, setting, settings, overlaps, microscopic, diagnostics), trajectories)


def timeless(folder: RunFolder, trajectories: Trajectories) -> bool:
    """Say whether every fit is in closed form, or came to the only optimum there is: no training time is left.

    Args:
        folder: The run.
        trajectories: Which tell the replicas that have crashed.
    """
    if folder.spec.time != "once":
        return False
    found = folder.finals("timeless")
    return found is not None and bool(np.all(found[~trajectories.crashed]))


def before(folder: RunFolder) -> dict[str, float]:
    """Return the test metrics of estimators that have learned nothing yet, their means over replicas; empty for others.

    Args:
        folder: The run.
    """
    if folder.spec.family != ESTIMATOR or not folder.records:
        return {}
    names = [name for name in next(iter(folder.records.values())).final if name.startswith("before/")]
    found = {name.removeprefix("before/"): folder.finals(name) for name in names}
    return {name: float(np.nanmean(values)) for name, values in found.items() if values is not None}


def settings_of(equilibrium: Equilibrium) -> Settings:
    """Return the user's choices as the court takes them.

    Args:
        equilibrium: The spec's `equilibrium`.
    """
    return Settings(
        equilibrium.confidence, equilibrium.content, equilibrium.window, equilibrium.margins, equilibrium.diverged,
        equilibrium.tolerance, equilibrium.require_ergodic,
    )  # fmt: skip


def _with(folder: RunFolder, changes: Mapping[str, Any]) -> tuple[dict[str, Any], Spec]:
    """Return the settings with some of them replaced, margins merged into those of the spec, and the spec that has them."""
    own = folder.spec.equilibrium.model_dump(mode="json")
    merged = own | dict(changes) | {"margins": own["margins"] | dict(changes.get("margins", {}))}
    return merged, validate(Source("judging again", folder.spec.model_dump(mode="json") | {"equilibrium": merged}))


def judge_again(folder: RunFolder, changes: Mapping[str, Any]) -> Run | Sweep:
    """Judge a stored run with other settings, and keep the verdict as `verdicts/<hash of settings>.json`.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace; margins are merged into those of the spec.

    Raises:
        SpecError: A setting is not possible.
    """
    merged, spec = _with(folder, changes)
    check_margins(spec, folder.manifest["data"]["task"])
    if spec.dynamics is None:
        _check_reported_margins(spec.equilibrium.margins, folder.trajectories())
    run = judge_folder(folder, changes)
    digest = hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest()[:8]
    folder.write_json(f"verdicts/{digest}.json", run.as_dict() | {"equilibrium": merged})
    return run


def _check_reported_margins(margins: Mapping[str, float], trajectories: Trajectories) -> None:
    """Refuse a margin for something that others, who trained, did not report."""
    for observable in margins:
        if observable not in trajectories.values:
            raise SpecError(
                f"{observable} was not recorded", received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(trajectories.values)), where="equilibrium.margins",
            )  # fmt: skip


def view(run: Run) -> RunView:
    """Choose what a report shows of a run.

    Args:
        run: A judged run.
    """
    return view_of(run.folder.name, run.folder.spec.description, run.folder.status, run.verdict, run.observables)


def sweep_view(sweep: Sweep) -> SweepView:
    """Choose what a report shows of a sweep.

    Args:
        sweep: A judged sweep.
    """
    verdicts = [run.verdict if run is not None else None for run in sweep.runs]
    points = zip(sweep.points, verdicts, sweep.reasons, strict=True)
    scope = next(verdict.scope for verdict in verdicts if verdict is not None)
    return SweepView(sweep.folder.name, sweep.folder.status, scope, tuple(point_view(*one) for one in points))


def setting_of(
    spec: Spec, facts: Mapping[str, Any], trajectories: Trajectories, timeless: bool = False,
    initial: Mapping[str, float] | None = None,
) -> Setting:  # fmt: skip
    """Collect what the court must know of an experiment.

    Args:
        spec: The resolved spec.
        facts: `data` of the manifest.
        trajectories: The observables, which recorded runs take T and their histories from.
        timeless: Whether the fits have no training time that could go on.
        initial: Observable to its mean before training, where that is no record.
    """
    if isinstance(spec.system, RecordedSystem):
        given = spec.system.arguments
        histories = tuple(dict.fromkeys(trajectories.histories))
        return Setting(
            int(trajectories.steps[-1]), histories, given.test_examples, given.schedule, given.scope,
            initial=given.initial, energy_margin=bool(trajectories.steps[0] == 0),
        )  # fmt: skip
    arguments: Any = spec.dynamics.arguments if spec.dynamics is not None else None
    rate = arguments.get("lr") if isinstance(arguments, dict) else getattr(arguments, "lr", None)
    controls = sum(row.role not in ("main", "budget") for row in replica_table(spec))
    if isinstance(spec.system, CommandSystem):
        return Setting(
            spec.total, tuple(spec.histories), spec.system.arguments.test_examples, spec.schedule, _rerunning(spec),
            independent=spec.ensemble.crossed is None, energy_margin=bool(trajectories.steps[0] == 0), controls=controls,
        )  # fmt: skip
    if not spec.learns:
        varied = ", ".join(name for name in spec.ensemble.vary if name in streams_used(spec, 0, 0))
        scope = f"for fresh replicas of this {spec.system.use} system; varied: {varied}"
        return Setting(
            spec.total, tuple(spec.histories), None, spec.schedule, scope, rate, energy_margin=False, controls=controls
        )
    whole = subsample_size(spec.ensemble.subsample, int(facts["pool_examples"]))
    used = streams_used(spec, whole, int(facts["pool_examples"]), noisy=facts.get("noisy", False))
    varied = ", ".join(name for name in spec.ensemble.vary if name in used)
    scope = f"for resampling this pool of {facts['pool_examples']} examples, with this test set; varied: {varied}"
    return Setting(
        spec.total, tuple(spec.histories), int(facts["test_examples"]), spec.schedule, scope, rate,
        independent=spec.ensemble.crossed is None, controls=controls, evolves=not timeless,
        once=spec.time == "once" and not timeless, initial=initial or {}, energy_margin=spec.family != ESTIMATOR,
    )  # fmt: skip


def _rerunning(spec: Spec) -> str:
    """Say what the verdict on a command speaks of."""
    pool = pool_of(spec)
    used = streams_used(spec, subsample_size(spec.ensemble.subsample, pool) if pool else 0, pool)
    varied = [name for name in spec.ensemble.vary if name in used]
    fresh = ["seeds"] if set(varied) - {"subsample"} else []
    fresh += [f"subsamples of a pool of {pool} examples"] if "subsample" in varied else []
    return f"for rerunning this command with fresh {' and '.join(fresh)}; varied: {', '.join(varied)}"


def diagnostics_of(
    folder: RunFolder, trajectories: Trajectories, setting: Setting, settings: Settings
) -> dict[str, Any]:
    """Collect what is reported beside the verdict and never decides it.

    Args:
        folder: The run.
        trajectories: Its observables.
        setting: Facts of the experiment.
        settings: For the window and the margins.
    """
    margins = margins_of(trajectories, setting, settings)
    window = window_of(trajectories.steps.astype(float), setting, settings)
    found: dict[str, Any] = {"mixing": {}}
    for name in margins:
        found["mixing"][name] = mixing(trajectories.values[name][:, window])
    if folder.spec.learns:
        errors = folder.finals("test_errors")
        if errors is not None:
            found["test_noise"] = distribution_wise(errors.astype(np.float64))
        for name in ("quench_gap", "response", "flatness"):
            values = folder.finals(name)
            if values is not None:
                found[name] = _moments(values)
    found["energy_terms"] = {
        name: _moments(values[:, -1]) for name, values in trajectories.values.items() if name.startswith("energy_")
    }
    crossed = folder.spec.ensemble.crossed
    if crossed is not None:
        shape = (crossed.init, crossed.subsample, crossed.order)
        found["noise_budget"] = {
            name: noise_budget(trajectories.values[name][:, -1].reshape(shape), settings.alpha) for name in margins
        }
    return found


def _moments(values: NDArray[np.floating]) -> dict[str, float | None]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return {
        "mean": float(finite.mean()) if len(finite) else None,
        "sd": float(finite.std(ddof=1)) if len(finite) > 1 else None,
    }


def _comparison(
    found: Findings | None, trajectories: Trajectories, setting: Setting, settings: Settings
) -> dict[str, Any]:
    """Compare the spread of the gating observables with the distance of the same replicas' microstates."""
    apart = divergence(found) if found is not None else None
    if found is None or apart is None:
        return {}
    place = {name: row for row, name in enumerate(trajectories.replicas)}
    rows = [place[name] for name in found.facts["replicas"]]
    finals = {name: values[rows, -1] for name, values in trajectories.values.items()}
    histories = [trajectories.histories[row] for row in rows]
    margins, mean = margins_of(trajectories, setting, settings), mean_divergence(found)
    return {"comparison": comparison(finals, apart, margins, settings.alpha, histories, mean)}


def _raw(folder: RunFolder) -> dict[str, dict[str, Any]]:
    if folder.status != "complete" or folder.spec.family == ESTIMATOR:
        return {}
    system = folder.spec.system
    if isinstance(system, RecordedSystem):
        return raw_overlaps(folder.parameters(folder.total), None) if system.arguments.parameters else {}
    kept = set.intersection(*(set(folder.records[row.shard].snapshots) for row in main_rows(folder.table)))
    if folder.total not in kept:
        return {}
    return raw_overlaps(folder.parameters(folder.total), folder.parameters(0) if 0 in kept else None)
