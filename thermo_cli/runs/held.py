"""A verdict as a user holds it: it prints as a box, and a test or a script can require it."""

import dataclasses

from thermo_cli.contracts import COMPARISONS, GATES, Verdict
from thermo_cli.errors import NotMet, UsageError
from thermo_cli.judging.gating import held
from thermo_cli.registry import nearest
from thermo_cli.reports.typed import UNTYPED, Typed
from thermo_cli.reports.wording import next_steps


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class HeldVerdict(Verdict):
    """What the court decided, with a face: `print(verdict)`, a notebook's cell, `verdict.require("settled")`.

    Attributes:
        typed: How the commands of its run are typed, where there is one.
    """

    typed: Typed = UNTYPED

    def require(self, *words: str) -> None:
        """Raise unless the verdict is one of these: verdicts (`settled` admits thermalized and crystallized), target, skilled.

        Args:
            words: Any of them will do; for several that must all be met, call it several times.

        Raises:
            NotMet: It is none of them, or that is undecided; with the sentence of the report.
            UsageError: A word is none that can be required of a verdict.
        """
        known = [word for word in GATES if word not in COMPARISONS]  # a verdict alone is compared with nothing
        for word in words or ("",):
            if word not in known:
                guess = nearest(word, known)
                remedy = (f"did you mean {guess!r}? " if guess else "") + "words: " + ", ".join(known)
                raise UsageError("this cannot be required of a verdict", received=word or "no word", remedy=remedy)
        code, received = held(words, self)
        if code:
            steps = next_steps(self, typed=self.typed)
            raise NotMet(
                f"required {' or '.join(words)}, received {received}: {self.summary}",
                remedy="; ".join(filter(None, (steps[0].words, steps[0].command))) if steps else "",
                undecided=code != 1,
            )

    def __repr__(self) -> str:
        from thermo_cli.reports.terminal import box

        return box(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from thermo_cli.reports.notebook import verdict_fragment

        return verdict_fragment(self)


def held_verdict(verdict: Verdict, typed: Typed = UNTYPED) -> HeldVerdict:
    """Return a verdict with a face.

    Args:
        verdict: What was decided.
        typed: How the commands of its run are typed.
    """
    fields = {field.name: getattr(verdict, field.name) for field in dataclasses.fields(Verdict)}
    return HeldVerdict(**fields, typed=typed)
