"""What a build keeps for the next one, and when it is made again."""

import gzip
import io
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from myst_nb.core.read import is_myst_markdown_notebook
from pybtex.database import Entry, Person
from pybtex.plugin import find_plugin
from pybtex.style.formatting.alpha import Style
from pybtex.style.template import FieldIsMissing
from sklearn.datasets import load_digits

import chapters
from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import entries
import live
from kept import kept


@pytest.fixture
def app(tmp_path):
    """Return what `kept` asks of Sphinx."""
    return SimpleNamespace(doctreedir=tmp_path / "doctrees")


def test_it_is_made_once_from_the_same(app):
    makers = iter([lambda: b"one", lambda: b"two", lambda: b"three"])

    def make():
        return next(makers)()

    assert [kept(app, "styles/a.css", state, make) for state in (1, 1, 2, 1)] == [
        b"one",
        b"one",
        b"two",
        b"three",
    ]
    assert [path.name for path in app.doctreedir.rglob("*.*")] == ["a.css"]


def test_half_of_it_does_not_count(app):
    assert kept(app, "a", "state", lambda: b"whole") == b"whole"
    path = app.doctreedir / "kept" / "a"
    path.write_bytes(path.read_bytes()[:20])
    assert kept(app, "a", "state", lambda: b"anew") == b"anew"


def test_what_could_not_be_made_is_not_kept(app):
    with pytest.raises(ZeroDivisionError):
        kept(app, "a", "state", lambda: 1 / 0)
    assert kept(app, "a", "state", lambda: b"made") == b"made"


def test_the_digits_are_those_of_scikit_learn():
    archive = zipfile.ZipFile(io.BytesIO(live.packed([])))
    with archive.open(f"sklearn/{live.DIGITS}") as file, gzip.open(file) as table:
        digits = np.loadtxt(table, delimiter=",")
    bunch = load_digits()
    np.testing.assert_array_equal(digits[:, :-1], bunch.data)  # whole numbers
    np.testing.assert_array_equal(digits[:, -1], bunch.target)


def test_pages_with_code_are_those_that_myst_nb_executes():
    paths = [*(ROOT / "book").rglob("*.md"), *(ROOT / "tests" / "gates").rglob("*.md")]
    texts = [path.read_text("utf-8") for path in paths]
    texts += ["", "---\n---\n", "---\nkernelspec:\n  name: python3\n---\n# A\n", "# A\n"]
    texts += ["---\ntitle: A\n---\n```yaml\n  format_name: myst\n```\n"]
    known = [bool(chapters.FRONT_MATTER.match(text)) for text in texts]
    assert known == [is_myst_markdown_notebook(text) for text in texts]
    assert {True, False} == set(known)


def test_a_notebook_that_was_read_can_be_changed(tmp_path):
    (tmp_path / "a.md").write_text("# A\n", "utf-8")
    chapters.read(tmp_path / "a.md").cells.clear()
    assert [cell.source for cell in chapters.read(tmp_path / "a.md").cells] == ["# A"]


def entry(**fields):
    """Return a source of one author."""
    return Entry("misc", fields=fields, persons={"author": [Person("A. Author")]})


def test_an_entry_is_formatted_once_and_as_usual(monkeypatch):
    environment = SimpleNamespace()
    entries.remember(None, environment, [])
    style, one = entries.Remembered(), entry(title="One", year="2001")
    usual = Style().format_entry("Aut01", one)
    assert style.format_entry("Aut01", one).text == usual.text
    assert style.format_entry("Aut01", entry(title="Two", year="2001")).text != usual.text
    monkeypatch.setattr(Style, "format_entry", None)
    entries.remember(None, environment, [])
    assert style.format_entry("Aut01", entry(title="One", year="2001")).text == usual.text


def test_an_entry_that_cannot_be_formatted_is_told_of_each_time():
    entries.remember(None, SimpleNamespace(), [])
    for _ in range(2):
        with pytest.raises(FieldIsMissing):
            entries.Remembered().format_entry("A", Entry("article", fields={"year": "2001"}))


def cited(entry, label):
    """Return a label in the list, and the entry below it, after a work was given its label."""
    entries.cite(entry, label)
    style = entries.Remembered()
    [shown] = style.format_labels([entry])
    return shown, style.format_entry(shown, entry).text.render(
        find_plugin("pybtex.backends", "plaintext")()
    )


def test_a_work_is_listed_as_it_is_cited():
    entries.remember(None, SimpleNamespace(), [])
    for _ in range(2):  # what the last build has changed is read again
        one = entry(title="One", year="2001")
        assert cited(one, "Author (2001b)") == ("Author, 2001b", "A. Author. One. 2001b.")


def test_authors_who_are_not_named_have_one_form():
    entries.remember(None, SimpleNamespace(), [])
    many = entry(title="One", year="2001")
    many.persons["author"] += [Person("B. Second"), Person("others")]
    for _ in range(2):
        label, text = cited(many, "Author et al. (2001)")
        assert label == "Author et al., 2001"
        assert text == "A. Author et\u00a0al. One. 2001."
