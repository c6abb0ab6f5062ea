"""Specs from strangers run no code: modules that shadow, arguments that hide something, names that leave their package."""

import importlib.metadata
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sklearn.metrics
import torch
from sklearn.utils import all_estimators

from tests.conftest import ROOT, Command
from tests.kinds.scripts.toy import toy
from thermo_cli.data.columns import Column, encode
from thermo_cli.data.series import Series
from thermo_cli.errors import SpecError
from thermo_cli.isolation import leave_working_directory
from thermo_cli.kinds.estimators.pipeline import pipeline
from thermo_cli.revision import revision_of
from thermo_cli.spec.named import NamedSystem
from thermo_cli.trust import Trust, locate, locate_function, set_trust

BAYES = "sklearn.naive_bayes:GaussianNB"
SPEC = """\
name: stranger
data: {use: wine}
system: {use: "sklearn.naive_bayes:GaussianNB"}
dynamics: {use: fit}
ensemble: {replicas: 2, seed: 1, subsample: {fraction: 0.5}, controls: {same_bath: 0, twin: 0}}
"""
NETWORK = "data: {use: wine}\nname: own\nsystem: {use: 'nets:Net'}\ndynamics: {use: adam, batch_size: 16, steps: 4}\n"
TRACE = "from pathlib import Path\nPath('CODE_RAN').open('a').write(__name__ + ' ')\n"
SHADOW = "open('CODE_RAN', 'a').write(__name__ + ' ')\nraise ImportError('shadowed')\n"
# what Python itself imports under -m, before it begins with the module that was asked for
RUNPY = {"collections", "contextlib", "functools", "importlib", "keyword", "operator", "reprlib", "types", "warnings"}
OPTIONAL = {"pyarrow", "numba", "matplotlib", "IPython", "xarray", "pandas", "dask", "tensorboard", "mlxtend", "polars"}


def start(folder: Path, code: str, path: str = str(ROOT)) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, with PYTHONPATH."""
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    words = [sys.executable, *code.split()]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=200, check=False, env=environment)


@pytest.mark.parametrize("path", [str(ROOT), f":{ROOT}"], ids=["", "an empty entry in PYTHONPATH"])
def test_no_module_of_the_working_directory_is_imported(tmp_path: Path, path: str) -> None:
    """Not by the command, its workers, or their trackers, whatever its name: the standard library's, an installed package's."""
    names = {"loky", "multiprocessing", "numpy", "pickle", "random", "typing", "yaml"}
    if not path.startswith(":"):  # else Python itself begins with modules of the working directory
        names |= sys.stdlib_module_names | set(importlib.metadata.packages_distributions()) | OPTIONAL
    for name in names - RUNPY - {"thermo_cli", *sys.builtin_module_names}:
        (tmp_path / f"{name}.py").write_text(SHADOW)
    (tmp_path / "base.yaml").write_text(SPEC)
    done = start(tmp_path, "-m thermo_cli.cli.run base.yaml --workers 1", path)
    ran = tmp_path / "CODE_RAN"
    assert not ran.exists(), ran.read_text()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", ["", str(ROOT)])
def test_a_checkout_comes_after_what_is_installed(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This package may come from the working directory; what PYTHONPATH names stays where it is."""
    library = str(Path(os.__file__).parent)
    monkeypatch.chdir(ROOT)
    for named, expected in (("", [library, "/installed", str(ROOT)]), (".", [str(ROOT), library, "/installed"])):
        monkeypatch.setenv("PYTHONPATH", named)
        monkeypatch.setattr(sys, "path", [first, library, "/installed"])
        leave_working_directory()
        assert sys.path == expected


REHEARSED = 5  # starts: the first replica, once more alike, and once with each of three seeds changed


