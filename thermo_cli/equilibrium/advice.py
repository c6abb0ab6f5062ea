"""What to do next: what would decide what is open and can change the verdict, the cheapest first, as commands to type.

Sentence, terminal, page and verdict.json say what stands here. It knows no clock: work is counted in replica-steps, of which
who knows the throughput makes minutes.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Final

from thermo_cli.contracts import Advice, CriterionName, Outcome, Row, Verdict
from thermo_cli.equilibrium.ensemble import Ensemble, Extent
from thermo_cli.equilibrium.past_best import past_best
from thermo_cli.equilibrium.statistics.forecast import CHANCE
from thermo_cli.equilibrium.statistics.normal import normal_half_width
from thermo_cli.equilibrium.statistics.share import least_replicas
from thermo_cli.equilibrium.statistics.tolerance import count_to_agree
from thermo_cli.equilibrium.verdict import decide

MOST_STEPS: Final = 64  # times T; what needs longer is not reachable in this way
UNREACHABLE: Final = "not reachable this way: it lies too near its margin for any sensible number of replicas or steps"
NORMAL: Final = (
    "judged as if replicas spread normally, agreement would hold with those that are there; the price: a rare replica that is "
    "stuck elsewhere would not be noticed"
)
APART: Final = (
    "replicas drift apart as they train: a smaller rate, regularization or an earlier end would hold them together"
)


def advice(verdict: Verdict, ensemble: Ensemble) -> tuple[Advice, ...]:
    """Say what to do next.

    Args:
        verdict: All of it but this and the sentence.
        ensemble: What was judged.
    """
    if verdict.verdict == "diverged":
        return (_steadier(verdict, ensemble),)
    if verdict.unfinished:
        missing = f"{verdict.unfinished} of {verdict.replicas['planned']} replicas are still to be trained"
        return (Advice("finish", f"the same thermo-run command: {missing}"),)
    if not ensemble.question.independent:
        return ()
    past = past_best(ensemble)
    stops = (
        [Advice("stop", past.remedy, past.step, command=_command(ensemble, f"dynamics.steps={past.step}"))]
        if past
        else []
    )
    if verdict.verdict == "relaxing":
        return tuple(stops or [_longer(verdict, ensemble)])
    able = _able(verdict, ("undecided",), ensemble)
    rows = [row for row in verdict.criteria if row.gates and row.outcome == "undecided" and row.criterion in able]
    beyond = _unreachable(rows)
    more = [
        *_larger(rows, ensemble, bool(past), "what else is open" if beyond else "what is open"),
        *_pairs(rows, ensemble),
    ]
    larger = sorted(more, key=lambda one: one.work or 0)
    setups = _setups(verdict, ensemble)
    first = any(verdict.outcomes[name] == "untested" for name in ("stationarity", "agreement"))
    parts = (setups, stops, larger) if first else (stops, larger, _assumption(rows, ensemble), beyond, setups)
    return tuple(one for part in parts for one in part)


def _steadier(verdict: Verdict, ensemble: Ensemble) -> Advice:
    rate = ensemble.question.learning_rate
    if verdict.replicas["diverged"]:
        words = "make the training stable" if rate is None else f"lower dynamics.with.lr (received {rate:g})"
        return Advice("stability", words)
    if rate is None:
        return Advice("crashes", "find out why replicas crashed")
    return Advice("crashes", "see shards/*.error.txt, then give the same command again")


def _able(verdict: Verdict, free: Sequence[Outcome], ensemble: Ensemble) -> set[CriterionName]:
    """Return the criteria whose answer can change the verdict, whatever the others that are free turn out to be."""
    names = [name for name in ("stationarity", "agreement", "history", "diversity", "ergodicity")]
    loose = [name for name in names if verdict.outcomes[name] in free]
    strict, able = ensemble.settings.require_ergodic, set[CriterionName]()
    answers: tuple[Outcome, ...] = ("holds", "fails")
    for some in itertools.product(answers, repeat=len(loose)):
        outcomes = {**verdict.outcomes, **dict(zip(loose, some, strict=True))}
        able |= {
            name
            for name in loose
            if len({decide({**outcomes, name: answer}, False, strict) for answer in (*answers, verdict.outcomes[name])})
            > 1
        }
    return able


def _longer(verdict: Verdict, ensemble: Ensemble) -> Advice:
    """Answer an ensemble that is still changing."""
    rows = [row for row in verdict.criteria if row.criterion == "stationarity" and row.gates and row.outcome == "fails"]
    if all(row.statistic.startswith("S3") for row in rows):
        return Advice("stability", APART)
    steps = max(2 * ensemble.question.steps, *(row.steps_needed or 0 for row in rows))
    return _steps(ensemble, steps, "train longer: {} steps may end it, more replicas would not")


def _larger(rows: Sequence[Row], ensemble: Ensemble, past: bool, unknown: str) -> list[Advice]:
    """Ask for replicas, steps, either or both: what decides all that can be decided, for the least work.

    Args:
        past: Whether scores are past their best, so that longer training is no answer.
        unknown: What would be decided, in words.
    """
    rows = [row for row in rows if row.criterion != "diversity"]
    most = MOST_STEPS * ensemble.question.steps
    lengths = [
        0 if past or (row.steps_needed or 0) > most else _doubled(ensemble, row.steps_needed or 0) for row in rows
    ]
    needs = [(row.replicas_needed or 0, length) for row, length in zip(rows, lengths, strict=True)]
    either = [need for need in needs if all(need)]
    replicas = max((count for count, steps in needs if not steps), default=0)
    steps = max((steps for count, steps in needs if not count), default=0)
    by_replicas = (max([replicas, *(count for count, _ in either)]), steps)
    by_steps = (replicas, max([steps, *(longer for _, longer in either)]))
    ways = sorted({by_replicas, by_steps} - {(0, 0)}, key=lambda way: _work(ensemble, *way))
    if any(all(way) for way in ways):
        ways = ways[:1]
    return [one for way in ways for one in _way(ensemble, *way, unknown)]


def _way(ensemble: Ensemble, replicas: int, steps: int, unknown: str) -> list[Advice]:
    """Return one command, with an entry for each thing that it makes more of."""
    more = [_replicas(ensemble, replicas, unknown)] if replicas else []
    longer = [_steps(ensemble, steps, "{} steps: longer training would tell")] if steps else []
    orders = [one.command.partition(" --set ")[2] for one in (*more, *longer)]
    command, work = _command(ensemble, " --set ".join(orders)), _work(ensemble, replicas, steps)
    known = ensemble.question.extent is not None
    ways = [dataclasses.replace(one, command=command, work=work if known else None) for one in (*more, *longer)]
    return [dataclasses.replace(one, together=place > 0) for place, one in enumerate(ways)]


def _replicas(ensemble: Ensemble, count: int, unknown: str) -> Advice:
    extent = ensemble.question.extent
    order = f"ensemble.replicas={count}"
    if extent is not None and extent.replicas[0] != extent.replicas[1]:
        order = _grown("ensemble.replicas", extent.replicas[0], count)
    many = f"{count} replicas per history" if extent else f"{count} runs of each history"
    words = f"{many} decide {unknown} in four of five cases"
    return Advice("replicas", words, count, CHANCE, _command(ensemble, order))


def _steps(ensemble: Ensemble, needed: int, words: str) -> Advice:
    extent, steps = ensemble.question.extent, _doubled(ensemble, needed)
    order = f"dynamics.steps={steps}"
    if extent is not None and not extent.closed:
        order = _grown("dynamics.steps", extent.steps[0], steps)
    work = _work(ensemble, 0, steps) if extent else None
    return Advice("steps", words.format(steps), steps, None, _command(ensemble, order), work)


def _doubled(ensemble: Ensemble, steps: int) -> int:
    """Return the training time, as long at least, that the run can grow to: by doublings, where it goes on."""
    extent = ensemble.question.extent
    if not steps or extent is None or extent.closed:
        return steps
    first = extent.steps[0]
    return first << (-(-steps // first) - 1).bit_length()


def _pairs(rows: Sequence[Row], ensemble: Ensemble) -> list[Advice]:
    needed = max((row.replicas_needed or 0 for row in rows if row.criterion == "diversity"), default=0)
    if not needed:
        return []
    order = f"ensemble.controls.same_bath={needed}"
    if needed * len(ensemble.histories) > len(ensemble.recorded.replicas):  # each is a partner of its own replica
        order += f" --set ensemble.replicas={needed}"
    words = f"{needed} pairs trained on the same data would tell whether these are different models"
    held = len(ensemble.overlaps.distances) if ensemble.overlaps is not None else 0
    work = max(needed - held, 0) * ensemble.question.steps
    return [Advice("pairs", words, needed, None, _command(ensemble, order), work if ensemble.question.extent else None)]


def _assumption(rows: Sequence[Row], ensemble: Ensemble) -> list[Advice]:
    """Offer what few replicas can answer to who assumes that they spread normally, where it would answer."""
    settings, count = ensemble.settings, len(ensemble.trajectories.replicas)
    few = count < least_replicas(settings.content, settings.alpha, count_to_agree)
    finals = [(ensemble.finals[name], margin.delta) for name, margin in ensemble.margins.items() if margin.full]
    if settings.tolerance == "normal" or not few or count < 2 or not any(row.criterion == "agreement" for row in rows):
        return []
    if not all(
        normal_half_width(values, settings.content, settings.alpha).below(delta) == "holds" for values, delta in finals
    ):
        return []
    typed = "thermo-report RUN --set equilibrium.tolerance=normal" if ensemble.question.extent else ""
    return [Advice("tolerance", NORMAL if typed else f"tolerance: normal: {NORMAL}", None, None, typed)]


def _unreachable(rows: Sequence[Row]) -> list[Advice]:
    """Name the criteria that nothing decides by number."""
    silent = [row for row in rows if not (row.replicas_needed or row.steps_needed)]
    words = {
        row.criterion: row.explanation if row.criterion == "diversity" else UNREACHABLE for row in reversed(silent)
    }
    return [Advice("replicas", f"{name} is open: {why}") for name, why in words.items()]


def _setups(verdict: Verdict, ensemble: Ensemble) -> list[Advice]:
    """Say why what would change the verdict is untested."""
    able = _able(verdict, ("undecided", "untested"), ensemble)
    rows = [row for row in verdict.criteria if row.gates and row.outcome == "untested" and row.criterion in able]
    lines = dict.fromkeys(f"{row.criterion} is untested: {row.explanation}" for row in rows)
    return [Advice("setup", line) for line in lines]


def _work(ensemble: Ensemble, replicas: int, steps: int) -> int:
    """Return the replica-steps of a larger ensemble beyond those that are there."""
    question, extent = ensemble.question, ensemble.question.extent
    count, histories = len(ensemble.recorded.replicas), max(len(ensemble.histories), 1)
    total = max(replicas * histories, count) + question.controls
    longer = max(steps, question.steps)
    anew = extent is not None and extent.closed and steps > question.steps
    return total * longer - (0 if anew else (count + question.controls) * question.steps)


def _grown(field: str, first: int, to: int) -> str:
    """Return what grows a field from where it began."""
    return f"'{field}={{from: {first}, to: {to}}}'"


def _command(ensemble: Ensemble, order: str) -> str:
    extent: Extent | None = ensemble.question.extent
    return f"{extent.command} --set {order}" if extent is not None and order else ""
