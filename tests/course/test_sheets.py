"""Every sheet of the book, graded by nbgrader: perfect, empty, and with one mistake."""

import pytest

import classroom
import grade
import lesson
from classroom import hand_in
from project import ROOT

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own
EVERY = lesson.lessons(ROOT)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_a_sheet(one, tmp_path):
    place = classroom.open_course(tmp_path, [one], EVERY)
    settings = place / "nbgrader_config.py"
    settings.write_text(settings.read_text().replace("CELL_SECONDS = 6", "CELL_SECONDS = 120"))
    best = classroom.perfect(place, one.name)
    points = {exercise.name: exercise.points for exercise in one.exercises}
    wanted = {"perfect": sum(points.values()), "empty": 0}
    hand_in(place, "perfect", one.name, best)
    hand_in(place, "empty", one.name, classroom.read(place, "release", one.name))
    for name in points:
        given = lesson.checked(one.attempt(name))
        hand_in(place, f"without-{name}", one.name, classroom.mutant(best, name, given))
        wanted[f"without-{name}"] = wanted["perfect"] - points[name]
    grades = list(grade.grade_all(place, grade.submitted(place, [])))
    assert {one.student: one.points for one in grades} == wanted, [one.note for one in grades]
