"""The measures of a house: how large a checkout's code is, and how far the kinds of system are known in it.

    python tests/benchmarks/house.py [ROOT ...] [--sites] [--names]

Prints a Markdown table with a column for each ROOT, so that before and after stand side by side. Only `thermo_cli` under ROOT
is read, nothing of it is imported.

A branch site is a line outside `kinds/` on which the code asks of what kind a system is, one site however often it asks there:

- a comparison that mentions `.family`, `ESTIMATOR`, `LEARNERS` or `STACKED`; that has `dynamics` or `recorded`, as a name or an
  attribute, on one side and None on the other; or that holds `use`, `kind`, `name` or `family`, as a name or an attribute,
  against the name of a kind or of a built-in system (`== "command"`, `in ("command", "recorded")`);
- `isinstance` or `issubclass` of `CommandSystem`, `RecordedSystem`, `NamedSystem`, `FitDynamics`, `ProcessDynamics`, or of a
  class whose name ends in `Kind`;
- `.learns` or `.stacks` as a condition: of if, while, a ternary or a comprehension, below and, or, not, or in a comparison;
- a `match` whose subject mentions `.family`, or whose patterns have one of those classes or names.

What an assert says is no branch, and a flag that is handed on is none. A first phase's own `first.dynamics` is no kind. At
commit 85a0961 this rule finds 87 sites.

Files name a kind where an identifier, or a string without a space, matches its pattern in `KINDS`; comments and docstrings do
not count, and a word of two meanings (the `command` of a command line) counts although it is another one. A docstring is any
bare string, so that the sentences below fields are docstrings too.
"""

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

PACKAGE: Final = "thermo_cli"
WING: Final = "kinds"
LONG_FILE, LONG_FUNCTION, MANY_PARAMETERS = 250, 50, 6
ASKED: Final = frozenset({"ESTIMATOR", "LEARNERS", "STACKED"})
FLAGS: Final = frozenset({"learns", "stacks"})
ABSENT: Final = frozenset({"dynamics", "recorded"})
LABELS: Final = frozenset({"use", "kind", "name", "family"})
CLASSES: Final = frozenset({"CommandSystem", "RecordedSystem", "NamedSystem", "FitDynamics", "ProcessDynamics"})
SYSTEMS: Final = frozenset({
    "networks", "estimators", "scripts", "physical", "recorded",
    "command", "mlp", "linear", "cnn", "transformer", "harmonic", "double_well", "random_energy", "autoregressive",
})  # fmt: skip
KINDS: Final = {
    "networks": r"mlp|cnn|transformer|networks|(Mlp|Cnn|Transformer|Linear)(System|Arguments)|StackedSystem|stacks|STACKED",
    "estimators": r"\w*(estimators?|ESTIMATOR|sklearn)\w*|Fit(Dynamics|Arguments)|fit_(shard|replica)|fitting",
    "scripts": r"command|Command|(Command|Process)(System|Dynamics|Arguments)|_?command_\w+|scripts?|\w+_script",
    "recorded": r"_?recorded|_?Recorded\w*|\w+_recorded\w*",
    "physical": (
        r"harmonic|double_well|random_energy|autoregressive|langevin|metropolis|recursion|walks?|physical|\w*_particles"
        r"|(Harmonic|DoubleWell|RandomEnergy|Autoregressive|Langevin|Metropolis|Recursion)(System|Arguments|Dynamics)?"
    ),
}
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Site:
    """A line on which the code asks of what kind a system is.

    Attributes:
        file: Relative to the package.
        line: Its number.
        text: What is asked there.
    """

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Import:
    """One imported module or name of the package.

    Attributes:
        target: Dotted name.
        late: Whether it stands in a function.
        typing: Whether only a type checker follows it.
    """

    target: str
    late: bool
    typing: bool


