"""How a verdict is to be reached, and what the court must know of the experiment besides its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from thermo_cli.contracts import Array, Trajectories

ACCURACY_MARGIN: Final = 0.02
R2_MARGIN: Final = 0.02
ENERGY_SHARE: Final = 0.02
ROUNDING: Final = 1e-9  # a fall of less than this share of the energy itself is none


@dataclass(frozen=True)
class Settings:
    """The user's choices; none of them changes the training.

    Attributes:
        confidence: 1 - alpha.
        content: Share of fresh replicas that must be inside a margin.
        window: Fraction of the training time, at its end.
        margins: Observable to delta, where the user states one.
        diverged: Replicas that may diverge or crash.
        tolerance: Kind of tolerance interval of the agreement criterion.
        require_ergodic: Whether thermalized also needs ergodicity.
    """

    confidence: float = 0.95
    content: float = 0.85
    window: float = 0.5
    margins: Mapping[str, float] = field(default_factory=dict)
    diverged: int = 0
    tolerance: Literal["distribution-free", "normal"] = "distribution-free"
    require_ergodic: bool = False

    @property
    def alpha(self) -> float:
        """Error rate of each confidence statement."""
        return 1.0 - self.confidence


@dataclass(frozen=True)
class Setting:
    """The facts of the experiment that criteria depend on.

    Attributes:
        steps: Training time T.
        histories: Names, the first being the one that others are compared with.
        test_examples: Size of the test set; None where it is not known or there is none.
        schedule: Name of the learning-rate schedule.
        scope: "for resampling this pool of n examples, with this test set; varied: ..."
        learning_rate: For the remedy of a divergence; None where there is none.
        evolves: Whether there is a training time; a closed-form fit has none.
        once: Whether the fit was done once, although it has a training time: nothing says what more of it would change.
        independent: Whether main replicas share no randomness; in a crossed design they do.
        initial: Observable to its mean before training, stated by who recorded it.
        energy_margin: Whether a margin of the energy may be derived from its fall.
        controls: Partners and twins beside the main replicas.
    """

    steps: int
    histories: tuple[str, ...]
    test_examples: int | None
    schedule: str
    scope: str
    learning_rate: float | None = None
    evolves: bool = True
    once: bool = False
    independent: bool = True
    initial: Mapping[str, float] = field(default_factory=dict)
    energy_margin: bool = True
    controls: int = 0


@dataclass(frozen=True)
class Margin:
    """delta of one observable.

    Attributes:
        delta: The largest difference that does not matter.
        derived: Whether it was derived from the observable's own movement (energy).
        full: Whether the observable gates through every criterion; energy gates through S1, S2 and history only.
    """

    delta: float
    derived: bool
    full: bool


def window_of(steps: Array, setting: Setting, settings: Settings) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which measurements lie in the window [T (1 - window), T].

    Args:
        steps: Measured steps.
        setting: For T.
        settings: For the window.
    """
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = steps >= np.floor(
        round(setting.steps * (1 - settings.window), 6)
    )
    return inside


def margins_of(trajectories: Trajectories, setting: Setting, settings: Settings) -> dict[str, Margin]:
    """Give every gating observable its margin.

    Defaults: test accuracy max(0.02, 2 / n_test), R2 0.02, energy 2 % of |mean at step 0 - mean in the window| of the first
    history (`cold` where there is one). An observable with no usable margin does not gate.

    Args:
        trajectories: The observables.
        setting: The experiment's facts.
        settings: The user's margins.
    """
    found: dict[str, Margin] = {}
    for name, delta in settings.margins.items():
        if name in trajectories.values:
            found[name] = Margin(delta, derived=False, full=name != "energy")
    if "test_accuracy" in trajectories.values and "test_accuracy" not in found:
        least = 2 / setting.test_examples if setting.test_examples else 0.0
        found["test_accuracy"] = Margin(max(ACCURACY_MARGIN, least), derived=False, full=True)
    if "test_r2" in trajectories.values and "test_r2" not in found:
        found["test_r2"] = Margin(R2_MARGIN, derived=False, full=True)
    if "energy" in trajectories.values and "energy" not in found and setting.energy_margin:
        cold = "cold" if "cold" in setting.histories else setting.histories[0]
        values = trajectories.values["energy"][trajectories.members(cold)]
        values = values[np.isfinite(values).all(axis=1)]
        window = window_of(trajectories.steps.astype(float), setting, settings)
        if trajectories.steps[0] == 0 and len(values):
            fall = abs(float(values[:, 0].mean() - values[:, window].mean()))
            if fall > ROUNDING * float(np.abs(values).max()):
                found["energy"] = Margin(ENERGY_SHARE * fall, derived=True, full=False)
    return found
