"""The printed book and the handouts, from a small built book, by a real browser."""

import io
import shutil

import pytest
from pypdf import PdfReader

import gates
import handouts
import joined
import pdf
import small_site

PRIMER = "book/primer/03-algorithm"
COURSE = "book/course/02-mathematics"


@pytest.fixture(scope="module")
def browser():
    with gates.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return small_site.write(tmp_path_factory.mktemp("site"))


@pytest.fixture
def broken(site, tmp_path):
    """A copy of the small book, for one test to break."""
    printed = shutil.ignore_patterns("rmsprop.pdf", "handouts")
    return shutil.copytree(site, tmp_path / "site", ignore=printed)


@pytest.fixture(scope="module")
def book(site, browser):
    """The printed small book."""
    with gates.served(site / "_build" / "html") as host:
        pdf.print_book(site, browser, host)
    return PdfReader(io.BytesIO((site / "_build" / "rmsprop.pdf").read_bytes()))


@pytest.fixture(scope="module")
def texts(book):
    return [" ".join(page.extract_text().split()) for page in book.pages]


def page_of(texts, words):
    """Return the number of the only page with these words."""
    found = [number for number, text in enumerate(texts, start=1) if words in text]
    assert len(found) == 1, (words, found)
    return found[0]


def refusal(root, browser):
    """Return why a book is not printed."""
    with (
        gates.served(root / "_build" / "html") as host,
        pytest.raises(pdf.UnprintableError) as caught,
    ):
        pdf.print_book(root, browser, host)
    assert not list((root / "_build").glob("rmsprop.pdf*"))
    return str(caught.value)


def outline(book, items):
    """Return bookmarks as (title, page), nested as they are."""
    return [
        outline(book, item)
        if isinstance(item, list)
        else (item.title, book.get_destination_page_number(item) + 1)
        for item in items
    ]


def test_the_bookmarks_are_parts_chapters_and_sections(book, texts):
    sections = ["The rule", "Exercises", "Take-aways", "Answers to the predictions"]
    found = outline(book, book.outline)
    titles = [item if isinstance(item, list) else item[0] for item in found]
    assert titles[0] == "A Book"
    assert titles[1] == "The primer: quick"
    chapter, below = titles[2]
    assert chapter[0] == "Primer, page 3: Four lines"
    assert [title for title, _ in below] == sections
    assert chapter[1] == page_of(texts, "The thesis of p.")
    last = [item for item in found if not isinstance(item, list)][-1]
    assert last == ("Solutions", page_of(texts, "Home of p."))


def test_the_contents_give_the_page_of_each_chapter(texts):
    contents = next(text for text in texts if "Contents" in text)
    for title, words in (("Chapter 2: Mathematics", "The thesis of c."), ("Solutions", "Home of")):
        assert f"{title} {page_of(texts, words)}" in contents
    assert not any("000" in text or "?" in text.replace("?", "", 4) for text in texts)


def test_heads_and_page_numbers(texts):
    number = page_of(texts, "The thesis of c.")
    assert texts[number - 1].startswith(f"Chapter 2 Mathematics {number} ")


def test_what_only_a_screen_needs_is_out(texts):
    everything = " ".join(texts)
    for words in (
        "Menu",
        "These cells run",
        "What made the numbers",
        "Show code",
        "Data",
        "not an",
    ):
        assert words not in everything


def test_folded_things_are_open(texts):
    everything = " ".join(texts)
    for words in ("draw_p()", "draw_c()", "By bus."):
        assert words in everything


def test_solutions_stand_at_the_end_with_links_both_ways(book, texts):
    exercise, solution = page_of(texts, "Exercise 2.1 Go home"), page_of(texts, "Home of c.")
    assert solution == len(texts)
    assert exercise < solution
    assert f"Solution: page {solution}" in texts[exercise - 1]
    assert f"Solution to Exercise 2.1, page {exercise}" in texts[solution - 1]
    assert solution in targets(book, exercise)
    assert exercise in targets(book, solution)