class Source:
    """One file of the package, parsed."""

    def __init__(self, path: Path, package: Path) -> None:
        self.file = path.relative_to(package).as_posix()
        self.stem, self.room = path.stem, path.parent.relative_to(package).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        parts = [PACKAGE, *path.relative_to(package).with_suffix("").parts]
        self.is_package = parts[-1] == "__init__"
        self.module = ".".join(parts[:-1] if self.is_package else parts)

    @property
    def outside(self) -> bool:
        """Whether it is outside `kinds/`."""
        return WING not in Path(self.file).parts

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """All tokens."""
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods, nested ones too."""
        return [node for node in self.nodes if isinstance(node, FUNCTIONS)]

    @cached_property
    def docstrings(self) -> set[tuple[int, int]]:
        """Where bare strings begin, (line, column)."""
        return {(node.value.lineno, node.value.col_offset) for node in self.nodes if _bare(node)}  # type: ignore[attr-defined]

    @cached_property
    def code(self) -> list[tokenize.TokenInfo]:
        """Tokens without comments, docstrings and layout."""
        layout = (
            tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
        )  # fmt: skip
        return [token for token in self.tokens if token.type not in layout and token.start not in self.docstrings]

    @property
    def code_lines(self) -> int:
        """Lines that hold code."""
        return len({line for token in self.code for line in range(token.start[0], token.end[0] + 1)})

    @cached_property
    def words(self) -> set[str]:
        """Identifiers, and strings without a space."""
        names = {token.string for token in self.code if token.type == tokenize.NAME}
        strings = {token.string.strip("rbfRBF\"'") for token in self.code if token.type == tokenize.STRING}
        return names | {word for word in strings if word and not re.search(r"\s", word)}

    @property
    def skips(self) -> int:
        """Comments that keep the formatter away."""
        return sum(token.type == tokenize.COMMENT and "fmt: skip" in token.string for token in self.tokens)

    @property
    def classes(self) -> list[str]:
        """Names of the classes at module level."""
        return [node.name for node in self.tree.body if isinstance(node, ast.ClassDef)]

    @cached_property
    def imports(self) -> list[Import]:
        """What it imports of the package."""
        return list(self._imports(self.tree, late=False, typing=False))

    @property
    def late_statements(self) -> int:
        """Import statements in functions, of any package."""
        inside = {node for function in self.functions for node in ast.walk(function)}
        return sum(isinstance(node, ast.Import | ast.ImportFrom) for node in inside)

    def _imports(self, node: ast.AST, *, late: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                targets = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                base = self._base(child)
                targets = [f"{base}.{alias.name}" for alias in child.names]
            else:
                checked = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                yield from self._imports(child, late=late or isinstance(child, FUNCTIONS), typing=typing or checked)
                continue
            for target in targets:
                if target.partition(".")[0] == PACKAGE:
                    yield Import(target, late, typing)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        own = self.module.split(".")
        kept = own[: len(own) - node.level + self.is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])


class House:
    """All files of a checkout's package.

    Args:
        root: The checkout.
    """

    def __init__(self, root: Path) -> None:
        package = root / PACKAGE
        if not package.is_dir():
            raise SystemExit(f"{root} is no checkout: it has no {PACKAGE}/")
        self.sources = [Source(path, package) for path in sorted(package.rglob("*.py"))]

    @cached_property
    def sites(self) -> list[Site]:
        """Branch sites outside `kinds/`."""
        return [site for source in self.sources if source.outside for site in sites_of(source)]

    def knowing(self, kind: str) -> list[str]:
        """Return the files outside `kinds/` that name a kind.

        Args:
            kind: A key of `KINDS`.
        """
        pattern = re.compile(KINDS[kind])
        return [
            source.file
            for source in self.sources
            if source.outside and any(map(pattern.fullmatch, _parts(source.words)))
        ]

    def graph(self, *, late: bool) -> Graph:
        """Return which module imports which.

        Args:
            late: Also imports in functions, and those that only a type checker follows.
        """
        known = {source.module for source in self.sources}
        edges: dict[str, set[str]] = {module: set() for module in known}
        for source in self.sources:
            for one in source.imports:
                if late or not (one.late or one.typing):
                    target = one.target if one.target in known else one.target.rpartition(".")[0]
                    edges[source.module] |= {target} & known - {source.module}
        return {module: frozenset(targets) for module, targets in edges.items()}

    @property
    def stems(self) -> dict[str, list[str]]:
        """Stems of files that occur in more than one room, with the rooms."""
        places = [(source.stem, source.room) for source in self.sources if not source.stem.startswith("__")]
        return _repeated(places)

    @property
    def classes(self) -> dict[str, list[str]]:
        """Names of classes that are defined more than once, with the files."""
        return _repeated([(name, source.file) for source in self.sources for name in source.classes])


def sites_of(source: Source) -> list[Site]:
    """Return the branch sites of a file, one for each line.

    Args:
        source: The file.
    """
    asserted = {id(node) for top in source.nodes if isinstance(top, ast.Assert) for node in ast.walk(top)}
    conditions = {id(node) for node in _conditions(source.nodes)}
    questions: dict[int, list[str]] = {}
    for node in source.nodes:
        if id(node) not in asserted and _asks(node, conditions):
            shown = node.subject if isinstance(node, ast.Match) else node
            questions.setdefault(node.lineno, []).append(ast.unparse(shown))  # type: ignore[attr-defined]
    return [Site(source.file, line, "; ".join(asked)) for line, asked in sorted(questions.items())]


def _asks(node: ast.AST, conditions: set[int]) -> bool:
    """Say whether a node asks of what kind a system is."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return (
            any(map(_mentions, sides))
            or (any(map(_is_none, sides)) and any(map(_may_be_absent, sides)))
            or (any(map(_names_system, sides)) and any(_word_of(side) in LABELS for side in sides))
        )
    if isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")
        return named and len(node.args) == 2 and any(map(_is_kind, ast.walk(node.args[1])))
    if isinstance(node, ast.Attribute):
        return node.attr in FLAGS and id(node) in conditions
    if isinstance(node, ast.Match):
        patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
        return _mentions(node.subject) or any(_is_kind(part) or _names_system(part) for part in patterns)
    return False


