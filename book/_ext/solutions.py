"""A solution has a short title, "Solution to Exercise 4.1", whose link is its last words.

sphinx-exercise repeats the exercise's own title, which stands just above, and its link begins with
a blank.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node


class ShortTitle(SphinxPostTransform):
    """Shorten the titles that sphinx-exercise has just made (its priority is 21)."""

    default_priority = 25
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Change the solutions' titles in place."""
        for solution in self.document.findall(solution_node):
            words, link = solution[0].children
            solution[0][0] = nodes.Text(words.astext() + " ")
            link.children = [nodes.Text(link[0].astext().strip())]


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.add_post_transform(ShortTitle)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