def targets(book, number):
    """Return the pages that the links of a page lead to."""
    found = set()
    for reference in book.pages[number - 1]["/Annots"]:
        link = reference.get_object()
        name = link.get("/Dest") or link["/A"]["/D"]
        place = book.named_destinations[name]
        found.add(book.get_destination_page_number(place) + 1)
    return found


def test_answers_stand_at_the_end_of_their_chapter(texts):
    box = page_of(texts, "How far, of c?")
    answer = page_of(texts, "Far, says c.")
    assert f"Answer: page {answer}" in texts[box - 1]
    assert f"Prediction 1: b, page {box}" in texts[answer - 1]


def test_figures_are_vectors_and_keep_their_own_lines(site, book):
    document, _, _ = joined.document(site)
    assert document.count('id="primer-03-algorithm-f0-p"') == 1
    assert document.count('href="#course-02-mathematics-f0-p"') == 1
    assert all(not page.images for page in book.pages)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (PRIMER, "03-algorithm.html#fig-p", "03-algorithm.html#fig-x", "dead link"),
        (PRIMER, "<p>Go home.</p>", '<img src="../../_images/no.png" alt="">', "picture:"),
        (COURSE, r"\theta \leftarrow", r"\nothing \leftarrow", "formula:"),
        (COURSE, "<p>Go home.</p>", '<p style="width: 900px">Go home.</p>', "too wide"),
    ],
)
def test_what_a_reader_would_suffer_from_is_refused(broken, browser, name, old, new, said):
    small_site.edit(broken, name, old, new)
    assert said in refusal(broken, browser)


def test_a_book_that_is_too_large_is_refused(broken, browser, monkeypatch):
    monkeypatch.setattr(pdf, "LIMIT", 1000)
    assert "are allowed" in refusal(broken, browser)


def test_what_is_too_wide_becomes_smaller_and_long_lines_are_wrapped(broken, browser):
    wide = "".join(f"<td>{'x' * 12}</td>" for _ in range(14))
    body = f"<table><tr>{wide}</tr></table><pre>{'y' * 200}</pre>"
    small_site.edit(broken, PRIMER, "<p>Go home.</p>", f"<p>Go home.</p>{body}")
    small_site.edit(broken, COURSE, r"- \eta\, g", r"- \eta\, g" + "+ x_1 + x_2" * 12)
    with gates.served(broken / "_build" / "html") as host:
        page = pdf.open_document(browser, host, joined.document(broken)[0])
        assert len(page.evaluate(pdf.BEYOND)) == 2
        pdf.lay_out(page)
        page.close()


def test_a_handout_has_the_questions_and_no_solution(site, browser):
    with gates.served(site / "_build" / "html") as host:
        pdf.print_handouts(site, browser, host)
    (path,) = (site / "_build" / "handouts").glob("*")
    reader = PdfReader(path)
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert path.name == "primer-03-algorithm.pdf"
    assert len(reader.pages) <= handouts.PAGES
    for words in ("Four lines", "How far, of p?", "Prediction 1: b Far, says p.", "Go home."):
        assert words in text
    for words in ("Home of p.", "By bus.", "draw_p()", "000"):
        assert words not in text


def test_a_handout_that_is_too_long_loses_outputs_and_is_then_refused(broken, browser, monkeypatch):
    monkeypatch.setattr(handouts, "SIZES", (7.2,))
    long = "<p>Word.</p>" * 60
    output = small_site.CELL.format(tags="", code="", output="4\n" * 7)
    small_site.edit(broken, PRIMER, "<p>See", output * 30 + "<p>See")
    with gates.served(broken / "_build" / "html") as host:
        pdf.print_handouts(broken, browser, host)
        small_site.edit(broken, PRIMER, "<p>See", long * 30 + "<p>See")
        with pytest.raises(pdf.UnprintableError, match=r"primer-03-algorithm: \d+ pages"):
            pdf.print_handouts(broken, browser, host)
