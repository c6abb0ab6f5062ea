"""History: paths that met and paths that did not, on both sides of the margin, and paths that were never apart."""

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.history import history
from thermo_cli.equilibrium.ensemble import Question, Settings

T = 100
STEPS = np.array([0, 10, 20, 40, 50, 75, 100])


def answers(*paths: np.ndarray, **facts: bool) -> list[Row]:
    """Answer H for histories a, b, c... given each as (replica, time)."""
    names = tuple("abc"[: len(paths)])
    labels = tuple(name for name, path in zip(names, paths, strict=True) for _ in path)
    question = Question(T, names, {}, "constant", "", **facts)
    return history(ensemble({"x": np.concatenate(paths)}, STEPS, Settings(margins={"x": 1.0}), question, labels))


def path(start: float, end: float, replicas: int = 32, sd: float = 0.0, seed: int = 0) -> np.ndarray:
    """Replicas that begin at one value, end at another from T/2 on, and differ by sd."""
    line = np.where(STEPS < T / 2, start, end)
    return line + rng.generator(seed, int(100 * start), int(1000 * abs(end))).normal(0, sd, (replicas, 1))


def test_h_turns_at_the_margin() -> None:
    """Histories that were ten margins apart and end just inside, or just outside, one margin."""
    for end, expected in ((0.999, "holds"), (1.001, "fails"), (-1.001, "fails")):
        (row,) = answers(path(0, 0), path(10, end))
        assert (row.outcome, row.gates) == (expected, True)
        assert row.estimate == pytest.approx(-end)
    apart = np.tile([[0.5], [-0.5]], (16, 1))
    (row,) = answers(path(0, 0) + apart, path(10, 0.9) + apart)
    assert row.outcome == "undecided"
    assert row.replicas_needed is not None


def test_histories_that_never_were_apart_have_nothing_to_forget() -> None:
    """Equal all along: untested, though the ends agree; apart at the end only: fails all the same."""
    rows = answers(path(0, 0, sd=0.1), path(0, 0.001, sd=0.1))
    assert [(row.outcome, row.gates) for row in rows] == [("holds", False), ("untested", True)]
    assert "never differed" in rows[-1].explanation
    rows = answers(path(0, 0, sd=0.1), path(0, 5, sd=0.1))
    assert [(row.outcome, row.gates) for row in rows] == [("fails", True), ("untested", True)]


def test_each_history_counts_by_itself() -> None:
    """Of three, the one that was apart decides; pairs with the other are shown and do not gate."""
    rows = answers(path(0, 0, sd=0.1), path(10, 0.001, sd=0.1), path(0, 0.002, sd=0.1))
    assert {row.scope: row.gates for row in rows} == {"a - b": True, "a - c": False, "b - c": False}
    assert {row.outcome for row in rows} == {"holds"}


def test_apart_needs_evidence_beyond_the_margin() -> None:
    """Apart by just less than the margin is not apart; by chance alone, fewer than 5 % of 400 count."""
    assert answers(path(0, 0), path(0.999, 0))[-1].outcome == "untested"
    assert answers(path(0, 0), path(1.001, 0))[-1].outcome == "holds"
    counted = 0
    for seed in range(400):
        generator = rng.generator(seed, 5)
        noise = [generator.normal(0, 3.0, (16, len(STEPS))) for _ in range(2)]
        counted += answers(noise[0], noise[1] + 1.0)[-1].outcome != "untested"
    assert stats.binomtest(counted, 400, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize(
    ("paths", "facts", "outcome", "reason"),
    [
        ((path(0, 0),), {}, "untested", "only one history"),
        ((path(0, 0), path(10, 0)), {"evolves": False}, "inapplicable", "closed form"),
        ((path(0, 0), path(10, 0)), {"independent": False}, "untested", "crossed"),
        ((path(0, 0), path(10, 0, replicas=1)), {}, "untested", "only 1 replicas"),
    ],
)
def test_what_cannot_be_asked_says_why(
    paths: tuple[np.ndarray, ...], facts: dict[str, bool], outcome: str, reason: str
) -> None:
    """One history, no time, shared randomness, a single replica."""
    rows = answers(*paths, **facts)
    assert rows[0].outcome == outcome
    assert reason in rows[0].explanation


def test_a_history_of_five_replicas_is_judged_at_half_the_level() -> None:
    """Five replicas 1 margin from one to the next: t_(0.975; 4) sqrt(2.5 / 5) = 1.96 margins, open; a third of that holds."""
    for apart, expected in ((1.0, "undecided"), (1 / 3, "holds")):
        few = path(10, 0, replicas=5) + apart * np.arange(-2, 3)[:, None]
        (row,) = answers(path(0, 0), few)
        assert row.outcome == expected
        assert row.interval == pytest.approx([side * apart * stats.t.ppf(0.975, 4) * 0.5**0.5 for side in (-1, 1)])


@pytest.mark.parametrize("stuck", [None, 0.03, 0.05, 0.1, 0.15])
def test_error_rate_at_the_margin_of_skewed_laws_and_minorities(stuck: float | None) -> None:
    """Trimmed means exactly one margin apart, lognormal or a share stuck 5 margins away: H holds in at most 5 % of 1,000."""
    generator, levels = rng.generator(21, round(100 * (stuck or 0))), (np.arange(40_000) + 0.5) / 40_000
    if stuck is None:
        law = 0.2 * np.exp(stats.norm.ppf(levels))
    else:
        law = np.where(levels < 1 - stuck, 0.05 * stats.norm.ppf(np.minimum(levels / (1 - stuck), 1 - 1e-9)), 5.0)
    law += 1.0 - stats.trim_mean(law, 0.15)
    held = 0
    for _ in range(1000):
        left, right = path(0, 0), path(10, 0)
        left[:, -1], right[:, -1] = generator.normal(0, 0.05, 32), generator.choice(law, 32)
        held += answers(left, right)[0].outcome == "holds"
    assert stats.binomtest(held, 1000, 0.05, alternative="greater").pvalue > 0.001


def test_any_of_several_pairs_fails_at_its_share_of_the_error() -> None:
    """Three histories whose means are just a margin apart fail in at most 5 % of 1,000; each pair at 5 % would in 8."""
    failed, generator = 0, rng.generator(22)
    for _ in range(1000):
        ends = [path(start, mean) for start, mean in ((0, -0.5), (10, 0.5), (20, 0.5))]
        for end in ends:
            end[:, -1] += generator.normal(0, 0.3, 32)
        failed += any(row.outcome == "fails" for row in answers(*ends))
    assert stats.binomtest(failed, 1000, 0.05, alternative="greater").pvalue > 0.001


def test_values_in_coarse_units_are_not_known_better_than_their_unit() -> None:
    """All alike in multiples of half a margin: an error of that unit's rounding is what the interval has at least."""
    question = Question(T, ("a", "b"), {}, "constant", "", resolutions={"x": 0.5})
    whole = np.concatenate([path(0, 0), path(10, 0.95)])
    rows = history(ensemble({"x": whole}, STEPS, Settings(margins={"x": 1.0}), question, ("a",) * 32 + ("b",) * 32))
    assert rows[0].outcome == "undecided"
