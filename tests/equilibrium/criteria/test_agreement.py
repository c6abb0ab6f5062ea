"""Agreement: of all replicas, and of each history with all, with their error rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.agreement import agreement
from thermo_cli.equilibrium.ensemble import Settings

ALPHA, CONTENT = 0.05, 0.85


def rows(values: np.ndarray, margin: float = 1.0, histories: tuple[str, ...] = ()) -> list[Row]:
    """Answer A on values that are final ones and window means at once."""
    return agreement(ensemble({"x": values[:, None]}, np.array([1]), Settings(margins={"x": margin}), None, histories))


def outcome(values: np.ndarray, margin: float = 1.0) -> str:
    """Answer of the gating row."""
    return rows(values, margin)[0].outcome


def test_just_inside_and_just_outside() -> None:
    """32 replicas whose range is the margin's width hold; a hair more is open; a bimodal ensemble fails."""
    values = np.linspace(-1.0, 1.0, 32)
    assert outcome(values) == "holds"
    assert outcome(values, 0.999) == "undecided"
    assert outcome(np.repeat([-5.0, 5.0], 16)) == "fails"
    assert outcome(values[:29]) == "undecided"


def test_differences_of_exactly_the_margin_are_not_decided_by_rounding() -> None:
    """Accuracies 41/45 and 45/45 differ by 4/45 = 2 x (2/45), whatever their binary fractions."""
    values = np.repeat([41 / 45, 43 / 45, 45 / 45], [1, 62, 1])
    assert outcome(values, 2 / 45) == "holds"


def test_a_diverged_replica_counts_as_beyond_every_bound() -> None:
    """NaN or infinity in a final value is never dropped: one of 30 opens what held, half of them fail it."""
    values = np.zeros(30)
    assert outcome(values) == "holds"
    for bad in (np.nan, np.inf, -np.inf):
        spoiled = values.copy()
        spoiled[7] = bad
        assert outcome(spoiled) == "undecided"
    values[:15] = np.nan
    assert outcome(values) == "fails"


def test_the_replicas_asked_for_would_decide() -> None:
    """Too few and all alike: 67 in all are asked for, 34 for each of two histories."""
    row, reported, *_ = rows(np.zeros(8), histories=("cold", "hot") * 4)
    assert (row.outcome, row.replicas_needed, row.gates) == ("undecided", 34, True)
    assert not reported.gates
    assert row.interval == (0.0, np.inf)


@pytest.mark.parametrize("replicas", [32, 64, 256])
def test_error_rate_at_the_margin(replicas: int) -> None:
    """Ensembles of which exactly 85 % fit in the best interval of the margin's width hold in at most 5 %."""
    trials = rng.generator(replicas).uniform(-1, 1, (1500, replicas)) / CONTENT
    held = sum(outcome(values) == "holds" for values in trials)
    assert stats.binomtest(held, 1500, ALPHA, alternative="greater").pvalue > 0.001


def test_power_well_inside_and_well_outside() -> None:
    """A spread of 0.3 margins holds, and two frozen groups fail, in at least 90 % at 32 replicas."""
    generator = rng.generator(9)
    held = [outcome(generator.normal(0, 0.3, 32)) for _ in range(300)].count("holds")
    failed = [outcome(generator.choice([-2.0, 2.0], 32) + generator.normal(0, 0.2, 32)) for _ in range(300)].count(
        "fails"
    )
    assert held >= 270
    assert failed >= 270


@settings(deadline=None, max_examples=60)
@given(st.integers(5, 90), st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3), st.floats(0.2, 1.5))
def test_order_and_origin_decide_nothing(n: int, seed: int, origin: float, size: float) -> None:
    """Permuting replicas or adding a constant changes no outcome."""
    generator = rng.generator(seed)
    values = generator.normal(0, size, n)
    assert outcome(generator.permutation(values)) == outcome(values)
    assert outcome(values + origin) == outcome(values)


@pytest.mark.parametrize("replicas", [8, 32, 64])
def test_error_rate_of_failing_at_the_margin(replicas: int) -> None:
    """Ensembles of which exactly 85 % fit in the best interval of the margin's width fail in at most 5 %."""
    trials = rng.generator(replicas, 1).normal(0, 1 / stats.norm.ppf((1 + CONTENT) / 2), (1000, replicas))
    failed = sum(outcome(values) == "fails" for values in trials)
    assert stats.binomtest(failed, 1000, ALPHA, alternative="greater").pvalue > 0.001


