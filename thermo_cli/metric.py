"""What can be observed of a system that learns: one record each, in one table.

What a spec may name and its JSON Schema, which margins it may state and which it has without saying, which way is better, and
what a kind of system can compute all follow from METRICS. Nothing heavy is imported here: a formula lies in `observables/`, and
is located when it is computed. To add an observable, write its formula there and its record here:

    Metric("median_error", regression="thermo_cli.observables.regression:median_error", direction="lower", unit=1)
"""

import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from thermo_cli.contracts import Array, Task

Answers = Literal["labels", "scores", "probabilities", "numbers"]
"""What a model says of an example; of classifiers each says what those before it say, and more."""
SPLITS: Final = ("train", "test", "shifted")
CLASSES: Final = "thermo_cli.observables.classification"
NUMBERS: Final = "thermo_cli.observables.regression"
STATE: Final = "thermo_cli.observables.state"
PREFIX: Final = re.compile(
    r"^(train|test|shifted|val|valid|validation|eval|dev)[_/.]"
)  # of the splits, in whoever's words
SUFFIX: Final = re.compile(r"_(epoch|step)$")  # what was averaged over, as Lightning writes it
SHARE_MARGIN: Final = 0.02  # of a whole
LARGEST_SHARE: Final = 1.5  # what is called a share and is larger is in per cent
NOTHING: "Final[Mapping[str, Array]]" = MappingProxyType({})


@dataclass(frozen=True)
class Metric:
    """One macroscopic observable; a formula is written `module:function`.

    What is computed from answers is recorded on every split, as `<split>_<name>`, and what is not under its own name.

    Attributes:
        name: As in `observe.macro`.
        classification: Formula of logits (replica, class, example) and classes (replica, example) -> (replica,).
        regression: Formula of predictions (replica, 1, example) and targets (replica, example) -> (replica,).
        state: Formula of parameters, gradient and initial parameters, each (replica, parameter) -> (replica,).
        needs: The least that a classifier must say.
        direction: Which way is better; None where neither is.
        unit: Power of the target's own unit that the value is in; 0 for what has none, or stays in scaled units.
        margin: delta of the test split where a spec states none; None for what gates only with a stated one.
        examples: Examples of the test set that make the least default margin.
        gates: Whether it may carry a margin at all.
    """

    name: str
    classification: str | None = None
    regression: str | None = None
    state: str | None = None
    needs: Answers = "probabilities"
    direction: Literal["higher", "lower"] | None = None
    unit: int = 0
    margin: float | None = None
    examples: int = 0
    gates: bool = True

    @property
    def gating(self) -> str:
        """The name under which it gates."""
        return f"test_{self.name}" if self.classification or self.regression else self.name

    def formula(self, task: "Task") -> str | None:
        """Return what computes it from answers; None where it is not computed from the answers of this task.

        Args:
            task: Classification or regression.
        """
        return self.classification if task == "classification" else self.regression

    def computable(self, task: "Task", answers: Answers) -> bool:
        """Say whether such answers tell it.

        Args:
            task: Classification or regression.
            answers: What the model says.
        """
        levels = get_args(Answers)
        return self.formula(task) is not None and (
            task == "regression" or levels.index(answers) >= levels.index(self.needs)
        )


METRICS: Final[tuple[Metric, ...]] = (
    Metric("energy", direction="lower"),
    Metric("loss", f"{CLASSES}:loss", f"{NUMBERS}:loss", direction="lower"),
    Metric("accuracy", f"{CLASSES}:accuracy", needs="labels", direction="higher", margin=SHARE_MARGIN, examples=2),
    Metric("brier", f"{CLASSES}:brier", direction="lower"),
    Metric("calibration_error", f"{CLASSES}:calibration_error", direction="lower"),
    Metric("margin", f"{CLASSES}:margin", needs="scores", direction="higher"),
    Metric("r2", regression=f"{NUMBERS}:r2", direction="higher", margin=0.02),
    Metric("rmse", regression=f"{NUMBERS}:rmse", direction="lower", unit=1),
    Metric("parameter_norm", state=f"{STATE}:parameter_norm", gates=False),
    Metric("gradient_norm", state=f"{STATE}:gradient_norm", gates=False),
    Metric("distance_from_init", state=f"{STATE}:distance_from_init", gates=False),
    Metric("cosine_to_init", state=f"{STATE}:cosine_to_init", gates=False),
)
RECORDS: Final = {metric.name: metric for metric in METRICS}
NAMES: Final = tuple(RECORDS)
HEADLINES: Final = tuple(metric.gating for metric in METRICS if metric.margin is not None)
"""What gates by default, and is shown before the rest."""
USUAL: Final = {  # what runs recorded elsewhere call their own
    **dict.fromkeys(
        ("balanced_accuracy", "f1", "precision", "recall", "auc", "roc_auc", "average_precision"), "higher"
    ),
    **dict.fromkeys(("acc", "top1", "top5", "dice", "iou", "map"), "higher"),
    **dict.fromkeys(("bleu", "rouge", "rouge1", "rouge2", "rougel", "reward", "return", "elo"), "higher"),
    **dict.fromkeys(("mse", "mae", "error", "error_rate", "nll", "perplexity", "wer", "seconds"), "lower"),
}
SHARES: Final = frozenset(  # by `usual_name`: between 0 and 1, or in per cent
    ("accuracy", "acc", "balanced_accuracy", "top1", "top5", "f1", "precision", "recall", "auc", "roc_auc")
) | {"average_precision", "dice", "iou", "map"}