def _conditions(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is a condition as it stands."""
    for node in nodes:
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.BoolOp):
            yield from node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand
        elif isinstance(node, ast.Compare):
            yield from (node.left, *node.comparators)


def _mentions(node: ast.AST) -> bool:
    """Say whether a side of a comparison is, or contains, the family of a system."""
    parts = list(ast.walk(node))
    families = any(isinstance(part, ast.Attribute) and part.attr == "family" for part in parts)
    return families or any(isinstance(part, ast.Name) and part.id in ASKED for part in parts)


def _word_of(node: ast.AST) -> str:
    """Return the name or the last attribute that a node is, or nothing."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _may_be_absent(node: ast.AST) -> bool:
    first = isinstance(node, ast.Attribute) and _word_of(node.value) == "first"
    return _word_of(node) in ABSENT and not first


def _names_system(node: ast.AST) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(_names_system, node.elts))
    value = node.value if isinstance(node, ast.Constant | ast.MatchValue) else None
    return (isinstance(value, str) and value in SYSTEMS) or (isinstance(value, ast.Constant) and _names_system(value))


def _is_kind(node: ast.AST) -> bool:
    return _word_of(node) in CLASSES or _word_of(node).endswith("Kind")


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _bare(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _parts(words: set[str]) -> set[str]:
    """Return words, and the parts of those with dots or colons."""
    return words | {part for word in words for part in re.split(r"[.:]", word)}


def _repeated(places: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    where: dict[str, list[str]] = {}
    for name, place in places:
        where.setdefault(name, []).append(place)
    return {name: found for name, found in sorted(where.items()) if len(found) > 1}


def length(function: Function) -> int:
    """Return the lines of a function, from `def` to its end, without its docstring.

    Args:
        function: A node of the tree.
    """
    first = function.body[0]
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if _bare(first) else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def parameters(function: Function) -> int:
    """Return the number of a function's parameters, without `self` and `cls`.

    Args:
        function: A node of the tree.
    """
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args)]
    more = len(given.kwonlyargs) + (given.vararg is not None) + (given.kwarg is not None)
    return len(names) - (names[:1] in (["self"], ["cls"])) + more


def circles(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components of more than one module (R. Tarjan 1972), large ones first.

    Args:
        graph: Module to what it imports.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in number:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], number[target])
        if low[module] == number[module]:
            place = stack.index(module)
            if len(stack) - place > 1:
                found.append(sorted(stack[place:]))
            del stack[place:]

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return sorted(found, key=len, reverse=True)


