"""`--require`: what is asked of runs, read, held against them, and turned into what a report shows and an exit code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thermo_cli.cli.boundary import complain, note
from thermo_cli.errors import StoreError, UsageError

if TYPE_CHECKING:
    from thermo_cli.judging.gating import Required
    from thermo_cli.judging.ranking import Standings
    from thermo_cli.judging.record import Baseline, Gate, JudgedRun
    from thermo_cli.spec import Spec

METAVAR = "WORD[,WORD]"
HELP = (
    "The gate: exit 1 unless one of the words is reached (4 if that is undecided); repeated, all must be. Words: verdicts, "
    "target, skilled"
)


def required_words(texts: Sequence[str] | None, compared: bool = False) -> list[list[str]]:
    """Read `--require`: each value is a list of alternatives, and all values must be met.

    Args:
        texts: As given; None for no gate.
        compared: Whether there is something to compare with.

    Raises:
        UsageError: A word is unknown, or needs a comparison and there is none.
    """
    if not texts:
        return []  # and import nothing: what is wrong with a spec is told at once
    from thermo_cli.contracts import COMPARISONS, GATES
    from thermo_cli.registry import nearest

    required = []
    for text in texts:
        words = [word.strip() for word in text.split(",") if word.strip()]
        for word in words or [text]:
            if word not in GATES:
                guess = nearest(word, GATES)
                remedy = f"did you mean {guess!r}? " if guess else ""
                remedy += f"words: {', '.join(GATES)} (the last two with --compare or --baseline)"
                raise UsageError(
                    "--require has a word that is no verdict, and nothing else that a gate can ask",
                    received=word,
                    remedy=remedy,
                )
            if word in COMPARISONS and not compared:
                remedy = f"thermo-report RUN --baseline OTHER --require {word}"
                raise UsageError(f"{word} than what? it needs a baseline", received=f"--require {text}", remedy=remedy)
        required.append(words)
    return required


def check_targets(required: Sequence[Sequence[str]], spec: "Spec") -> None:
    """Refuse a gate on targets of a spec that states none, before anything is trained.

    Raises:
        UsageError: The gate could never be met.
    """
    if ["target"] in [[*words] for words in required] and not spec.equilibrium.targets:
        raise UsageError(
            "this spec states no target",
            received="--require target",
            remedy="state one, for example --set equilibrium.targets.test_accuracy={at_least: 0.95}",
        )


def gated(run: "JudgedRun", required: "Required", partners: "Sequence[Sequence[Baseline]]" = ()) -> "tuple[Any, Gate]":
    """Return what a report shows of a run, and the gate's answer, which is part of it where something was asked or is wrong.

    Args:
        run: A judged run.
        required: Empty for no gate.
        partners: What each point was compared with; empty where nothing was compared.
    """
    import dataclasses

    from thermo_cli.judging.gating import gate_of
    from thermo_cli.runs.views import view

    gate = gate_of(run, required, partners)
    return dataclasses.replace(view(run, partners), gate=gate if required or gate.code else None), gate


def compared(views: "Sequence[Any]", gates: "Sequence[Gate]", standings: "Sequence[Standings]") -> Any:
    """Return what a report shows of runs that were compared with each other, with the answer of all of them.

    Args:
        views: What it shows of each alone.
        gates: The answer of each.
        standings: How they compare.
    """
    from thermo_cli.judging.gating import gate_of_all
    from thermo_cli.runs.views import compared_view

    together = gate_of_all(gates)
    return compared_view(views, standings, together if together.required or together.code else None)


def unjudged(name: str, required: "Required", error: StoreError) -> Any:
    """Return what a report shows of a run that cannot be judged, or of several that cannot be compared.

    Args:
        name: The run's.
        required: What was asked.
        error: Why not.
    """
    from thermo_cli.judging.gating import phrases
    from thermo_cli.judging.record import Gate
    from thermo_cli.reports.view import Unjudged

    return Unjudged(name, "failed", str(error), Gate(phrases(required), error.exit_code, "no verdict"))


def uncompared(run: "JudgedRun", required: "Required", error: StoreError) -> Any:
    """Return what a report shows of a run whose partner cannot be judged: no gate has an answer."""
    import dataclasses

    from thermo_cli.judging.gating import phrases
    from thermo_cli.judging.record import Gate
    from thermo_cli.runs.views import view

    return dataclasses.replace(view(run), gate=Gate(phrases(required), error.exit_code, error.what))


def answer(gate: "Gate") -> int:
    """Return the exit code of a gate, saying why where it is not zero; last of all, so that nobody has to scroll for it."""
    if gate.code:
        for line in gate.words.split("; "):
            complain(line)
    if gate.aside:
        note(gate.aside)
    return gate.code
