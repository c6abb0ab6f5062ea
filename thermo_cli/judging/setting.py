"""The user's choices as the court takes them."""

from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.spec.observing import Equilibrium


def settings_of(equilibrium: Equilibrium) -> Settings:
    """Return the user's choices as the court takes them.

    Args:
        equilibrium: The spec's `equilibrium`.
    """
    return Settings(
        equilibrium.confidence,
        equilibrium.content,
        equilibrium.window,
        equilibrium.margins,
        equilibrium.diverged,
        equilibrium.tolerance,
        equilibrium.require_ergodic,
        equilibrium.better,
    )
