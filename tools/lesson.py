"""A chapter taken apart for a class: its text, its code, its exercises, their solutions.

The parts come from the executed notebook, so that numbers and outputs are at hand.
"""

import ast
import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import nbformat

import chapters
from rmsbook.exercises import Exercise, find

GLUED = "application/papermill.record/text/plain"
PREFIX = {"primer": "P", "course": ""}  # the parts that are taught; before a chapter's number
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
MARK = re.compile(r"^```\{(exercise|solution)-(start|end)\}(.*?)^```[ \t]*$", re.M | re.S)
LABEL = re.compile(r"ex-\w+-\d+")
PAGE_ONLY = "page-only"  # tag of a cell of a solution that a sheet leaves out
SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Part:
    """A piece of a chapter: text or a code cell, and the exercise that it belongs to, if any."""

    kind: str  # title (of an exercise), text or code
    source: str
    exercise: str | None = None
    in_solution: bool = False
    metadata: dict = field(default_factory=dict)
    outputs: list = field(default_factory=list)

    @property
    def tags(self) -> set[str]:
        """The cell's tags."""
        return set(self.metadata.get("tags", []))

    @property
    def is_attempt(self) -> bool:
        """Whether this is the cell to fill in."""
        return "attempt" in self.tags


@dataclass(frozen=True)
class Lesson:
    """A chapter with its parts in order."""

    path: Path
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """What its files in the course are called: primer-03-algorithm."""
        return f"{self.path.parent.name}-{self.path.stem}"

    @cached_property
    def title(self) -> str:
        """The chapter's heading."""
        return re.search(r"^# (.+)$", self.parts[0].source, re.M)[1]

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        """The exercises, as the checks know them."""
        return tuple(find(part.exercise) for part in self.parts if part.kind == "title")

    @cached_property
    def glued(self) -> dict[str, object]:
        """The numbers that the text takes from the cells, by name."""
        found = {}
        for output in (output for part in self.parts for output in part.outputs):
            if GLUED in output.get("data", {}):
                name = output.metadata["scrapbook"]["name"]
                found[name] = _value(output.data[GLUED])
        return found

    def of(self, exercise: str, *, solution: bool) -> list[Part]:
        """Return the parts of an exercise, or those of its solution."""
        return [
            part
            for part in self.parts
            if part.exercise == exercise and part.in_solution == solution
        ]

    def attempt(self, exercise: str) -> str:
        """Return the code of the cell to fill in."""
        for part in self.of(exercise, solution=False):
            if part.is_attempt:
                return part.source
        raise ValueError(
            f"{exercise} has no cell to fill in, tagged attempt, in {self.path.stem}.ipynb: "
            "run `make notebooks` if the chapter has one"
        )

    def solution(self, exercise: str) -> str:
        """Return the solution's code, all its cells in one, without what needs the page's runs."""
        parts = [part for part in self.of(exercise, solution=True) if PAGE_ONLY not in part.tags]
        return "\n\n".join(part.source.strip() for part in parts if part.kind == "code")

    def needed(self, imported: set[str]) -> list[Part]:
        """Return the code cells before the exercises that these and their solutions build on.

        What makes a name that is ``imported`` anyway is left out.
        """
        first = next(n for n, part in enumerate(self.parts) if part.exercise)
        names: set[str] = set()
        exercises = [part for part in self.parts[first:] if PAGE_ONLY not in part.tags]
        for part in reversed([part for part in exercises if part.kind == "code"]):
            names = (names - given(part.source)) | taken(part.source)
        while True:  # a function may need what a cell after its own makes
            found = self._makers(names - imported, first, imported)
            later = {name for part in found for name in taken_later(part.source)}
            if later <= names:
                return found
            names |= later

    def borrowed(self) -> list[str]:
        """Return what solutions take from other exercises: a student may have it wrong, or not.

        An exercise that is wrong would then cost the points of another.
        """
        codes = {
            one.name: [self.attempt(one.name), self.solution(one.name)] for one in self.exercises
        }
        makes = {name: set().union(*map(given, own)) for name, own in codes.items()}
        first = next(n for n, part in enumerate(self.parts) if part.exercise)
        page = [part.source for part in self.parts[:first] if part.kind == "code"]
        stands = set().union(*map(given, page))
        found = []
        for name, (_, solution) in codes.items():
            others = set().union(*(made for other, made in makes.items() if other != name))
            found += [
                f"{name} takes {taking}, which another exercise makes"
                for taking in sorted(taken(solution) & others - stands - makes[name])
            ]
        return found

    def _makers(self, names: set[str], first: int, imported: set[str]) -> list[Part]:
        """Return the code cells before a part that make names, or what these are made of."""
        found = []
        for part in reversed([part for part in self.parts[:first] if part.kind == "code"]):
            if names & given(part.source):
                names = (names - given(part.source)) | (taken(part.source) - imported)
                found.append(part)
        return found[::-1]


