"""A handout of each page of the primer: what it says on two sheets at most, without the code.

The questions stand where the page asks them, the answers at the end; the exercises come without
hints and solutions. `tools/pdf.py` prints it in the largest type with which it fits.
"""

import html
from collections.abc import Iterator
from pathlib import Path

from bs4 import Tag

import built
import joined
from built import Chapter

PAGES = 2
SIZES = (9.6, 9.2, 8.8, 8.4, 8, 7.6, 7.2)  # points
LINES = 8  # of an output; a longer one is left out
STYLE = Path(__file__).parent / "print" / "handout.css"
LEFT_OUT = ".solution, .hint, details.articles, h1 ~ dl, .cell_input, .tag_attempt, .claim, .see"
SECTIONS_LEFT_OUT = ("what-the-articles-say", "references-and-what-comes-next")


def shortened(chapter: Chapter) -> Tag:
    """Return a page's article without what a handout has no room for."""
    article = chapter.article
    joined.answers_last(article)
    for element in article.select(LEFT_OUT):
        element.decompose()
    for section in article.find_all("section", id=SECTIONS_LEFT_OUT):
        section.decompose()
    for cell in article.select(".cell"):
        output = cell.select_one(".cell_output")
        picture = cell.select_one("svg, img, table")
        if not picture and (output is None or output.get_text().strip().count("\n") > LINES):
            cell.decompose()
    for link in article.select("a"):
        link.unwrap()
    joined.unfold(article)
    return article


def document(root: Path, chapter: Chapter) -> str:
    """Return a handout as a page."""
    place = f"{chapter.part.partition(':')[0]}, page {int(chapter.name.split('/')[-1][:2])}"
    foot = f'@page {{ @bottom-left {{ content: "RMSprop, Executed · {place}" }} }}'
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{html.escape(chapter.title)}</title>'
        f"{built.head(root, chapter.name)}<style>{STYLE.read_text('utf-8')}{foot}</style></head>"
        f'<body><main class="bd-content">{chapter.html()}</main></body></html>'
    )


def documents(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and document of each page of the primer."""
    for part, name in built.listed(root):
        if name.startswith("book/primer/"):
            chapter = built.read(root, part, name)
            shortened(chapter)
            yield chapter.key, document(root, chapter)
