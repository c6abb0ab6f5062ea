"""The first sentence of a verdict: what was seen and what to do, in the words of people, short enough to be read."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Array, Verdict
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.diagnostics.noise_budget import noise_budget
from thermo_cli.equilibrium.ensemble import Extent, Question, Settings

T = 1000
STEPS = np.unique(np.concatenate([[0, 1, 4, 16, 64, 256], np.linspace(500, T, 64).astype(np.int64)]))
MOST = 250  # characters
MACHINE = ("S1", "S2", "S3", "fails", "undecided", "None", "nan")


def rising(replicas: int, spread: float = 0.2, drift: float = 0.0, seed: int = 0) -> Array:
    """Accuracies that rise to 30 margins within the first steps."""
    generator = rng.generator(seed)
    rise = 30 * (1 - np.exp(-STEPS / 40.0)) + drift * np.maximum(STEPS - 256, 0) / T
    return np.asarray(
        rise + spread * generator.standard_normal((replicas, 1)) + 0.1 * generator.standard_normal(STEPS.shape)
    )


def judged(values: Array, diagnostics: Any = None, settings: Settings | None = None, **question: Any) -> Verdict:
    """Judge one history, with a margin of one."""
    asked = Question(T, ("cold",), {}, "constant", "", higher={"test_accuracy": True})
    asked = dataclasses.replace(asked, extent=Extent("thermo-run SPEC", (32, 32), (T, T)), **question)
    chosen = settings or Settings(margins={"test_accuracy": 1.0})
    return judge(ensemble({"test_accuracy": values}, STEPS, chosen, asked), diagnostics=diagnostics)


def bimodal() -> Array:
    """A glass: half of the replicas ten margins away."""
    values = rising(32)
    values[::2] += 10
    return values


def lost() -> Array:
    """Two replicas that diverge."""
    values = rising(32)
    values[3:5, 20:] = np.nan
    return values


SAID: dict[str, tuple[Array, str, tuple[str, ...]]] = {
    "settled": (rising(32), "settled", ("test_accuracy is 30", "training four times as long", "still open")),
    "glassy": (bimodal(), "glassy", ("not alike", "report its spread, or steady the recipe")),
    "relaxing": (
        rising(32, drift=8.0),
        "relaxing",
        ("Still changing: test_accuracy of cold", "Train longer: 2000 steps"),
    ),
    "past its best": (
        rising(32, drift=-8.0),
        "relaxing",
        ("Past its best", "at step 256", "stop there, or regularize"),
    ),
    "diverged": (lost(), "diverged", ("2 of 32 replicas diverged (first cold/3 by step", "make the training stable")),
    "few": (
        rising(10),
        "undecided",
        (
            "With 10 runs: at least 61% of fresh ones",
            "(all of these do); the mean is 30",
            "at least 30 are needed for 85%",
        ),
    ),
    "few, one astray": (
        np.concatenate([rising(9), rising(1) + 5]),
        "undecided",
        ("With 10 runs: at least 44% of fresh ones", "(9 of these do)"),
    ),
    "open": (
        np.concatenate([rising(60), rising(4) + 5]),
        "undecided",
        ("whether seeds and data agree", "would probably tell"),
    ),
    "at the margin": (
        np.concatenate([rising(54), rising(10) + 5]),
        "undecided",
        ("whether seeds and data agree", "no sensible number of replicas would tell"),
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_each_says_what_was_seen_and_what_to_do(name: str) -> None:
    """In at most 250 characters, without a word of the machine's."""
    values, word, parts = SAID[name]
    verdict = judged(values)
    assert verdict.verdict == word
    for part in parts:
        assert part in verdict.summary
    assert len(verdict.summary) <= MOST
    assert not any(machine in verdict.summary for machine in MACHINE)
    assert verdict.summary.endswith(".")


def test_a_crossed_design_answers_its_own_question() -> None:
    """Which source of randomness moves the score, the largest first; nothing of what it cannot test, and no advice on it."""
    generator = rng.generator(7)
    values = rising(64, spread=0.0)
    values += (3 * generator.standard_normal((8, 1)) + 0.3 * generator.standard_normal((8, 8))).reshape(64, 1)
    budget = {"test_accuracy": noise_budget(values[:, -1].reshape(8, 8, 1), 0.05)}
    verdict = judged(values, {"noise_budget": budget}, independent=False)
    assert verdict.summary.startswith("What moves test_accuracy: of its variance init 9")
    assert verdict.summary.index("init") < verdict.summary.index("subsample")
    assert "untested" not in verdict.summary
    assert (verdict.advice, verdict.unseen) == ((), "")
    assert len(verdict.summary) <= MOST
    broken = {"test_accuracy": noise_budget(np.full((2, 2, 1), np.nan), 0.05)}
    assert "a value is missing" in judged(values, {"noise_budget": broken}, independent=False).summary
