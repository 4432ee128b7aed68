"""Lines that do not break between a number and what it belongs to: 53 %, page 3, η = 0.1, 1 − β.

The pages are written with plain spaces, as one types them.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

NO_BREAK = "\u00a0"
WORDS = "epochs?|GB|layers?|MB|minutes?|ms|points?|seconds?|seeds?|steps?|times"
UNIT = rf" (?=[%α-ω]|(?:{WORDS})(?!\w))"
INSIDE = re.compile(
    rf"(?<=\d){UNIT}"
    r"|(?<=\b[Pp]age) (?=\d)|(?<=\b[Cc]hapter) (?=\d)|(?<=\bFig\.) "
    r"|(?<=\w) (?=[=≈<>] )|(?<=\s[=≈<>]) (?=[\w−±])"
    r"|(?<=[\w)]) (?=[−+·×] [\w(√])|(?<=[\w)]\s[−+·×]) (?=[\w(√])"
)
BETWEEN_TAGS = re.compile(r"[^<>]+(?=<)")
CLAIMS = re.compile(r'class="(?:claim|table claims)\b')
AS_WRITTEN = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def tied(text: str) -> str:
    """Return a text whose numbers cannot be parted from their unit, name or sign."""
    return INSIDE.sub(NO_BREAK, text)


def tied_html(text: str) -> str:
    """Return the same of HTML, whose tags are left alone."""
    return BETWEEN_TAGS.sub(lambda part: tied(part[0]), text)


def begins_with_unit(siblings: list[nodes.Node], at: int) -> bool:
    """Return whether the first space of a text stands between a number and its unit.

    The number is in the node before, mostly one that the code has put in; a formula may be the
    unit.
    """
    text, after_number = siblings[at].astext(), at and siblings[at - 1].astext()[-1:].isdigit()
    formula = any(isinstance(sibling, nodes.math) for sibling in siblings[at + 1 : at + 2])
    return bool(after_number and (re.match(UNIT, text) or (text == " " and formula)))


class Tie(SphinxPostTransform):
    """Replace the spaces where no line may break, in all prose of a page."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Change the page's text nodes in place, and the boxes of claims."""
        for box in self.document.findall(nodes.raw):
            if CLAIMS.search(box.astext()):
                box.children = [nodes.Text(tied_html(box.astext()))]
        for parent in self.document.findall(nodes.Element):
            if isinstance(parent, AS_WRITTEN):
                continue
            for at, node in enumerate(parent.children):
                if isinstance(node, nodes.Text):
                    text = tied(node.astext())
                    if begins_with_unit(parent.children, at):
                        text = NO_BREAK + text[1:]
                    parent[at] = nodes.Text(text)


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.add_post_transform(Tie)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
