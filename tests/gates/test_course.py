"""The course: its notebooks are plain, its exercises open, and a leak is seen."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import editions
import leaks
import lesson
import plain
import sheets
import submissions

START = "## Exercises\n\n```{exercise-start} A step\n:label: ex-p03-2\n```\nWrite it.\n"
HINT = "```{exercise-end}\n```\n\n```{hint}\n:class: dropdown\nThree lines.\n```"
ATTEMPT = 'def step(theta, g, v):\n    """Return θ and v."""\n    ...\n\n\ncheck("ex-p03-2", step)'
SOLVED = "```{solution-start} ex-p03-2\n:class: dropdown\n```\nThe answer is 0.98765."
SOLUTION = 'def mine(theta, g, v):\n    return theta - eta * g, v\n\n\ncheck("ex-p03-2", mine)'
END = "```{solution-end}\n```\n\n## Take-aways\n\nThat is all."
TEXT = """# A toy

You'll do
: Little.

````{predict} q-p03-1
How far, by {eq}`eq-p03-a`?

- near
- far

:::{answer} 2
{glue:text}`far:.2f`, as {cite:t}`ma2020` say, in {numref}`fig-p03-a`.
:::
````

$$
a = b
$$ (eq-p03-a)

```{moving} ravine
:name: fig-p03-b
Turn it.
```
"""


@pytest.fixture
def toy(tmp_path):
    """A chapter with all that chapters have."""
    data = {lesson.GLUED: "3.14159"}
    glued = new_output("display_data", data=data, metadata={"scrapbook": {"name": "far"}})
    figure = {"mystnb": {"figure": {"name": "fig-p03-a", "caption": "Far is $a$."}}}
    notebook = new_notebook(
        cells=[
            new_markdown_cell(TEXT),
            new_code_cell("eta = 0.1", outputs=[glued]),
            new_code_cell("unused = 2", metadata={"tags": ["remove-input"], **figure}),
            new_markdown_cell(START + HINT),
            new_code_cell(ATTEMPT, metadata={"tags": ["attempt"]}),
            new_markdown_cell(SOLVED),
            new_code_cell(SOLUTION, outputs=[new_output("stream", text="0.98765")]),
            new_markdown_cell(END),
        ]
    )
    path = tmp_path / "primer" / "03-toy.md"
    path.parent.mkdir()
    nbformat.write(notebook, path.with_suffix(".ipynb"))
    return lesson.read(path)


@pytest.fixture
def book(toy):
    return plain.Book([toy])


def text(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells)


def test_the_student_reads_plain_markdown(toy, book):
    shown = text(editions.for_students(toy, book))
    for said in (
        "**You'll do.** Little.",
        "How far, by (P3.1)?\n\n1. near\n2. far",
        "**2.** 3.14, as [Ma et al. (2020)](",
        "in Figure P3.2.",
        "> **Figure P3.1, which moves on the book's page.** Turn it.",
        "\\tag{P3.1}",
        "**Figure P3.2.** Far is $a$.",
        "### Exercise P3.2: A step",
        "<summary>Hint</summary>",
    ):
        assert said in shown
    assert "{" not in shown.replace("\\tag{P3.1}", "")


def test_the_student_gets_no_solution_and_the_teacher_does(toy, book):
    student, teacher = editions.for_students(toy, book), editions.for_instructors(toy, book)
    assert "def mine" not in text(student)
    assert "0.98765" not in text(student)
    assert leaks.search(toy, nbformat.writes(student)) == []
    assert "#### Solution P3.2" in text(teacher)
    assert "ε stands under the root in this book" in text(teacher)
    assert "10 minutes, 4 points" in text(teacher)


def test_a_leak_is_seen(toy, book):
    for leak in ("    return theta - eta * g, v", "It is 0.98765.", "### BEGIN HIDDEN TESTS"):
        student = editions.for_students(toy, book)
        student.cells.append(new_markdown_cell(leak))
        assert len(leaks.search(toy, nbformat.writes(student))) == 1
    teacher = nbformat.writes(editions.for_instructors(toy, book))
    assert len(leaks.search(toy, teacher)) > 3


def test_a_sheet_has_what_its_exercises_build_on(toy, book):
    sheet = sheets.sheet(toy, book)
    names = [submissions.grade_id(cell) for cell in sheet.cells if cell.cell_type == "code"]
    assert names == ["imports", "chapter-0", "ex-p03-2", "test-ex-p03-2"]
    assert "unused" not in text(sheet)
    assert "step = mine\n### END SOLUTION\ncheck(" in text(sheet)


def a_lesson(*codes, solutions=('def mine(): return eta\n\n\ncheck("ex-p03-2", mine)',)):
    """Return a lesson of these cells, and exercises with these solutions."""
    parts = [lesson.Part("code", code) for code in codes]
    for number, solution in enumerate(solutions, 2):
        name = f"ex-p03-{number}"
        attempt = lesson.Part(
            "code", f'mine = ...\n\ncheck("{name}", mine)', name, metadata={"tags": ["attempt"]}
        )
        parts += [lesson.Part("title", "Go", name), attempt]
        parts += [lesson.Part("code", solution, name, in_solution=True)]
    return lesson.Lesson(Path("primer/03-toy.md"), tuple(parts))


@pytest.mark.parametrize(
    ("codes", "needed"),
    [
        (["eta = 1", "def f():\n    eta = 2"], [0]),
        (["eta = 1", "[eta for eta in (2,)]", "f = lambda eta: eta"], [0]),
        (["a = 1", "class A:\n    eta = 2", "eta = a"], [0, 2]),
        (["def f():\n    return start", "start = 1", "other = 1", "eta = f()"], [0, 1, 3]),
        (["f = 1", "from a import eta", "eta += f"], [0, 1, 2]),
        (["from a import check", "eta = 1"], [1]),
    ],
)
def test_a_sheet_has_the_cells_that_make_what_is_used(codes, needed):
    found = a_lesson(*codes).needed({"check"})
    assert [part.source for part in found] == [codes[number] for number in needed]


def test_a_sheet_leaves_out_what_shows_the_pages_runs():
    one = a_lesson("eta = 1", "runs = train()")
    shows = lesson.Part(
        "code", "print(runs)", "ex-p03-2", in_solution=True, metadata={"tags": ["page-only"]}
    )
    one = lesson.Lesson(one.path, (*one.parts, shows))
    assert [part.source for part in one.needed({"check"})] == ["eta = 1"]
    assert "runs" not in one.solution("ex-p03-2")


def test_a_solution_that_takes_anothers_answer_is_named():
    solutions = [
        'def mine(): return eta\n\n\nfar = 2\ncheck("ex-p03-2", mine)',
        'check("ex-p03-3", far)',
    ]
    assert a_lesson("eta = 1", solutions=solutions).borrowed() == [
        "ex-p03-3 takes far, which another exercise makes"
    ]
    assert a_lesson("eta = far = 1", solutions=solutions).borrowed() == []


def test_what_has_no_plain_form_is_named(toy, book):
    with pytest.raises(ValueError, match=r"03-toy.md has a \{grid\}, which has no plain form"):
        book.text("```{grid}\n```", toy)
    with pytest.raises(ValueError, match=r"names 'fig-x', which no executed chapter has"):
        book.text("{numref}`fig-x`", toy)


def test_a_chapter_without_a_cell_to_fill_in_is_named(toy):
    with pytest.raises(ValueError, match=r"ex-p03-9 has no cell to fill in.*make notebooks"):
        toy.attempt("ex-p03-9")


def test_an_empty_attempt_tells_no_answer(toy):
    assert leaks.told(toy) == []


def test_a_damaged_submission_is_refused(toy, book, tmp_path):
    release = sheets.sheet(toy, book)
    folder = tmp_path / "sheet"
    folder.mkdir()
    (folder / "sheet.ipynb").write_text(json.dumps({"nbformat": 4}))
    with pytest.raises(submissions.RefusedError):
        submissions.take(folder, release)
