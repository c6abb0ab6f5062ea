"""What the court must know of a run: its settings, and the facts of the experiment."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from thermo_cli.contracts import Trajectories
from thermo_cli.data.split import subsample_size
from thermo_cli.equilibrium.ensemble import Question, Settings
from thermo_cli.kinds.recorded.parts import RecordedSystem
from thermo_cli.kinds.scripts.parts import CommandSystem
from thermo_cli.metric import default_margins
from thermo_cli.replicas import pool_of, replica_table, streams_used
from thermo_cli.spec import Spec
from thermo_cli.spec.observing import Equilibrium
from thermo_cli.store import RunFolder


def settings_of(equilibrium: Equilibrium) -> Settings:
    """Return the user's choices as the court takes them.

    Args:
        equilibrium: The spec's `equilibrium`.
    """
    return Settings(
        equilibrium.confidence,
        equilibrium.content,
        equilibrium.window,
        equilibrium.margins,
        equilibrium.diverged,
        equilibrium.tolerance,
        equilibrium.require_ergodic,
        equilibrium.better,
    )


def setting_of(
    spec: Spec,
    facts: Mapping[str, Any],
    trajectories: Trajectories,
    timeless: bool = False,
    initial: Mapping[str, float] | None = None,
) -> Question:
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
        return Question(
            int(trajectories.steps[-1]),
            histories,
            default_margins(given.test_examples),
            given.schedule,
            given.scope,
            initial=given.initial,
            energy_margin=bool(trajectories.steps[0] == 0),
        )
    arguments: Any = spec.dynamics.arguments if spec.dynamics is not None else None
    rate = arguments.get("lr") if isinstance(arguments, dict) else getattr(arguments, "lr", None)
    controls = sum(row.role not in ("main", "budget") for row in replica_table(spec))
    if isinstance(spec.system, CommandSystem):
        return Question(
            spec.total,
            tuple(spec.histories),
            default_margins(spec.system.arguments.test_examples),
            spec.schedule,
            _rerunning(spec),
            independent=spec.ensemble.crossed is None,
            energy_margin=bool(trajectories.steps[0] == 0),
            controls=controls,
        )
    if not spec.traits.learns:
        varied = ", ".join(name for name in spec.ensemble.vary if name in streams_used(spec, 0, 0))
        scope = f"for fresh replicas of this {spec.system.use} system; varied: {varied}"
        return Question(
            spec.total, tuple(spec.histories), {}, spec.schedule, scope, rate, energy_margin=False, controls=controls
        )
    whole = subsample_size(spec.ensemble.subsample, int(facts["pool_examples"]))
    used = streams_used(spec, whole, int(facts["pool_examples"]), noisy=facts.get("noisy", False))
    varied = ", ".join(name for name in spec.ensemble.vary if name in used)
    scope = f"for resampling this pool of {facts['pool_examples']} examples, with this test set; varied: {varied}"
    return Question(
        spec.total,
        tuple(spec.histories),
        default_margins(int(facts["test_examples"])),
        spec.schedule,
        scope,
        rate,
        independent=spec.ensemble.crossed is None,
        controls=controls,
        evolves=not timeless,
        once=spec.time == "once" and not timeless,
        initial=initial or {},
        energy_margin=spec.traits.name != "estimators",
    )


def _rerunning(spec: Spec) -> str:
    """Say what the verdict on a command speaks of."""
    pool = pool_of(spec)
    used = streams_used(spec, subsample_size(spec.ensemble.subsample, pool) if pool else 0, pool)
    varied = [name for name in spec.ensemble.vary if name in used]
    fresh = ["seeds"] if set(varied) - {"subsample"} else []
    fresh += [f"subsamples of a pool of {pool} examples"] if "subsample" in varied else []
    return f"for rerunning this command with fresh {' and '.join(fresh)}; varied: {', '.join(varied)}"


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
    if folder.spec.traits.name != "estimators" or not folder.records:
        return {}
    names = [name for name in next(iter(folder.records.values())).final if name.startswith("before/")]
    found = {name.removeprefix("before/"): folder.finals(name) for name in names}
    return {name: float(np.nanmean(values)) for name, values in found.items() if values is not None}
