"""The page of the study: every finding with what was expected, what was seen and its picture, from verdict files alone.

Words follow from numbers, so another run of the study writes a page of its own.
"""

import json
from pathlib import Path

from claim_findings import CLAIMS
from paper_findings import PAPERS
from verdict_numbers import Finding, Found, Told, left_open, taken

import thermo_cli

FINDINGS = (*CLAIMS, *PAPERS)
HERE = Path(__file__).resolve().parent
FOLDERS = (HERE / "claims", HERE / "literature")
ANSWERS = {True: "yes", False: "no", None: "open"}
HEAD = """\
# What thermalizes, and what does not

Written by `python experiments/study.py --keep` from the verdict files in results/reference/; no number is typed by hand. Each
claim is a few specs of experiments/claims/ or experiments/literature/, each run by one command; its report is linked. Ensembles
grow until they are decided: the replicas are what that took. *Holds* says whether what was seen is what the claim says, *but*
where the claim, or the analogy with physics, does not carry. Q* is 1 for one model found many times, 0 for models that share no
more than shuffled ones; sd is the standard deviation over replicas.
"""


def spec_of(name: str) -> Path:
    """Return the file of a spec.

    Args:
        name: Without its suffix.
    """
    return next(path for folder in FOLDERS if (path := folder / f"{name}.yaml").exists())


def expected(finding: Finding) -> str:
    """Return what the first spec expects."""
    return thermo_cli.load_spec(spec_of(finding.specs[0])).description.partition("Expected: ")[2].strip().rstrip(".")


def kept(finding: Finding, reference: Path) -> Found | None:
    """Return the verdict files of a claim; None where one is missing.

    Args:
        finding: The claim.
        reference: Folder of what is kept.
    """
    files = {name: reference / finding.name / f"{name}.json" for name in finding.specs}
    if not all(path.exists() for path in files.values()):
        return None
    return {name: json.loads(path.read_text()) for name, path in files.items()}


def page(reference: Path) -> str:
    """Write the page of all findings.

    Args:
        reference: Folder of what is kept.
    """
    found = {finding: kept(finding, reference) for finding in FINDINGS}
    told = {finding: finding.seen(files) if files else None for finding, files in found.items()}
    rows = [f"| [{finding.claim}](#{finding.name}) | {_answer(answer)} |" for finding, answer in told.items()]
    sections = [_section(finding, answer, found[finding] or {}) for finding, answer in told.items() if answer]
    return "\n".join([HEAD, "| claim | holds |", "| --- | --- |", *rows, *sections]) + "\n"


def _answer(answer: Told | None) -> str:
    return "not run" if answer is None else f"{ANSWERS[answer.holds]}{f', but {answer.but}' if answer.but else ''}"


def _section(finding: Finding, answer: Told, found: Found) -> str:
    folder = f"reference/{finding.name}"
    took = ", ".join(f"{name} {taken(one)}" for name, one in found.items())
    unknown = [
        f"{name}{' at ' if one['points'] else ': '}{words}" for name, one in found.items() for words in left_open(one)
    ]
    reports = ", ".join(f"[{name}]({folder}/{name}.md)" for name in finding.specs)
    return "\n".join(
        [
            f"\n## {finding.name}\n",
            f"{finding.claim} **Holds: {_answer(answer)}.** Expected: {expected(finding)}. Seen:\n",
            *(f"- {line}" for line in answer.lines),
            f"\nReplicas: {took}." + (f" Open: {'; '.join(unknown)}." if unknown else ""),
            f"\n![{finding.claim}]({folder}/{finding.specs[0]}.svg)\n",
            f"Reports: {reports}.",
        ]
    )
