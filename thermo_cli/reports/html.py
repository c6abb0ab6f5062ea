"""The report as one HTML file: no network, light and dark, phone to wide screen; it reads without scripts, too."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from thermo_cli.characters import visible
from thermo_cli.reports.baseline_words import difference, method, shared, telling
from thermo_cli.reports.charts import Chart, charts
from thermo_cli.reports.charts.chart import CONFIG, DARK, LIGHT, VEGA_LITE, tone, tone_of
from thermo_cli.reports.numerals import number
from thermo_cli.reports.page.parts import (
    CRITERIA,
    MOST_POINTS,
    estimate,
    gating,
    gloss,
    grouped,
    in_section,
    interval,
    nothing_to_do,
    replica_rows,
)
from thermo_cli.reports.points import SweepView, Unjudged, View, last, means, shown, tally
from thermo_cli.reports.view import RunView
from thermo_cli.reports.wording import legend, next_steps
from thermo_cli.spec.sweeping import label_of
from thermo_cli.store.cache import cached

BIDIRECTIONAL: Final = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
PAGES: Final = {RunView: "run.html", SweepView: "sweep.html", Unjudged: "unjudged.html"}
COMPARED: Final = {"equivalent": "good", "better": "good", "worse": "bad", "undecided": "open"}  # outcome to tone


def text(views: Sequence[View]) -> str:
    """Draw the page of one run or sweep.

    Args:
        views: One view.
    """
    (view,) = views
    drawn = charts(view)
    environment = _environment()
    style = _style(drawn)
    script = _script()
    context: dict[str, Any] = {
        "view": view,
        "charts": drawn,
        "specs": {name: embedded({**chart.spec, "datasets": dict(chart.data)}) for name, chart in drawn.items()},
        "config": embedded(CONFIG),
        "style": Markup(style),
        "script": Markup(script),
        "policy": policy(style, script),
    }
    return environment.get_template(PAGES[type(view)]).render(context)


def embedded(value: Mapping[str, Any]) -> Markup:
    r"""Write JSON that no HTML parser can leave: `<`, `>` and `&` as \u003c, \u003e and \u0026.

    Args:
        value: Plain values.
    """
    content = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return Markup(content)


def policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that admits this style sheet and this script, and nothing else from anywhere.

    Args:
        style: Content of the style element.
        script: Content of the script element.
    """
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _style(drawn: Mapping[str, Chart]) -> str:
    """Return the style sheet: both palettes, the rules, and the height that each chart will need."""
    palettes = {
        "LIGHT": "".join(f"--{name}:{colour};" for name, colour in LIGHT.items()),
        "DARK": "".join(f"--{name}:{colour};" for name, colour in DARK.items()),
    }
    style = _file("style.css")
    for name, values in palettes.items():
        style = style.replace(f"/*{name}*/", values)
    return style + "".join(f"#plot-{name}{{min-height:{chart.height + 40}px}}" for name, chart in drawn.items())


@functools.cache
def _script() -> str:
    """Return what draws the charts: Vega, Vega-Lite and vega-embed in one piece, and a few lines of our own."""
    bundle = cached(
        f"vega-{VEGA_LITE}-{version('vl-convert-python')}.js",
        lambda: vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE),
    )
    return bundle + _file("draw.js")


def _file(name: str) -> str:
    return (files("thermo_cli.reports") / "page" / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("thermo_cli", "reports/page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "number": number,
        "tone": tone,
        "last": last,
        "value": shown,
        "gating": gating,
        "groupby_order": grouped,
        "select_section": in_section,
        "tally": tally,
    }
    environment.globals |= {
        "difference": difference,
        "method": method,
        "shared": shared,
        "telling": telling,
        "COMPARED": COMPARED,
        "CRITERIA": CRITERIA,
        "MOST_POINTS": MOST_POINTS,
        "estimate": estimate,
        "interval": interval,
        "gloss": gloss,
        "legend": legend,
        "nothing_to_do": nothing_to_do,
        "tone_of": tone_of,
        "replica_rows": replica_rows,
        "next_steps": next_steps,
        "label_of": label_of,
        "means": means,
    }
    return environment


def _shown(value: Any) -> Any:
    """Make what has no shape, or turns the direction of what follows, visible; markup of our own stays as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value).translate(BIDIRECTIONAL)
