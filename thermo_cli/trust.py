"""What a spec may name beyond the built-ins, so that a stranger's spec runs no code by itself.

`use: module:object` is looked up only below `sklearn.` and `torch.`, and in places that the user allows with `--allow local`
(modules beside the spec and in the working directory) or `--allow PACKAGE`. What the user allows is the one setting of a
process, and is kept here.
"""

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from thermo_cli.blame import told
from thermo_cli.errors import SpecError
from thermo_cli.registry import nearest

FLAGS: Final = ("local", "command")  # of --allow, beside names of packages
TRUSTED: Final = ("sklearn", "torch")
NAME: Final = re.compile(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*(\.\w+)*")
HARMLESS: Final = re.compile(  # functions that compute, or read what comes with the package
    r"sklearn\.(datasets:make_|metrics(\.pairwise)?:|feature_selection:(?=f_|mutual_info_|chi2|r_regression))[a-z0-9_]+"
    r"|sklearn\.datasets:load_(breast_cancer|diabetes|digits|iris|linnerud|sample_images?|wine)"
)
PARTS: Final = ("torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer")
EXPERIMENTAL: Final = re.compile(r"sklearn\.experimental import (enable_\w+)")


@dataclass(frozen=True)
class Trust:
    """What a spec may import beyond the built-ins.

    Attributes:
        allowed: `local`, `command`, or names of packages.
        base: Folder of the spec.
    """

    allowed: tuple[str, ...]
    base: Path

    @property
    def places(self) -> tuple[Path, ...]:
        """Where local modules are looked for."""
        return (self.base.resolve(), Path.cwd())

    @property
    def packages(self) -> tuple[str, ...]:
        """Installed packages that the user allows."""
        return tuple(word for word in self.allowed if word not in FLAGS)


TESTS: Final = frozenset(("tests", "conftest"))

_TRUST = [Trust((), Path())]


def set_trust(trust: Trust) -> None:
    """Say what specs may import in this process: the user's word, when an experiment is prepared, or a worker's task.

    Args:
        trust: From the command line, or from Python.
    """
    _TRUST[0] = trust


def trust() -> Trust:
    """Return what specs may import in this process."""
    return _TRUST[0]


def locate(name: str, where: str) -> Any:
    """Import what `module:object` names, if that is allowed; nothing is imported before it is.

    Args:
        name: `module:object`; what leads from the module to the object stays in its package.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, leaves its package, or is not there.
    """
    if not NAME.fullmatch(name):
        raise SpecError(
            "this is no module:object",
            received=name,
            remedy="write both names, such as sklearn.preprocessing:OneHotEncoder",
            where=where,
        )
    module, _, attribute = name.partition(":")
    parts = module.split(".")
    if "__main__" in parts or (parts[0] in TRUSTED and not TESTS.isdisjoint(parts)):
        raise SpecError(
            "this module is a program or a test, which does things when it is imported",
            received=f"use: {name}",
            remedy="name the module that has what you want",
            where=where,
        )
    package, local = module.partition(".")[0], local_file(module)
    if local is not None and "local" in trust().allowed:
        part, home = _import_local(module, local, where), None
    elif package in (*TRUSTED, *trust().packages):
        part, home = _import(module, where), package
    else:
        flag = "local" if local is not None else package
        raise SpecError(
            "a spec runs no code of others by itself",
            received=f"use: {name}",
            remedy=f"if you trust it: --allow {flag}",
            where=where,
        )
    _check_home(part, home, name, where)
    for word in attribute.split("."):
        if not _holds(part, word, where):
            guess = nearest(word, [other for other in dir(part) if not other.startswith("_")])
            hint = f"did you mean {guess!r}?" if guess else "look for its name in the module"
            raise SpecError(f"{module} has no {word}", received=f"use: {name}", remedy=hint, where=where)
        part = getattr(part, word)
        _check_home(part, home, name, where)
    return part


def locate_function(name: str, where: str) -> Callable[..., Any]:
    """Import the function that `module:function` names; of the trusted packages only those that do nothing but compute.

    Args:
        name: `module:function`.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, not there, or no function.
    """
    package = name.partition(":")[0].partition(".")[0]
    function = locate(name, where)
    if package in TRUSTED and package not in trust().packages and not HARMLESS.fullmatch(name):
        raise SpecError(
            "of this package, only models, sklearn.metrics, scores of sklearn.feature_selection, and of sklearn.datasets "
            "make_* and the sets that come with it are run without being allowed",
            received=f"use: {name}",
            remedy=f"if you trust it: --allow {package}",
            where=where,
        )
    if not callable(function):
        raise SpecError(
            "this is no function", received=f"{name}: {type(function).__name__}", remedy="name one", where=where
        )
    return function  # type: ignore[no-any-return]


def locate_part(name: str, where: str) -> Any:
    """Import the class or function that an argument names; of the trusted packages only parts of models and what computes.

    Args:
        name: `module:object`.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, not there, or neither a class nor a function.
    """
    package, part = name.partition(":")[0].partition(".")[0], locate(name, where)
    if isinstance(part, type) and (package not in TRUSTED or package in trust().packages or _is_part(part)):
        return part
    return locate_function(name, where)


def names_part(text: str) -> bool:
    """Say whether a text among arguments is the name of a class or function, and not a word of its own (`binary:logistic`).

    Args:
        text: As in the spec.
    """
    if not NAME.fullmatch(text):
        return False
    module = text.partition(":")[0]
    package = module.partition(".")[0]
    if local_file(module) is not None or package in (*TRUSTED, *trust().packages):
        return True
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _is_part(kind: type) -> bool:
    """Say whether a class is an estimator, a kernel, a rule of cross-validation, a torch module or an optimizer."""
    bases = {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}
    return hasattr(kind, "get_params") or hasattr(kind, "get_n_splits") or not bases.isdisjoint(PARTS)


def locate_class(name: str, base: type, what: str, where: str) -> Any:
    """Import the class that `module:Class` names.

    Args:
        name: `module:Class`.
        base: What it inherits from.
        what: Is wanted, for messages.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, not there, or no such class.
    """
    kind = locate(name, where)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise SpecError(
            f"this is no {what}",
            received=f"{name}: {type(kind).__name__}",
            remedy=f"name a class that inherits from {base.__module__}.{base.__qualname__}",
            where=where,
        )
    return kind


def _holds(part: Any, word: str, where: str) -> bool:
    """Say whether a module or class has a name; what scikit-learn calls experimental is enabled, since it was asked for."""
    try:
        return hasattr(part, word)
    except ImportError as error:
        enabling = EXPERIMENTAL.search(str(error))
        if enabling is None or getattr(part, "__name__", "").partition(".")[0] != "sklearn":
            raise SpecError(
                f"{word} cannot be imported", received=str(error), remedy="install what it needs", where=where
            ) from error
    _import(f"sklearn.experimental.{enabling[1]}", where)
    return hasattr(part, word)


def _check_home(part: Any, home: str | None, name: str, where: str) -> None:
    """Refuse what is neither a module of a package nor defined in it: packages hold `os` and the like."""
    own = part.__name__ if isinstance(part, ModuleType) else getattr(part, "__module__", None)
    place = own or type(part).__module__
    if home is not None and not f"{place}.".startswith(f"{home}."):
        raise SpecError(
            f"this leaves {home}: it is of {place}",
            received=f"use: {name}",
            remedy="name the object where it is defined",
            where=where,
        )


def code_fingerprint(name: str) -> str:
    """Return the hash of a local module's file: other code is another run. Empty for packages, whose versions are recorded.

    Args:
        name: `module:object`.
    """
    local = local_file(name.partition(":")[0])
    return hashlib.sha256(local.read_bytes()).hexdigest() if local is not None and "local" in trust().allowed else ""


def local_file(module: str) -> Path | None:
    """Return the file of a module beside the spec or in the working directory, or None.

    Args:
        module: Its dotted name.
    """
    for place in trust().places:
        path = place.joinpath(*module.split("."))
        for file in (path.parent / f"{path.name}.py", path / "__init__.py"):
            if file.is_file():
                return file
    return None


_imported: dict[str, str] = {}  # local module to the hash of its file when it was imported


def _import_local(module: str, file: Path, where: str) -> Any:
    """Import a module beside the spec; its folder comes last, so that nothing in it stands for what is installed."""
    root, top = file.parents[module.count(".") + (file.name == "__init__.py")], module.partition(".")[0]
    added, kept = str(root) not in sys.path, sys.dont_write_bytecode
    sys.path += [str(root)] * added
    sys.dont_write_bytecode = True  # compiled code is told from its source by whole seconds
    try:
        _refuse_namesake(top, root, where)
        loaded, content = sys.modules.get(module), hashlib.sha256(file.read_bytes()).hexdigest()
        known = _imported.get(module, content)
        if loaded is not None and (
            loaded.__file__ != str(file) or known != content
        ):  # beside another spec, or edited since
            for name in [name for name in sys.modules if name.partition(".")[0] == top]:
                del sys.modules[name]
                _imported.pop(name, None)
            importlib.invalidate_caches()
        found = _import(module, where)
        _imported.setdefault(module, content)
        return found
    finally:
        sys.dont_write_bytecode = kept
        if added:
            sys.path.remove(str(root))


def _refuse_namesake(top: str, root: Path, where: str) -> None:
    """Refuse a module beside the spec that is called as one of the standard library, or as one that is installed."""
    spec = PathFinder.find_spec(top)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
    if top in sys.stdlib_module_names or not any(
        place and Path(place).resolve().is_relative_to(root.resolve()) for place in places
    ):
        raise SpecError(
            "a module beside the spec has the name of another one",
            received=f"{top} in {root}",
            remedy="rename it",
            where=where,
        )


def _import(module: str, where: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SpecError(
            "this module cannot be imported",
            received=f"{module}: {told(error)}",
            remedy="correct its name, or install it",
            where=where,
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever code of others leaves with: SystemExit, pytest's skips
        raise SpecError(
            "this module raises an error when it is imported",
            received=f"{module}: {told(error)}",
            remedy="mend it",
            where=where,
        ) from error
