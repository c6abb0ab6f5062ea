"""What a torch module is made of: parameters, buffers, and what it keeps in attributes; and calls with those of one replica.

A call puts a replica's values where they lie (a tied tensor lies in several places), and takes out what has become of them;
the module is left as it was. So one module serves all replicas, whatever it remembers.
"""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from thermo_cli.contracts import Block
from thermo_cli.kinds.networks.dropout import Dropout, dropouts

Place = tuple[str, str, str]  # path of a submodule, name of one of its dictionaries, key
PARAMETERS, BUFFERS, PLAIN = "_parameters", "_buffers", "__dict__"
INTERNAL: Final = frozenset(vars(nn.Module()))
THERE: Final = ".there"  # 1 once something is there that the first forward makes
ABSENT: Final = object()
NUMBERS: Final = (bool, int, float)
NO_MASKS: Final[Mapping[str, torch.Tensor]] = MappingProxyType({})


@dataclass(frozen=True)
class Entry:
    """One tensor, array or number that each replica has of its own.

    Attributes:
        name: Path of the submodule, and name there.
        places: Where it lies.
        shape: Of what lies there.
        kind: Type of a tensor or an array, or of a number.
        trained: Whether it is a parameter that is trained.
        made: Whether it is not there before the first forward.
    """

    name: str
    places: tuple[Place, ...]
    shape: tuple[int, ...]
    kind: Any
    trained: bool = False
    made: bool = False

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What a microstate holds of it."""
        there = (Block(self.name + THERE, (), 0.0, trained=False),) if self.made else ()
        return (Block(self.name, self.shape, 0.0, trained=self.trained), *there)

    @property
    def stackable(self) -> bool:
        """Whether `vmap` can take it: a tensor that is there from the start."""
        return isinstance(self.kind, torch.dtype) and not self.made

    def inside(self, value: torch.Tensor) -> Any:
        """Return a value as the module has it; floating-point numbers stay in the precision of the training."""
        if isinstance(self.kind, torch.dtype):
            return value if self.kind.is_floating_point else value.to(self.kind)
        return value.numpy().astype(self.kind) if isinstance(self.kind, np.dtype) else self.kind(value.item())

    def outside(self, value: Any, dtype: torch.dtype) -> torch.Tensor:
        """Return as numbers of a microstate what the module has.

        Raises:
            ValueError: It has another shape than before.
        """
        tensor = torch.as_tensor(value).detach()
        if tuple(tensor.shape) != self.shape:
            raise ValueError(f"{self.name} had the shape {self.shape} and now has {tuple(tensor.shape)}")
        return tensor.to(dtype)


def members(module: nn.Module) -> dict[str, tuple[tuple[Place, ...], Any]]:
    """Return everything numeric that a module holds, name to places and value; masks that come from outside are none of it."""
    found: dict[str, tuple[list[Place], Any]] = {}
    known: dict[int, str] = {}
    for path, part in module.named_modules():
        for store, key, value in _values(part) if not isinstance(part, Dropout) else ():
            place = (path, store, key)
            if isinstance(value, torch.Tensor) and id(value) in known:
                found[known[id(value)]][0].append(place)
                continue
            name = f"{path}.{key}" if path else key
            known[id(value)] = name
            found[name] = ([place], value)
    return {name: (tuple(places), value) for name, (places, value) in found.items()}


def copied(module: nn.Module) -> dict[str, Any]:
    """Return a copy of everything numeric that a module holds, by name."""
    return {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else np.array(value)
        for name, (_, value) in members(module).items()
    }


def different(some: Mapping[str, Any], others: Mapping[str, Any]) -> set[str]:
    """Return the names of what is not the same, to the last bit, or only in one of them."""
    return {name for name in some.keys() | others.keys() if not same(some.get(name), others.get(name))}


def same(one: Any, other: Any) -> bool:
    """Say whether two tensors or arrays are equal to the last bit; NaN equals NaN."""
    if one is None or other is None:
        return one is other
    if type(one) is not type(other) or one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def prints(module: nn.Module) -> dict[str, bytes]:
    """Return what tells whether attributes that are no numbers have changed, by name; some say nothing of themselves."""
    found = {}
    for path, part in module.named_modules():
        for key, value in vars(part).items():
            if key not in INTERNAL and not _numeric(value):
                try:
                    found[f"{path}.{key}" if path else key] = pickle.dumps(value)
                except Exception:  # noqa: BLE001 - a lock, an open file: it stays unknown
                    continue
    return found


class Members:
    """A module whose entries are filled with those of one replica, for one call at a time.

    Args:
        module: It is left as it is.
        entries: What replicas have of their own.
        passing: Places that change in a call without meaning anything to the next one.
    """

    def __init__(self, module: nn.Module, entries: Sequence[Entry], passing: Sequence[Place]) -> None:
        self.module, self.entries = module, tuple(entries)
        self._slots = [[self._slot(place) for place in entry.places] for entry in entries]
        self._masks = {name: part._buffers for name, part in dropouts(module).items()}
        self._touched = [slot for slots in self._slots for slot in slots] + [self._slot(place) for place in passing]
        self._touched += [(buffers, "mask") for buffers in self._masks.values()]
        touched = {(id(store), key) for store, key in self._touched}
        others = [
            (name, *self._slot(place), value)
            for name, (places, value) in members(module).items()
            for place in places
            if isinstance(value, torch.Tensor)
        ]
        self._shared = [(*one, one[3]._version) for one in others if (id(one[1]), one[2]) not in touched]

    @contextmanager
    def filled(
        self, values: Mapping[str, torch.Tensor], masks: Mapping[str, torch.Tensor] = NO_MASKS
    ) -> Iterator[nn.Module]:
        """Fill the module for a call and its gradient, which may call it again (checkpointing).

        Args:
            values: Of the blocks of all entries, of one replica.
            masks: Of dropout modules, by name.
        """
        before = [store.get(key, ABSENT) for store, key in self._touched]
        try:
            for entry, slots in zip(self.entries, self._slots, strict=True):
                if not entry.made or values[entry.name + THERE] > 0.5:
                    value = entry.inside(values[entry.name])
                    for store, key in slots:
                        store[key] = value
            for name, mask in masks.items():
                self._masks[name]["mask"] = mask
            yield self.module
        finally:
            for (store, key), value in zip(self._touched, before, strict=True):
                if value is ABSENT:
                    store.pop(key, None)
                else:
                    store[key] = value

    def taken(self, values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return what has become of what is not trained, before it is taken out again.

        Args:
            values: With which the module was filled.
        """
        found: dict[str, torch.Tensor] = {}
        for entry, ((store, key), *_) in zip(self.entries, self._slots, strict=True):
            if not entry.trained:
                found |= _taken(entry, store.get(key), values[entry.name])
        return found

    def disturbed(self) -> tuple[str, ...]:
        """Return the names of tensors that all replicas share and a call has changed all the same."""
        return tuple(
            name
            for name, store, key, tensor, version in self._shared
            if store[key] is not tensor or tensor._version != version
        )

    def _slot(self, place: Place) -> tuple[dict[str, Any], str]:
        path, store, key = place
        part = self.module.get_submodule(path)
        return (vars(part) if store == PLAIN else getattr(part, store)), key


def _taken(entry: Entry, value: Any, like: torch.Tensor) -> dict[str, torch.Tensor]:
    if not entry.made:
        return {entry.name: entry.outside(value, like.dtype)}
    if value is None:
        return {entry.name: torch.zeros_like(like), entry.name + THERE: like.new_zeros(())}
    return {entry.name: entry.outside(value, like.dtype), entry.name + THERE: like.new_ones(())}


def _values(part: nn.Module) -> Iterator[tuple[str, str, Any]]:
    """Yield dictionary, key and value of everything numeric that a module itself holds."""
    for store in (PARAMETERS, BUFFERS, PLAIN):
        for key, value in list((vars(part) if store == PLAIN else getattr(part, store)).items()):
            if _numeric(value) and not (store == PLAIN and key in INTERNAL):
                yield store, key, value


def _numeric(value: Any) -> bool:
    array = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf"
    return array or type(value) in NUMBERS or (isinstance(value, torch.Tensor) and value.layout == torch.strided)
