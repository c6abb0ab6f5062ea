"""The report as GitHub-flavoured Markdown: a CI step summary, or a comment on a pull request.

What users name is hostile text here: in code spans it means nothing, in sentences what Markdown would read is escaped, and
mentions, references, emoji and links are broken by a joiner that nobody sees.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from thermo_cli.contracts import Row
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.reports.baseline_words import difference, method, remarks, shared, telling
from thermo_cli.reports.numerals import interval, number, sparkline
from thermo_cli.reports.points import PointView, SweepView, View, last, means, reasons, shown, tally
from thermo_cli.reports.view import Reproduction, RunView
from thermo_cli.reports.wording import legend, short

MOST_BYTES: Final = 900_000  # a step summary holds 1 MiB, and others write to it too
MOST_OUTLIERS: Final = 50
MOST_POINTS: Final = 1024
MOST_SPEC: Final = 100_000  # characters of the resolved spec
MARKS: Final = {
    "thermalized": "🟢",
    "crystallized": "🔷",
    "settled": "🟢",
    "relaxing": "🟡",
    "glassy": "🟣",
    "diverged": "🔴",
    "undecided": "⚪",
    "not judged": "⚪",
    "holds": "✅",
    "fails": "❌",
    "untested": "▫️",
    "inapplicable": "▫️",
}
COMPARED: Final = {"equivalent": "✅ ", "better": "🔷 ", "worse": "❌ ", "undecided": "❔ "}  # with a baseline
OPEN: Final = "❔"  # of a row that is undecided
_SPECIAL: Final = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is none
_START: Final = re.compile(r"^(?=[+-]\s|#|>|[=-]+\s*$|\d+[.)]\s)")  # of a heading, a list, a quotation, a rule
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
_JOINER: Final = "\u2060"


def text(views: Sequence[View]) -> str:
    """Write runs and sweeps as Markdown, at most 900 kB of it.

    Args:
        views: Runs and sweeps.
    """
    lines = [line for view in views for line in _lines(view)]
    return limited("\n".join(lines) + "\n", MOST_BYTES)


def limited(markdown: str, most: int) -> str:
    """Cut a text that is too long at the end of a paragraph, and say so.

    Args:
        markdown: The text.
        most: Bytes of UTF-8.
    """
    encoded = markdown.encode()
    if len(encoded) <= most:
        return markdown
    note = "\n\n> The rest is left out here: it is in the HTML report.\n"
    kept = encoded[: most - len(note)].decode(errors="ignore")
    return kept[: kept.rfind("\n\n")] + note


def plain(sentence: str) -> str:
    """Write a sentence so that no part of it is markup, a mention, a reference or a link.

    Args:
        sentence: Text with names of the user's in it.
    """
    words = _CONTROL.sub(" ", sentence).strip()
    words = re.sub(r"[@#:](?=[\w/+-])|\bwww(?=\.)", lambda found: found.group() + _JOINER, words)
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return _START.sub(_JOINER, _SPECIAL.sub(lambda found: "\\" + found.group(), words))


def code(name: str) -> str:
    """Write a name as a code span, which holds whatever it is.

    Args:
        name: A name of the user's.
    """
    word = _CONTROL.sub(" ", name).strip() or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", word)), default=0) + 1)
    pad = " " if word.startswith("`") or word.endswith("`") else ""
    return f"{fence}{pad}{word}{pad}{fence}"


def _lines(view: View) -> list[str]:
    if isinstance(view, RunView):
        return _run(view)
    if isinstance(view, SweepView):
        return _sweep(view)
    why = [word for line in view.reason.splitlines() for word in (plain(line), "")]
    return [f"## {MARKS['diverged']} not judged · {code(view.title)}", "", *why, *_gate(view.gate)]


def _run(view: RunView) -> list[str]:
    verdict = view.verdict
    counts = verdict.replicas
    lost = "".join(f", {counts[word]} {word}" for word in ("diverged", "crashed") if counts[word])
    lines = [
        f"## {_mark(verdict.verdict)} {verdict.verdict} · {code(view.title)}",
        "",
        f"phase **{verdict.phase}** · {counts['finished']} of {counts['planned']} replicas finished{lost}"
        + (f" · **the run is {view.status}**" if view.status != "complete" else ""),
        "",
        f"**{plain(verdict.summary)}**",
        "",
        f"Scope: {plain(verdict.scope)}.",
        "",
        *_gate(view.gate),
    ]
    if view.description:
        lines += [plain(view.description), ""]
    if view.baseline is not None:
        lines += _against(view.baseline)
    lines += _bullets("What to do next", view.next_steps) + _bullets("Warnings", verdict.warnings)
    lines += [
        "### Criteria",
        "",
        *_criteria(verdict.criteria),
        *_macrostate(view),
        *_outliers(view),
        *_microstate(view),
    ]
    lines += _noise(view)
    lines += _bullets("Macroscopic against microscopic", view.comparison)
    lines += _bullets("Diagnostics (decide nothing)", view.diagnostics)
    return lines + _reproduction(view.reproduction)


def _sweep(view: SweepView) -> list[str]:
    counted = tally(view.points)
    reached = ", ".join(f"{_mark(name)} {count} {name}" for name, count in counted)
    status = f" · **the run is {view.status}**" if view.status != "complete" else ""
    lines = [
        f"## {code(view.title)}",
        "",
        f"{reached} of {len(view.points)} points{status}",
        "",
        f"Scope: {plain(view.scope)}.",
        "",
        *_gate(view.gate),
    ]
    if view.description:
        lines += [plain(view.description), ""]
    fields = list(view.points[0].values)
    if len(fields) == 2:
        lines += ["### Phase diagram", "", *_diagram(view.points, *fields), ""]
    lines += ["### Points", "", *_points(view.points, fields)]
    if any(point.baseline for point in view.points):
        lines += _points_against(view.points, fields)
    return [*lines, *_reproduction(view.reproduction)]


def _gate(gate: Gate | None) -> list[str]:
    if gate is None:
        return []
    mark = "✅" if gate.code == 0 else "❌" if gate.code == 1 else OPEN
    return [f"{mark} {plain(gate.words or 'gate met: required ' + ', '.join(gate.required))}", ""]


def _criteria(rows: Sequence[Row]) -> list[str]:
    lines = table(
        ("", "observable", "replicas", "outcome", "estimate [interval]", "margin", "why"),
        (
            (
                short(row.statistic),
                code(row.observable) if row.observable else "",
                plain(row.scope),
                f"{_outcome(row)}{row.outcome}" + ("" if row.gates else " (does not gate)"),
                plain(interval(row)),
                number(row.margin, 2) if row.margin else "",
                plain(row.explanation),
            )
            for row in rows
        ),
    )
    words = "; ".join(f"{letter} {meaning}" for letter, meaning in legend(tuple(rows)).items())
    return [*lines, "", f"<sub>{plain(words)}</sub>", ""]


def _against(baseline: Baseline) -> list[str]:
    heads = ("observable", "history", "outcome", "difference [interval]", "margin")
    rows = (
        (
            code(row.observable),
            code(row.history),
            COMPARED[row.outcome] + row.outcome + ("" if row.gates else " (does not gate)"),
            plain(difference(row)),
            number(row.margin, 2),
        )
        for row in baseline.rows
    )
    title = f"### {COMPARED[baseline.outcome]}{baseline.outcome}: against {code(baseline.title)}"
    said = [f"- {plain(line)}" for line in remarks(baseline)]
    return [title, "", *table(heads, rows), "", plain(method(baseline.rows)), "", *said, ""]


def _points_against(points: Sequence[PointView], fields: Sequence[str]) -> list[str]:
    """Compare point by point: each with the row that decided."""
    known = [(point, point.baseline) for point in points[:MOST_POINTS] if point.baseline is not None]
    heads = (
        *(code(last(field)) for field in fields),
        "outcome",
        "largest in",
        "history",
        "difference [interval]",
        "margin",
    )
    rows = []
    for point, baseline in known:
        row = telling(baseline)
        said = (
            (code(row.observable), code(row.history), plain(difference(row)), number(row.margin, 2))
            if row
            else ("-",) * 4
        )
        rows.append(
            (
                *(code(shown(value)) for value in point.values.values()),
                COMPARED[baseline.outcome] + baseline.outcome,
                *said,
            )
        )
    lines = [f"- {plain(line)}" for line in shared(baseline for _, baseline in known)]
    return [f"### Against {code(known[0][1].title)}", "", *table(heads, rows), "", *lines, ""]


def _macrostate(view: RunView) -> list[str]:
    rows = []
    for curve in view.curves:
        state = view.verdict.macroscopic[curve.observable]
        low, high = state["tolerance_interval"]
        rows.append(
            (
                code(curve.observable),
                code(curve.history),
                number(state["histories"][curve.history]["mean"], 4),
                number(state["histories"][curve.history]["sd"], 2),
                plain(f"{number(low)} .. {number(high)}"),
                f"`{sparkline(curve.means)}`" if curve.means else "",
            )
        )
    heads = ("observable", "history", "mean", "sd", "fresh replicas, any history", "against log t")
    return ["### Macroscopic, at the end", "", *table(heads, rows), ""]


def _outliers(view: RunView) -> list[str]:
    odd = view.outliers
    if not odd:
        return []
    rows = [
        (code(line.name), line.state, *(number(value, 4) for value in line.finals), plain("; ".join(line.apart)))
        for line in odd[:MOST_OUTLIERS]
    ]
    rest = [f"{len(odd) - MOST_OUTLIERS} more are in the HTML report.", ""] if len(odd) > MOST_OUTLIERS else []
    heads = ("replica", "state", *(code(name) for name in view.columns), "stands apart in")
    return [f"### Replicas that stand apart ({len(odd)} of {len(view.replicas)})", "", *table(heads, rows), "", *rest]


def _microstate(view: RunView) -> list[str]:
    if not view.microscopic:
        return ["### Microscopic", "", plain(view.missing.get("microscopic", "nothing was observed")), ""]
    rows = [
        (
            plain(line.words.strip()),
            number(line.estimate),
            "" if line.interval[0] is None else plain(f"{number(line.interval[0])} .. {number(line.interval[1])}"),
            number(line.null, 2) if line.null is not None else "",
            number(line.own) if line.own is not None else "",
        )
        for line in view.microscopic
    ]
    lines = [
        "### Microscopic, between replicas",
        "",
        *table(("quantity", "estimate", "interval", "null", "self, T/2"), rows),
        "",
    ]
    if view.distribution is not None:
        law = view.distribution
        drawn = [
            ("replicas", law.between),
            ("null", law.null),
            *([("self, T/2", law.own)] if law.own is not None else []),
        ]
        bins = ("P(q)", f"from {law.edges[0]:g} to {law.edges[-1]:g}")
        lines += [*table(bins, ((words, f"`{sparkline(shares.tolist())}`") for words, shares in drawn)), ""]
    return lines


def _noise(view: RunView) -> list[str]:
    if not view.noise_budget:
        return []
    rows = [
        (
            code(part.observable),
            plain(part.source),
            "-" if part.share is None else f"{part.share:.0%}",
            number(part.sd, 2),
            plain(f"{number(part.interval[0], 2)} .. {number(part.interval[1], 2)}"),
        )
        for part in view.noise_budget
    ]
    return ["### Noise budget", "", *table(("observable", "source", "share of variance", "sd", "interval"), rows), ""]


def _diagram(points: Sequence[PointView], down: str, across: str) -> list[str]:
    columns = list(dict.fromkeys(shown(point.values[across]) for point in points))
    rows: dict[str, list[str]] = {}
    for point in points:
        cell = f"{_mark(point.verdict)} {point.verdict}"
        rows.setdefault(shown(point.values[down]), []).append(cell)
    heads = (f"{code(last(down))} down, {code(last(across))} across", *(code(column) for column in columns))
    return table(heads, ((code(name), *cells) for name, cells in rows.items()))


def _points(points: Sequence[PointView], fields: Sequence[str]) -> list[str]:
    head, cells = means(points)
    heads = (
        *(code(last(field)) for field in fields),
        "verdict",
        "phase",
        code(head),
        "sd/margin",
        "Q\\*",
        "self",
        "energy",
    )
    rows = (
        (
            *(code(shown(value)) for value in point.values.values()),
            f"{_mark(point.verdict)} {point.verdict}",
            point.phase,
            plain(mean) if point.observable else mean,
            number(point.spread, 2),
            number(point.overlap, 2),
            number(point.wandering, 2),
            number(point.energy),
        )
        for point, mean in zip(points[:MOST_POINTS], cells, strict=False)
    )
    rest = [f"{len(points) - MOST_POINTS} more points are in the JSON report.", ""] if len(points) > MOST_POINTS else []
    why = [f"- {plain(reason)}" for reason in reasons(points)]
    return [*table(heads, rows), "", *rest, *why, ""] if why else [*table(heads, rows), "", *rest]


def _reproduction(known: Reproduction) -> list[str]:
    if not known.commands:
        return []
    spec = known.spec[:MOST_SPEC] + ("\n# ... the rest is in resolved.yaml" if len(known.spec) > MOST_SPEC else "")
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", spec)), default=0) + 1)
    facts = table(("made with", ""), ((plain(name), code(value)) for name, value in known.facts.items()))
    return [
        "<details><summary>How to reproduce it</summary>",
        "",
        f"{fence}sh",
        *known.commands,
        fence,
        "",
        *facts,
        "",
        plain(known.promise),
        "",
        *(f"- {plain(word)}" for word in known.cautions),
        "",
        f"{fence}yaml",
        spec.rstrip(),
        fence,
        "",
        "</details>",
        "",
    ]


def _bullets(title: str, lines: Sequence[str]) -> list[str]:
    return [f"### {title}", "", *(f"- {plain(line)}" for line in lines), ""] if lines else []


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Write a table, line by line.

    Args:
        heads: Cells of its head, Markdown.
        rows: Cells of its body.
    """
    return [_line(heads), _line(["---"] * len(heads)), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"  # in code spans too


def _mark(verdict: str) -> str:
    return MARKS.get(verdict, "⚪")


def _outcome(row: Row) -> str:
    return f"{OPEN if row.outcome == 'undecided' else MARKS.get(row.outcome, '')} "
