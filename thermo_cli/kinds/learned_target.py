"""What the plan says of the target: the task, the classes with their counts, and what measures a skewed one."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from thermo_cli.contracts import Dataset, Integers
from thermo_cli.data.targets import serving
from thermo_cli.kinds.kind import Setup
from thermo_cli.metric import RECORDS, label

MOST: Final = 20  # classes that are listed
MARGIN: Final = 0.02


def target_lines(setup: Setup) -> dict[str, str]:
    """Say what is to be predicted, and which metrics serve it.

    Args:
        setup: What would be trained.
    """
    dataset, data = setup.facts.dataset, setup.spec.data
    if dataset is None or data is None:
        return {}
    arguments = getattr(data, "arguments", None)
    target = getattr(arguments, "target", "")
    name = f"{target}: " if target else ""
    if dataset.task == "regression":
        return {"target": f"{name}regression, numbers with a spread (sd) of {dataset.target_sd * _spread(dataset):.3g}"}
    counts = np.bincount(np.concatenate([dataset.y, dataset.y_test]).astype(np.int64), minlength=len(dataset.labels))
    lines = {"target": f"{name}classification, {len(dataset.labels)} classes: {_listed(dataset.labels, counts)}"}
    return lines | _skewed(setup, dataset, counts)


def _spread(dataset: Dataset) -> float:
    return float(np.std(np.concatenate([dataset.y, dataset.y_test])))


def _listed(labels: Sequence[str], counts: Integers) -> str:
    order = np.argsort(-counts, kind="stable")
    words = ", ".join(f"{labels[place]} {counts[place]:,}" for place in order[:MOST])
    return words + (f" and {len(labels) - MOST} more, down to {counts.min():,}" if len(labels) > MOST else "")


def _skewed(setup: Setup, dataset: Dataset, counts: Integers) -> dict[str, str]:
    """Name the metrics that serve skewed classes, ready to paste, unless they are observed already."""
    spec, facts = setup.spec, setup.facts
    answered = facts.observables is None or "loss" not in spec.observe.macro or "test_loss" in facts.observables
    metrics = serving(dataset.labels, counts.tolist())[: None if answered else 1]
    if not metrics:
        return {}
    words = f"always answering {dataset.labels[int(counts.argmax())]} is right in {counts.max() / counts.sum():.1%}"
    missing = [name for name in metrics if name not in map(label, spec.observe.macro)]
    if not missing:
        return {"skewed": f"{words}: read {' and '.join(metrics)} rather than accuracy"}
    margins = spec.equilibrium.margins | {f"test_{name}": MARGIN for name in missing}
    seen = [name for name in spec.observe.macro if name not in RECORDS or _shown(setup, name)]
    macro = ", ".join([*seen, *missing])
    stated = ", ".join(f"{name}: {value:g}" for name, value in margins.items())
    paste = f"--set 'observe.macro=[{macro}]' --set 'equilibrium.margins={{{stated}}}'"
    return {"skewed": f"{words}, so accuracy says little; what serves: {paste}"}


def _shown(setup: Setup, name: str) -> bool:
    """Say whether a metric that is built in has values in this run."""
    observables, metric = setup.facts.observables, RECORDS[name]
    return observables is None or metric.state is not None or metric.gating in observables
