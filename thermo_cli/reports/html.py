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
from thermo_cli.reports.charts import Chart, charts
from thermo_cli.reports.charts.looks import CONFIG, DARK, LIGHT, VEGA_LITE
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.notebook import sparkline
from thermo_cli.reports.sweep_view import View
from thermo_cli.reports.tones import tone
from thermo_cli.reports.view import Curve
from thermo_cli.store.cache import cached

BIDIRECTIONAL: Final = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
MOST_IN_SIGHT: Final = 20  # lines of a table that does not scroll by itself


def text(views: Sequence[View]) -> str:
    """Draw the page of one run or sweep."""
    (view,) = views
    drawn = charts(view)
    style = _style(drawn)
    script = _script()
    context: dict[str, Any] = {
        "document": document_of(view),
        "charts": drawn,
        "specs": {name: embedded({**chart.spec, "datasets": dict(chart.data)}) for name, chart in drawn.items()},
        "config": embedded(CONFIG),
        "style": Markup(style),
        "script": Markup(script),
        "policy": policy(style, script),
        "MOST_IN_SIGHT": MOST_IN_SIGHT,
    }
    return _environment().get_template("page.html").render(context)


def embedded(value: Mapping[str, Any]) -> Markup:
    r"""Write JSON that no HTML parser can leave: `<`, `>` and `&` as \u003c, \u003e and \u0026."""
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
    environment.filters |= {"tone": tone, "kind": _kind, "curve": _curve, "of_group": _of_group}
    return environment


def _kind(block: object) -> str:
    return type(block).__name__


def _curve(curve: Curve) -> Markup:
    return Markup(sparkline(curve).translate(BIDIRECTIONAL) if curve.means else "")


def _of_group(drawn: Mapping[str, Chart], group: str) -> tuple[list[str], list[str]]:
    """Return which charts stand in a place: those that are seen, and those that are folded away."""
    names = [name for name, chart in drawn.items() if chart.section == group]
    return [name for name in names if not drawn[name].minor], [name for name in names if drawn[name].minor]


def _shown(value: Any) -> Any:
    """Make what has no shape, or turns the direction of what follows, visible; markup of our own stays as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value).translate(BIDIRECTIONAL)
