"""The decks for a class, from a small built book, opened as a speaker opens them."""

import dataclasses
import shutil

import pytest
from bs4 import BeautifulSoup

import built
import gates
import slides
import small_site
import steps

PRIMER = "book/primer/03-algorithm"
COURSE = "book/course/02-mathematics"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return small_site.write(tmp_path_factory.mktemp("site"))


@pytest.fixture
def changed(site, tmp_path):
    """A copy of the small book, for one test to change."""
    return shutil.copytree(site, tmp_path / "site")


@pytest.fixture(scope="module")
def browser():
    with gates.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def made(site):
    """The folder of the decks."""
    slides.make(site)
    return site / "_build" / "slides"


@pytest.fixture(scope="module")
def deck(made):
    """The slides of the course chapter."""
    page = BeautifulSoup((made / "course-02-mathematics.html").read_text("utf8"), "html.parser")
    return page.select(".slides > section")


def words(element):
    return " ".join(element.get_text(" ").split())


def found_steps(root, name=COURSE):
    return steps.steps(built.read(root, "", name).article)


def test_a_deck_of_the_primer_and_one_of_each_chapter_in_order(made, browser):
    assert slides.check(browser, made, {"primer": 4, "course-02-mathematics": 6}) == []
    assert sorted(path.name for path in made.glob("*.html")) == [
        "course-02-mathematics.html",
        "primer.html",
    ]


def test_a_chapter_is_title_questions_with_answers_and_take_aways(deck):
    kinds = [slide["class"][0] for slide in deck]
    assert kinds == ["title", "question", "result", "question", "result", "points"]
    assert "The thesis of c." in words(deck[0])
    assert "Go." in words(deck[-1])


def test_a_question_does_not_tell_its_answer_but_the_notes_do(deck):
    notes = deck[1].aside.extract()
    assert "How far, of c? near far" in words(deck[1])
    assert "Far, says" not in words(deck[1])
    assert "How far, of c?" in words(notes)
    assert "b. Far, says c." in words(notes)


def test_the_answer_stands_below_the_figure(deck):
    assert deck[2].select_one("svg.figure use")["href"] == "#course-02-mathematics-f0-p"
    assert "Fig. 2.1 A line." in words(deck[2])
    assert "b. Far, says c." in words(deck[2])
    assert "draw_c" not in words(deck[2])


def test_formulas_stand_before_their_question_and_short_code_above_its_output(deck):
    assert r"\theta \leftarrow" in words(deck[3])
    assert "The rule" in words(deck[3].h2)
    assert [words(code) for code in deck[4].select("pre")] == ["print(4)", "4"]


def test_the_primer_has_the_first_step_of_a_page_and_those_tagged(changed):
    pages = built.chapters(changed)
    assert len(slides.primer_deck(pages[:2], "Primer")) == 4
    small_site.edit(changed, PRIMER, '"cell docutils', '"cell tag_slide docutils')
    assert len(slides.primer_deck(built.chapters(changed)[:2], "Primer")) == 6


def test_a_page_without_a_question_has_its_thesis(changed):
    small_site.edit(changed, PRIMER, '"predict admonition"', '"admonition"')
    assert len(slides.primer_deck(built.chapters(changed)[:2], "Primer")) == 3


def test_a_step_can_be_skipped(changed):
    small_site.edit(changed, COURSE, '"cell docutils', '"cell tag_skip-slide docutils')
    assert [step.has_figure for step in found_steps(changed)] == [True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<pre>4</pre>", '<div class="claim">holds</div>'),
        ('"cell docutils', '"cell tag_attempt docutils'),
        ('class="cell_output"><div class="output">', 'class="none"><div>'),
    ],
)
def test_what_shows_no_result_is_no_step(changed, old, new):
    small_site.edit(changed, COURSE, old, new)
    assert len(found_steps(changed)) == 1


def test_long_code_is_not_shown(changed):
    assert steps.code(found_steps(changed)[1].cell) is not None
    small_site.edit(changed, COURSE, "print(4)", "print(4)\n" * 30)
    assert steps.code(found_steps(changed)[1].cell) is None


def test_figures_are_the_last_to_go(site):
    figure, output = found_steps(site)
    other = dataclasses.replace(output)
    assert steps.fitting([output, figure, other], 2) == [output, figure]
    assert steps.fitting([output, figure, other], 1) == [figure]


def test_a_deck_that_is_too_long_is_refused(made, browser):
    (said,) = slides.check(browser, made, {"course-02-mathematics": 16})
    assert said == "course-02-mathematics: 16 slides, 15 are allowed"


def test_what_goes_wrong_on_a_slide_is_said(changed, browser):
    target = changed / "_build" / "slides"
    small_site.edit(changed, PRIMER, "Far, says p.", "Far, says p. " * 900)
    slides.make(changed)
    assert slides.check(browser, target, {"primer": 4}) == [
        "primer: slide 3 is fuller than its frame"
    ]
    deck = target / "course-02-mathematics.html"
    broken = '<img src="https://host.invalid/x.png"><script>lost()</script></body>'
    deck.write_text(deck.read_text("utf8").replace("</body>", broken), "utf8")
    said = "\n".join(slides.check(browser, target, {"course-02-mathematics": 6}))
    assert "asks a host: https://host.invalid/x.png" in said
    assert "lost is not defined" in said
    assert "picture:" in said
