"""Growing until decided: what the next look adds, or that there is none, as it follows from what the last one left open.

Look k is judged at the level alpha / 2^k, on its own replicas and steps alone, and nothing that held before is kept: whatever
is added and whenever it ends, all looks together err at most as often as one at the level alpha would.
"""

from collections import Counter
from collections.abc import Sequence

from thermo_cli.contracts import Look, Verdict
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.judging.gating import Required, code_of
from thermo_cli.judging.record import Judged
from thermo_cli.spec import Spec
from thermo_cli.spec.size import Size, doubled


def look_of(judged: Judged) -> Look:
    """Return what is kept of a look; its steps are those that were asked for, though a script may count its last one T - 1.

    Args:
        judged: The ensemble as the look sees it.
    """
    verdict = judged.verdict
    rows = {row.criterion for row in verdict.criteria if row.gates}
    names = [criterion.name for criterion in CRITERIA if criterion.name in rows]
    undecided = tuple(name for name in names if verdict.outcomes[name] == "undecided")
    replicas = max(Counter(judged.observables.histories).values())
    return Look(replicas, judged.folder.total, verdict.verdict, undecided)


def next_size(spec: Spec, size: Size, verdict: Verdict, required: Required = ()) -> Size | None:
    """Return what the next look has, or None where the verdict, or the gate, is decided, or nothing that is open may grow.

    T doubles if S fails or is undecided; replicas double if a gating row other than S is undecided, and where T cannot grow
    if S is. `relaxing` is no end while T may double, for more training is what it asks for.

    Args:
        spec: The experiment, with all that it may grow to.
        size: What the last look had.
        verdict: What was decided at it.
        required: What ends it instead of a verdict, once it is met or not met.
    """
    longer = doubled(spec, size, replicas=False)
    undecided = code_of(verdict, required) == 4 if required else verdict.verdict == "undecided"
    if not (undecided or (verdict.verdict == "relaxing" and longer != size)):
        return None
    stationarity = verdict.outcomes["stationarity"]
    steps = stationarity in ("fails", "undecided")
    replicas = _undecided(verdict, required) or (stationarity == "undecided" and longer == size)
    following = doubled(spec, size, replicas, steps)
    return following if following != size else None


def _undecided(verdict: Verdict, required: Sequence[Sequence[str]]) -> bool:
    """Say whether a row that gates, those of S apart, is undecided; targets and skill gate where they are asked for."""
    targets, skilled = (any(word in words for words in required) for word in ("target", "skilled"))
    return (skilled and any(skill.better is None for skill in verdict.skill.values())) or any(
        row.outcome == "undecided" and row.criterion != "stationarity"
        for row in verdict.criteria
        if row.gates or (targets and row.criterion == "target")
    )
