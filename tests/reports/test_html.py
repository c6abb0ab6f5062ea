"""The HTML report: hostile names are text, what is missing is said, sizes stay small, charts are valid Vega-Lite."""

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import vl_convert

from tests.reports.synthetic import HOSTILE, hostile, run_view, sweep_view, trajectories
from tests.reports.test_terminal import ensemble
from tests.reports.test_terminal import shown as settled
from thermo_cli.contracts import Row
from thermo_cli.judging.record import Gate
from thermo_cli.reports.charts import charts
from thermo_cli.reports.charts.chart import Chart, identifier, rounded
from thermo_cli.reports.figures import images, still
from thermo_cli.reports.html import text
from thermo_cli.reports.sweep_view import View

MEGABYTE = 1_000_000


class Elements(HTMLParser):
    """Collects what a browser would see: start tags with attributes, text, and the content of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_data(self, data: str) -> None:
        """Keep the text, or add it to the open script or style."""
        if self.cdata_elem in self.raw:
            self.raw[self.cdata_elem][-1] += data
        else:
            self.texts.append(data)


def seen(page: str) -> Elements:
    """Parse a page."""
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def full() -> str:
    """The page of a run that has everything."""
    return text([run_view()])


@pytest.mark.parametrize("view", [run_view(naming=hostile), sweep_view(naming=hostile)], ids=["run", "sweep"])
def test_hostile_names_are_text(view: View) -> None:
    """No name opens a tag, an attribute, a script or a comment; what has no shape is made visible."""
    calm = text([run_view() if hasattr(view, "panels") else sweep_view()])
    page = text([view])
    parsed, expected = seen(page), seen(calm)
    assert {tag for tag, _ in parsed.tags} == {tag for tag, _ in expected.tags}
    assert not [attributes for _, attributes in parsed.tags if any(name.startswith("on") for name in attributes)]
    assert [tag for tag, _ in parsed.tags].count("script") == [tag for tag, _ in expected.tags].count("script")
    words = "".join(parsed.texts)
    assert HOSTILE[0] in words
    assert "{{ 7 * 7 }}" in words
    assert "\\x1b[31mred\\x00\\x07" in words
    assert "\\u202etxet" in words
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", page)
    page.encode()


def test_charts_of_hostile_names_are_data() -> None:
    """The JSON of a chart cannot end its script element, and holds the names as they are."""
    parsed = seen(text([run_view(naming=hostile)]))
    specs = [json.loads(content) for content in parsed.raw["script"][:-1]]
    assert len(specs) > 10
    lines = next(spec["datasets"]["lines"] for spec in specs if "lines" in spec.get("datasets", {}))
    assert lines[0]["replica"] == hostile("cold") + "/0"
    assert all("<" not in content and "&" not in content for content in parsed.raw["script"][:-1])


@pytest.mark.parametrize("page", [text([run_view(trajectories(8, 20, 3))]), text([sweep_view()])], ids=["run", "sweep"])
def test_the_policy_admits_this_script_and_this_style_alone(page: str) -> None:
    """Their hashes are in the Content-Security-Policy, no source is, and no element names another file."""
    parsed = seen(page)
    policy = next(a["content"] or "" for tag, a in parsed.tags if tag == "meta" and a.get("http-equiv"))
    for content in (parsed.raw["script"][-1], parsed.raw["style"][0]):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for _, attributes in parsed.tags:
        assert "style" not in attributes
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))


def test_every_part_is_there_in_its_order(full: str) -> None:
    """Verdict first, reproduction last; every figure has a caption and the numbers in words; ids are unique."""
    parsed = seen(full)
    sections = [attributes["id"] for tag, attributes in parsed.tags if tag == "section"]
    assert sections == [
        "scores",
        "next",
        "plane",
        "criteria",
        "trajectories",
        "macroscopic",
        "replicas",
        "microscopic",
        "courses",
        "noise",
        "diagnostics",
        "reproduction",
    ]
    ids = [attributes["id"] for _, attributes in parsed.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    tags = [tag for tag, _ in parsed.tags]
    assert (
        tags.count("figure") == tags.count("figcaption") == full.count('<p class="words">') == len(charts(run_view()))
    )
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in attributes for tag, attributes in parsed.tags if tag == "th")
    assert full.index("<h1>") < full.index('id="scores"')


def test_outliers_come_first_and_are_named() -> None:
    """The replica that ends elsewhere leads the table, is drawn and is labelled."""
    told = trajectories(odd=0)
    told.values["test_accuracy"][40, -1] += 0.2
    view = run_view(told)
    rows = seen(text([view])).texts
    assert rows.index("hot/40") < rows.index("cold/0")
    course = charts(view)["trajectory-test_accuracy"]
    assert "hot/40" in [row["text"] for row in course.data["ends"]]
    assert "hot/40" in course.words.rpartition("standing apart: ")[2]


def test_what_is_missing_is_said() -> None:
    """Without microstates, budget and test errors the page has no such chart, and says why."""
    view = run_view(small=True)
    drawn = charts(view)
    assert not {"plane", "overlap-matrix", "overlap-distribution", "noise-budget", "test-set-noise"} & set(drawn)
    words = " ".join("".join(seen(text([view])).texts).split())
    reason = next(row.explanation for row in view.verdict.criteria if row.criterion == "diversity")
    assert f"No plane: {reason}." in words
    assert f"No microscopic quantities: {reason}." in words
    assert "No noise budget: a crossed design (ensemble.design) tells" in words
    assert "No share of the test set: " in words


def test_nothing_but_nan_is_a_page() -> None:
    """A run whose every value is NaN has a verdict, no trajectories, and valid JSON."""
    told = trajectories(8, 20, 4)
    for values in told.values.values():
        values[:] = np.nan
    view = run_view(told)
    page = seen(text([view]))
    assert not [name for name in charts(view) if name.startswith(("trajectory", "window", "pairs"))]
    assert "No trajectories: " in "".join(page.texts)
    for content in page.raw["script"][:-1]:
        json.loads(content, parse_constant=lambda word: pytest.fail(word))


def test_a_replica_that_explodes_does_not_flatten_the_others() -> None:
    """The frame is that of the others; the caption names who left it."""
    told = trajectories(16, 40, 3, odd=0)
    told.values["test_accuracy"][3, 20:] = 1e30
    told.values["test_accuracy"][4, 30:] = np.inf
    for name in ("trajectory-test_accuracy", "window-test_accuracy"):
        chart = charts(run_view(told))[name]
        limits = {param["name"]: param["value"] for param in chart.spec["params"] if "value" in param}
        assert -1 < limits["low"] < limits["high"] < 2
        assert "Beyond the frame: cold/3." in chart.caption
        (bar,) = chart.data["margin"]
        assert limits["low"] - 1e-4 <= bar["low"] < bar["high"] <= limits["high"] + 1e-4


@pytest.mark.parametrize("value", [0.0, 0.5, 1e300, -1e-300, 1e15])
def test_any_constant_can_be_drawn(value: float) -> None:
    """Equal values, huge and tiny ones: a page whose JSON is valid, or no chart."""
    told = trajectories(8, 20, 3, odd=0)
    for values in told.values.values():
        values[:] = value
    for name, chart in charts(run_view(told)).items():
        json.dumps({**chart.spec, "datasets": dict(chart.data)}, allow_nan=False)
        vl_convert.vegalite_to_vega(still(chart), vl_version="6.4")
        if name.startswith("trajectory"):
            given = {param["name"]: param["value"] for param in chart.spec["params"] if "value" in param}
            levels = np.array(chart.data["lines"][0]["v"], dtype=float)
            assert np.allclose(given["origin"] + given["grain"] * levels, value, rtol=1e-6)


def test_a_large_matrix_is_thinned_and_says_so() -> None:
    """64 replicas along a side, the lower half of their overlaps, every value that of its pair."""
    view = run_view(trajectories(80, 20, 3))
    chart = charts(view)["overlap-matrix"]
    assert "64 of 80 replicas are drawn" in chart.caption
    assert [len(row["q"]) for row in chart.data["rows"]] == list(range(1, 65))
    names = [row["first"] for row in chart.data["rows"]]
    assert view.overlaps is not None
    place = [view.overlaps.replicas.index(name) for name in names]
    assert chart.data["rows"][9]["q"][3] == pytest.approx(view.overlaps.values[place[9], place[3]], abs=0.01)


def test_names_that_would_cover_each_other_share_a_place() -> None:
    """Two replicas that end side by side have one label."""
    told = trajectories(64, 60, 3, odd=2)
    ends = charts(run_view(told))["trajectory-test_accuracy"].data["ends"]
    assert "cold/0, cold/1" in [end["text"] for end in ends]


def test_one_measurement_is_drawn_as_final_values() -> None:
    """A fit without a course shows where its replicas ended."""
    told = trajectories(12, 40, 3, odd=0)
    last = dataclasses.replace(told, steps=told.steps[-1:], values={k: v[:, -1:] for k, v in told.values.items()})
    drawn = charts(run_view(last))
    assert drawn["trajectory-test_accuracy"].title == "test_accuracy: final values"
    assert len(drawn["trajectory-test_accuracy"].data["finals"]) == 12
    assert "energy" not in drawn


def test_values_survive_being_written_as_whole_numbers() -> None:
    """Decoded, each drawn value is the true one to a thousandth of what the frame shows."""
    told = trajectories(16, 40, 3, odd=0)
    for name in ("trajectory-test_accuracy", "window-test_accuracy"):
        chart = charts(run_view(told))[name]
        given = {param["name"]: param["value"] for param in chart.spec["params"] if "value" in param}
        place = np.isin(told.steps, given["steps"])
        assert given["origin"] / given["grain"] == pytest.approx(round(given["origin"] / given["grain"]), abs=1e-6)
        for row, line in enumerate(chart.data["lines"]):
            decoded = given["origin"] + given["grain"] * np.array(line["v"], dtype=float)
            assert (
                np.abs(decoded - told.values["test_accuracy"][row, place]).max() < (given["high"] - given["low"]) / 1000
            )


def test_criteria_beyond_the_axis_are_arrows() -> None:
    """An estimate beyond the axis and an interval without an end are drawn at the edge, with the number, and said so."""
    rows = (
        Row("stationarity", "S1 still", "a", "cold", True, "fails", 9.0, (8.0, 10.0), 1.0),
        Row("agreement", "A interval", "a", "all histories", True, "undecided", 0.5, (None, 1.2), 1.0),
        Row("history", "H difference", None, "all histories", True, "untested"),
    )
    view = run_view(trajectories(8, 20, 3))
    view = dataclasses.replace(view, verdict=dataclasses.replace(view.verdict, criteria=rows))
    chart = charts(view)["criteria"]
    far, open_end = chart.data["rows"]
    assert (far["at"], far["right"], far["left"]) == (None, 1.5, None)
    assert far["label"] == "fails 9"
    assert (open_end["at"], open_end["left"], open_end["low"], open_end["high"]) == (0.5, -1.5, -1.5, 1.2)
    assert "Arrows point to what lies beyond 1.5 margins, the number beside them" in chart.caption
    assert "S1 a · cold: fails at 9 of the margin" in chart.words


def test_a_far_row_does_not_shrink_the_others() -> None:
    """Fifty margins away or not there at all: the rest is drawn at the same places; where most are far, the axis follows."""

    def drawn(*rows: Row) -> Chart:
        view = run_view(trajectories(8, 20, 3))
        return charts(dataclasses.replace(view, verdict=dataclasses.replace(view.verdict, criteria=rows)))["criteria"]

    near = [
        Row("stationarity", f"S{place} still", "a", "cold", True, "holds", 0.1 * place, (0.0, 0.9), 1.0)
        for place in range(5)
    ]
    far = Row("ergodicity", "E overlap", None, "same-bath pairs", False, "fails", 50.0, (49.0, 51.0), 1.0)
    alone, beside = drawn(*near), drawn(*near, far)
    assert beside.data["rows"][:5] == alone.data["rows"]
    assert beside.data["rows"][5]["right"] == 1.5
    assert beside.data["rows"][5]["label"] == "(fails) 50"
    most = [dataclasses.replace(row, estimate=2.0, interval=(1.8, 2.2)) for row in near]
    assert drawn(*most).data["rows"][0]["at"] == 2.0


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (0, "", "<strong>Gate met: required settled</strong>"),
        (1, "gate not met: required settled", "<strong>Gate not met: required settled</strong>"),
        (4, "gate undecided: required settled", "<strong>Gate undecided: required settled</strong>"),
    ],
)
def test_the_gates_answer_is_beside_the_verdict(code: int, said: str, words: str) -> None:
    """What was required, and the answer."""
    view, _ = settled(ensemble(0.005, 0.0))
    page = text([dataclasses.replace(view, gate=Gate(("settled",), code, said))])
    assert words in page
    assert 'class="gate' not in text([view])


@pytest.mark.parametrize(
    ("replicas", "limit"),
    [(64, 2 * MEGABYTE), (1024, 5 * MEGABYTE), (10_000, 5 * MEGABYTE)],
    ids=["64", "1024", "10000"],
)
def test_the_page_stays_small(replicas: int, limit: int) -> None:
    """64 replicas x 200 times x 10 observables in 2 MB; more replicas are thinned, and the page says so."""
    view = run_view(trajectories(replicas, 200, 10))
    page = text([view])
    assert len(page.encode()) < limit
    words = " ".join("".join(seen(page).texts).split())
    assert (f"of {replicas:,} replicas are drawn" in words) == (replicas > 64)
    assert (f"512 of {replicas} are listed" in words) == (replicas > 512)


@pytest.mark.parametrize(
    "view", [run_view(trajectories(8, 30, 5)), *(sweep_view(n) for n in (1, 2, 3))], ids=["run", "1", "2", "3"]
)
def test_specs_are_valid_and_their_data_are_used(view: View) -> None:
    """Vega-Lite compiles each chart, names no data set that is not there, and leaves none unused."""
    for name, chart in charts(view).items():
        spec = still(chart)
        compiled = vl_convert.vegalite_to_vega(spec, vl_version="6.4")
        names = set(re.findall(r'"data": \{"name": "(\w+)"\}', json.dumps(spec)))
        assert names == set(chart.data), name
        assert "datasets" not in chart.spec
        assert compiled["marks"]


def test_a_sweep_shows_a_diagram_of_two_fields_a_curve_of_one_and_a_table_of_three() -> None:
    """And says why there is no figure."""
    assert set(charts(sweep_view(2))) == {"phase-diagram", "plane"}
    assert set(charts(sweep_view(1))) == {"order-parameters", "plane"}
    assert set(charts(sweep_view(3))) == {"plane"}
    assert "No phase diagram: 3 fields are swept: the table has every point." in text([sweep_view(3)])
    assert "not judged" in text([sweep_view(2)])


def test_figures_are_svg_and_png_of_every_chart() -> None:
    """On white, in the light theme, hostile names escaped, nothing that only shows on hover."""
    view = run_view(trajectories(8, 20, 3, naming=hostile), naming=hostile)
    files = dict(images(view))
    assert set(files) == {f"{name}.{kind}" for name in charts(view) for kind in ("svg", "png")}
    for name, content in files.items():
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.(svg|png)", name)
        if name.endswith("svg"):
            assert b"<script>" not in content
            assert b"var(--" not in content
            assert b'fill="white"' in content
        else:
            assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert "pointed" not in json.dumps(still(charts(view)["trajectory-test_accuracy"]))


def test_small_helpers() -> None:
    """Names for files are plain and different; numbers are rounded to what can be seen."""
    assert identifier("pairs-a/b") == "pairs-a-b"
    assert identifier("a.b", ["a-b"]) == "a-b-2"
    assert identifier("\u202e") == "chart"
    assert rounded([0.123456, float("nan"), 10.0]) == [0.123, None, 10.0]
    assert rounded([1e-7, 2e-7]) == [1e-7, 2e-7]
