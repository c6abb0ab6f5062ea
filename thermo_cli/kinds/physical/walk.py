"""One shard of a physical system in motion: the same for every rule of motion, on NumPy.

Noise is a pure function of a replica's `noise` stream and the step, drawn in blocks, so nothing of it has to be stored.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.kinds.physical.langevin import NoisyDescent
from thermo_cli.registry import load
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

BLOCK_STEPS: Final = 512


class Rule(Protocol):
    """How a physical system moves, and what it shows."""

    def start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw one replica's state at step 0."""

    def draw(self, generator: np.random.Generator, steps: int) -> Array:
        """Draw one replica's noise for some steps, (step, number)."""

    def move(self, state: dict[str, Array], noise: Array, step: int) -> None:
        """Take a step of all replicas, in place; noise (replica, number)."""

    def observe(self, state: Mapping[str, Array], step: int) -> Mapping[str, Array]:
        """Return the observables, each (replica,)."""

    def vectors(self, state: Mapping[str, Array]) -> Array:
        """Return the microstates, (replica, parameter)."""

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Draw microstates that have nothing in common, (microstate, parameter); None where there is no law for them."""


class Walk:
    """A shard of a physical system.

    Args:
        rules: First step to the rule that holds from there on, in order.
        scale: Factor of the history on the initial law.
    """

    def __init__(self, rules: Mapping[int, Rule], members: Sequence[Replica], scale: float) -> None:
        self.rules, self.members = dict(rules), tuple(members)
        self.step = 0
        started = [self._start(member, scale) for member in self.members]
        self.state = {name: np.stack([state[name] for state in started]) for name in started[0]}
        self._block = lru_cache(maxsize=2)(self._draw_block)

    def advance(self, until: int) -> None:
        """Move up to a step.

        Args:
            until: Number of steps taken when this returns.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a replica that blows up is counted by the court
            while self.step < until:
                block, place = divmod(self.step, BLOCK_STEPS)
                self._rule(self.step).move(self.state, self._block(block)[place], self.step)
                self.step += 1

    def measure(self) -> dict[str, Array]:
        """Return the observables at this step, each (replica,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return dict(self._final_rule.observe(self.state, self.step))

    def vectors(self) -> NDArray[np.floating]:
        """Return the microstates, (replica, parameter)."""
        return self._final_rule.vectors(self.state)

    def finish(self) -> dict[str, NDArray[Any]]:
        """Return what is recorded once, at the end: nothing."""
        return {}

    def state_arrays(self, slots: slice) -> dict[str, NDArray[np.floating]]:
        """Return everything that decides the rest for some neighbours, except the step and the replica table.

        Args:
            slots: Their places in the stack.
        """
        return {name: array[slots] for name, array in self.state.items()}

    def restore(self, step: int, slots: slice, arrays: Mapping[str, NDArray[np.floating]]) -> None:
        """Continue from a committed state of some neighbours.

        Args:
            slots: Their places in the stack.
            arrays: What `state_arrays` returned then.
        """
        self.step = step
        for name, array in arrays.items():
            self.state[name][slots] = array

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Draw microstates that have nothing in common, (microstate, parameter)."""
        return self._final_rule.reference(generator, count)

    def _start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw one replica's state; a twin's microstate is moved by one unit in the last place."""
        state = self._rule(0).start(member, scale)
        if member.role == "twin":
            microstate = next(iter(state))
            state[microstate] = np.nextafter(state[microstate], np.inf)
        return state

    @property
    def _final_rule(self) -> Rule:
        return self.rules[max(self.rules)]

    def _rule(self, step: int) -> Rule:
        return self.rules[max(first for first in self.rules if first <= step)]

    def _draw_block(self, block: int) -> Array:
        """Draw the noise of one block of steps, (step, replica, number)."""
        rule = self._final_rule
        return np.stack([rule.draw(rng.generator(member.noise, block), BLOCK_STEPS) for member in self.members], axis=1)


def walk(spec: Spec, members: Sequence[Replica], total: int) -> Walk:
    """Put a shard of a physical system at step 0.

    Args:
        members: Rows of the replica table, all of one history.
    """
    history = spec.histories[members[0].history]
    final = _rule_of(spec.system, spec.dynamics, total)
    if history.first is None:
        return Walk({0: final}, members, history.init_scale)
    system, dynamics = spec.first_parts(history.first)
    return Walk({0: _rule_of(system, dynamics, total), history.first.steps: final}, members, history.init_scale)


def _rule_of(system: Any, dynamics: Any, total: int) -> Rule:
    built = load(system.builds)(**system.arguments.model_dump())
    rule: Rule = (NoisyDescent if dynamics.use == "sgd" else load(dynamics.builds))(
        built, total, **dynamics.arguments.model_dump()
    )
    return rule
