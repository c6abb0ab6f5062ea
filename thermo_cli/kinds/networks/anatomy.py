"""What of a module differs from replica to replica, found by trying: constructor and steps, twice from the same seeds.

What is the same in all replicas and does not change is shared, and part of no microstate. What cannot be repeated to the last
bit is refused by name: generators of its own, the clock, and what a module remembers where nobody can see it.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from thermo_cli.errors import SpecError
from thermo_cli.generators import watched
from thermo_cli.kinds.networks.answers import answer_of
from thermo_cli.kinds.networks.entries import (
    BUFFERS,
    INTERNAL,
    PARAMETERS,
    PLAIN,
    THERE,
    Entry,
    Members,
    Place,
    copied,
    different,
    members,
    prints,
    same,
)

Build = Callable[[], nn.Module]
USE: Final = "system.use"
BUILDS: Final = 8  # of which what is frozen must be equal to be called shared
SEED: Final = 5  # of what is drawn in a trial
BUFFER: Final = "self.register_buffer(name, tensor)"


@dataclass(frozen=True)
class Anatomy:
    """What a module is made of.

    Attributes:
        entries: What replicas have of their own: trained first.
        passing: Places that change in a call and mean nothing after it.
        shared: Frozen tensors that are equal in all replicas, name to their number of entries.
        draws: Global generators that training draws from.
        kept: Names of plain attributes that it remembers something in.
    """

    entries: tuple[Entry, ...]
    passing: tuple[Place, ...]
    shared: Mapping[str, int]
    draws: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Steps:
    """Two steps of a module as a plain loop takes them.

    Attributes:
        outputs: Of each step, with the gradients of its parameters.
        states: What it held before, between and after them.
        draws: Global generators that were drawn from.
        prints: What tells attributes that are no numbers apart, before and after.
    """

    outputs: list[list[torch.Tensor]]
    states: list[dict[str, Any]]
    draws: tuple[str, ...]
    prints: tuple[dict[str, bytes], dict[str, bytes]]

    @property
    def changed(self) -> set[str]:
        """Names of everything numeric that a step has changed."""
        return different(self.states[0], self.states[1]) | different(self.states[1], self.states[2])

    @property
    def odd(self) -> set[str]:
        """Names of attributes that a step has changed, and that are no numbers."""
        before, after = self.prints
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def built(build: Build, seed: int, rows: torch.Tensor) -> nn.Module:
    """Build a module from a seed of all global generators, which stay where they were; lazy layers get their shapes.

    Args:
        build: Returns a fresh module.
        rows: Some features, (example, feature).
    """
    with watched(seed), quiet(), _usual():
        module = build()
        if any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers())):
            with torch.no_grad():
                module.eval()(suited(rows, module))
        return module.train()


@contextmanager
def _usual() -> Iterator[None]:
    """Put torch's default precision back, which a constructor may change for everybody."""
    before = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Let nobody warn: what a trial warns of is not of the run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def batches(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two batches that differ.

    Args:
        rows: Some features, (example, feature).
    """
    return (rows[:-1], rows[1:]) if len(rows) > 2 else (rows, rows.flip(0))


def anatomy_of(build: Build, rows: torch.Tensor, outputs: int) -> Anatomy:
    """Find out what of a module differs from replica to replica.

    Args:
        build: Returns a fresh module.
        rows: Some features, (example, feature).
        outputs: Number of outputs.

    Raises:
        SpecError: It cannot be repeated, or remembers something where it cannot be kept.
    """
    first, again = built(build, 0, rows), built(build, 0, rows)
    if any(isinstance(part, torch.jit.ScriptModule) for part in first.modules()):
        _refuse(
            "modules of torch.jit keep their tensors out of reach",
            type(first).__name__,
            "use the module as it was before",
        )
    if odd := different(copied(first), copied(again)):
        _refuse(
            "the constructor gives other numbers from the same seed",
            min(odd),
            "draw from torch, numpy or random, which are seeded for each replica; from no other generator, nor the clock",
        )
    fresh = built(build, 0, rows)
    taken, repeated = _steps(first, rows, outputs), _steps(again, rows, outputs)
    if not _alike(taken.outputs, repeated.outputs):
        words = f" (changed in it: {', '.join(sorted(taken.odd))})" if taken.odd else ""
        _refuse(
            "a step that is taken twice from the same seeds gives other numbers",
            f"a generator besides those of torch, numpy and random; the clock; or something kept outside the module{words}",
            f"draw from those three, which are seeded for each replica and step; what is kept is a buffer: {BUFFER}",
        )
    _check_evaluation(first, rows, outputs)
    own, used = _differing(build, rows, taken.changed), members(again)
    found = _divided(fresh, used, taken, own, ())
    if not _repeats(found, built(build, 0, rows), taken, rows, outputs):
        there = members(fresh)
        plain = {name for name, (places, _) in used.items() if places[0][1] == PLAIN or name not in there}
        found = _divided(fresh, used, taken, own, tuple(sorted(plain & taken.changed)))
        if not _repeats(found, built(build, 0, rows), taken, rows, outputs):
            _refuse(
                "the module remembers something from step to step where it cannot be kept",
                ", ".join(sorted(taken.odd | set(found.kept) | _lists(first))) or "it is in no attribute of the module",
                f"keep it in a buffer of the module, {BUFFER}; lists of parameters are nn.ParameterList",
            )
    other = built(build, 1, rows)
    values = values_of(other, found.entries)
    if not _repeats(found, built(build, 0, rows), _steps(other, rows, outputs), rows, outputs, values):
        odd = {name for name, one in prints(first).items() if prints(other).get(name) != one}
        _refuse(
            "the constructor draws something that is in no parameter, buffer or numeric attribute of the module",
            ", ".join(sorted(odd | _lists(other))) or "replicas differ in what cannot be seen",
            f"keep it in a buffer of the module, {BUFFER}; lists of parameters are nn.ParameterList",
        )
    return found


def _lists(module: nn.Module) -> set[str]:
    """Return the names of plain lists and the like that hold tensors."""
    return {
        f"{path}.{key}".lstrip(".")
        for path, part in module.named_modules()
        for key, value in vars(part).items()
        if key not in INTERNAL and key != "_flat_weights"  # a recurrent module keeps these up to date
        for one in (value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ())
        if isinstance(one, torch.Tensor)
    }


def _check_evaluation(module: nn.Module, rows: torch.Tensor, outputs: int) -> None:
    """Refuse answers that are random, or no numbers."""
    with watched(SEED) as draws, quiet(), torch.no_grad():
        answer = answer_of(module.eval()(suited(rows, module)), len(rows), outputs)[0]
    if draws.names:
        _refuse(
            "the module draws random numbers in evaluation too, so its answers are no function of its parameters",
            f"from the global generator of {', '.join(draws.names)}",
            "draw in training alone: `if self.training`, and functional.dropout(x, p, self.training)",
        )
    if not torch.isfinite(answer).all():
        _refuse(
            "the module returns no finite numbers before it is trained",
            f"{answer[~torch.isfinite(answer)][0].item()} for an example of the test set",
            "mend forward, or look at the scale of the features (data.scale)",
        )


def values_of(module: nn.Module, entries: Sequence[Entry], dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """Return the numbers of a module block by block, each of its own shape.

    Args:
        entries: What replicas have of their own.
        dtype: Of the result; that of floating-point tensors is kept if absent.
    """
    there, values = members(module), {}
    for entry in entries:
        if entry.name in there:
            tensor = torch.as_tensor(there[entry.name][1]).detach()
            own = tensor.dtype if tensor.is_floating_point() else torch.float64
            values[entry.name] = tensor.to(dtype or own, copy=True)
        else:
            values[entry.name] = torch.zeros(entry.shape, dtype=dtype)
        if entry.made:
            values[entry.name + THERE] = torch.tensor(float(entry.name in there), dtype=dtype)
    return values


def _steps(module: nn.Module, rows: torch.Tensor, outputs: int) -> Steps:
    before, states, found = prints(module), [copied(module)], []
    with watched(SEED) as draws, quiet():
        for x in batches(rows):
            answer = answer_of(module.train()(suited(x, module)), len(x), outputs)[0]
            trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
            found.append(_with_gradients(answer, trained))
            states.append(copied(module))
    return Steps(found, states, draws.names, (before, prints(module)))


def _with_gradients(answer: torch.Tensor, trained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    gradients = torch.autograd.grad(answer.square().mean(), trained, allow_unused=True)
    return [answer.detach(), *(dense(gradient) for gradient in gradients if gradient is not None)]


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that is not sparse; gradients of embeddings can be."""
    return tensor.to_dense() if tensor.is_sparse else tensor


def suited(x: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """Return a copy of some features in the precision that a module was built in."""
    kinds = [parameter.dtype for parameter in module.parameters() if parameter.dtype in (torch.float32, torch.float64)]
    return x.to(kinds[0] if kinds else x.dtype, copy=True)


def _repeats(
    found: Anatomy,
    module: nn.Module,
    taken: Steps,
    rows: torch.Tensor,
    outputs: int,
    values: dict[str, torch.Tensor] | None = None,
) -> bool:
    """Say whether steps of a module that is filled are those of a plain one, and stay so when they are taken again."""
    filled, start = Members(module.train(), found.entries, found.passing), values or values_of(module, found.entries)
    for _ in range(2):
        steps, state = [], dict(start)
        with watched(SEED), quiet():
            for x in batches(rows):
                leaves = {
                    entry.name: state[entry.name].clone().requires_grad_() for entry in found.entries if entry.trained
                }
                own = {name: tensor.clone() for name, tensor in state.items()}
                with filled.filled({**own, **leaves}) as called:
                    answer = answer_of(called(suited(x, module)), len(x), outputs)[0]
                    steps.append(_with_gradients(answer, list(leaves.values())))
                    state |= {name: leaf.detach() for name, leaf in leaves.items()} | filled.taken(own)
        if not _alike(steps, taken.outputs):
            return False
    return True


def _alike(some: Sequence[Sequence[torch.Tensor]], others: Sequence[Sequence[torch.Tensor]]) -> bool:
    return all(
        len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
        for one, other in zip(some, others, strict=True)
    )


def _differing(build: Build, rows: torch.Tensor, changed: set[str]) -> set[str]:
    """Return what is not the same in all of some builds; more are made where something frozen could be shared."""
    first, found = built(build, 0, rows), set[str]()
    start = copied(first)
    fixed = {name for name, (_, value) in members(first).items() if not _trained(value) and hasattr(value, "shape")}
    for seed in range(1, BUILDS):
        if seed > 1 and not fixed - found - changed:
            break
        found |= different(start, copied(built(build, seed, rows)))
    return found


def _divided(
    fresh: nn.Module,
    used: Mapping[str, tuple[tuple[Place, ...], Any]],
    taken: Steps,
    own: set[str],
    remembered: tuple[str, ...],
) -> Anatomy:
    """Say of everything that a module holds whether replicas have it of their own, share it, or it means nothing."""
    trained, kept, shared, passing = list[Entry](), list[Entry](), dict[str, int](), list[Place]()
    there = members(fresh)
    for name, (places, value) in {**there, **{name: used[name] for name in used if name not in there}}.items():
        made, plain = name not in there, places[0][1] == PLAIN
        changed = name in taken.changed and not _idle(fresh, places[0])
        if _trained(value) and not plain:
            trained.append(_entry(name, places, value, trained=True))
        elif name in remembered or _own(name in own, changed, plain, made):
            kept.append(_entry(name, places, value, made=made))
        elif name in taken.changed:
            passing += places
        elif not plain:
            shared[name] = value.numel()
    order = (PARAMETERS, BUFFERS, PLAIN)
    kept.sort(key=lambda entry: order.index(entry.places[0][1]))
    return Anatomy((*trained, *kept), tuple(passing), shared, taken.draws, remembered)


def _own(differs: bool, changed: bool, plain: bool, made: bool) -> bool:
    """Say whether it is a replica's own: an attribute that changes is, at first, held for a note that nobody reads."""
    return not made and (differs and not changed if plain else differs or changed)


def _idle(module: nn.Module, place: Place) -> bool:
    """Say whether this counts the batches of a norm that does not look at their number."""
    path, _, key = place
    return key == "num_batches_tracked" and getattr(module.get_submodule(path), "momentum", None) is not None


def _entry(name: str, places: tuple[Place, ...], value: Any, trained: bool = False, made: bool = False) -> Entry:
    kind = value.dtype if hasattr(value, "dtype") else type(value)
    if isinstance(kind, torch.dtype) and kind.is_complex:
        _refuse(
            "the module has a complex tensor of each replica's own",
            name,
            "keep its real and imaginary parts: torch.view_as_real, and torch.view_as_complex in forward",
        )
    return Entry(name, places, tuple(getattr(value, "shape", ())), kind, trained, made)


def _trained(value: Any) -> bool:
    return isinstance(value, nn.Parameter) and value.requires_grad


def _refuse(what: str, received: str, remedy: str) -> NoReturn:
    raise SpecError(what, received=received, remedy=remedy, where=USE)