def test_a_script_finds_its_modules_beside_it(tmp_path: Path) -> None:
    """What keeps workers from the working directory is not handed on to the scripts that they start."""
    path = toy(tmp_path, ensemble={"replicas": 2, "seed": 3, "controls": {"same_bath": 0, "twin": 0}})
    script = tmp_path / "toy.py"
    script.write_text(f"import beside\n{script.read_text()}")
    (tmp_path / "beside.py").write_text(TRACE)
    done = start(tmp_path, f"-m thermo_cli.cli.run {path.name} --allow command --workers 1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "CODE_RAN").read_text() == "beside " * (2 + REHEARSED)


def repository(folder: Path) -> Callable[..., str]:
    """Make a repository with one commit, and return what asks git in it."""

    def git(*words: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout

    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("a")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    return git


def test_the_revision_is_told_apart_from_changes(tmp_path: Path) -> None:
    """As git itself says it: changed, staged and new files count, ignored ones do not; outside a repository there is none."""
    git = repository(tmp_path / "whole")
    (tmp_path / "whole" / "below").mkdir()
    clean = {"revision": git("rev-parse", "HEAD").strip(), "dirty": False}
    assert revision_of(tmp_path / "whole" / "below") == clean
    (tmp_path / "whole" / ".git" / "info" / "exclude").write_text("ignored\n")
    (tmp_path / "whole" / "ignored").touch()
    assert revision_of(tmp_path / "whole") == clean
    for change in ("file", "new"):
        (tmp_path / "whole" / change).write_text("b")
        assert revision_of(tmp_path / "whole") == clean | {"dirty": True}
        git("stash", "--quiet", "--include-untracked")
    assert revision_of(tmp_path) is None


def test_no_command_of_a_repository_is_run(tmp_path: Path) -> None:
    """Monitors, hooks, filters, and a folder that is a repository within another one."""
    git, ran = repository(tmp_path / "stranger"), tmp_path / "CODE_RAN"
    hook = tmp_path / "stranger" / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    for key in ("core.fsmonitor", "filter.f.clean", "filter.f.process"):
        git("config", key, f"touch {ran}; cat")
    (tmp_path / "stranger" / ".gitattributes").write_text("* filter=f\n")
    (tmp_path / "stranger" / "file").write_text("b")
    assert revision_of(tmp_path / "stranger") == {"revision": git("rev-parse", "HEAD").strip(), "dirty": True}
    assert not ran.exists()
    git("status")
    assert ran.exists(), "git itself runs them"
    ran.unlink()
    (tmp_path / "stranger" / ".git").rename(tmp_path / "stranger" / "bare")
    (tmp_path / "stranger" / "bare" / "config").write_text(
        f'[core]\nbare = false\nworktree = ..\nfsmonitor = "touch {ran}"\n'
    )
    revision_of(tmp_path / "stranger" / "bare")
    assert not ran.exists()


def test_files_compare_as_the_repository_says(tmp_path: Path) -> None:
    """Without modes, as on disks that have none; and with hashes of another kind."""
    git = repository(tmp_path / "modes")
    git("config", "core.fileMode", "false")
    (tmp_path / "modes" / "file").chmod(0o755)
    assert revision_of(tmp_path / "modes") == {"revision": git("rev-parse", "HEAD").strip(), "dirty": False}
    (tmp_path / "long").mkdir()
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256"], cwd=tmp_path / "long", check=True)
    git = repository(tmp_path / "long")
    assert revision_of(tmp_path / "long") == {"revision": git("rev-parse", "HEAD").strip(), "dirty": False}


@pytest.mark.parametrize("name", ["index", "info/exclude", "HEAD", "config"])
def test_a_repository_without_an_end_is_none(tmp_path: Path, name: str) -> None:
    """A part of it is a link to a device: nothing is read or written for ever."""
    repository(tmp_path / "stranger")
    place = tmp_path / "stranger" / ".git" / name
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to("/dev/zero")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, before[1]))  # a copy of it would be an error, or end this test
    try:
        found = revision_of(tmp_path / "stranger")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found is None or (name == "info/exclude" and found["dirty"] is False)


def test_local_modules_shadow_nothing(tmp_path: Path, command: Command) -> None:
    """With --allow local a module and its siblings are imported, and none of them stands for one that is installed."""
    net = "import random\nimport sibling\nfrom torch import nn\n\nclass Net(nn.Linear):\n"
    net += "    def __init__(self, inputs, outputs):\n        super().__init__(inputs, outputs)\n"
    (tmp_path / "nets.py").write_text(net)
    (tmp_path / "sibling.py").write_text("")
    for name in ("random", "yaml", "joblib", "numpy"):
        (tmp_path / f"{name}.py").write_text(TRACE)
    (tmp_path / "own.yaml").write_text(NETWORK)
    done = command("thermo-run", "own.yaml", "--allow", "local", "--plan")
    assert done.returncode == 0, done.stderr
    for name in ("random:Random", "numpy:Net"):
        done = command("thermo-run", "own.yaml", "--allow", "local", "--set", f"system.use='{name}'")
        assert "has the name of another one" in done.stderr
    assert not (tmp_path / "CODE_RAN").exists()


