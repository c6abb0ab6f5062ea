"""What GitHub reads from a step holds whatever the texts are."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ci_kit.runner import FOLDER, read_outputs


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


workflow = _loaded("workflow")
asking = _loaded("asking")


def test_a_command_is_one_line_that_reads_back() -> None:
    """Separators within properties and line ends anywhere are escaped, the percent sign first."""
    one = workflow.Annotation(
        "error", "a:b,c%d", "50 %\r\n::error::x, y: ]]>", {"file": "x,line=3::.yaml", "line": "4"}
    )
    assert one.command() == (
        "::error file=x%2Cline=3%3A%3A.yaml,line=4,title=a%3Ab%2Cc%25d::50 %25%0D%0A::error::x, y: ]]>"
    )


@given(st.text(max_size=200), st.text(max_size=4000))
def test_no_text_leaves_its_place(title: str, message: str) -> None:
    """The runner's own reading gives the texts back, as long as they may be."""
    line = workflow.Annotation("notice", title, message).command()
    assert "\n" not in line
    assert "\r" not in line
    head, data = line.removeprefix("::notice title=").split("::", 1)
    restored = [head, data]
    for mark, character in (("%2C", ","), ("%3A", ":"), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        restored[0] = restored[0].replace(mark, character)
        restored[1] = restored[1].replace(mark, character) if mark not in ("%2C", "%3A") else restored[1]
    assert restored == [title, message]


@pytest.mark.parametrize(("title", "message"), [(201, 0), (0, 4001), (5000, 5000)])
def test_longer_texts_are_cut(title: int, message: int) -> None:
    """A title of 200 characters and a message of 4,000 are whole; of longer ones no more is written."""
    head, data = (
        workflow.Annotation("notice", "t" * title, "m" * message)
        .command()
        .removeprefix("::notice title=")
        .split("::", 1)
    )
    assert (len(head), len(data)) == (min(title, 200), min(message, 4000))


def test_ten_annotations_of_a_kind_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten are ten; of eleven nine are shown and two are counted."""
    ten = [workflow.Annotation("error", f"e{n}", "") for n in range(10)]
    assert workflow.within_limit(ten) == ten
    workflow.annotate([*ten, workflow.Annotation("error", "e10", ""), workflow.Annotation("notice", "n", "m")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[8:] == [
        "::error title=e8::",
        "::error title=thermo%3A 2 more::The report has all of them.",
        "::notice title=n::m",
    ]
    assert len(lines) == 11


@pytest.mark.parametrize("value", ["", "x", "a\nb", "evil\nend\ncode=0", "x\ncode<<y\n0\ny", "é::error::\n"])
def test_outputs_hold_any_value(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value ends early or sets another output."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    workflow.write_outputs({"code": "1", "verdict": value})
    workflow.write_outputs({"run": "r"})
    assert read_outputs((tmp_path / "output").read_text()) == {"code": "1", "verdict": value, "run": "r"}


def test_a_report_that_fits_is_left_alone() -> None:
    """To the byte."""
    report = "# é\n\n| a |\n"
    size = len(report.encode())
    assert workflow.shortened_report(report, size) == report
    long = report * 100
    assert workflow.shortened_report(long, len(long.encode())) == long


def test_a_long_report_is_cut_before_a_section() -> None:
    """Not within one, and not at a heading inside a fence or a folded section."""
    first = "# run\n\n## one\n" + "text é\n" * 100
    inside = "## two\n```yaml\n# no heading\n" + "key: 1\n" * 50 + "```\n<details>\n\n## no section\n" + "text\n" * 50
    report = first + inside + "</details>\n\n## three\n" + "end\n" * 400
    limit = len((first + inside).encode())
    note = f"\n> The report has {len(report.encode()):,} bytes and is cut here; the artifact has all of it.\n"
    assert workflow.shortened_report(report, limit) == first + note
    assert workflow.shortened_report(report, limit + 200) == first + inside + "</details>\n\n" + note


def test_a_section_that_is_too_long_is_cut_before_a_line() -> None:
    """A table keeps the rows that fit, an open fence is closed, and the bytes are those of UTF-8."""
    rows = "".join(f"| é {number} |\n" for number in range(1000))
    cut = workflow.shortened_report("# run\n\n## table\n" + rows, 3000)
    assert 2950 < len(cut.encode()) <= 3000
    assert cut.splitlines()[-1].startswith("> The report has 10,")
    assert cut.splitlines()[-3].endswith(" |")
    fenced = workflow.shortened_report("# run\n~~~~\n" + rows, 3000)
    assert "\n~~~~\n\n> The report" in fenced
    assert len(fenced.encode()) <= 3000


def test_what_is_in_the_summary_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub's limit is for the whole: an earlier part leaves less for the report."""
    path = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    path.write_text("x" * 500_000 + "\n")
    workflow.append_summary("line \ud800\n" * 100_000)
    assert 899_900 < path.stat().st_size <= 900_000
    assert "is cut here" in path.read_text()[-100:]


def test_complaints_are_found_among_other_words() -> None:
    """Further errors of a spec stand alone; what comes after is none."""
    text = "training\nerror: a.yaml:5:12: x\n  received: 1\n  remedy:   2\na.yaml:8:9: y\n"
    text += "result: 1:2:\n  z\nError: typer's\nPlan\n  w\n"
    assert asking.complaints(text) == ["a.yaml:5:12: x\nreceived: 1\nremedy:   2", "a.yaml:8:9: y", "typer's"]


def test_a_command_that_breaks_off_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash leaves with 1 as a gate does, and a killed process with anything: neither is an answer."""
    for code, expected in ((1, 3), (137, 3), (-9, 3), (2, 2), (0, 0)):
        fake = tmp_path / "thermo"
        fake.write_text(f"#!/bin/sh\necho ::error::no >&2\n[ {code} -ge 0 ] || kill -9 $$\nexit {code}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(fake))
        answer = asking.ask("run", [], "Train", tmp_path / "log")
        assert answer.code == expected
        assert answer.complaints == ([f"thermo-run broke off with exit code {code}; see the log"] if code else [])


def test_what_is_installed_is_the_repository_of_the_action() -> None:
    """`install: true` means the folder with pyproject.toml, three levels above the action."""
    root: Path = _loaded("steps").ROOT
    assert root == FOLDER.parents[2]
    assert (FOLDER.parents[2] / "pyproject.toml").is_file()
