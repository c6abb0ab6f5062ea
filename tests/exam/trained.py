"""Trained cells: specs of experiments/calibration/, trained by thermo-run as one large ensemble and judged in groups.

Replicas are independent, so 1,600 of them are 50 ensembles of 32, or 200 of 8. Groups of one size share no replica. Of grokking
a replica takes three seconds: it has 320, ten ensembles of 32.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

import thermo_cli
from tests.exam.tally import FALSE, Tally
from thermo_cli.contracts import Overlaps, Trajectories, Verdict
from thermo_cli.engines.engine import Engine
from thermo_cli.equilibrium import court
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.judging.setting import settings_of
from thermo_cli.kinds.kind import kind_of
from thermo_cli.microstates.summary import overlaps_of
from thermo_cli.runs.judged_run import Run

SPECS: Final = Path(__file__).resolve().parents[2] / "experiments" / "calibration"


@dataclass(frozen=True)
class Trained:
    """One system that is trained.

    Attributes:
        spec: Its file in experiments/calibration/.
        truth: `equilibrium`, or `off` where a verdict of settled would be wrong.
        verdicts: Right ones at R = 32; `FALSE` where one history, or too few coordinates, leave nothing better than settled.
        replicas: Per history, in the full exam.
        overrides: Fields of the spec, and what they make of the name.
    """

    spec: str
    truth: Literal["equilibrium", "off"]
    verdicts: tuple[str, ...]
    replicas: int = 1600
    overrides: tuple[str, ...] = ()

    @property
    def pairs(self) -> int:
        """Same-bath pairs of a group: 8 as in a run by default, 19 where one model is to be recognized."""
        return 19 if self.verdicts == ("crystallized",) else 8

    @property
    def name(self) -> str:
        """In tables."""
        return " ".join([self.spec, *self.overrides])


TRAINED: Final = (
    Trained("harmonic", "equilibrium", ("thermalized",)),
    Trained("noisy-quadratic", "equilibrium", ("thermalized",)),
    Trained("crystal", "equilibrium", ("crystallized",)),
    Trained("double-well-met", "equilibrium", FALSE),
    Trained("double-well-glassy", "off", ("glassy",)),
    Trained("autoregressive", "equilibrium", FALSE),
    Trained("glass", "off", ("glassy",)),
    Trained("drift", "off", ("relaxing",)),
    Trained("drifting-apart", "off", ("relaxing",)),
    Trained("random-energy", "off", ("glassy",)),
    Trained("blow-up", "off", ("diverged",)),
    Trained("xor-stuck", "off", ("glassy",)),
    Trained("xor-solved", "equilibrium", FALSE),
    Trained("teacher-student", "equilibrium", ("crystallized",)),
    Trained("logistic-l2", "equilibrium", ("crystallized",)),
    Trained("ridge", "equilibrium", ("crystallized",)),
    Trained("budgets", "equilibrium", FALSE),
    Trained("grokking-plateau", "off", ("relaxing", "undecided", "glassy"), replicas=320),
    Trained("grokking-after", "equilibrium", FALSE, replicas=320),
)


def train(cell: Trained, replicas: int, results: Path, engine: Engine) -> Run:
    """Train a cell's replicas, as far as they are not trained yet.

    Args:
        cell: Which cell.
        replicas: Per history.
        results: Where run folders are.
        engine: Where they are trained.
    """
    pairs = f"ensemble.controls.same_bath={max(replicas // 32, 1) * cell.pairs}"
    overrides = [*cell.overrides, f"ensemble.replicas={replicas}", pairs]
    return thermo_cli.run(SPECS / f"{cell.spec}.yaml", overrides=overrides, results=results, engine=engine)


def groups(cell: Trained, run: Run, size: int) -> list[Verdict]:
    """Judge a large run in groups of so many replicas per history.

    Args:
        cell: Which cell.
        run: The large run.
        size: Replicas per history of each group.
    """
    whole, spec = run.observables, run.folder.spec
    question = kind_of(spec).question(run.folder, whole)
    settings = settings_of(spec.equilibrium)
    rows = {history: np.flatnonzero(whole.members(history)) for history in question.histories}
    count = min(len(members) for members in rows.values()) // size
    known = run.folder.findings()
    overlaps = overlaps_of(known) if known is not None else None
    found = []
    for number in range(count):
        chosen = np.concatenate([members[number * size : (number + 1) * size] for members in rows.values()])
        ensemble = Ensemble(subset(whole, chosen), question, settings, some_pairs(overlaps, cell.pairs, number))
        found.append(court.judge(ensemble))
    return found


def some_pairs(overlaps: Overlaps | None, pairs: int, number: int) -> Overlaps | None:
    """Return the same-bath pairs of a group; where groups are many, they begin again from the first pairs.

    Args:
        overlaps: Of the large run.
        pairs: How many.
        number: Of the group.
    """
    if overlaps is None or len(overlaps.distances) < pairs:
        return overlaps
    first = number % (len(overlaps.distances) // pairs) * pairs
    chosen = slice(first, first + pairs)
    shuffled = len(overlaps.null) == len(overlaps.distances)
    return dataclasses.replace(
        overlaps,
        distances=overlaps.distances[chosen],
        own=overlaps.own[chosen] if len(overlaps.own) else overlaps.own,
        null=overlaps.null[chosen] if shuffled else overlaps.null,
    )


def subset(whole: Trajectories, rows: Sequence[int] | np.ndarray) -> Trajectories:
    """Return some replicas of an ensemble.

    Args:
        whole: The ensemble.
        rows: Which.
    """
    return Trajectories(
        whole.steps,
        {name: array[rows] for name, array in whole.values.items()},
        tuple(whole.replicas[row] for row in rows),
        tuple(whole.histories[row] for row in rows),
        whole.crashed[rows],
        {name: array[rows] for name, array in whole.budgets.items()},
    )


def tally(cell: Trained, size: int, found: Sequence[Verdict]) -> Tally:
    """Count the verdicts of a trained cell.

    Args:
        cell: Which cell.
        size: Replicas per history.
        found: One verdict per group.
    """
    verdicts = [verdict.verdict for verdict in found]
    counts = {name: verdicts.count(name) for name in dict.fromkeys(verdicts)}
    errors = sum(counts.get(name, 0) for name in FALSE) if cell.truth == "off" else 0
    right = sum(counts.get(name, 0) for name in cell.verdicts)
    return Tally(cell.name, cell.truth, size, counts, errors, right, away=True)