def _value(text: str) -> object:
    """Return what a cell glued, from how Python writes it; NumPy's numbers say so around them."""
    try:
        return ast.literal_eval(re.sub(r"^np\.\w+\((.*)\)$", r"\1", text))
    except (ValueError, SyntaxError):
        return text


def read(path: Path) -> Lesson:
    """Take a chapter apart."""
    paired = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    return Lesson(path, tuple(_parts(paired.cells)))


def lessons(root: Path) -> list[Lesson]:
    """Return the chapters of the book that are taught, primer and course, in order."""
    pages = chapters.chapters(root)
    return [read(page) for page in pages if page.parent.name in PREFIX]


def _parts(cells: Iterable) -> Iterable[Part]:
    here = Part("text", "")  # where we are: in an exercise, in a solution or in neither
    for cell in cells:
        if cell.cell_type == "code":
            more = {"metadata": dict(cell.metadata), "outputs": cell.outputs}
            yield replace(here, kind="code", source=cell.source, **more)
            continue
        begin = 0
        for mark in MARK.finditer(cell.source):
            yield from _text(here, cell.source[begin : mark.start()])
            begin = mark.end()
            what, side, rest = mark.groups()
            if (what, side) == ("exercise", "start"):
                here = replace(here, exercise=LABEL.search(rest)[0], in_solution=False)
                yield replace(here, kind="title", source=rest.split("\n")[0].strip())
            elif what == "solution":
                here = replace(
                    here,
                    exercise=LABEL.search(rest)[0] if side == "start" else None,
                    in_solution=side == "start",
                )
        yield from _text(here, cell.source[begin:])


def _text(here: Part, source: str) -> Iterable[Part]:
    if source.strip():
        yield replace(here, source=source.strip("\n"))


def checked(code: str) -> str:
    """Return what the last `check` of a cell looks at: the name or names of the answer."""
    calls = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "check"
    ]
    # a solution may check a variant too: the numbers of the page are those without a seed
    plain = [call for call in calls if len(call.args) == 2 and not call.keywords]
    if not plain:
        raise ValueError(f"no check without a seed in:\n{code}")
    return ast.unparse(plain[-1].args[1])


def given(code: str) -> set[str]:
    """Return the names that a cell makes or changes, for the cells after it."""
    found, nodes = set(), [ast.parse(code)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif not isinstance(node, SCOPES):
            found |= _made(node)
            nodes += ast.iter_child_nodes(node)
    return found


def taken(code: str) -> set[str]:
    """Return the names that a cell needs from those before it; rather one too many."""
    found: set[str] = set()
    made = set(dir(builtins))
    for statement in ast.parse(code).body:
        found |= _taken(statement) - made
        made |= given(ast.unparse(statement))
    return found


def taken_later(code: str) -> set[str]:
    """Return the names that a cell's functions need by the time that they are called."""
    functions = [
        node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return {name for one in functions for name in _taken(one)} - given(code) - set(dir(builtins))


def _taken(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads and does not make itself."""
    nodes = list(ast.walk(statement))
    local = {node.arg for node in nodes if isinstance(node, ast.arg)}
    loops = [node.target for node in nodes if isinstance(node, ast.For | ast.comprehension)]
    local |= {n.id for loop in loops for n in ast.walk(loop) if isinstance(n, ast.Name)}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        local |= {name for node in nodes for name in _made(node)}
    return {n.id for n in nodes if isinstance(n, ast.Name) and _is_read(n, statement)} - local


def _made(node: ast.AST) -> set[str]:
    """Return the names that this node itself makes."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(name.asname or name.name).split(".")[0] for name in node.names}
    return set()


def _is_read(name: ast.Name, statement: ast.stmt) -> bool:
    changed = isinstance(statement, ast.AugAssign) and name is statement.target
    return changed or isinstance(name.ctx, ast.Load)