def test_each_spec_has_the_modules_beside_it(tmp_path: Path) -> None:
    """Two specs in one process whose modules have the same name."""
    for number in ("1", "2", "1"):
        (tmp_path / number).mkdir(exist_ok=True)
        (tmp_path / number / "of_one_name.py").write_text(f"number = '{number}'\n")
        set_trust(Trust(("local",), tmp_path / number))
        assert locate("of_one_name:number", "system.use") == number


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sklearn:os.symlink", "os"),
        ("sklearn:os", "os"),
        ("sklearn.datasets._base:os.system", "os"),
        ("sklearn.utils.validation:joblib.load", "joblib"),
        ("sklearn.datasets._lfw:Memory", "joblib"),
        ("sklearn.base:BaseEstimator.__init__.__globals__", "builtins"),
        ("sklearn.base:BaseEstimator.__subclasses__", "builtins"),
        ("torch:os.system", "os"),
        ("torch.serialization:pickle.load", "pickle"),
        ("torch.hub:urlopen", "urllib"),
        ("torch.nn:Module.__init__.__builtins__", "builtins"),
    ],
)
def test_names_stay_in_their_package(name: str, place: str) -> None:
    """Whatever a trusted package has imported is refused, even where the package itself is allowed."""
    for allowed in ((), ("sklearn", "torch")):
        set_trust(Trust(allowed, Path()))
        with pytest.raises(SpecError, match=f"leaves (sklearn|torch): it is of {place}"):
            locate(name, "system.use")


@pytest.mark.parametrize(
    "name", [":object", "sklearn", "sklearn:", "sklearn.svm:", "/etc/passwd:x", "..a:b", "a b:c", "a:b\nc"]
)
def test_names_are_modules_and_objects(name: str) -> None:
    """Those within arguments are no less looked at than those of the spec itself."""
    set_trust(Trust(("local",), Path()))
    with pytest.raises(SpecError, match="no module:object"):
        locate(name, "system.with.estimator.use")


def test_a_program_is_no_module_and_no_import_ends_the_process(tmp_path: Path) -> None:
    """Importing a program of a trusted package would run it; some modules leave with what is no Exception."""
    set_trust(Trust(("local",), tmp_path))
    for name in ("torch.utils.model_dump.__main__:main", "sklearn.tests.test_docstrings:x", "sklearn.conftest:x"):
        with pytest.raises(SpecError, match="this module is a program or a test"):
            locate(name, "system.use")
    (tmp_path / "skipping.py").write_text("class Skipped(BaseException): ...\nraise Skipped('not here')\n")
    with pytest.raises(SpecError, match="raises an error when it is imported"):
        locate("skipping:Net", "system.use")


def test_names_that_a_package_hands_on_are_its_own() -> None:
    """Every estimator and metric of scikit-learn, modules and optimizers of torch, functions written in C."""
    names = [f"{kind.__module__}:{name}" for name, kind in all_estimators()]
    names += [
        f"{module}:{name}" for module in ("torch.nn", "torch.optim") for name in vars(eval(module)).get("__all__", ())
    ]
    names += [f"sklearn.metrics:{name}" for name in sklearn.metrics.__all__ if name != "cluster"]
    names += ["torch.nn.functional:linear", "torch:add", "torch:nn.Linear", "torch:float32", "sklearn:metrics.f1_score"]
    assert len(names) > 300
    set_trust(Trust((), Path()))
    for name in names:
        if name.partition(":")[2] not in ("lr_scheduler", "swa_utils"):
            locate(name, "system.use")


READERS = (
    "fetch_openml",
    "fetch_20newsgroups",
    "load_files",
    "load_svmlight_file",
    "load_svmlight_files",
    "dump_svmlight_file",
)


@pytest.mark.parametrize(
    "name", ["torch:save", "torch.utils.cpp_extension:load", *(f"sklearn.datasets:{name}" for name in READERS)]
)
def test_functions_that_do_more_than_compute_are_not_run(name: str) -> None:
    """With the arguments of a spec `torch.save` writes any file, `load_files` reads any; the package can be allowed."""
    set_trust(Trust((), Path()))
    with pytest.raises(SpecError, match=r"--allow (torch|sklearn)"):
        locate_function(name, "dynamics.energy.terms.a.use")
    for harmless in ("sklearn.metrics:max_error", "sklearn.datasets:make_moons", "sklearn.datasets:load_iris"):
        assert callable(locate_function(harmless, "observe.macro"))
    set_trust(Trust(("torch", "sklearn"), Path()))
    assert callable(locate_function(name, "dynamics.energy.terms.a.use"))


def test_a_flag_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --allow command a package that is called so is a stranger's all the same."""
    (tmp_path / "command.py").write_text(TRACE)
    monkeypatch.syspath_prepend(tmp_path)
    set_trust(Trust(("command",), tmp_path / "elsewhere"))
    with pytest.raises(SpecError, match="runs no code of others"):
        locate("command:x", "system.use")


def search(grid: Any, **arguments: Any) -> dict[str, Any]:
    """Return the arguments of a search over a pipeline."""
    steps = [["agg", {"use": "sklearn.cluster:FeatureAgglomeration"}], ["clf", {"use": BAYES}]]
    return {
        "estimator": {"use": "sklearn.pipeline:Pipeline", "with": {"steps": steps}},
        "param_grid": grid,
        **arguments,
    }


