"""Questions to answer before a cell shows the result, and the folded section on the articles.

    ```{predict} q-03-1
    How far from the minimum does the run end?

    - at the minimum
    - half a learning rate away

    :::{answer} 2
    Half a learning rate: …
    :::
    ```

The number is that of the right option; a question without options asks for a number or a curve. The
answer is folded. `_static/predict.js` lets a reader commit to one first.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDED_SECTION = "What the articles say"


class folded(nodes.General, nodes.Element):  # noqa: N801 – as docutils names its nodes
    """Content behind a line to open it: a ``details`` element."""


class Predict(SphinxDirective):
    """A question with its folded answer."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the box; exactly one answer must end it."""
        box = nodes.admonition(classes=["predict"], ids=[self.arguments[0]])
        box += nodes.title("", "Predict")
        self.state.nested_parse(self.content, self.content_offset, box)
        answers = list(box.findall(folded))
        if len(answers) != 1 or answers[0] is not box.children[-1]:
            raise self.error("A question ends in one {answer}.")
        options = [len(child) for child in box.children if isinstance(child, nodes.bullet_list)]
        right = answers[0].get("right")
        if (right is None) != (not options) or (options and not 1 <= right <= options[-1]):
            raise self.error("An answer names the number of the right option if there are any.")
        return [box]


class Answer(SphinxDirective):
    """What `Predict` folds."""

    has_content = True
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the folded answer."""
        right = self.arguments[0] if self.arguments else None
        if right is not None and not right.isdecimal():
            raise self.error(f"{right!r} is not the number of an option.")
        answer = folded(classes=["answer"], summary="Answer", right=right and int(right))
        self.state.nested_parse(self.content, self.content_offset, answer)
        return [answer]


def fold_section(app: Sphinx, doctree: nodes.document) -> None:
    """Fold the section in which a chapter says what the articles say, below its heading."""
    for section in list(doctree.findall(nodes.section)):
        title = section.next_node(nodes.title)
        if title is not None and title.astext() == FOLDED_SECTION:
            title, *rest = section.children
            claims = folded(classes=["articles"], summary="Open: each claim with its evidence")
            section.children = []
            claims += rest
            section += [title, claims]


def open_folded(translator, node: folded) -> None:
    """Begin a ``details`` element."""
    right = {} if node.get("right") is None else {"data-right": str(node["right"])}
    translator.body.append(translator.starttag(node, "details", **right))
    translator.body.append(f"<summary>{node['summary']}</summary>\n")


def close_folded(translator, node: folded) -> None:
    """End it."""
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> dict:
    """Register the directives and the step."""
    app.add_node(folded, html=(open_folded, close_folded))
    app.add_directive("predict", Predict)
    app.add_directive("answer", Answer)
    app.connect("doctree-read", fold_section)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
