"""What nbgrader, and the grader around it, make of submissions like those of real classes."""

import copy
import subprocess
import sys

import pytest
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory

import classroom
import grade
import lesson
from classroom import cell, hand_in
from project import ROOT
from release import settings

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own

SHEET, ALL = "primer-03-algorithm", 7
FOREVER = "\nwhile True:\n    pass"
# Of many kernels that choose ports, side by side, now and then one finds its port taken, and dies.
NO_PORT = """from ipykernel.connect import get_connection_info
assert get_connection_info(unpack=True)["transport"] == "ipc"
"""
STUBBORN = "\nwhile True:\n    try:\n        while True: pass\n    except KeyboardInterrupt: pass"


def change(name, source):
    """Return what puts another source into a cell."""

    def changed(notebook):
        cell(notebook, name).source = source(cell(notebook, name).source)

    return changed


def delete(name):
    return lambda notebook: notebook.cells.remove(cell(notebook, name))


def forget(name):
    return lambda notebook: cell(notebook, name).metadata.clear()


def to_markdown(name):
    def turn(notebook):
        one = cell(notebook, name)
        one.cell_type = "markdown"
        del one["outputs"], one["execution_count"]

    return turn


def split(name):
    def cut(notebook):
        one = cell(notebook, name)
        lines = one.source.splitlines()
        second = copy.deepcopy(one)
        one.source, second.source = "\n".join(lines[:3]), "\n".join(lines[3:])
        second.id = "another"
        notebook.cells.insert(notebook.cells.index(one) + 1, second)

    return cut


def other_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "julia", "display_name": "J", "language": "julia"}


def nothing(notebook):
    """Hand in as it is."""


