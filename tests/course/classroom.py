"""A course to grade in, and students who hand something in."""

import copy

import nbformat

import course
import plain
import release
import submissions
from rmsbook.exercises import find


def open_course(folder, lessons, every):
    """Write a course of these lessons, and let nbgrader release it."""
    course.write(lessons, plain.Book(every), folder)
    settings = folder / "nbgrader" / course.SETTINGS
    settings.write_text(settings.read_text().replace("CELL_SECONDS = 30", "CELL_SECONDS = 6"))
    release.release(folder / "nbgrader")
    return folder / "nbgrader"


def read(place, kind, sheet):
    """Return a notebook of the course: kind is source or release."""
    return nbformat.read(place / kind / sheet / f"{sheet}.ipynb", as_version=4)


def cell(notebook, name):
    """Return the cell with this grade_id."""
    return next(one for one in notebook.cells if submissions.grade_id(one) == name)


def perfect(place, sheet):
    """Return what the best student hands in: the release with the solutions as answers."""
    notebook, source = read(place, "release", sheet), read(place, "source", sheet)
    for one in notebook.cells:
        if one.metadata.get("nbgrader", {}).get("solution"):
            one.source = cell(source, submissions.grade_id(one)).source
    return notebook


def mutant(notebook, name, given):
    """Return a copy with the first usual mistake in place of an answer."""
    made = copy.deepcopy(notebook)
    assert find(name).task().mistakes
    cell(made, name).source = (
        "from rmsbook.exercises import find\n"
        f"{given} = next(iter(find({name!r}).task().mistakes.values()))"
    )
    return made


def hand_in(place, student, sheet, notebook, name=None):
    """Put a notebook, or any text, where a student's submission belongs."""
    path = place / "submitted" / student / sheet / (name or f"{sheet}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), "utf-8")
