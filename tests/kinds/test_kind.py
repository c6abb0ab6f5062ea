"""Every wing keeps the protocol: the same functions with the same arguments."""

import importlib
import inspect

import pytest

from thermo_cli.kinds.kind import Kind
from thermo_cli.registry import KINDS
from thermo_cli.spec.traits import traits_of

METHODS = [name for name, _ in inspect.getmembers(Kind, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_wing_keeps_the_protocol(kind: str) -> None:
    """Its module `kind` has each function of the protocol, under its name and with its arguments."""
    wing = importlib.import_module(f"{KINDS[kind]}.kind")
    assert len(METHODS) >= 12
    for name in METHODS:
        wanted = [parameter for parameter in inspect.signature(getattr(Kind, name)).parameters if parameter != "self"]
        assert list(inspect.signature(getattr(wing, name)).parameters) == wanted, name
    assert traits_of(kind).name == kind
