"""The exercises of a chapter as an nbgrader assignment: a sheet.

A sheet holds what the exercises build on of the chapter's code, the exercises, a cell for each
answer and a test for each. The rest of the chapter is there to be read, and would only make grading
slow. nbgrader takes the solutions and the hidden tests out.
"""

from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

import editions
import plain
from lesson import Lesson, checked
from rmsbook.exercises import Exercise

SEED = "RMSBOOK_SEED"  # in the environment of a grading: the number the student was given
HEAD = """# Exercises: {title}

Write your answers into the cells that begin with dots, and keep the cells that test them.
A cell's `check` says whether an answer is right, or what kind of mistake it sees; it may be asked
as often as you like."""
SEED_CELL = """# The number your teacher gave you; None takes the numbers of the page.
# givens("ex-…", seed) returns what differs from the text.
seed = None"""
IMPORTS = "from rmsbook.exercises import check, givens"
IMPORTED = {"check", "givens"}
OWN_NUMBERS = """import os

own = os.environ.get({seed!r})
assert own in (None, str(seed)), "these are another student's numbers\""""
OWN_FUNCTION = """maker = str(getattr({answer}, "__module__", ""))
assert not maker.startswith("rmsbook.exercises"), "this function is the book's"
assert judge({name!r}, {answer}).right, "asked once more, the function answers something else\""""


def sheet(one: Lesson, book: plain.Book) -> NotebookNode:
    """Return a chapter's exercises as nbgrader's source notebook."""
    return editions.notebook(_cells(one, book))


def _cells(one: Lesson, book: plain.Book) -> Iterator[NotebookNode]:
    yield new_markdown_cell(HEAD.format(title=one.title))
    yield marked(IMPORTS, "imports", locked=True)
    if any(exercise.has_variants for exercise in one.exercises):
        yield marked(SEED_CELL, "seed", solution=True)
    for number, part in enumerate(one.needed(IMPORTED)):
        yield marked(part.source, f"chapter-{number}", locked=True)
    for exercise in one.exercises:
        for part in one.of(exercise.name, solution=False):
            if not part.is_attempt:
                yield from editions.cells(part, one, book, with_outputs=False)
        yield marked(answer(one, exercise), exercise.name, solution=True)
        yield marked(
            test(one, exercise), test_id(exercise), points=exercise.points, grade=True, locked=True
        )


def test_id(exercise: Exercise) -> str:
    """Return the grade_id of an exercise's test."""
    return f"test-{exercise.name}"


def marked(source: str, grade_id: str, **what) -> NotebookNode:
    """Return a code cell that nbgrader knows."""
    known = {"grade": False, "solution": False, "locked": False, "task": False}
    known |= {"schema_version": 3, "cell_type": "code", "grade_id": grade_id, **what}
    return new_code_cell(source, metadata={"nbgrader": known})


def answer(one: Lesson, exercise: Exercise) -> str:
    """Return the attempt, with the solution between nbgrader's marks, and the check."""
    attempt, solution = one.attempt(exercise.name), one.solution(exercise.name)
    before, check, after = attempt.rpartition("check(")
    if exercise.has_variants:
        after = after.rstrip().removesuffix(")") + ", seed)"
    return "\n".join(
        [
            before.strip("\n"),
            "### BEGIN SOLUTION",
            solution,
            f"{checked(attempt)} = {checked(solution)}",
            "### END SOLUTION",
            check + after,
        ]
    )


def test(one: Lesson, exercise: Exercise) -> str:
    """Return the test of an exercise: open for all to see, and hidden."""
    given = checked(one.attempt(exercise.name))
    seed = ", seed" * exercise.has_variants
    verdict = "verdict_" + exercise.name.replace("-", "_")  # no answer has such a name
    lines = [
        "from rmsbook.exercises import judge",
        "",
        f'{verdict} = judge("{exercise.name}", {given}{seed})',
        f"assert {verdict}.right, {verdict}.message",
    ]
    hidden = hidden_test(exercise, given)
    if hidden:
        lines += ["### BEGIN HIDDEN TESTS", hidden, "### END HIDDEN TESTS"]
    return "\n".join(lines)


def hidden_test(exercise: Exercise, given: str) -> str:
    """Return what a student's own run does not ask: whose numbers, whose function."""
    hidden = [OWN_NUMBERS.format(seed=SEED)] if exercise.has_variants else []
    if callable(exercise.task().right):
        hidden.append(OWN_FUNCTION.format(name=exercise.name, answer=given))
    return "\n".join(hidden)
