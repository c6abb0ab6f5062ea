"""Torch modules that a spec names as `module:Class`: built with its arguments, tried on a few rows before training."""

import functools
import inspect
import json
import re
from collections.abc import Callable, Container, Mapping
from typing import Any, Final

import torch
from torch import nn

from thermo_cli.blame import told
from thermo_cli.contracts import Dataset, Task
from thermo_cli.errors import Crashes, SpecError
from thermo_cli.generators import watched
from thermo_cli.kinds.networks.anatomy import built, quiet, suited
from thermo_cli.kinds.networks.answers import answer_of
from thermo_cli.kinds.networks.dropout import WHOLE, with_masks
from thermo_cli.kinds.networks.modules import ModuleSystem
from thermo_cli.trust import locate_class

USE, WITH = "system.use", "system.with"
ROWS: Final = 8  # examples of the test set that a module is tried on
HINTS: Final = {  # words of torch's errors to what they mean here
    "missing 1 required positional": "forward is called with the features alone",
    "positional argument but": "forward is called with the features alone",
    "tensor for argument #1 'indices'": "features are floating-point numbers: take categories out by x[:, 0].long()",
    "input to conv": "features are flat: forward gives them their shape, such as x.view(-1, 1, 8, 8)",
    "is invalid for input of size": "the number of examples in a shape is -1 or len(x), no number of its own",
    "index out of range": "categories are 0, 1, ... below the size of their embedding; data.scale: none leaves them so",
    "must have the same dtype": "ensemble.precision: float32 is what constants in forward are made in",
}
VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
NAMES: Final = {  # which size an argument of a constructor probably means
    "outputs": re.compile(r"(^|_)out(put)?s?(_|$)|class|label|target"),
    "inputs": re.compile(r"(^|_)in(put)?s?(_(dim|size|features)|$)|feature"),
}


def custom(use: str, dataset: Dataset, arguments: Mapping[str, Any]) -> ModuleSystem:
    """Build the system behind `module:Class`.

    Args:
        dataset: For `inputs` and `outputs`, which the class is given if it takes arguments of these names; and for a few rows.
        arguments: The spec's `system.with`.

    Raises:
        SpecError: It may not be imported, is no module, does not map features to outputs, or cannot be repeated.
    """
    kind = module_class(use)
    rows = torch.from_numpy(dataset.x_test[:ROWS]).to(torch.float32)
    if len(rows) < 2:
        rows = torch.cat([rows, torch.from_numpy(dataset.x[:ROWS]).to(torch.float32)])
    return _system(kind, use, json.dumps(arguments), dataset.outputs, dataset.task, Rows(rows))


def module_class(use: str) -> Any:
    """Import the class behind `module:Class`.

    Raises:
        SpecError: It may not be imported, or is no module.
    """
    return locate_class(use, nn.Module, "torch module", USE)


class Rows:
    """Features that a cache can tell apart.

    Args:
        tensor: (example, feature).
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self._bytes = tensor, tensor.numpy().tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)


@functools.lru_cache(maxsize=16)
def _system(kind: Any, use: str, given: str, outputs: int, task: Task, rows: Rows) -> ModuleSystem:
    """Remember what has been tried: a spec asks for its system several times."""
    arguments, inputs = json.loads(given), rows.tensor.shape[1]
    accepted = inspect.signature(kind).parameters
    sizes = {name: size for name, size in (("inputs", inputs), ("outputs", outputs)) if name in accepted}
    make = functools.partial(kind, **{**sizes, **arguments})
    try:
        module = built(make, 0, rows.tensor)
    except (Exception, SystemExit) as error:
        raise SpecError(
            "the module cannot be built",
            received=told(error),
            remedy=f"it takes {', '.join(accepted) or 'no arguments'}; {_sizes(inputs, outputs, sizes)}"
            + _line(accepted, {"inputs": inputs, "outputs": outputs}, {**sizes, **arguments}, arguments),
            where=WITH,
        ) from error
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise SpecError("the module has no parameters to train", received=use, remedy="name another", where=USE)
    try:
        masked = _once(module, rows.tensor, outputs)
        build: Callable[[], nn.Module] = (lambda: with_masks(make())) if masked else make
        return ModuleSystem(build, inputs, outputs, task, rows.tensor)
    except SpecError:
        raise
    except (Exception, SystemExit) as error:
        words = str(error) if isinstance(error, Crashes) else told(error, kind.forward)
        hint = next((f"; {hint}" for said, hint in HINTS.items() if said in words), "")
        raise SpecError(
            "the module cannot be built"
            if ", in __init__:" in words
            else "the module does not map features to outputs",
            received=words,
            remedy=f"forward takes features, (examples, {inputs}) of any number of examples, and returns outputs, "
            f"(examples, {outputs}): a tensor, the first of a tuple, or `logits` of a dict or an object{hint}",
            where=USE,
        ) from error


def _sizes(inputs: int, outputs: int, given: Mapping[str, int]) -> str:
    """Say which sizes a constructor is given, and how it gets the others."""
    words = f"features are {inputs}, outputs {outputs}"
    if given:
        return f"{words}; {', '.join(f'{name} = {size}' for name, size in given.items())} was given"
    return f"{words}, which arguments called `inputs` and `outputs` are given; others stand in system.with"


def _line(
    accepted: Mapping[str, inspect.Parameter],
    sizes: Mapping[str, int],
    known: Container[str],
    arguments: Mapping[str, Any],
) -> str:
    """Write the line that gives a constructor what it still wants; a size where the name of an argument tells which."""
    wanted = [
        name
        for name, parameter in accepted.items()
        if parameter.default is parameter.empty and parameter.kind not in VARIADIC and name not in known
    ]
    if not wanted:
        return ""
    entries = [f"{name}: {json.dumps(value)}" for name, value in arguments.items()]
    for name in wanted:
        size = next((str(sizes[kind]) for kind, pattern in NAMES.items() if pattern.search(name)), "...")
        entries.append(f"{name}: {size}")
    return f"; write `with: {{{', '.join(entries)}}}`"


def _once(module: nn.Module, rows: torch.Tensor, outputs: int) -> bool:
    """Say whether each dropout module is used once in a forward pass, so that its mask can come from outside."""
    drops = {part: float(part.p) for part in module.modules() if type(part) in WHOLE}  # type: ignore[arg-type]
    counts = {part: 0 for part, p in drops.items() if p > 0}

    def count(part: nn.Module, *_: object) -> None:
        counts[part] += 1

    hooks = [part.register_forward_hook(count) for part in counts]
    with watched(0), quiet(), torch.no_grad():
        answer_of(module.train()(suited(rows, module)), len(rows), outputs)
    for hook in hooks:
        hook.remove()
    return all(counts[part] == 1 and drops[part] < 1 for part in counts)
