"""What stays on one line, in a book of one page."""

import pytest

from project import ROOT

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    from sphinx.application import Sphinx

    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "out"))
    (source / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        'extensions = ["myst_parser", "spacing"]\n',
        "utf-8",
    )
    (source / "index.md").write_text(
        "# In 50 epochs\n\nWith η = 0.01, *78 %* of `x = 50 % 2` and 5 timesheets.\n\n"
        "```\nη = 50 % 2\n```\n",
        "utf-8",
    )
    Sphinx(source, source, out, out / "tree", "html", status=None).build()
    return (out / "index.html").read_text("utf-8")


@pytest.mark.parametrize("text", ["50~epochs", "η~=~0.01", "78~%", "5 timesheets"])
def test_a_number_stays_with_its_name_and_unit(page, text):
    assert text.replace("~", NO_BREAK) in page


def test_code_stays_as_it_is(page):
    assert f"50{NO_BREAK}%" not in page
