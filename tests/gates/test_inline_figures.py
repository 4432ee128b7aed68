"""The Sphinx step that sets a figure into its page, and its numbers under it."""

import re
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
    return SimpleNamespace(
        srcdir=tmp_path,
        outdir=tmp_path / "html",
        env=SimpleNamespace(docname="book/course/06-line"),
        builder=SimpleNamespace(get_target_uri=lambda page: f"{page}.html"),
    )


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
        '<p class="figure-data"><a download href="../../figures/06-line/06-loss.csv">'
        "Data: 06-loss.csv</a></p>"
    )
    table = app.outdir / "figures" / "06-line" / "06-loss.csv"
    assert table.read_text("utf-8") == "step,a & b: loss\n0,0\n1,1\n"
    picture = bundle[0][0].astext()
    assert 'aria-label="A line from 0 to 1, called &quot;a &amp; b&quot;"' in picture
    assert "<metadata" not in picture
    assert "#0072b2" not in picture.replace("var(--figure-0072b2, #0072b2)", "")
    assert not list(document.findall(nodes.image))


def test_two_figures_share_no_id(svg):
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


def test_a_name_cannot_leave_its_folder_or_its_attribute(app, svg):
    link = inline_figures.offer_numbers(
        app, "book/course/06-line", svg.replace("06-loss", '../"&lt;b>')
    )
    assert 'href="../../figures/06-line/..%2F%22%3Cb%3E.csv"' in link
    assert "Data: ../&quot;&lt;b&gt;.csv" in link
    assert [path.parent.name for path in app.outdir.rglob("*.csv")] == ["06-line"]


def test_a_diagram_without_numbers_offers_none(app):
    figure, axes = plt.subplots()
    axes.text(0.5, 0.5, "a box")
    diagram = figures.to_svg(figure, "diagram")
    assert inline_figures.numbers(diagram)[0] == "diagram"
    assert inline_figures.offer_numbers(app, "index", diagram) == ""
    assert list(app.outdir.rglob("*.csv")) == []
