"""The entries of the bibliography, each formatted once: all of them take a second, in every build.

What is formatted is remembered with Sphinx's environment, under all that an entry says.
"""

import pybtex.plugin
from pybtex.style.formatting.alpha import Style
from sphinx.application import Sphinx


class Remembered(Style):
    """The usual style, which does not format the same entry again."""

    known = None  # of the environment, from `remember` on

    def format_entry(self, label, entry, bib_data=None):
        """Return a formatted entry; one that cannot be formatted is tried each time."""
        said = label, entry.key, repr(entry)
        if said not in self.known:
            self.known[said] = super().format_entry(label, entry, bib_data)
        return self.known[said]


def remember(app: Sphinx, env, docnames: list[str]) -> None:
    """Let the style go on from what the last build formatted."""
    env.formatted_entries = getattr(env, "formatted_entries", {})
    Remembered.known = env.formatted_entries


def setup(app: Sphinx) -> dict:
    """Name the style, and connect the step."""
    pybtex.plugin.register_plugin("pybtex.style.formatting", "remembered", Remembered)
    app.connect("env-before-read-docs", remember)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
