"""What belongs together stays on one line: η = 0.01, 78 %, 50 epochs.

The pages say it with plain spaces, as one writes; here they become spaces that do not break.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

UNITS = "epochs?|GB|layers?|MB|minutes?|ms|points?|seconds?|seeds?|steps?|times|%"
RELATION = re.compile(r"(?<=[ηρεμθκ]) ([=<>≈]) (?=\S)")
UNIT = re.compile(rf"(?<=\d) (?=(?:{UNITS})(?!\w))")
PER_CENT = re.compile(r"^ (?=%)")  # behind a number that a cell computed


def kept(text: str) -> str:
    """Return a text whose numbers stay with their names and units.

    >>> kept("with η = 0.01 in 50 epochs 78 % of it").replace("\N{NO-BREAK SPACE}", "~")
    'with η~=~0.01 in 50~epochs 78~% of it'
    """
    text = RELATION.sub("\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    return UNIT.sub("\N{NO-BREAK SPACE}", PER_CENT.sub("\N{NO-BREAK SPACE}", text))


def keep(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Keep numbers together in a page's prose, not in its code and formulas."""
    for element in doctree.findall(nodes.Element):
        if isinstance(element, nodes.literal | nodes.math | nodes.FixedTextElement):
            continue
        for place, child in enumerate(element.children):
            if isinstance(child, nodes.Text) and kept(child) != child:
                element[place] = nodes.Text(kept(child))


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("doctree-resolved", keep)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
