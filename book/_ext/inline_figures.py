"""The figures that cells drew: set into the page, in the page's colours, with their numbers.

`rmsbook.figures.show` draws SVG in light colours. A picture in the page's own text can follow its
theme, which one in a file cannot: each colour becomes a variable that `book.css` sets again for the
dark page. The numbers, which `show` writes as CSV into the SVG's description, become a download.
They cannot be an output of their own: MyST-NB gives every output of a cell that has a caption a
caption.
"""

import html
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from compact import compact
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
STYLESHEET = Path(__file__).parent.parent / "_static" / "book.css"
COLOR = re.compile(r"#([0-9a-f]{6})\b(?=[;\"])")
BEFORE_CONTENT = re.compile(
    r"\A.*?<svg[^>]*>\s*<title>.*?</title>\s*<metadata>.*?</metadata>", re.S
)
SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt" viewBox="([^"]+)"')
logger = logging.getLogger(__name__)


def dark_colors() -> frozenset[str]:
    """Return the colours that the style sheet sets again for the dark page."""
    return frozenset(re.findall(r"--figure-([0-9a-f]{6}):", STYLESHEET.read_text("utf-8")))


def inline(svg: str, alt: str, name: str) -> str:
    """Return a figure as an element of the page.

    Its ids begin with ``name``, because those that matplotlib gives come again in every figure.
    """
    width, _, box = SIZE.search(svg).groups()
    body = compact(BEFORE_CONTENT.sub("", svg, count=1))
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = COLOR.sub(r"var(--figure-\1, #\1)", body)
    return (
        f'<svg class="figure" role="img" aria-label="{html.escape(alt)}" viewBox="{box}" '
        f'style="width: {width}pt">{body}'
    )


def numbers(svg: str) -> tuple[str, str]:
    """Return a figure's name and its numbers as CSV, "" where nothing was drawn from any."""
    tree = ElementTree.fromstring(svg)
    found = (tree.findtext(f".//{DUBLIN_CORE}{kind}") or "" for kind in ("title", "description"))
    return tuple(found)


def offer_numbers(app: Sphinx, pagename: str, svg: str) -> str:
    """Write a figure's numbers beside the pages and return the link to them."""
    name, table = numbers(svg)
    if not table.strip():  # a diagram has none
        return ""
    target = f"figures/{Path(pagename).name}/{quote(name, safe='')}.csv"
    path = Path(app.outdir, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table, "utf-8")
    address = html.escape(relative_uri(app.builder.get_target_uri(pagename), target))
    label = html.escape(f"{name}.csv")
    return f'<p class="figure-data"><a download href="{address}">Data: {label}</a></p>'


def inline_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Put each figure of `show` into the page, and below it the link to its numbers."""
    known = dark_colors()
    for number, bundle in enumerate(list(doctree.findall(is_output))):
        for image in list(bundle.findall(nodes.image)):
            path = Path(app.srcdir, image["uri"])
            svg = path.read_text("utf-8") if path.suffix == ".svg" else ""
            if not BEFORE_CONTENT.match(svg):
                continue
            for color in sorted(set(COLOR.findall(svg)) - known):
                logger.warning("a figure has #%s, which book.css has no dark colour for", color)
            picture = inline(svg, image.get("alt", ""), f"f{number}")
            image.replace_self(nodes.raw("", picture, format="html"))
            if link := offer_numbers(app, app.env.docname, svg):
                place = bundle.parent.index(bundle) + 1
                bundle.parent.insert(place, nodes.raw("", link, format="html"))


def is_output(node: nodes.Node) -> bool:
    """Whether MyST-NB made this node from one output of a cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("doctree-read", inline_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
