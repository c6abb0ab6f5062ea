"""A verdict alone, as short as it can be read: the box, an answer a line, what to do next."""

from thermo_cli.contracts import Verdict
from thermo_cli.reports import wording
from thermo_cli.reports.document import Bullets, Document, Head, Section, document
from thermo_cli.reports.shared_sections import questions, steps_of

Facts = tuple[tuple[str, str, bool], ...]
TITLE = "verdict"


def verdict_document(verdict: Verdict) -> Document:
    """Say what was decided, and what to do next, where no run is known.

    Args:
        verdict: What was decided.
    """
    steps = wording.next_steps(verdict) or (wording.Step(wording.nothing_to_do(verdict)),)
    warnings = Section("warnings", "Warnings", (Bullets(verdict.warnings, alarm=True),))
    return document(head_of(verdict, TITLE), Section("next", "What to do next", steps_of(steps)), warnings)


def head_of(verdict: Verdict, title: str, facts: Facts = ()) -> Head:
    """Say first what was decided, of how many replicas, why, and for what it holds.

    Args:
        verdict: What was decided.
        title: Above it.
        facts: What else is to be known, behind the counts.
    """
    counts = verdict.replicas
    told = [(f"{counts['finished']} of {counts['planned']}", "replicas finished", False)]
    told += [(str(counts[word]), word, True) for word in ("diverged", "crashed", "ended") if counts.get(word)]
    told += [(str(counts["controls"]), "control runs", False)] if counts.get("controls") else []
    if counts["independent"] < counts["planned"] - verdict.unfinished:
        told.append((str(counts["independent"]), "independent", True))
    return Head(
        title=title,
        word=verdict.verdict,
        verdict=verdict.verdict,
        beside=wording.phase(verdict.phase),
        facts=(*told, *facts),
        lead=verdict.summary,
        scope=". ".join(filter(None, (verdict.scope, verdict.unseen and f"O{verdict.unseen[1:]}"))),
        questions=tuple(questions(verdict)),
    )
