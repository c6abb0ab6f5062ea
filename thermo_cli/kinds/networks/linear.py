"""A linear model: a network without hidden layers, and the smallest one in a file of its own.

Specs are read without torch, so what needs it is loaded only when a network is built.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from thermo_cli.kinds.networks.parts import NetworkSystem
from thermo_cli.registry import load
from thermo_cli.spec.parts import NoArguments


class LinearSystem(NetworkSystem):
    """A linear model: softmax regression for classes, least squares for numbers."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.linear:linear"

    use: Literal["linear"]
    """A linear model."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""


def linear(inputs: int, outputs: int, task: str) -> Any:
    """Build a linear model, a `StackedSystem`.

    Args:
        task: Softmax regression of classes, or least squares of numbers.
    """
    return load("thermo_cli.kinds.networks.mlp:Mlp")((inputs, outputs), task, "relu")
