"""The README and the pages that it points to are true: their commands, options, specs and pictures exist."""

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from tests import experiments_index
from tests.conftest import ROOT, Command
from thermo_cli.placeholders import PLACEHOLDERS
from thermo_cli.spec import load_spec
from thermo_cli.spec.validation import validate
from thermo_cli.spec.yaml_source import parse

PAGES = (
    "README.md",
    "experiments/README.md",
    "results/README.md",
    ".github/actions/thermo/README.md",
    ".github/CONTRIBUTING.md",
)
README = (ROOT / "README.md").read_text()
EXPERIMENTS = (ROOT / "experiments" / "README.md").read_text()
LINK = re.compile(r"(?:\]\(|src(?:set)?=\")([^)\"]+)")


def test_the_front_door_is_one_page() -> None:
    """Whoever comes by decides in five minutes."""
    assert len(README.encode()) <= 12_000


@pytest.mark.parametrize("page", PAGES[:-1])  # contributors have pip, git and pytest too
def test_every_option_it_mentions_is_in_the_help(page: str, command: Command) -> None:
    """An option that is renamed must be renamed here too."""
    known = command("thermo-run", "--help").stdout + command("thermo-report", "--help").stdout
    text = (ROOT / page).read_text()
    commands = re.sub(r"```yaml.*?```", "", text, flags=re.DOTALL)  # workflows and scripts have options of their own
    for option in set(re.findall(r"(?<![\w-])--[a-z]+", commands)):
        assert option in known, option


def test_it_lists_every_placeholder(command: Command) -> None:
    """With its type, as the help does."""
    shown = " ".join(command("thermo-run", "--help").stdout.split())
    for name, one in PLACEHOLDERS.items():
        assert f"| `{{{name}}}` | {one.kind} | {one.meaning} |" in EXPERIMENTS
        assert f"{{{name}}} ({one.kind})" in shown


def test_the_specs_that_it_shows_are_valid() -> None:
    """All that begin with a name."""
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if block.startswith("name: ")]
    assert [validate(parse(block, "README.md")).name for block in blocks] == ["quickstart", "churn", "mine"]


def test_the_spec_it_shows_is_the_quickstart() -> None:
    """Comments and description aside."""
    (shown,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if block.startswith("name: quickstart")
    )
    spec = validate(parse(shown, "README.md"))
    assert spec.model_copy(update={"description": ""}) == load_spec(
        ROOT / "experiments" / "quickstart.yaml", ["description=''"]
    )


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_is_a_valid_spec(path: Path) -> None:
    """With the file's own name, a description, and margins for observables that exist in the plan."""
    spec = load_spec(path, [])
    assert spec.name == path.stem
    assert len(spec.description) > 20


def test_every_example_travels_with_the_package() -> None:
    """A wheel holds each of experiments/*.yaml, every other file that lies beside them, and the specs of the study."""
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "force-include"
    ]
    files = {path.name for path in (ROOT / "experiments").glob("*.*") if path.name != "README.md"}
    assert set(included) == {f"experiments/{name}" for name in (*files, "claims", "literature")}


@pytest.mark.parametrize("page", PAGES)
def test_files_it_points_to_exist(page: str) -> None:
    """Pictures and links within the repository, and the headings that links name."""
    for target in LINK.findall((ROOT / page).read_text()):
        name, _, heading = target.partition("#")
        place = (ROOT / page).parent / name if name else ROOT / page
        assert place.exists(), target
        titles = re.findall(r"^#+ (.*)$", place.read_text(), re.MULTILINE) if heading else []
        assert not heading or heading in [
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles
        ], target
    ElementTree.parse(ROOT / "results" / "reference" / "quickstart.svg")


def test_the_index_of_experiments_is_current() -> None:
    """Written by `python -m tests.experiments_index`."""
    assert experiments_index.index() in EXPERIMENTS


def test_the_first_command_is_what_ci_runs() -> None:
    """CI makes a fresh environment and runs the README's two commands."""
    script = (ROOT / ".ci" / "run").read_text()
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert "bash .ci/run" in str(workflow)
    for line in ("thermo-run experiments/quickstart.yaml", 'pip install --quiet ".[test]" && pytest'):
        assert line in script
        assert line.replace("--quiet ", "") in README
