"""What a spec's `data` must be: there for what learns from examples, absent for what does not."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thermo_cli.spec.schema import Spec


def require_data(spec: "Spec") -> None:
    """Refuse a system that would learn from nothing.

    Raises:
        ValueError: There are no data.
    """
    if spec.data is None:
        raise ValueError(f"data: {spec.system.use} needs data")


def refuse_data(spec: "Spec") -> None:
    """Refuse examples and labels that nothing would learn from.

    Raises:
        ValueError: There are data, or a first phase changes them.
    """
    if spec.data is not None:
        raise ValueError(f"data: {spec.system.use} learns from no data: leave data out")
    for name, history in spec.histories.items():
        if history.first is not None and (history.first.labels or history.first.examples):
            raise ValueError(f"histories.{name}.first: {spec.system.use} has no labels and no examples")