def own_names(macro: Iterable[str]) -> list[str]:
    """Return the scorers of scikit-learn and the user's functions among what is observed.

    Args:
        macro: As in `observe.macro`.
    """
    return [name for name in macro if name not in RECORDS]


def observed(macro: Sequence[str], task: "Task", answers: Answers = "probabilities") -> list[str]:
    """Return what is computed from the answers of a model: the names behind `train_` and `test_`.

    Args:
        macro: As in `observe.macro`; built-in ones that the answers do not tell are left out.
        task: Classification or regression.
        answers: What the model says.
    """
    built_in = [metric.name for metric in METRICS if metric.name in macro and metric.computable(task, answers)]
    return [*built_in, *map(label, own_names(macro))]


def label(name: str) -> str:
    """Return the name that an observable has behind `train_` and `test_`: of `module:function` the function's.

    Args:
        name: As in `observe.macro`.
    """
    return re.split("[:.]", name)[-1]


def asked_for(macro: Sequence[str]) -> list[str]:
    """Return the names of what a spec asks for beside what is always observed; nothing where it names no observables.

    Args:
        macro: As in `observe.macro`, with every default filled in.
    """
    chosen = [RECORDS[name].gating for name in macro if name in RECORDS and name != "energy"]
    named = [] if set(NAMES) <= set(macro) else chosen
    return [*named, *(f"test_{label(name)}" for name in own_names(macro))]


def margin_problem(observable: str, macro: Sequence[str] = ()) -> str | None:
    """Say why an observable of a learning system cannot carry a margin, or None when it can.

    Args:
        observable: A key of `equilibrium.margins`.
        macro: What is observed; scorers and functions among it can carry one.
    """
    gating = [metric.gating for metric in METRICS if metric.gates]
    if observable in gating or observable in {f"test_{label(name)}" for name in own_names(macro)}:
        return None
    split, _, name = observable.partition("_")
    if split in SPLITS and split != "test":
        return f"only the test split gates: use test_{name}"
    bare = [name for name in gating if not name.startswith("test_")]
    *tests, last = (name.removeprefix("test_") for name in gating if name.startswith("test_"))
    return f"margins go to {', '.join(bare)}, or to test_ with {', '.join(tests)} or {last}"


def recordable(macro: Iterable[str]) -> list[str]:
    """Return the names under which a learning system can record what is observed.

    Args:
        macro: As in `observe.macro`.
    """
    split = [name for name in macro if name not in RECORDS or RECORDS[name].gating != name]
    whole = [name for name in macro if name not in split]
    return [*whole, *(f"{part}_{label(name)}" for part in SPLITS for name in split)]


def default_margins(test_examples: int | None, values: "Mapping[str, Array]" = NOTHING) -> dict[str, float]:
    """Return delta of what gates without a stated margin: 0.02 of R2, and of the accuracy no less than two test examples.

    Args:
        test_examples: Size of the test set; None where it is not known.
        values: Observable to what was measured elsewhere, which may be in per cent; of any shape.
    """
    return {
        metric.gating: whole(metric.gating, values)
        * max(metric.margin, metric.examples / test_examples if test_examples else 0.0)
        for metric in METRICS
        if metric.margin is not None
    }


def resolutions(test_examples: int | None, values: "Mapping[str, Array]" = NOTHING) -> dict[str, float]:
    """Return the unit of each observable that counts test examples: values are multiples of 1/n.

    Args:
        test_examples: Size of the test set; None where it is not known.
        values: As of `default_margins`.
    """
    counted = [metric.gating for metric in METRICS if metric.examples and test_examples]
    return {name: whole(name, values) / test_examples for name in counted if test_examples}


def is_share(observable: str) -> bool:
    """Say whether an observable is a share by its name, as an accuracy is.

    Args:
        observable: In whoever's words.
    """
    return usual_name(observable) in SHARES


def whole(observable: str, values: "Mapping[str, Array]") -> float:
    """Return the whole that an observable is a share of: 100 of a share whose largest finite value is no share, else 1.

    Args:
        observable: In whoever's words.
        values: Observable to what was measured, of any shape.
    """
    if observable not in values or not is_share(observable):
        return 1.0
    own = values[observable]
    return 100.0 if own[own < math.inf].max(initial=0.0) > LARGEST_SHARE else 1.0


def per_cent_words(test_examples: int | None, values: "Mapping[str, Array]", stated: Container[str]) -> str:
    """Say which margins are in per cent although nobody stated them; nothing where none is.

    Args:
        test_examples: As of `default_margins`.
        values: As of `default_margins`.
        stated: What has a margin of its own.
    """
    margins = default_margins(test_examples, values).items()
    found = [f"{name}: {delta:g}" for name, delta in margins if name not in stated and whole(name, values) > 1]
    return f"taken for per cent, with a margin that was not stated: {', '.join(found)}" if found else ""


def usual_name(observable: str) -> str:
    """Return what is measured, without the split on which it is and in small letters: `accuracy` of `val/Accuracy_epoch`.

    Args:
        observable: In whoever's words.
    """
    return SUFFIX.sub("", PREFIX.sub("", observable.lower()))


def higher_is_better(observable: str, macro: Sequence[str] = ()) -> bool | None:
    """Tell the good direction of an observable by its name; None where it is not known, as of a user's own function.

    Args:
        observable: Such as `test_accuracy`.
        macro: What is observed; of scorers of scikit-learn higher is better.
    """
    for name in own_names(macro):
        if observable == f"test_{label(name)}":
            return None if ":" in name else True
    name = usual_name(observable)
    direction = RECORDS[name].direction if name in RECORDS else USUAL.get(name)
    return None if direction is None else direction == "higher"
