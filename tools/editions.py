"""A chapter as a notebook for students, and as one for instructors.

The student's has empty cells in place of answers, and neither solutions nor outputs. The
instructor's has both, and for each exercise what it takes, what goes wrong, and what it is worth.
"""

from collections.abc import Iterator

import nbformat
import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import lesson
import plain
from lesson import Lesson, Part
from rmsbook.exercises import Exercise

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(cells: Iterator[NotebookNode]) -> NotebookNode:
    """Return cells as a notebook whose cells' ids are the same each time."""
    made = new_notebook(cells=list(cells), metadata={"kernelspec": KERNEL})
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number:03}"
    nbformat.validate(made)
    return made


def for_students(one: Lesson, book: plain.Book) -> NotebookNode:
    """Return a chapter with its exercises open."""
    return notebook(
        cell
        for part in one.parts
        if not part.in_solution
        for cell in cells(part, one, book, with_outputs=False)
    )


def for_instructors(one: Lesson, book: plain.Book) -> NotebookNode:
    """Return a chapter with solutions, outputs, and what a teacher wants to know."""
    return notebook(_with_notes(one, book))


def _with_notes(one: Lesson, book: plain.Book) -> Iterator[NotebookNode]:
    last = {part.exercise: part for part in one.parts if part.in_solution}
    notes = {exercise.name: exercise for exercise in one.exercises}
    before = None
    for part in one.parts:
        if part.in_solution and not (before and before.in_solution):
            yield new_markdown_cell(f"#### Solution {plain.exercise_number(part.exercise)}")
        yield from cells(part, one, book, with_outputs=True)
        if part is last.get(part.exercise):
            yield new_markdown_cell(note(notes[part.exercise]))
        before = part


def cells(part: Part, one: Lesson, book: plain.Book, *, with_outputs: bool) -> Iterator:
    """Yield the cells of a part; under a figure stands its caption."""
    if part.kind == "title":
        yield new_markdown_cell(
            f"### Exercise {plain.exercise_number(part.exercise)}: {book.text(part.source, one)}"
        )
    elif part.kind == "text":
        yield new_markdown_cell(book.text(part.source, one))
    else:
        outputs = part.outputs if with_outputs else []
        metadata = {"tags": sorted(part.tags)} if part.tags else {}
        if part.tags & lesson.HIDDEN:
            metadata["jupyter"] = {"source_hidden": True}
        yield new_code_cell(part.source, metadata=metadata, outputs=outputs)
        caption = book.caption(part, one)
        if caption:
            yield new_markdown_cell(caption)


def note(exercise: Exercise) -> str:
    """Return what a teacher wants to know of an exercise."""
    variants = f" Variants: `givens({exercise.name!r}, seed=…)`." if exercise.has_variants else ""
    rows = [
        f"| {cell(said)} | {cell(short(wrong))} |"
        for said, wrong in exercise.task().mistakes.items()
    ]
    return "\n".join(
        [
            f"**For the teacher: {exercise.name}.** Wanted: {exercise.wants}. "
            f"{exercise.minutes} minutes, {points(exercise.points)}.{variants}",
            "",
            "| what the check says | the wrong answer behind it |",
            "|---|---|",
            *rows,
            "",
            "| points | for |",
            "|---|---|",
            f"| {exercise.points} | the check says right |",
            f"| {exercise.points / 2:g} | a mistake of the table, and the way there in writing |",
            "| 0 | anything else |",
        ]
    )


def points(number: float) -> str:
    """Return a number of points in words."""
    return f"{number:g} point" + "s" * (number != 1)


def cell(text: str) -> str:
    """Return text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def short(answer: object) -> str:
    """Return an answer as a table has room for it."""
    if callable(answer):
        name = getattr(answer, "__name__", "")
        return f"`{name}`" if name.isidentifier() else "a function"
    if isinstance(answer, str):
        return answer
    try:
        text = np.array2string(np.asarray(answer, float), precision=4, threshold=6)
    except (TypeError, ValueError):
        text = repr(answer)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def overview(lessons: list[Lesson]) -> str:
    """Return the table of all exercises, for planning."""
    rows = []
    for one in lessons:
        for exercise in one.exercises:
            rows.append(
                f"| {exercise.name} | {cell(one.title)} | {cell(exercise.wants)} "
                f"| {exercise.minutes} | {exercise.points} "
                f"| {'yes' if exercise.has_variants else 'no'} | {len(exercise.task().mistakes)} |"
            )
    head = "| exercise | chapter | wanted | minutes | points | variants | mistakes it names |"
    return "\n".join(["# The exercises", "", head, "|---" * 7 + "|", *rows, ""])


def mistakes(lessons: list[Lesson]) -> str:
    """Return the table exercises × mistakes."""
    rows = [
        f"| {exercise.name} | {cell(said)} | {cell(short(wrong))} |"
        for one in lessons
        for exercise in one.exercises
        for said, wrong in exercise.task().mistakes.items()
    ]
    head = ["# What students get wrong", "", "| exercise | what the check says | wrong answer |"]
    return "\n".join([*head, "|---|---|---|", *rows, ""])
