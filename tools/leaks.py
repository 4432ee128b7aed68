"""What of a solution stands in a student's file, where it must not.

A solution gives itself away by its lines of code and by its numbers: those that stand nowhere else
in the chapter.
"""

import json
import re
from collections.abc import Iterable

import numpy as np

from lesson import Lesson, Part

SHORTEST = 12  # characters of a line of code that tells something
# Three digits or more that mean something: fewer stand everywhere.
NUMBER = re.compile(r"(?<![\w.])(?:\d+\.\d{2,}|\.\d{3,})(?!\w|\.\d)")
GLUED = "application/papermill.record/text/plain"
HIDDEN_TEST = re.compile(r"HIDDEN TESTS|### (?:BEGIN|END) SOLUTION")


def search(one: Lesson, file: str) -> list[str]:
    """Return what a student's notebook, given as the text of its file, tells of the solutions."""
    cells = json.loads(file)["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    found = [f"{one.name}: {match}" for match in HIDDEN_TEST.findall(text)]
    found += [f"{one.name}: outputs of a cell" for cell in cells if cell.get("outputs")]
    lines = {line.strip() for line in text.splitlines()}
    found += [f"{one.name} shows a solution's line: {line}" for line in secret(one) & lines]
    found += [
        f"{one.name} shows a solution's number: {number}"
        for number in secret_numbers(one) & set(NUMBER.findall(text))
    ]
    return sorted(found)


def secret(one: Lesson) -> set[str]:
    """Return the lines of code that only the solutions have."""
    return _only_in_solutions(one, lambda part: _lines(part) if part.kind == "code" else ())


def secret_numbers(one: Lesson) -> set[str]:
    """Return the numbers that only the solutions have, in text, code or output."""
    return _only_in_solutions(one, lambda part: NUMBER.findall(part.source + _printed(part)))


def _only_in_solutions(one: Lesson, of) -> set[str]:
    inside, outside = (
        {item for part in one.parts if part.in_solution == closed for item in of(part)}
        for closed in (True, False)
    )
    return inside - outside


def _lines(part: Part) -> Iterable[str]:
    return (line for line in map(str.strip, part.source.splitlines()) if len(line) >= SHORTEST)


def _printed(part: Part) -> str:
    """Return what a cell printed, and what it glued: that stands in the chapter's text."""
    texts = [output.get("text", "") for output in part.outputs]
    texts += [output.get("data", {}).get(GLUED, "") for output in part.outputs]
    return "\n".join(texts)


def told(one: Lesson) -> list[str]:
    """Return the answers that stand in their own exercise, in its text, hint or attempt."""
    found = []
    for exercise in one.exercises:
        open_text = "\n".join(part.source for part in one.of(exercise.name, solution=False))
        shown = {float(number) for number in NUMBER.findall(open_text)}
        for right in _numbers(exercise.task().right):
            if right % 1 and any(np.isclose(number, right, rtol=1e-3) for number in shown):
                found.append(f"{exercise.name} tells its answer {right:g}")
    return found


def _numbers(answer: object) -> list[float]:
    """Return the numbers of an answer; a function has none."""
    try:
        return np.asarray(answer, float).ravel().tolist()
    except (TypeError, ValueError):
        return []
