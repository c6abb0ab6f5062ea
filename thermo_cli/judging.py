"""From a run folder to a judged run: pure, no training; the verdict is a function of the folder and the margins."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories, Verdict
from thermo_cli.data.split import subsample_size
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.settings import Setting, Settings
from thermo_cli.equilibrium.verdict import as_dict
from thermo_cli.microstates.raw import raw_overlaps
from thermo_cli.preparation import check_margins
from thermo_cli.reports.view import RunView, view_of
from thermo_cli.spec import Spec
from thermo_cli.spec.loading import validate
from thermo_cli.spec.schema import Equilibrium
from thermo_cli.spec.yaml_source import Source
from thermo_cli.store import RunFolder


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


def judge_run(folder: RunFolder, equilibrium: Equilibrium | None = None) -> Run:
    """Judge a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        equilibrium: Other margins, confidence, content or window than the spec's.
    """
    spec, facts = folder.spec, folder.manifest["data"]
    wanted = equilibrium or spec.equilibrium
    trajectories = folder.trajectories()
    settings = Settings(wanted.confidence, wanted.content, wanted.window, wanted.margins, wanted.diverged)
    return Run(folder, judge(trajectories, setting_of(spec, facts), settings, _microscopic(folder)), trajectories)


def judge_again(folder: RunFolder, changes: Mapping[str, Any]) -> Run:
    """Judge a stored run with other settings, and keep the verdict as `verdicts/<hash of settings>.json`.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace; margins are merged into those of the spec.

    Raises:
        SpecError: A setting is not possible.
    """
    own = folder.spec.equilibrium.model_dump(mode="json")
    merged = own | dict(changes) | {"margins": own["margins"] | dict(changes.get("margins", {}))}
    spec = validate(Source("judging again", folder.spec.model_dump(mode="json") | {"equilibrium": merged}))
    facts = folder.manifest["data"]
    check_margins(spec, facts["task"])
    run = judge_run(folder, spec.equilibrium)
    digest = hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest()[:8]
    folder.write_json(f"verdicts/{digest}.json", run.as_dict() | {"equilibrium": merged})
    return run


def view(run: Run) -> RunView:
    """Choose what a report shows of a run.

    Args:
        run: A judged run.
    """
    return view_of(run.folder.name, run.folder.spec.description, run.folder.status, run.verdict, run.observables)


def setting_of(spec: Spec, facts: Mapping[str, Any]) -> Setting:
    """Collect what the court must know of an experiment.

    Args:
        spec: The resolved spec.
        facts: `data` of the manifest.
    """
    whole = subsample_size(spec.ensemble.subsample, int(facts["pool_examples"]))
    used = {"init", "subsample"} | ({"order"} if spec.dynamics.batch_size not in ("full", whole) else set())
    if any(history.first is not None for history in spec.histories.values()):
        used.add("noise")
    varied = ", ".join(name for name in spec.ensemble.vary if name in used)
    return Setting(
        steps=spec.dynamics.steps,
        histories=tuple(spec.histories),
        test_examples=int(facts["test_examples"]),
        schedule=spec.dynamics.schedule,
        scope=f"for resampling this pool of {facts['pool_examples']} examples, with this test set; varied: {varied}",
        learning_rate=spec.dynamics.arguments.lr,
    )


def _microscopic(folder: RunFolder) -> dict[str, dict[str, Any]]:
    if folder.status != "complete":
        return {}
    return raw_overlaps(folder.parameters(folder.spec.dynamics.steps), folder.parameters(0))
