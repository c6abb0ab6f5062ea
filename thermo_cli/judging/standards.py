"""What observables are held against: margins, targets and good directions, as the spec states them or as they follow."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from thermo_cli.equilibrium.margins import Margin
from thermo_cli.errors import SpecError
from thermo_cli.judging.record import Judged
from thermo_cli.metric import higher_is_better
from thermo_cli.spec import Spec

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


def shared_margins(run: Judged, baseline: Judged) -> tuple[dict[str, Margin], list[str]]:
    """Return delta of every observable that gates in either of two runs, and a word on those that are not the same in both.

    They are the run's; that of the energy, where it is derived, and what the run states none for, the baseline's, so that a
    run that learns less has no wider margin.
    """
    notes: list[str] = []
    margins = {
        name: margin
        for name, margin in {**baseline.margins, **run.margins}.items()
        if name in run.observables.values and name in baseline.observables.values
    }
    if "energy" in run.margins and "energy" in baseline.margins and run.margins["energy"].derived:
        margins["energy"] = baseline.margins["energy"]
    for name, margin in margins.items():
        other = baseline.margins.get(name)
        if other is not None and not other.derived and other.delta != margin.delta:
            notes.append(
                f"the margin of {name} is {margin.delta:.3g} here, and {other.delta:.3g} in the baseline's own spec"
            )
    return margins, notes


def direction(spec: Spec, better: Mapping[str, str], observable: str) -> bool | None:
    """Say whether higher is better: as is stated, or as the name tells; None where neither does.

    Args:
        spec: Of the run.
        better: Observable to `higher` or `lower`, as stated.
    """
    if observable in better:
        return better[observable] == "higher"
    return higher_is_better(observable, spec.observe.macro)
