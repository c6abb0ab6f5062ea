"""The common horizon: runs that ended early are judged up to where all are, and none of them has diverged."""

import numpy as np
import pytest

from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings
from thermo_cli.equilibrium.horizon import on_common_horizon

STEPS = np.arange(0, 4001, 100)


def stopped(early: int = 36, last: int = 2000, lost: int | None = None) -> Ensemble:
    """Forty runs at rest since step 500, of which `early` stop on purpose from step `last` on; `lost` diverges at step 3000."""
    noise = np.random.default_rng(11)
    values = np.where(STEPS < 500, 0.1, 0.9) + noise.normal(0, 0.003, (40, len(STEPS)))
    ends = np.full(40, STEPS[-1])
    ends[:early] = last + 100 * (np.arange(early) % 9)
    values[ends[:, None] < STEPS] = np.nan
    if lost is not None:
        values[lost, STEPS >= 3000] = np.inf
    names = tuple(f"recorded/{row}" for row in range(40))
    nobody = np.zeros(40, dtype=bool)
    runs = Trajectories(
        STEPS, {"score": values}, names, ("recorded",) * 40, nobody, sparse=True, ended=ends < STEPS[-1]
    )
    return Ensemble(runs, Question(4000, ("recorded",), {}, "constant", "for these"), Settings(margins={"score": 0.02}))


def test_runs_that_end_early_are_judged_where_all_are() -> None:
    """T is the last step that all reached; the scope and the counts say so, and the verdict is that of the part."""
    ensemble = on_common_horizon(stopped())
    verdict = judge(ensemble)
    assert (verdict.verdict, ensemble.question.steps) == ("settled", 2000)
    assert verdict.scope == "for these; judged up to step 2000, which all reached: 36 of 40 ended before step 4000"
    assert {word: verdict.replicas[word] for word in ("finished", "ended", "diverged")} == {
        "finished": 4,
        "ended": 36,
        "diverged": 0,
    }
    assert verdict.unfinished == 0
    np.testing.assert_array_equal(ensemble.finals["score"], stopped().recorded.values["score"][:, 20])


def test_who_diverges_after_the_horizon_has_diverged() -> None:
    """It looks whole up to there, and is counted and lies beyond every bound all the same."""
    ensemble = on_common_horizon(stopped(lost=39))
    verdict = judge(ensemble)
    assert (verdict.verdict, verdict.replicas["diverged"], verdict.replicas["ended"]) == ("diverged", 1, 36)
    assert np.isnan(ensemble.finals["score"][39])
    assert "first recorded/39" in verdict.summary


@pytest.mark.parametrize("sparse", [True, False])
def test_what_goes_on_to_the_end_is_left_alone(sparse: bool) -> None:
    """Nobody ended: the same ensemble; and where NaN may be a divergence, its end is never cut off."""
    ensemble = stopped(early=0) if sparse else stopped(early=1)
    if not sparse:
        runs = Trajectories(STEPS, ensemble.recorded.values, *(getattr(ensemble.recorded, name) for name in NAMES))
        ensemble = Ensemble(runs, ensemble.question, ensemble.settings)
        assert judge(ensemble).replicas["diverged"] == 1
    assert on_common_horizon(ensemble) is ensemble


NAMES = ("replicas", "histories", "crashed")
