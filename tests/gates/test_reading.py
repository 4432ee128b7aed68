"""The gates on what a reader meets, each on a book of one chapter that breaks it."""

from pathlib import Path

import pytest

import reading

HEAD = (
    (Path(__file__).parent / "fixture" / "book" / "number.md")
    .read_text("utf-8")
    .partition("# A number")[0]
)
CELL = "```{code-cell} ipython3\n1\n```\n"
QUESTION = "````{predict} q-03-%d\nHow far?\n\n- one\n- two\n\n:::{answer} 1\nOne.\n:::\n````\n\n"
EXERCISE = """
```{exercise-start} A step
:label: ex-p03-1
```
Do it.
```{exercise-end}
```

```{code-cell} ipython3
:tags: [attempt]

x = ...
check("ex-p03-1", x)
```

```{solution-start} ex-p03-1
:class: dropdown
```
So:

```{code-cell} ipython3
check("ex-p03-1", 1)
```
```{solution-end}
```
"""


@pytest.fixture
def book(tmp_path):
    """Return what writes a book of one chapter, and its root."""

    def write(text, name="course/03-one"):
        (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/{name}\n", "utf-8")
        page = tmp_path / "book" / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(HEAD + "# One\n\n" + text, "utf-8")
        return tmp_path

    return write


def test_a_chapter_that_takes_longer_than_it_says(book):
    code = "```{code-cell} ipython3\n" + "x = 1\n" * 20 + "```\n"
    hidden = "```{code-cell} ipython3\n:tags: [hide-input]\n\n" + "x = 1\n" * 200 + "```\n"
    text = "**A thesis.**\n\n{} minutes to read.\n\n" + "word " * 400 + "$x$\n\n"
    for minutes, problems in ((3, 0), (2, 1), (4, 1)):
        found = reading.misjudged(book(text.format(minutes) + code + hidden))
        assert len(found) == problems
        assert all(f"says {minutes} minutes to read, counted are 3" in one for one in found)


def test_a_primer_of_more_than_an_hour(book):
    an_hour = "59 minutes to read.\n\n" + "word " * 200 * 59 + "\n\n"
    assert not reading.misjudged(book(an_hour, "primer/03-one"))
    (problem,) = reading.misjudged(book(an_hour + "word " * 400, "primer/03-one"))
    assert problem.startswith("the primer takes 61.")
    assert not reading.misjudged(book(an_hour + "word " * 400))  # a chapter of the course may


def test_a_thesis_that_is_too_long(book):
    (problem,) = reading.misjudged(book(f"**{'word ' * 31}end.**\n\n{CELL}"))
    assert "a thesis of 32 words" in problem


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('glue("c", 1)', "shows its plumbing: glue("),
        ('evidence("A1.1", holds=[True])', "shows its plumbing: evidence("),
        ("figures.use_style()", "shows its plumbing: figures.use_style()"),
        ('v = optimizer.state_dict()["parameters"][0]', "shows its plumbing: v ="),
        ("x = " + "1" * 80, "has a line of 84 characters"),
    ],
)
def test_a_line_that_no_student_would_type(book, line, said):
    (problem,) = reading.plumbing(book(CELL.replace("1\n", f"{line}\n")))
    assert said in problem
    hidden = f":tags: [hide-input]\n\n{line}\n"
    assert reading.plumbing(book(CELL.replace("1\n", hidden, 1))) == []


def test_a_book_that_speaks_of_the_articles_all_the_time(book):
    folded = "## What the articles say\n\n" + "The article says. " * 50 + "\n\n"
    assert reading.articles(book(CELL + "The article. " * 40 + "\n\n" + folded + "## End\n")) == []
    assert len(reading.articles(book(CELL + "The article. " * 40 + "\n\n## End\n\nArticle"))) == 41


def test_a_section_that_shows_before_it_asks(book):
    asks = "".join(f"## {n}\n\n" + QUESTION % n + CELL + "\n" for n in (1, 2, 3))
    assert reading.unasked(book(asks)) == []
    assert reading.unasked(book(asks + "## What the articles say\n\n" + CELL)) == []
    assert reading.unasked(book(asks + "## Exercises\n" + EXERCISE)) == []
    (problem,) = reading.unasked(book(asks + "## Then\n\nWe see:\n\n" + CELL))
    assert "“Then”, shows before it asks" in problem


def test_questions_that_are_misnumbered_or_too_few(book):
    asks = "".join(f"## {n}\n\n" + QUESTION % n + CELL + "\n" for n in (1, 2))
    assert reading.unasked(book(asks)) == ["03-one has 2 questions with options, and not 3"]
    misnumbered, _ = reading.unasked(book(asks.replace("q-03-2", "q-03-7")))
    assert "numbered from q-03-1" in misnumbered
    page = asks.replace("q-03", "q-p03")
    assert reading.unasked(book(page, "primer/03-one")) == [
        "03-one has 2 questions with options, and not 3"
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('check("ex-p03-1", x)', "", "no cell to fill in"),
        (":tags: [attempt]", "", "no cell to fill in"),
        ('check("ex-p03-1", 1)', "1", "no solution that ends in its check"),
        ("ex-p03-1", "ex-99-1", "there is no exercise 'ex-99-1'"),
    ],
)
def test_an_exercise_that_does_not_answer(book, old, new, said):
    problems = reading.unchecked(book(EXERCISE.replace(old, new)))
    assert any(said in problem for problem in problems)
