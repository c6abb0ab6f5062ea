"""From the names of observables to what computes them from answers: built-in ones, scorers, functions of the user."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from thermo_cli.contracts import Array, Task
from thermo_cli.metric import RECORDS, Answers, label, observed, own_names
from thermo_cli.observables.own import own_formula
from thermo_cli.observables.scorers import check_probabilities
from thermo_cli.registry import load

Formula = Callable[[Array, Any, float], Array]
"""Of outputs (replica, output, example), targets (replica, example) and the target's unit -> (replica,)."""


def formulas_of(macro: Sequence[str], task: Task, answers: Answers = "probabilities") -> dict[str, Formula]:
    """Return what is computed from the answers of a model, by the name that it has behind `train_` and `test_`.

    Args:
        macro: As in `observe.macro`; built-in ones that the answers do not tell are left out.
        task: Classification or regression.
        answers: What the model says.

    Raises:
        SpecError: A scorer needs probabilities and there are none, or a name cannot serve.
    """
    own = {label(name): name for name in own_names(macro)}
    for name in own.values() if answers in ("labels", "scores") else ():
        if ":" not in name:  # functions get whatever there is
            check_probabilities(name)
    names = observed(macro, task, answers)
    return {name: own_formula(own[name], task) if name in own else formula(name, task) for name in names}


def formula(name: str, task: Task) -> Formula:
    """Return a built-in observable of answers.

    Args:
        name: Of a record that has a formula for the task.
        task: Classification or regression.
    """
    metric = RECORDS[name]
    rule, power = load(metric.formula(task) or ""), metric.unit
    return lambda outputs, y, unit: rule(outputs, y) * unit**power if power else rule(outputs, y)


def on_splits(
    formulas: Mapping[str, Formula], answers: Mapping[str, tuple[Array, Any]], unit: float
) -> dict[str, Array]:
    """Compute observables on every split, `<split>_<name>` to (replica,).

    Args:
        formulas: By name.
        answers: Split to outputs (replica, output, example) and targets (replica, example).
        unit: What one unit of a scaled target is in the file.
    """
    return {
        f"{split}_{name}": rule(outputs, y, unit)
        for name, rule in formulas.items()
        for split, (outputs, y) in answers.items()
    }
