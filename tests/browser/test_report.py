"""The report in a real browser: Debian's chromium, headless, driven by playwright; no browser is downloaded."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.synthetic import hostile, run_view, sweep_view, trajectories
from thermo_cli.reports.html import text

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[test]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")

PAGES = ("run", "sweep", "hostile")
DRAWN = """() => [...document.querySelectorAll('.plot')].filter((plot) => plot.checkVisibility())
  .every((plot) => ['drawn', 'failed'].includes(plot.dataset.state))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as files."""
    path = tmp_path_factory.mktemp("pages")
    views = {
        "run": run_view(trajectories(24, 60, 6)),
        "sweep": sweep_view(2),
        "hostile": run_view(trajectories(8, 30, 4, naming=hostile), naming=hostile),
    }
    for name, view in views.items():
        (path / f"{name}.html").write_text(text([view]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """A page that was opened, with what it said and asked for."""

    def __init__(
        self, browser: Any, path: Path, scheme: str = "light", width: int = 1000, scripts: bool = True
    ) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        if scripts:
            self.until(DRAWN)

    def point_at(self, mark: str) -> None:
        """Move the pointer to the middle of a mark and wait for the tooltip."""
        place = self.page.locator(mark)
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.until("document.querySelector('#vg-tooltip-element.visible') !== null", 5)

    def until(self, condition: str, seconds: float = 30.0) -> None:
        """Wait for a condition; the page's policy forbids what playwright would do by itself."""
        for _ in range(int(seconds * 10)):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(100)
        pytest.fail(f"not within {seconds} s: {condition}")


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 400), ("light", 1280)])
@pytest.mark.parametrize("name", PAGES)
def test_it_draws_everything_says_nothing_and_asks_for_nothing(
    browser: Any, folder: Path, name: str, scheme: str, width: int
) -> None:
    """Every chart is drawn, details opened; the console stays empty, no request leaves the page, nothing overflows."""
    visit = Visit(browser, folder / f"{name}.html", scheme, width)
    visit.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    visit.until(DRAWN)
    states = visit.page.evaluate("[...document.querySelectorAll('.plot')].map((plot) => plot.dataset.state)")
    assert set(states) == {"drawn"}
    assert visit.page.locator(".canvas svg").count() == len(states)
    assert visit.said == []
    assert [url for url in visit.asked if not url.startswith("data:")] == [(folder / f"{name}.html").as_uri()]
    assert visit.page.evaluate("document.scrollingElement.scrollWidth") <= width
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(14, 17, 21)")


OVERLAPS = """(plot) => {
  const every = [...document.querySelectorAll(plot + " svg text")];
  const texts = every.filter((one) => one.textContent && !one.getAttribute("stroke"));
  const boxes = texts.map((one) => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
    .map(([other]) => one + " on " + other));
}"""


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_no_text_lies_on_another_on_a_phone(browser: Any, folder: Path, name: str) -> None:
    """At 400 pixels, in every chart that is drawn."""
    visit = Visit(browser, folder / f"{name}.html", width=400)
    for plot in visit.page.evaluate(
        "[...document.querySelectorAll('.plot')].filter((one) => one.checkVisibility()).map((one) => '#' + one.id)"
    ):
        assert visit.page.evaluate(OVERLAPS, plot) == [], plot


def test_pointing_at_a_trajectory_shows_the_replicas_name(browser: Any, folder: Path) -> None:
    """The tooltip holds name, step and value; the line stands out."""
    visit = Visit(browser, folder / "run.html")
    visit.point_at("#plot-trajectory-test_accuracy .mark-symbol path >> nth=60")
    shown = visit.page.locator("#vg-tooltip-element").inner_text()
    assert any(f"{history}/{number}" in shown.split() for history in ("cold", "hot") for number in range(24))
    assert {"replica", "step", "value"} <= {word.strip(":") for word in shown.split()}
    lines = "[...document.querySelectorAll('#plot-trajectory-test_accuracy path')]"
    visit.until(f"{lines}.filter((line) => line.getAttribute('stroke-width') == 2.5).length === 1")


def test_a_hostile_name_in_a_tooltip_is_text(browser: Any, folder: Path) -> None:
    """The tooltip escapes what it shows."""
    visit = Visit(browser, folder / "hostile.html")
    visit.point_at("#plot-trajectory-test_accuracy .mark-symbol path >> nth=60")
    assert visit.page.locator("#vg-tooltip-element img, #vg-tooltip-element script").count() == 0
    assert "<img src=x" in visit.page.locator("#vg-tooltip-element").inner_text()
    assert visit.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "sweep"])
def test_axe_finds_nothing_serious(browser: Any, folder: Path, name: str, scheme: str) -> None:
    """No serious or critical violation of WCAG, details opened, a tooltip shown."""
    visit = Visit(browser, folder / f"{name}.html", scheme)
    visit.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    visit.until(DRAWN)
    found = axe.Axe().run(visit.page).response["violations"]
    grave = [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert grave == []


def test_the_keyboard_reaches_all_that_moves(browser: Any, folder: Path) -> None:
    """Tab comes to the skip link first, then to contents, scrollable regions and details; Enter opens them."""
    visit = Visit(browser, folder / "run.html")
    active = "(({tagName, className, ariaLabel}) => `${tagName}.${className} ${ariaLabel}`)(document.activeElement)"
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate(active).startswith("A.skip")
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"
    reached = []
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate(active))
        if visit.page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            visit.page.keyboard.press("Enter")
    for region in ("Criteria", "Macroscopic, at the end", "Replicas", "Microscopic"):
        assert any(one.startswith("DIV.scroll") and one.endswith(region) for one in reached), region
    assert sum(one.startswith("SUMMARY") for one in reached) >= 2
    assert visit.page.evaluate("[...document.querySelectorAll('details')].every((details) => details.open)")
    beyond = "[...document.querySelectorAll('*')].filter((e) => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll']"
    assert visit.page.evaluate(f"{beyond}.includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).length") == 0


def test_without_scripts_it_still_reads(browser: Any, folder: Path) -> None:
    """The words stand where the charts would be, with the numbers of the run."""
    visit = Visit(browser, folder / "run.html", scripts=False)
    words = visit.page.locator("#plot-plane .words")
    assert words.is_visible()
    assert "spread 0.3 margins" in words.inner_text()
    assert visit.page.locator("#criteria table").is_visible()


def test_print_shows_what_scrolls(browser: Any, folder: Path) -> None:
    """On paper nothing is cut off, and the navigation is gone."""
    visit = Visit(browser, folder / "run.html", "dark")
    visit.page.emulate_media(media="print", color_scheme="dark")
    assert not visit.page.locator("nav").is_visible()
    assert visit.page.evaluate("getComputedStyle(document.querySelector('.scroll.tall')).overflowY") == "visible"
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
