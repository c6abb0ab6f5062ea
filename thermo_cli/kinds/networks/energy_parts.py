"""What is added to the loss: `dynamics.energy`."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from thermo_cli.spec.parts import CLASS, NonNegative, Part, Positive

TermName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class EnergyTerm(Part):
    """A function of the parameters of your own, with --allow local or --allow PACKAGE."""

    use: CLASS
    """`module:function`: takes a replica's parameters, a mapping of names to tensors, and returns one number."""
    weight: Positive
    """Its factor in the energy."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Further arguments of the function."""


class Energy(Part):
    """Energies beside the loss; each is measured as `energy_<name>` and is part of `energy`."""

    l1: NonNegative = 0.0
    """L1 penalty lambda: adds lambda sum |theta| over all trained parameters."""
    terms: Annotated[dict[TermName, EnergyTerm], Field(max_length=16)] = Field(default_factory=dict)
    """Functions of the parameters, by the name they are reported with."""

    @model_validator(mode="after")
    def _something(self) -> "Energy":
        if not self.l1 and not self.terms:
            raise ValueError("say what is added: l1, or terms with a name each")
        taken = sorted({"loss", "l1", "l2"} & self.terms.keys())
        if taken:
            raise ValueError(f"{taken[0]} is the name of another energy: choose one of your own")
        return self
