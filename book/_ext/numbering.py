"""Figures and equations numbered by chapter: Fig. 6.1 and (6.3) in the course, P6.1 in the primer.

The reference is one chapter, R.

Sphinx numbers by chapter only where the headings are numbered, too, and then through the book.
"""

import copy
import re
from collections.abc import Iterable

from sphinx.application import Sphinx

PARTS = {"primer": "P", "course": ""}  # a page's folder, and what its numbers begin with
PAGE = re.compile(rf"(?:.*/)?({'|'.join(PARTS)})/(\d+)-")
REFERENCE = re.compile(r"(?:.*/)?reference/")


def chapter(docname: str) -> str | None:
    """Return what the numbers of a page begin with, or None for a page that is no chapter.

    >>> chapter("book/course/06-linear-regression"), chapter("book/primer/03-algorithm")
    ('6', 'P3')
    """
    page = PAGE.match(docname)
    return page and f"{PARTS[page[1]]}{int(page[2])}"


def number_by_chapter(app: Sphinx, env) -> Iterable[str]:
    """Replace the running numbers, which Sphinx has just given, kind by kind."""
    env.numbering_running = copy.deepcopy(env.toc_fignumbers)
    found = {}  # by chapter and kind: running number, and where it stands
    for docname, kinds in env.toc_fignumbers.items():
        begin = "R" if REFERENCE.match(docname) else chapter(docname)
        for kind, ids in kinds.items() if begin else ():
            places = ((number, name, ids) for name, (*_, number) in ids.items())
            found.setdefault((begin, kind), []).extend(places)
    for (begin, _), places in found.items():
        places.sort(key=lambda place: place[0])
        for number, (_, name, ids) in enumerate(places, start=1):
            ids[name] = (begin, number)
    return ()


def restore_running(app: Sphinx, env, docnames: list[str]) -> None:
    """Give Sphinx its own numbers back: it writes the pages anew whose numbers have changed."""
    env.toc_fignumbers = getattr(env, "numbering_running", env.toc_fignumbers)


def setup(app: Sphinx) -> dict:
    """Connect the two steps, one before Sphinx's own and one after it."""
    app.connect("env-before-read-docs", restore_running)
    app.connect("env-get-updated", number_by_chapter, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