def agglomeration(**arguments: Any) -> dict[str, Any]:
    """Return a step with arguments."""
    return {"use": "sklearn.cluster:FeatureAgglomeration", "with": arguments}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (search({"agg__memory": ["cache"]}), "param_grid.agg__memory", "pickles"),
    (search([{}, {"agg__memory": [None, "cache"]}]), "param_grid[1].agg__memory", "pickles"),
    (search({"agg": [None, agglomeration(memory="cache")]}), "param_grid.agg[1].with.memory", "pickles"),
    (search({"agg__n_clusters": [2]}, n_jobs=2), "n_jobs", "side by side"),
    (search({"clf__n_jobs": [1, 2]}), "param_grid.clf__n_jobs", "side by side"),
    (search({}, pre_dispatch="9**9**9"), "pre_dispatch", "side by side"),
    (search({"agg__estimator__random_state": [1]}), "param_grid.agg__estimator__random_state", "stream"),
    (
        {"estimator": {"use": "sklearn.pipeline:Pipeline", "with": {"steps": [["a", agglomeration(memory="c")]]}}},
        "estimator.with.steps[0][1].with.memory",
        "pickles",
    ),
    (
        {"estimator": {"use": "sklearn.ensemble:BaggingClassifier", "with": {"estimator": {"use": "os:system"}}}},
        "estimator.with.estimator.use",
        "--allow os",
    ),
    (
        search({"clf": [{"use": "sklearn.datasets:fetch_openml"}]}),
        "param_grid.clf[0].use",
        "without being allowed",
    ),
]


@pytest.mark.parametrize(("arguments", "place", "words"), REFUSED, ids=[place for _, place, _ in REFUSED])
def test_arguments_are_looked_through_at_any_depth(arguments: dict[str, Any], place: str, words: str) -> None:
    """In grids, lists, parts of parts, and names such as `step__memory`; the message names the place."""
    set_trust(Trust((), Path()))
    system = {"use": "sklearn.model_selection:GridSearchCV", "with": arguments}
    with pytest.raises(SpecError, match=words) as caught:
        pipeline(NamedSystem.model_validate(system), "classification", 1)
    assert caught.value.where == f"system.with.{place}"


def test_arguments_that_change_nothing_may_be_given() -> None:
    """One job, no cache; and grids of estimators are built."""
    set_trust(Trust((), Path()))
    arguments = search({"agg__memory": [None], "clf__n_jobs": [1], "clf": [{"use": BAYES}]}, n_jobs=1)
    system = NamedSystem.model_validate({"use": "sklearn.model_selection:GridSearchCV", "with": arguments})
    built = pipeline(system, "classification", 1).estimator
    assert type(built.param_grid["clf"][0]).__name__ == "GaussianNB"


@pytest.mark.parametrize(
    ("use", "arguments", "words"),
    [
        ("sklearn.cluster:FeatureAgglomeration", {"memory": "cache"}, "pickles"),
        ("sklearn.feature_extraction.text:CountVectorizer", {"input": "filename"}, "name files"),
        ("sklearn.compose:ColumnTransformer", {"transformers": [], "n_jobs": 2}, "side by side"),
    ],
)
def test_arguments_of_columns_are_looked_through(use: str, arguments: dict[str, Any], words: str) -> None:
    """What turns a column into features is an estimator, too."""
    set_trust(Trust((), Path()))
    column = Column(Series(["a", "b"], "table.csv", "c", [2, 3]), ((use, arguments),))
    with pytest.raises(SpecError, match=words):
        encode([column], torch.tensor([0]).numpy(), torch.tensor([1]).numpy(), 0)


class Payload:
    """Leaves a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('pathlib').Path('CODE_RAN').touch()",)


def test_a_planted_cache_is_not_read(tmp_path: Path, command: Command) -> None:
    """A spec that is shipped with a cache of pickles is refused, by the place of the argument, and nothing is unpickled."""
    folder = tmp_path / "cache" / "joblib" / "sklearn" / "cluster" / "_agglomerative" / "ward_tree" / "0"
    folder.mkdir(parents=True)
    (folder / "output.pkl").write_bytes(pickle.dumps(Payload()))
    spec = SPEC.replace(
        f'"{BAYES}"', f'"sklearn.model_selection:GridSearchCV", with: {search({"agg__memory": ["cache"]})}'
    )
    (tmp_path / "m.yaml").write_text(spec)
    done = command("thermo-run", "m.yaml")
    assert (done.returncode, "system.with.param_grid.agg__memory" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "CODE_RAN").exists()
