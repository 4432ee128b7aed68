"""A student's submission, looked at before nbgrader sees it.

What can be mended without touching an answer is mended, and said; for the rest there is a reason to
give the student. nbgrader itself stops the whole class at some of these, and at others gives a
grade that nobody notices is none.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

LARGEST = 300_000_000  # bytes of a notebook; one with 100 MB of output is still read
DELETED = "# The cell for this answer was deleted."


class RefusedError(Exception):
    """A submission cannot be graded; the text says why, for the student."""


@dataclass(frozen=True)
class Mended:
    """A notebook that nbgrader can grade, and what was done to it."""

    notebook: NotebookNode
    notes: list[str]


def take(folder: Path, release: NotebookNode) -> Mended:
    """Return what a student handed in for the sheet that the folder is named after.

    Raises
    ------
    RefusedError
        If there is no notebook of the sheet, or one that cannot be read.
    """
    path, notes = _choose(folder)
    mended = mend(_load(path), release)
    return Mended(mended.notebook, notes + mended.notes)


def _choose(folder: Path) -> tuple[Path, list[str]]:
    right = folder / f"{folder.name}.ipynb"
    found = sorted(folder.glob("*.ipynb"))
    others = ", ".join(path.name for path in found if path != right)
    if right in found:
        return right, [f"not looked at: {others}"] if others else []
    if len(found) == 1:
        return found[0], [f"{others} taken for {right.name}"]
    raise RefusedError(f"{right.name} is wanted; handed in: {others or 'no notebook'}")


def _load(path: Path) -> NotebookNode:
    if path.stat().st_size > LARGEST:
        raise RefusedError(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB: clear its outputs")
    try:
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    except (UnicodeDecodeError, json.JSONDecodeError, nbformat.reader.NotJSONError):
        raise RefusedError(f"{path.name} is no notebook: it is not JSON") from None
    except Exception as error:  # whatever else nbformat trips over
        raise RefusedError(f"{path.name} is no notebook: {error}") from None
    return notebook


def grade_id(cell: NotebookNode) -> str | None:
    """Return nbgrader's name of a cell, None where it has none."""
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")


def mend(submitted: NotebookNode, release: NotebookNode) -> Mended:
    """Bring a notebook into the form that nbgrader gave out; the answers stay as they are.

    Raises
    ------
    RefusedError
        If none of the sheet's cells is in it, or it is not a valid notebook.
    """
    wanted = {grade_id(cell): cell for cell in release.cells if grade_id(cell)}
    cells, notes = _collect(submitted.cells, wanted)
    _put_back(cells, wanted, notes)
    notebook = nbformat.from_dict({**release, "cells": cells})
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03}"
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise RefusedError(f"the notebook is damaged: {error.message}") from None
    return Mended(notebook, notes)


def _collect(cells: list, wanted: dict) -> tuple[list, list[str]]:
    """Return the submitted cells, each of the sheet's at most once, and what was done to them."""
    found, kept, notes = {}, [], []
    for cell in cells:
        name, source = grade_id(cell), _source(cell)
        if name not in wanted:
            kept.append(_own(cell, source))
        elif name not in found:
            found[name] = _restored(cell, source, wanted[name], notes)
            kept.append(found[name])
        elif wanted[name].metadata.nbgrader.solution:
            found[name].source += "\n" + source  # what splitting a cell has taken away
            notes.append(f"{name} was split: joined")
        else:
            notes.append(f"{name} stood there twice: the second left out")
    if not found:
        raise RefusedError("none of the sheet's cells is in it: it is another notebook")
    return kept, notes


def _source(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _own(cell: NotebookNode, source: str) -> NotebookNode:
    """Return a cell of the student's own, without outputs and without a name of nbgrader's."""
    if cell.get("cell_type") == "code":
        return new_code_cell(source)
    return nbformat.from_dict({"cell_type": "markdown", "metadata": {}, "source": source})


def _restored(cell, source: str, wanted: NotebookNode, notes: list[str]) -> NotebookNode:
    """Return a cell of the sheet as it was given out, with the student's answer in it."""
    name = grade_id(wanted)
    if cell.get("cell_type") != wanted.cell_type:
        notes.append(f"{name} had become {cell.get('cell_type')}: code again")
    if wanted.metadata.nbgrader.locked and source.strip() != wanted.source.strip():
        notes.append(f"{name} had been changed: put back")
    if wanted.metadata.nbgrader.locked:
        source = wanted.source
    return new_code_cell(source, metadata=wanted.metadata)


def _put_back(cells: list, wanted: dict, notes: list[str]) -> None:
    """Insert the sheet's missing cells.

    A test comes as late as the order allows: its answer may stand in a cell of the student's own.
    """
    names = list(wanted)
    for number, (name, cell) in enumerate(wanted.items()):
        if _position(cells, [name]) is not None:
            continue
        if cell.metadata.nbgrader.grade:
            after = _position(cells, names[number + 1 :])
            place = len(cells) if after is None else after
        else:
            place = 0 if not number else _position(cells, [names[number - 1]]) + 1
        source = DELETED if cell.metadata.nbgrader.solution else cell.source
        cells.insert(place, new_code_cell(source, metadata=cell.metadata))
        notes.append(f"{name} was missing: put back")


def _position(cells: list, names: list[str]) -> int | None:
    """Return where the first cell with one of these names stands."""
    return next((n for n, cell in enumerate(cells) if grade_id(cell) in names), None)