def test_a_rare_stuck_mode_is_not_averaged_away() -> None:
    """With 15 % of fresh replicas stuck far away, 64 replicas hold in at most 5 % of 1,000 ensembles."""
    generator = rng.generator(11)
    held = 0
    for _ in range(1000):
        stuck = generator.random(64) < 1 - CONTENT
        held += outcome(generator.normal(0, 0.05, 64) + 10.0 * stuck) == "holds"
    assert stats.binomtest(held, 1000, ALPHA, alternative="greater").pvalue > 0.001


def unequal(generator: np.random.Generator, sizes: tuple[int, int], stuck: float) -> list[Row]:
    """Answer A for two histories, of the second of which a share is stuck."""
    values = generator.normal(0, 0.1, sum(sizes))
    values[sizes[0] :] += 4.0 * (generator.random(sizes[1]) < stuck)
    return rows(values, histories=tuple(np.repeat(["cold", "hot"], sizes)))


@pytest.mark.parametrize("sizes", [(200, 20), (64, 64), (256, 128)])
def test_a_stuck_part_of_one_history_is_not_lost_in_the_pool(sizes: tuple[int, int]) -> None:
    """15 % of one history are stuck: it holds in at most 5 % of 400, though the pool alone may; at rest it always does."""
    generator = rng.generator(*sizes)
    alone = held = 0
    for _ in range(400):
        pooled, _, *each = unequal(generator, sizes, 0.15)
        alone += pooled.outcome == "holds"
        held += pooled.outcome == "holds" and all(row.outcome == "holds" for row in each)
    assert stats.binomtest(held, 400, ALPHA, alternative="greater").pvalue > 0.001
    assert alone > 200 or sizes == (64, 64)
    assert [row.outcome for row in unequal(generator, sizes, 0.0)] == ["holds"] * 4
    assert [row.outcome for row in unequal(generator, sizes, 0.9)][-1] == "fails"


def test_each_history_turns_at_one_and_a_half_margins_and_at_its_count() -> None:
    """31 of 32 inside hold and 30 are open; a loss counts as outside; few values have no mean; `normal` asks for none."""
    cold, hot = np.zeros(64), np.zeros(32)
    labels = tuple(np.repeat(["cold", "hot"], [64, 32]))
    for outside, expected in ((1, "holds"), (2, "undecided"), (16, "fails")):
        for value, outcome_there in ((1.45, "holds"), (1.55, expected), (np.nan, expected)):
            hot[:outside] = value
            *_, row = rows(np.concatenate([cold, hot]), histories=labels)
            assert (row.scope, row.outcome, row.gates) == ("hot", outcome_there, True)
    assert rows(np.zeros(4), histories=("cold", "hot") * 2)[-1].outcome == "untested"
    normal = Settings(margins={"x": 1.0}, tolerance="normal")
    assert len(agreement(ensemble({"x": np.eye(8)[:, :1]}, np.array([1]), normal, None, ("cold", "hot") * 4))) == 2


def test_ten_observables_at_their_margin_fail_as_seldom_as_one() -> None:
    """15 % are stuck in each, independently: any of the ten rows fails in at most 5 % of 400 ensembles."""
    generator, names = rng.generator(12), [f"x{i}" for i in range(10)]
    told = Settings(margins=dict.fromkeys(names, 1.0))
    failed = 0
    for _ in range(400):
        drawn = {name: 5.0 * (generator.random((32, 1)) < 1 - CONTENT) for name in names}
        failed += any(row.outcome == "fails" for row in agreement(ensemble(drawn, np.array([1]), told)) if row.gates)
    assert stats.binomtest(failed, 400, ALPHA, alternative="greater").pvalue > 0.001


def test_a_one_sided_stuck_mode_leaves_spare_replicas_their_use() -> None:
    """8 % are stuck on one side: of 300 ensembles of 256 replicas at least three in four hold (fixed ranks: 4 %)."""
    generator = rng.generator(13)
    held = [outcome(10.0 * (generator.random(256) < 0.08) + generator.normal(0, 0.05, 256)) for _ in range(300)]
    assert held.count("holds") > 225


def test_one_replica_decides_nothing() -> None:
    """Neither one value nor one that diverged is evidence."""
    assert outcome(np.array([0.3])) == "undecided"
    assert outcome(np.array([np.nan])) == "undecided"
