"""The Sphinx step that sets a figure into its page, and its numbers under it."""

import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from docutils import nodes
from docutils.utils import new_document

from project import ROOT
from rmsbook import figures

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import inline_figures

ALT = 'A line from 0 to 1, called "a & b"'


@pytest.fixture
def svg():
    figures.use_style()
    figure, ax = plt.subplots()
    ax.plot([0, 1], label="a & b", marker="o")
    ax.set(xlabel="step", ylabel="loss")
    ax.legend()
    text = figures.to_svg(figure, "06-loss")
    plt.close(figure)
    return text


@pytest.fixture
def app(tmp_path, svg):
    (tmp_path / "a.svg").write_text(svg, "utf-8")
    (tmp_path / "odd.svg").write_text(svg.replace("#0072b2", "#123456"), "utf-8")
    (tmp_path / "plain.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', "utf-8")
    (tmp_path / "b.png").write_bytes(b"\x89PNG")
    return SimpleNamespace(srcdir=tmp_path)


def page(uri, **attributes):
    """Return a page with one figure, as MyST-NB builds it."""
    document = new_document("page")
    figure = nodes.figure()
    bundle = nodes.container(**attributes)
    bundle += nodes.container("", nodes.image(uri=uri, alt=ALT), mime_type="image/svg+xml")
    figure += [bundle, nodes.caption("", "The loss")]
    document += figure
    return document, figure


def test_picture_link_caption(app):
    document, figure = page("a.svg", nb_element="mime_bundle")
    inline_figures.inline_figures(app, document)
    bundle, link, caption = figure.children
    assert isinstance(caption, nodes.caption)
    assert link["format"] == "html"
    assert link.astext() == (
        '<p class="figure-data"><a download="06-loss.csv" href="data:text/csv;charset=utf-8,step,'
        'a%20%26%20b%3A%20loss%0A0,0%0A1,1%0A">Data: 06-loss.csv</a></p>'
    )
    picture = bundle[0][0].astext()
    assert 'aria-label="A line from 0 to 1, called &quot;a &amp; b&quot;"' in picture
    assert "<metadata" not in picture
    assert "#0072b2" not in picture.replace("var(--figure-0072b2, #0072b2)", "")
    assert not list(document.findall(nodes.image))


def test_two_figures_share_no_id(svg):
    import re

    first, second = (inline_figures.inline(svg, ALT, name) for name in ("f1", "f2"))
    ids = [set(re.findall(r'\bid="([^"]+)', picture)) for picture in (first, second)]
    assert len(ids[0]) > 10
    assert not ids[0] & ids[1]
    for picture, own in zip((first, second), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', picture)) <= own


def test_a_colour_without_a_dark_one_is_reported(app, caplog):
    document, _ = page("odd.svg", nb_element="mime_bundle")
    inline_figures.inline_figures(app, document)
    assert "#123456" in caplog.text


@pytest.mark.parametrize("uri", ["plain.svg", "b.png"])
def test_other_pictures_stay_as_they_are(app, uri):
    document, figure = page(uri, nb_element="mime_bundle")
    inline_figures.inline_figures(app, document)
    assert len(figure.children) == 2
    assert list(document.findall(nodes.image))


def test_pictures_that_no_cell_drew(app):
    document, figure = page("a.svg")
    inline_figures.inline_figures(app, document)
    assert len(figure.children) == 2


def test_a_name_cannot_leave_its_attribute(svg):
    link = inline_figures.data_link(svg.replace("06-loss", "&quot;&lt;b>"))
    assert 'download="&quot;&lt;b&gt;.csv"' in link
