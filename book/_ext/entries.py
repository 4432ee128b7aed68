"""The bibliography: each work is cited in a way of its own, and its entry is formatted once.

The labels are those of the claims' sources (`load_bibliography`): Keras, 2016a. They stand before
the entries too. All entries take a second, in every build: what is formatted is remembered with
Sphinx's environment, under all that an entry says.
"""

import copy

import pybtex.plugin
from pybtex.database import Entry
from pybtex.style.formatting.alpha import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx

from rmsbook.claims import load_bibliography

ET_AL = "et\u00a0al."


class AsCited(BaseLabelStyle):
    """The label of an entry is what one reads where it is cited."""

    def format_labels(self, sorted_entries):
        """Return the labels that `tell_apart` has found."""
        return [entry.fields["cited"] for entry in sorted_entries]


class Remembered(Style):
    """The usual style, which does not format the same entry again."""

    default_label_style = AsCited
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


def tell_apart(app: Sphinx, env, docnames: list[str]) -> None:
    """Let works be cited by their labels, and more authors than are named be "et al."."""
    works = env.get_domain("cite")
    works.reference_style.person.other = f" {ET_AL}"  # upright, as in the entries
    for path in works.bibdata.bibfiles:
        for key, source in load_bibliography(path).items():
            cite(works.bibdata.data.entries[key], source.label)


def cite(entry: Entry, label: str) -> None:
    """Give an entry its label, "Keras (2016a)", and the year of it."""
    names, year = label.removesuffix(")").rsplit(" (", 1)
    entry.fields["year"], entry.fields["cited"] = year, f"{names}, {year}"
    people = entry.persons["author"]
    if str(people[-1]) == "others":
        first = copy.copy(people[0])
        first.last_names = [*first.last_names, ET_AL]
        entry.persons["author"] = [first]


def setup(app: Sphinx) -> dict:
    """Name the style, and connect the steps."""
    pybtex.plugin.register_plugin("pybtex.style.formatting", "remembered", Remembered)
    app.connect("env-before-read-docs", remember)
    app.connect("env-before-read-docs", tell_apart)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
