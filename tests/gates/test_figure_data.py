"""The Sphinx step that puts a figure's numbers under it."""

import sys
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import figure_data

SVG = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:title>06-loss</dc:title><dc:description>step,a &amp; b
0,1
</dc:description></metadata></svg>"""
LINK = (
    '<p class="figure-data"><a download="06-loss.csv" href="data:text/csv;charset=utf-8,'
    'step,a%20%26%20b%0A0,1%0A">Data: 06-loss.csv</a></p>'
)


@pytest.fixture
def app(tmp_path):
    (tmp_path / "a.svg").write_text(SVG, "utf-8")
    (tmp_path / "plain.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', "utf-8")
    (tmp_path / "b.png").write_bytes(b"\x89PNG")
    return SimpleNamespace(srcdir=tmp_path)


def page(uri, **attributes):
    """Return a page with one figure, as MyST-NB builds it."""
    document = new_document("page")
    figure = nodes.figure()
    bundle = nodes.container(**attributes)
    bundle += nodes.container("", nodes.image(uri=uri), mime_type="image/svg+xml")
    figure += [bundle, nodes.caption("", "The loss")]
    document += figure
    return document, figure


def test_the_link_stands_between_picture_and_caption(app):
    document, figure = page("a.svg", nb_element="mime_bundle")
    figure_data.add_data_links(app, document)
    _, link, caption = figure.children
    assert isinstance(caption, nodes.caption)
    assert link["format"] == "html"
    assert link.astext() == LINK


@pytest.mark.parametrize("uri", ["plain.svg", "b.png"])
def test_pictures_without_numbers(app, uri):
    document, figure = page(uri, nb_element="mime_bundle")
    figure_data.add_data_links(app, document)
    assert len(figure.children) == 2


def test_pictures_that_no_cell_drew(app):
    document, figure = page("a.svg")
    figure_data.add_data_links(app, document)
    assert len(figure.children) == 2


def test_a_name_cannot_leave_its_attribute():
    link = figure_data.data_link(SVG.replace("06-loss", "&quot;&lt;b>"))
    assert 'download="&quot;&lt;b&gt;.csv"' in link


def test_it_runs_when_a_page_has_been_read():
    steps = []
    app = SimpleNamespace(connect=lambda *step: steps.append(step))
    assert figure_data.setup(app) == {"parallel_read_safe": True, "parallel_write_safe": True}
    assert steps == [("doctree-read", figure_data.add_data_links)]