# who: what was done to a perfect submission, the points it gets, and what is said of it
BROKEN = {
    "perfect": (nothing, ALL, ""),
    "split": (split("ex-p03-2"), ALL, "ex-p03-2 was split: joined"),
    "no-test": (delete("test-ex-p03-2"), ALL, "test-ex-p03-2 was missing: put back"),
    "lost-test": (forget("test-ex-p03-2"), ALL, "test-ex-p03-2 was missing: put back"),
    "lost-answer": (forget("ex-p03-2"), ALL, "ex-p03-2 was missing: put back"),
    "no-answer": (delete("ex-p03-2"), ALL - 4, "ex-p03-2 was missing: put back"),
    "test-text": (to_markdown("test-ex-p03-2"), ALL, "test-ex-p03-2 had become markdown"),
    "answer-text": (to_markdown("ex-p03-2"), ALL, "ex-p03-2 had become markdown: code again"),
    "cheat": (change("test-ex-p03-2", lambda _: "assert True"), ALL, "had been changed: put back"),
    "cheat-import": (
        change(
            "ex-p03-2",
            lambda _: "from rmsbook.exercises import find\nstep = find('ex-p03-2').task().right",
        ),
        ALL - 4,
        "",
    ),
    "forever": (change("ex-p03-2", lambda source: source + FOREVER), ALL, ""),
    "stubborn": (change("ex-p03-3", lambda source: source + STUBBORN), ALL, ""),
    "loud": (change("ex-p03-1", lambda source: source + "\nprint('x' * 10**8)"), ALL, ""),
    "endless": (
        change("ex-p03-1", lambda source: source + "\nwhile True: print('x' * 999)"),
        ALL,
        "",
    ),
    "no-module": (change("ex-p03-3", lambda source: "import nowhere\n" + source), ALL - 2, ""),
    "no-module-last": (change("ex-p03-3", lambda source: source + "\nimport nowhere"), ALL, ""),
    "no-import": (delete("chapter-0"), ALL, "chapter-0 was missing: put back"),
    "no-port": (change("ex-p03-3", lambda source: NO_PORT + source), ALL, ""),
    "julia": (other_kernel, ALL, ""),
    "exit": (change("ex-p03-1", lambda _: "import os; os._exit(1)"), None, "Kernel died"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    every = lesson.lessons(ROOT)
    (one,) = [found for found in every if found.name == SHEET]
    place = classroom.open_course(tmp_path_factory.mktemp("course"), [one], every)
    best = classroom.perfect(place, SHEET)
    for student, (break_it, _, _) in BROKEN.items():
        notebook = copy.deepcopy(best)
        break_it(notebook)
        hand_in(place, student, SHEET, notebook)
    hand_in(place, "empty", SHEET, classroom.read(place, "release", SHEET))
    for exercise in one.exercises:
        given = lesson.checked(one.attempt(exercise.name))
        hand_in(
            place, f"mutant-{exercise.name}", SHEET, classroom.mutant(best, exercise.name, given)
        )
    hand_in(place, "renamed", SHEET, best, "mine (1).ipynb")
    hand_in(place, "not-json", SHEET, "{")
    hand_in(place, "two", SHEET, best, "a.ipynb")
    hand_in(place, "two", SHEET, best, "b.ipynb")
    hand_in(place, "none", SHEET, "I could not", "answers.txt")
    hand_in(place, "another", SHEET, '{"cells": [], "metadata": {}, "nbformat": 4}')
    hand_in(place, "seven", SHEET, best)
    (place / grade.SEEDS).write_text("student,seed\nseven,7\n")
    return place


@pytest.fixture(scope="module")
def run(place):
    """Grade the class as a teacher would: one command."""
    command = [sys.executable, str(ROOT / "tools" / "grade.py"), str(place)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def grades(place, run):
    return {row["student"]: row for row in grade.rows(place).values()}


def test_says_who_was_refused(run):
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "not-json, primer-03-algorithm: REFUSED" in run.stdout


@pytest.mark.parametrize("student", BROKEN)
def test_a_broken_submission_gets_the_points_of_its_answers(grades, student):
    _, points, said = BROKEN[student]
    row = grades[student]
    assert row["points"] == ("" if points is None else f"{float(points)}"), row["note"]
    assert said in row["note"]
    assert bool(row["note"]) == bool(said)


def test_an_empty_submission_gets_nothing(grades):
    assert (grades["empty"]["points"], grades["empty"]["of"]) == ("0.0", f"{ALL}.0")


@pytest.mark.parametrize(("name", "lost"), [("ex-p03-1", 1), ("ex-p03-2", 4), ("ex-p03-3", 2)])
def test_a_mistake_loses_its_own_points(grades, name, lost):
    assert grades[f"mutant-{name}"]["points"] == f"{float(ALL - lost)}"


@pytest.mark.parametrize(
    ("student", "why"),
    [
        ("not-json", "is not JSON"),
        ("two", "is wanted; handed in: a.ipynb, b.ipynb"),
        ("none", "is wanted; handed in: no notebook"),
        ("another", "it is another notebook"),
    ],
)
def test_what_cannot_be_graded_gets_a_reason(grades, student, why):
    assert grades[student]["points"] == ""
    assert why in grades[student]["note"]


def test_a_notebook_under_another_name_is_taken(grades):
    assert grades["renamed"]["points"] == f"{ALL}.0"
    assert "taken for" in grades["renamed"]["note"]


def test_another_students_numbers_lose_the_exercise_with_variants(grades):
    assert grades["seven"]["points"] == f"{float(ALL - 1)}"


def test_hidden_tests_stand_neither_in_the_release_nor_in_the_feedback(place, grades):
    hidden = ["HIDDEN TESTS", "RMSBOOK_SEED", "maker"]
    config = settings(place)
    for student in ("seven", "cheat-import"):
        directory = CourseDirectory(config=config, student_id=student, assignment_id=SHEET)
        GenerateFeedback(coursedir=directory, config=config).start()
    feedback = [path.read_text("utf-8") for path in (place / "feedback").rglob("*.html")]
    assert len(feedback) == 2
    assert any("another student" in text for text in feedback)
    graded = (place / "autograded" / "seven" / SHEET / f"{SHEET}.ipynb").read_text("utf-8")
    assert all(line in graded for line in hidden)
    released = (place / "release" / SHEET / f"{SHEET}.ipynb").read_text("utf-8")
    for text in [released, *feedback]:
        assert not [line for line in hidden if line in text]


def test_the_output_that_is_kept_is_bounded(place, grades):
    sizes = [path.stat().st_size for path in (place / "autograded").rglob("*.ipynb")]
    assert max(sizes) < 5_000_000
