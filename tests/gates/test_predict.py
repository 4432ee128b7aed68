"""The questions with folded answers, the folded section, and the numbers by chapter."""

import re
import subprocess
import sys

import pytest

from project import ROOT

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "predict", "numbering"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
numfig = math_numfig = True
math_eqref_format = "({{number}})"
"""
INDEX = """# Book

$$ a = b $$ (eq-index)

```{toctree}
primer/03-p
course/03-c
```
"""
PRIMER = "# P\n\n$$ a $$ (eq-p-a)\n\n$$ b $$ (eq-p-b)\n\nSee {eq}`eq-c-a`.\n"
COURSE = """# C

```{predict} q-03-1
How far?

- half
- none

:::{answer} 1
Half, as $x$ says.
:::
```

$$ c $$ (eq-c-a)

See {eq}`eq-p-b` and {eq}`eq-index`.

## What the articles say

Much.

## Take-aways

Little.
"""


def build(folder):
    """Build a site with the two extensions."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", str(folder), str(folder / "out")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def site(tmp_path):
    for name, text in {
        "conf.py": CONF,
        "index.md": INDEX,
        "primer/03-p.md": PRIMER,
        "course/03-c.md": COURSE,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_question_its_answer_and_the_folded_section(site):
    assert build(site).stderr == ""
    page = (site / "out" / "course" / "03-c.html").read_text("utf-8")
    box = page[page.index('id="q-03-1"') :]
    assert box.index("<li>") < box.index('<details class="answer" data-right="1">')
    assert re.search(r'<details class="articles">\s*<summary>.*</summary>\s*<p>Much', page)
    assert page.index("Much.") < page.index("</details>", page.index("Much.")) < page.index("Littl")


def test_equations_are_numbered_by_chapter(site):
    build(site)
    primer = (site / "out" / "primer" / "03-p.html").read_text("utf-8")
    course = (site / "out" / "course" / "03-c.html").read_text("utf-8")
    assert re.findall(r'class="eqno">([^<]+)', primer + course) == ["(P3.1)", "(P3.2)", "(3.1)"]
    assert re.findall(r'#equation-eq-[\w-]+">(\(.+?\))<', primer) == ["(3.1)"]
    assert re.findall(r'#equation-eq-[\w-]+">(\(.+?\))<', course) == ["(P3.2)", "(1)"]


def test_the_reference_is_numbered_as_one_chapter(site):
    (site / "reference").mkdir()
    for name, formula in (("b", "e"), ("a", "f")):  # in the order of the contents
        text = f"# {name}\n\n$$ {formula} $$ (eq-r-{name})\n"
        (site / "reference" / f"{name}.md").write_text(text, "utf-8")
    contents = INDEX.replace("course/03-c\n", "course/03-c\nreference/b\nreference/a\n")
    (site / "index.md").write_text(contents, "utf-8")
    assert build(site).stderr == ""
    numbers = [
        re.findall(r'class="eqno">([^<]+)', (site / "out" / f"{name}.html").read_text("utf-8"))
        for name in ("index", "course/03-c", "reference/b", "reference/a")
    ]
    assert numbers == [["(1)"], ["(3.1)"], ["(R.1)"], ["(R.2)"]]


def test_an_edit_of_one_page_leaves_the_others(site):
    build(site)
    (site / "course" / "03-c.md").write_text(COURSE + "\nMore.\n", "utf-8")
    said = build(site).stdout
    written = set(re.findall(r"writing output\.\.\. .*?\] (\S+)", said))
    assert "primer/03-p" not in written
    assert written <= {"course/03-c", "index"}  # the index shows the titles of its pages


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{answer} 1", "{answer}", "names the number of the right option"),
        ("{answer} 1", "{answer} 3", "names the number of the right option"),
        ("{answer} 1", "{answer} half", "'half' is not the number of an option"),
        ("- half\n- none\n", "", "names the number of the right option"),
        (":::{answer} 1\nHalf, as $x$ says.\n:::\n", "", "A question ends in one {answer}"),
        (":::\n```", ":::\n\nMore.\n```", "A question ends in one {answer}"),
    ],
)
def test_a_question_without_its_answer_is_refused(site, old, new, said):
    assert COURSE.count(old) == 1
    (site / "course" / "03-c.md").write_text(COURSE.replace(old, new), "utf-8")
    assert said in build(site).stderr