def run_checks(house: House) -> int:
    """Return how often the code asks whether it has a run or a sweep, or a view of one.

    Args:
        house: A checkout.
    """
    calls = [node for source in house.sources for node in source.nodes if isinstance(node, ast.Call)]
    asked = [ast.unparse(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "isinstance"]
    return sum(re.search(r", \(?(\w+ \| )?(Run|Sweep|RunView|SweepView)\b", text) is not None for text in asked)


def sized(found: Sequence[Sequence[str]]) -> str:
    """Write how many circles there are, and how many modules are in each.

    Args:
        found: Circles.
    """
    return f"{len(found)}" + (f" (of {', '.join(str(len(circle)) for circle in found)})" if found else "")


def counted(files: Sequence[str]) -> str:
    """Write a number of files, and of the rooms that they are in; a file of the package's own is a room.

    Args:
        files: Relative to the package.
    """
    return f"{len(files)} in {len({file.partition('/')[0] for file in files})} rooms"


def measures() -> dict[str, Callable[[House], str]]:
    """Return what is measured, each by its title."""

    def total(count: Callable[[Source], int]) -> Callable[[House], str]:
        return lambda house: f"{sum(map(count, house.sources)):,}"

    rows: dict[str, Callable[[House], str]] = {
        "lines of code": total(lambda source: source.code_lines),
        "files": total(lambda source: 1),
        f"files over {LONG_FILE} lines": total(lambda source: len(source.text.splitlines()) > LONG_FILE),
        "functions": total(lambda source: len(source.functions)),
        f"functions over {LONG_FUNCTION} lines": total(
            lambda source: sum(length(one) > LONG_FUNCTION for one in source.functions)
        ),
        f"functions with more than {MANY_PARAMETERS} parameters": total(
            lambda source: sum(parameters(one) > MANY_PARAMETERS for one in source.functions)
        ),
        "branch sites on the kind": lambda house: (
            f"{len(house.sites)} in {len({one.file for one in house.sites})} files"
        ),
        "of them whether `dynamics` is None": lambda house: str(
            sum(re.search(r"\bdynamics is (not )?None", one.text) is not None for one in house.sites)
        ),
        "checks for a run or a sweep": lambda house: str(run_checks(house)),
    }
    for kind in KINDS:
        rows[f"files that name {kind}"] = lambda house, kind=kind: counted(house.knowing(kind))  # type: ignore[misc]
    return rows | {
        "`fmt: skip`": total(lambda source: source.skips),
        "late imports": total(lambda source: source.late_statements),
        "import circles": lambda house: sized(circles(house.graph(late=False))),
        "import circles, late and typing imports too": lambda house: sized(circles(house.graph(late=True))),
        "stems in more than one room": lambda house: str(len(house.stems)),
        "classes defined more than once": lambda house: str(len(house.classes)),
    }


def table(houses: Mapping[str, House]) -> str:
    """Write all measures of some checkouts as a Markdown table.

    Args:
        houses: Title to checkout.
    """
    lines = ["| | " + " | ".join(houses) + " |", "| --- |" + " ---: |" * len(houses)]
    for title, measure in measures().items():
        lines.append(f"| {title} | " + " | ".join(map(measure, houses.values())) + " |")
    return "\n".join(lines)


def named(house: House) -> str:
    """Write the names that are there twice, the circles, and which files know which kind.

    Args:
        house: A checkout.
    """
    lines = [f"stem {name}: {', '.join(rooms)}" for name, rooms in house.stems.items()]
    lines += [f"class {name}: {', '.join(files)}" for name, files in house.classes.items()]
    lines += [f"circle: {', '.join(circle)}" for circle in circles(house.graph(late=True))]
    return "\n".join([*lines, *(f"{kind}: {', '.join(house.knowing(kind))}" for kind in KINDS)])


def main() -> None:
    """Print the table, and what else is asked for."""
    parser = argparse.ArgumentParser(description="Measure the house of one or more checkouts.")
    here = Path(__file__).resolve().parents[2]
    parser.add_argument(
        "roots", nargs="*", type=Path, default=[here], metavar="ROOT", help="checkouts; this one if absent"
    )
    parser.add_argument("--sites", action="store_true", help="list the branch sites as file:line")
    parser.add_argument("--names", action="store_true", help="list names used twice, circles, and who names which kind")
    given = parser.parse_args()
    houses = {str(root): House(root) for root in given.roots}
    print(table(houses))
    for title, house in houses.items() if given.sites or given.names else ():
        print(f"\n{title}")
        if given.sites:
            print("\n".join(f"{PACKAGE}/{one.file}:{one.line}: {one.text}" for one in house.sites))
        if given.names:
            print(named(house))


if __name__ == "__main__":
    main()
