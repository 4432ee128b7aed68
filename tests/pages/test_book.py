"""The gates on the book itself, as `make book` left it."""

import nbformat
import pytest

import editions
import gates
import leaks
import lesson
import plain
import reading
import sheets
from chapters import chapters, pages
from project import ROOT
from rmsbook.claims import check_book

HTML = ROOT / "_build" / "html"


@pytest.mark.parametrize(
    "gate",
    [
        gates.unpaired,
        gates.unexecuted,
        gates.machine_paths,
        gates.raw_values,
        gates.without_alt,
        reading.misjudged,
        reading.plumbing,
        reading.articles,
        reading.unasked,
        reading.unchecked,
    ],
)
def test_the_committed_notebooks(gate):
    assert chapters(ROOT), "the book has no chapters"
    assert gate(ROOT) == []


def test_nothing_a_student_gets_tells_a_solution():
    lessons = lesson.lessons(ROOT)
    book = plain.Book(lessons)
    found = [told for one in lessons for told in leaks.told(one)]
    for one in lessons:
        found += leaks.search(one, nbformat.writes(editions.for_students(one, book)))
        assert sheets.sheet(one, book), "each chapter makes a sheet"
    assert found == []


def test_each_solution_stands_by_itself():
    assert [what for one in lesson.lessons(ROOT) for what in one.borrowed()] == []


def test_every_claim_meets_its_evidence():
    assert check_book(ROOT / "book") == []


def test_every_source_is_cited():
    assert gates.uncited(ROOT) == []


@pytest.fixture(scope="module")
def chromium():
    with gates.chromium() as started:
        yield started


@pytest.mark.parametrize(
    "name", [page.relative_to(ROOT).with_suffix(".html").as_posix() for page in pages(ROOT)]
)
def test_a_page_in_a_browser(chromium, name):
    assert gates.site_problems(chromium, HTML, [name]) == {}
