"""The charts of a report as files: SVG and PNG, in the light theme on white, without a browser or a network."""

import json
from collections.abc import Iterator
from typing import Any, Final

import vl_convert

from thermo_cli.characters import visible
from thermo_cli.reports.charts import Chart, charts
from thermo_cli.reports.charts.looks import CONFIG, LIGHT, VEGA_LITE
from thermo_cli.reports.sweep_view import View

FONT: Final = "Liberation Sans, Arial, sans-serif"
WIDTH: Final = 680
COLOURS: Final = {f"var(--{name})": colour for name, colour in LIGHT.items()}
SCALE: Final = 2.0  # pixels of a PNG per unit


def images(view: View) -> Iterator[tuple[str, bytes]]:
    """Draw every chart, one after the other, as (file name, content).

    Args:
        view: A run or a sweep.
    """
    for name, chart in charts(view).items():
        spec = json.dumps(still(chart), allow_nan=False)
        yield f"{name}.svg", vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE).encode()
        yield f"{name}.png", vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=SCALE)


def still(chart: Chart) -> dict[str, Any]:
    """Return the spec of a picture: with its title, in fixed colours and width, without what only shows on hover."""
    spec: dict[str, Any] = _fixed({**chart.spec, "datasets": dict(chart.data)})
    hidden = {view for param in spec.get("params", ()) for view in param.get("views", ())}
    names = {param["name"] for param in spec.get("params", ()) if "select" in param}
    spec["params"] = [param for param in spec.get("params", ()) if "select" not in param]
    spec["layer"] = [_unpointed(layer, names) for layer in spec.get("layer", ()) if layer.get("name") not in hidden]
    if not spec["layer"]:
        del spec["layer"]
    title = {"text": visible(chart.title), "anchor": "start", "fontSize": 14, "color": LIGHT["ink"], "offset": 12}
    config = {**_fixed(CONFIG), "background": "white", "font": FONT}
    return spec | {"width": WIDTH, "title": title, "config": config, "padding": spec.get("padding", 12)}


def _fixed(value: Any) -> Any:
    """Replace the names of colours by those of the light theme, and make every text one that a file can hold."""
    if isinstance(value, dict):
        return {key: _fixed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_fixed(item) for item in value]
    return COLOURS.get(value, visible(value)) if isinstance(value, str) else value


def _unpointed(layer: Any, names: set[str]) -> Any:
    """Drop the conditions that depend on what is pointed at."""
    if isinstance(layer, list):
        return [_unpointed(item, names) for item in layer]
    if not isinstance(layer, dict):
        return layer
    kept = {key: _unpointed(item, names) for key, item in layer.items()}
    conditions = kept.get("condition")
    if isinstance(conditions, list):
        kept["condition"] = [one for one in conditions if one.get("param") not in names]
    elif isinstance(conditions, dict) and conditions.get("param") in names:
        del kept["condition"]
    return kept
