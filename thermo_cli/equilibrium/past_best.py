"""Scores that are past their best: longer training makes them worse."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.trimmed import moments


@dataclass(frozen=True)
class PastBest:
    """A score that was better before.

    Attributes:
        observable: Its name.
        history: Whose.
        step: When its trimmed mean was best.
        best: That mean.
        last: The same at T.
    """

    observable: str
    history: str
    step: int
    best: float
    last: float

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return (
            f"{self.observable} ({self.history}) was {self.best:.4g} at step {self.step} and is {self.last:.4g} now: stop "
            "there, or regularize; longer training makes it worse"
        )


def past_best(ensemble: Ensemble) -> PastBest | None:
    """Return the score that has fallen most, in margins, below its best trimmed mean; None where none has by more than one.

    Of scores with a margin and a good direction: what is measured on training data, and the energy, is what training pursues.
    """
    return max(_fallen(ensemble), key=lambda found: found[0], default=(0.0, None))[1]


def _fallen(ensemble: Ensemble) -> Iterator[tuple[float, PastBest]]:
    steps, trim = ensemble.trajectories.steps, ensemble.settings.trim
    for name, margin in ensemble.margins.items():
        higher = ensemble.question.higher.get(name)
        if higher is None or name.startswith(("train_", "energy")):
            continue
        for history, members in ensemble.members.items():
            mean = moments(ensemble.values[name][members], trim)[0]
            if not np.isfinite(mean[-1]):
                continue
            good = np.where(np.isfinite(mean), mean if higher else -mean, -np.inf)
            place = int(good.argmax())
            fall = float(good[place] - good[-1])
            if steps[place] > 0 and fall > margin.delta:
                best, last = float(mean[place]), float(mean[-1])
                yield fall / margin.delta, PastBest(name, history, int(steps[place]), best, last)
