"""The tone of a verdict or an outcome: a name, to which each format gives a colour or a mark."""

from typing import Final

from thermo_cli.contracts import CriterionName, Outcome
from thermo_cli.equilibrium.criteria import asked_of

WORDS: Final = {
    "good": ("thermalized", "settled", "holds", "equivalent", "better"),
    "cold": ("crystallized",),
    "warm": ("relaxing",),
    "open": ("undecided",),
    "odd": ("glassy", "differs"),
    "bad": ("diverged", "fails", "worse"),
}
TONES: Final = {word: tone for tone, words in WORDS.items() for word in words}
NO_FAILURE: Final = {criterion.name for criterion in asked_of(True) if not criterion.macroscopic}  # one model is none


def tone(word: str) -> str:
    """Return the tone of a verdict or an outcome, `none` of other words.

    Args:
        word: In brackets where it does not gate.
    """
    return TONES.get(word.strip("()"), "none")


def tone_of(criterion: CriterionName, outcome: Outcome, gates: bool) -> str:
    """Return the tone of a criterion's outcome; what decides nothing is no alarm."""
    if outcome == "fails" and criterion in NO_FAILURE:
        return "cold"
    return tone(outcome) if gates or outcome == "holds" else "none"
