"""Under each figure that a cell drew: a link that downloads its numbers.

`rmsbook.figures.show` writes them, as CSV, into the SVG's description. They cannot be an output of
their own: MyST-NB gives every output of a cell that has a caption a caption.
"""

import html
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx

DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


def data_link(svg: str) -> str:
    """Return the link to a picture's numbers, or "" for a picture that carries none."""
    tree = ElementTree.fromstring(svg)
    table = tree.findtext(f".//{DUBLIN_CORE}description")
    if not table:
        return ""
    name = html.escape(f"{tree.findtext(f'.//{DUBLIN_CORE}title')}.csv")
    address = "data:text/csv;charset=utf-8," + quote(table, safe=",")
    return f'<p class="figure-data"><a download="{name}" href="{address}">Data: {name}</a></p>'


def add_data_links(app: Sphinx, doctree: nodes.document) -> None:
    """Put the link after each picture, above its caption."""
    for bundle in list(doctree.findall(is_output)):
        for image in bundle.findall(nodes.image):
            path = Path(app.srcdir, image["uri"])
            link = data_link(path.read_text("utf-8")) if path.suffix == ".svg" else ""
            if link:
                place = bundle.parent.index(bundle) + 1
                bundle.parent.insert(place, nodes.raw("", link, format="html"))


def is_output(node: nodes.Node) -> bool:
    """Whether MyST-NB made this node from one output of a cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("doctree-read", add_data_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
