"""What observables are held against: margins, targets and good directions, as the spec states them or as they follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.errors import SpecError, UsageError
from thermo_cli.judging.record import Judged
from thermo_cli.metric import LARGEST_SHARE, higher_is_better, is_share, whole
from thermo_cli.spec import Spec
from thermo_cli.spec.observing import Target

MAPPINGS: Final = ("margins", "targets", "better")  # fields of `equilibrium` that go by observable


def merged(own: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace settings by others; what goes by observable is replaced observable by observable."""
    together = {name: {**own[name], **changes[name]} for name in MAPPINGS if isinstance(changes.get(name), Mapping)}
    return {**own, **changes, **together}


def check_margins(margins: Collection[str], spec: Spec, observables: Collection[str]) -> None:
    """Refuse a margin for what was not recorded.

    Args:
        margins: Observables that are to have one.
        spec: Of the run.
        observables: What was recorded.

    Raises:
        SpecError: One of them was not.
    """
    able = [name for name in observables if spec.traits.margin_problem(name, spec.observe.macro) is None]
    for observable in margins:
        if observable not in able:
            raise SpecError(
                f"{observable} is not observed in this run",
                received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(able)),
                where="equilibrium.margins",
            )


def check_targets(targets: Mapping[str, Target], values: Mapping[str, Array]) -> None:
    """Refuse a target in the other unit than what was recorded that is always met: 0.95 of per cent, at most 50 of shares.

    Args:
        targets: Observable to what it is to reach.
        values: Observable to what was recorded.

    Raises:
        SpecError: There is one.
    """
    for name, target in targets.items():
        per_cent, least, most = whole(name, values) > 1, target.at_least or 0.0, target.at_most or 0.0
        bound = least if per_cent else most
        if name in values and is_share(name) and (0 < least <= LARGEST_SHARE if per_cent else most > LARGEST_SHARE):
            raise SpecError(
                f"{name} was recorded in {'per cent' if per_cent else 'shares of 1'}, and its target is not",
                received=f"{bound:g}",
                remedy=f"state the target in the same unit, such as {bound * 100 if per_cent else bound / 100:g}",
                where=f"equilibrium.targets.{name}",
            )


def shared_margins(run: Judged, baseline: Judged, mutual: bool = False) -> tuple[dict[str, Margin], list[str]]:
    """Return delta of every observable that gates in either of two runs, and a word on those that are not the same in both.

    They are the run's; that of the energy, where it is derived, and what the run states none for, the baseline's, so that a
    run that learns less has no wider margin.

    Args:
        run: A judged run.
        baseline: The run that it is held against.
        mutual: Whether neither is the measure of the other: then the smaller derived margin is that of both.
    """
    notes: list[str] = []
    margins = {
        name: margin
        for name, margin in {**baseline.margins, **run.margins}.items()
        if name in run.observables.values and name in baseline.observables.values
    }
    if "energy" in run.margins and "energy" in baseline.margins and run.margins["energy"].derived:
        both = [baseline.margins["energy"], run.margins["energy"]]
        margins["energy"] = min(both, key=lambda margin: margin.delta) if mutual else both[0]
    for name, margin in margins.items():
        other = baseline.margins.get(name)
        if other is not None and not other.derived and other.delta != margin.delta:
            notes.append(
                f"the margin of {name} is {margin.delta:.3g} here, and {other.delta:.3g} in the baseline's own spec"
            )
    return margins, notes


def agreed(runs: Sequence[Judged]) -> tuple[list[Judged], tuple[str, ...]]:
    """Give runs of which none is the measure of the others the same terms, and say which, where they state others.

    Of each observable the smallest margin that one of them states, the good direction that one of them knows, the highest
    confidence, and the largest content. Derived margins of the energy stay each its own.

    Raises:
        UsageError: One says higher is better, another lower.
    """
    (margins, notes), better = _smallest(runs), _directions(runs)
    strictest = min((run.settings for run in runs), key=lambda settings: settings.alpha)
    content = max(run.settings.content for run in runs)
    if len({(run.settings.alpha, run.settings.content) for run in runs}) > 1:
        notes.append(
            f"the runs state other levels: all are held to error rate {strictest.alpha:.3g} and content {content:g}"
        )
    terms = partial(replace, confidence=strictest.confidence, look=strictest.look, content=content, better=better)
    together = [replace(run, margins={**run.margins, **margins}, settings=terms(run.settings)) for run in runs]
    return together, tuple(notes)


def _smallest(runs: Sequence[Judged]) -> tuple[dict[str, Margin], list[str]]:
    """Return the smallest stated margin of each observable, and a word where others are larger."""
    stated: dict[str, list[Margin]] = {}
    for run in runs:
        for name, margin in run.margins.items():
            stated.setdefault(name, []).extend([] if margin.derived else [margin])
    margins = {name: min(some, key=lambda margin: margin.delta) for name, some in stated.items() if some}
    most = {name: max(margin.delta for margin in stated[name]) for name in margins}
    return margins, [
        f"the margin of {name} is {margin.delta:.3g}, the smallest that the runs state; the largest is {most[name]:.3g}"
        for name, margin in margins.items()
        if most[name] > margin.delta
    ]


def _directions(runs: Sequence[Judged]) -> dict[str, str]:
    """Return the good direction of each observable that one of the runs knows it of."""
    better: dict[str, str] = {}
    for name in dict.fromkeys(name for run in runs for name in run.margins):
        known = {direction(run.folder.spec, run.settings.better, name) for run in runs} - {None}
        if len(known) > 1:
            raise UsageError(
                f"the runs do not agree on which way {name} is better",
                received="higher in one, lower in another",
                remedy=f"--set equilibrium.better={{{name}: higher}}, or lower",
            )
        if known:
            better[name] = "higher" if known.pop() else "lower"
    return better


def direction(spec: Spec, better: Mapping[str, str], observable: str) -> bool | None:
    """Say whether higher is better: as is stated, or as the name tells; None where neither does.

    Args:
        spec: Of the run.
        better: Observable to `higher` or `lower`, as stated.
    """
    if observable in better:
        return better[observable] == "higher"
    return higher_is_better(observable, spec.observe.macro)
