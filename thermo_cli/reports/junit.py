"""The report as JUnit XML, for what CI services read: a suite per run, a case per criterion row that gates.

Elements and attributes are those that Jenkins, GitLab and the reporters of GitHub have in common.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from thermo_cli.characters import visible
from thermo_cli.contracts import Row, Verdict
from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.judging.record import Baseline, Decision, Gate
from thermo_cli.reports.scores import scores
from thermo_cli.reports.sweep_view import SweepView, View, alone, decisions, is_ranked
from thermo_cli.reports.tones import NO_FAILURE
from thermo_cli.reports.view import RunView, Unjudged

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
UNTIMED: Final = "0"  # judging takes no time that would be of interest, and readers want a number


@dataclass(frozen=True)
class Case:
    """One test case.

    Attributes:
        group: Its class, after the suite's name.
        name: Its name.
        result: How it ended.
        kind: `type` of a failure or error.
        message: One line.
        detail: All there is to say.
    """

    group: str
    name: str
    result: Literal["passed", "failure", "error", "skipped"] = "passed"
    kind: str = ""
    message: str = ""
    detail: str = ""


def text(views: Sequence[View]) -> str:
    """Write one document for all runs."""
    root = ElementTree.Element("testsuites", {"name": "thermo"})
    suites = [suite for view in views for one in alone([view]) for suite in _suites(one, is_ranked(view))]
    root.extend(suites)
    for count in ("tests", "failures", "errors"):  # `skipped` is an attribute of suites alone
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", UNTIMED)
    ElementTree.indent(root, " ")
    # other characters as references: the bytes are the same in whatever encoding standard output has
    document: bytes = ElementTree.tostring(root, encoding="us-ascii")
    return HEAD + document.decode() + "\n"


def _suites(view: RunView | SweepView | Unjudged, ranked: bool) -> Iterator[ElementTree.Element]:
    """Draw a run, or every point of a sweep and what was asked of all of them.

    Args:
        ranked: Whether it was compared with others of which none is the measure.
    """
    every = decisions(view)
    single = len(every) == 1 and not every[0].point
    for decision in every:
        rows = decision.verdict.criteria if decision.verdict is not None else ()
        last = _gate(view.gate) if single and view.gate is not None else _verdict(decision)
        cases = [
            *(_criterion(row) for row in rows if row.gates),
            *(case for partner in decision.partners for case in _compared(partner, len(decision.partners) > 1, ranked)),
        ]
        yield _suite(decision.title, [*cases, last], _properties(decision))
    if not single and view.gate is not None:
        yield _suite(view.title, [_gate(view.gate)], {"required": ", ".join(view.gate.required)})


def _criterion(row: Row) -> Case:
    """Turn a row into a case; whether an open row matters, or that replicas are one model, is the gate's to say."""
    name = ", ".join(part for part in (row.statistic, row.observable, row.scope) if part)
    if row.outcome == "holds":
        return Case(row.criterion, name, detail=_numbers(row))
    message = f"{row.outcome}: {row.explanation}"
    if row.outcome == "fails" and row.criterion not in NO_FAILURE:
        return Case(row.criterion, name, "failure", "fails", row.explanation, f"{message}\n{_numbers(row)}")
    return Case(row.criterion, name, "skipped", message=message)


def _compared(partner: Baseline, named: bool, ranked: bool) -> Iterator[Case]:
    """Turn what gates into cases, named after the partner where there are several."""
    for row in partner.rows:
        if row.gates:
            yield _difference(row, partner.title if named or ranked else "", ranked)


def _difference(row: Difference, partner: str, ranked: bool) -> Case:
    """Turn a difference into a case; only `worse` than a baseline fails, what is open or has no good direction is skipped."""
    name, numbers = ", ".join(word for word in (row.observable, row.history, partner) if word), _numbers(row)
    group = "comparison" if ranked else "baseline"
    if row.outcome == "worse" and not ranked:
        return Case(group, name, "failure", "worse", row.explanation, f"{row.explanation}\n{numbers}")
    if row.outcome in ("undecided", "differs"):
        return Case(group, name, "skipped", message=f"{row.outcome}: {row.explanation}")
    return Case(group, name, detail=f"{row.outcome}\n{numbers}")


def _numbers(row: Row | Difference) -> str:
    """Write estimate, interval and margin, one a line, where there are any."""
    lines = [f"estimate: {row.estimate:g}"] if row.estimate is not None else []
    if row.interval is not None:
        low, high = ("unbounded" if end is None else f"{end:g}" for end in row.interval)
        lines.append(f"interval: {low} to {high}")
    if row.margin is not None:
        lines.append(f"margin: {row.margin:g}")
    return "\n".join(lines)


def _gate(gate: Gate) -> Case:
    """Turn the gate's answer into a case: not met is a failure, undecided and not judged are errors."""
    if gate.code == 0:
        return Case("gate", "gate", detail=gate.words)
    kind = {1: "not met", 3: "not judged", 4: "undecided"}[gate.code]
    return Case("gate", "gate", "failure" if gate.code == 1 else "error", kind, gate.words, gate.words)


def _verdict(decision: Decision) -> Case:
    """Turn a verdict that nobody asked for into a case; only `diverged` fails."""
    verdict = decision.verdict
    if verdict is None:
        return Case("verdict", "verdict", "error", "not judged", decision.reason, decision.reason)
    if verdict.verdict == "diverged":
        return Case("verdict", "verdict", "failure", "diverged", verdict.summary, verdict.summary)
    return Case("verdict", "verdict", detail=f"{verdict.verdict}: {verdict.summary}")


def _properties(decision: Decision) -> dict[str, str]:
    verdict = decision.verdict
    if verdict is None:
        return {"verdict": "not judged"}
    return {
        "verdict": verdict.verdict,
        "phase": verdict.phase,
        "scope": verdict.scope,
        "summary": verdict.summary,
        "replicas": _counts(verdict),
        **{score.observable: score.words for score in scores(verdict)},
    }


def _counts(verdict: Verdict) -> str:
    return ", ".join(f"{count} {name}" for name, count in verdict.replicas.items())


def _suite(name: str, cases: Sequence[Case], properties: Mapping[str, str]) -> ElementTree.Element:
    def count(result: str) -> str:
        return str(sum(case.result == result for case in cases))

    suite = ElementTree.Element(
        "testsuite",
        {
            "name": visible(name),
            "tests": str(len(cases)),
            "failures": count("failure"),
            "errors": count("error"),
            "skipped": count("skipped"),
            "time": UNTIMED,
        },
    )
    inside = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(inside, "property", {"name": visible(key), "value": visible(value)})
    for case in cases:
        suite.append(_drawn(name, case))
    return suite


def _drawn(suite: str, case: Case) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase", {"classname": visible(f"{suite}.{case.group}"), "name": visible(case.name), "time": UNTIMED}
    )
    if case.result == "passed":
        if case.detail:
            ElementTree.SubElement(element, "system-out").text = visible(case.detail)
        return element
    kind = {"type": case.kind} if case.kind else {}
    result = ElementTree.SubElement(element, case.result, kind | {"message": visible(case.message)})
    result.text = visible(case.detail) or None
    return element
