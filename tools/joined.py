"""All pages of the book as one document, in the order of paper.

What a page folds is open here, but not what answers a question: the answers to a chapter's
predictions stand at the chapter's end, the solutions of all exercises at the end of the book, with
links both ways. A link whose class is `page` shows the number of the page that it leads to;
`tools/pdf.py` fills it in.
"""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag

import built
import cover
from built import Chapter

STYLE = Path(__file__).parent / "print" / "book.css"
NUMBERS = (
    "“Page 3” in the text is page 3 of the primer: such numbers stand above the titles. "
    "Figures and formulas count by chapter: P3.1 on page 3 of the primer, 6.1 in chapter 6."
)
SHORT = 12  # lines of code or output that are not torn apart


@dataclass
class Book:
    """The document as it grows, and the entries of its contents: level, title, id."""

    body: list[str] = field(default_factory=list)
    contents: list[tuple[str, str, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


def fragment(source: str) -> Tag:
    """Return the element that a piece of HTML describes."""
    return BeautifulSoup(source, "html.parser").find()


def page_link(target: str) -> str:
    """Return a link that shows the page it leads to."""
    return f'<a class="page" href="#{target}">000</a>'


def classes(element: Tag, without: tuple[str, ...]) -> list[str]:
    """Return an element's classes but some."""
    return [name for name in element.get("class", []) if name not in without]


def answers_last(article: Tag) -> None:
    """Put the answers to a page's predictions at its end."""
    section = fragment('<section id="answers"><h2>Answers to the predictions</h2></section>')
    for number, box in enumerate(article.select(".predict"), start=1):
        answer = box.select_one("details.answer").extract()
        answer.summary.decompose()
        right = answer.get("data-right")
        letter = f": {'abcde'[int(right) - 1]}" if right else ""
        box.select_one(".admonition-title").string = f"Predict {number}"
        own = f"answer-{box['id']}"
        box.append(fragment(f'<p class="see">Answer: page {page_link(own)}</p>'))
        back = f'<a href="#{box["id"]}">Prediction {number}</a>{letter}'
        back += f'<span class="see">, page {page_link(box["id"])}</span>'
        section.append(fragment(f'<p class="folded-title" id="{own}">{back}</p>'))
        for element in list(answer.children):
            section.append(element.extract())
    if section.p:
        (article.section or article).append(section)


def unfold(article: Tag) -> None:
    """Open what the page folds; a line to open code says nothing on paper."""
    for details in article.find_all("details"):
        summary = details.summary
        if {"hide", "articles"} & set(details.get("class", [])):
            summary.decompose()
        else:
            summary.name, summary["class"] = "p", ["folded-title"]
        details.name = "div"
        details["class"] = classes(details, ("admonition", "hide", "above-input"))
    for box in article.select(".dropdown"):
        box["class"] = classes(box, ("dropdown",))
    for output in article.select(".tag_attempt .cell_output"):  # it says: not answered yet
        output.decompose()
    for code in article.find_all("pre"):
        if code.get_text().count("\n") <= SHORT:
            code["class"] = [*code.get("class", []), "short"]


def anchor(key: str, name: str) -> str:
    """Return what an id of a page is called in the document."""
    return f"{key}--{name.replace('/', '-')}" if name else key


def rename_ids(chapter: Chapter) -> None:
    """Make the ids of a page unique in the document, and the first of each on the page."""
    seen = set()
    for element in chapter.article.find_all(id=True):
        name = element["id"]
        element["id"] = anchor(chapter.key, name)
        if name in seen:
            del element["id"]
        seen.add(name)
    chapter.article["id"] = chapter.key


def lead_inside(chapter: Chapter, keys: dict[str, str]) -> None:
    """Let links to pages of the book lead to their place in the document; drop other files'."""
    for link in chapter.article.find_all("a", href=True):
        if re.match(r"[a-z]+:", link["href"]):
            continue
        address, _, name = link["href"].partition("#")
        target = built.resolve(chapter.name, address) if address else f"{chapter.name}.html"
        if target.removesuffix(".html") in keys:
            link["href"] = "#" + anchor(keys[target.removesuffix(".html")], name)
        else:
            link.unwrap()


def solutions(chapter: Chapter) -> list[Tag]:
    """Take a page's solutions out, and leave at each place a link to it."""
    taken = chapter.article.select(".solution")
    for solution in taken:
        see = f'<p class="see">Solution: page {page_link(solution["id"])}</p>'
        solution.replace_with(fragment(see))
        title = solution.select_one(".admonition-title")
        back = page_link(title.a["href"].removeprefix("#"))
        title.append(fragment(f"<span>, page {back}</span>"))
    return taken


def running_head(key: str, left: str, right: str) -> str:
    """Return the style of a chapter's pages."""
    place = "font: 8.5pt sans-serif; color: #555"
    quoted = [re.sub(r'(["\\])', r"\\\1", words) for words in (left, right)]
    return (
        f'@page {key} {{ @top-left {{ content: "{quoted[0]}"; {place} }} '
        f'@top-right {{ content: "{quoted[1]}"; {place} }} }}\n#{key} {{ page: {key} }}'
    )


def add_chapter(book: Book, chapter: Chapter) -> None:
    """Add a page, and what the contents and the running heads say of it."""
    number = f"{chapter.number}: " if chapter.number else ""
    book.contents.append(("chapter", number + chapter.title, chapter.key))
    for heading in chapter.article.select("section > h2"):
        if heading.parent.get("id"):
            book.contents.append(("section", built.text(heading), heading.parent["id"]))
    book.heads.append(running_head(chapter.key, chapter.number or chapter.part, chapter.title))
    above = f'<p class="chapter-number">{chapter.number}</p>'
    if chapter.number:
        chapter.article.h1.insert_before(fragment(above))
    book.body.append(chapter.html())


def add_part(book: Book, caption: str) -> None:
    """Add the page before a part."""
    key = f"part-{len(book.contents)}"
    book.contents.append(("part", caption, key))
    book.body.append(f'<div class="part-page" id="{key}"><h1>{html.escape(caption)}</h1></div>')


def add_solutions(book: Book, found: list[tuple[Chapter, list[Tag]]]) -> None:
    """Add the last chapter."""
    if not any(solved for _, solved in found):
        return
    parts = []
    for chapter, solved in found:
        heading = ": ".join(filter(None, (chapter.number, chapter.title)))
        parts += [f"<h2>{html.escape(heading)}</h2>"] if solved else []
        parts += [chapter.html(solution) for solution in solved]
    book.contents.append(("part", "Solutions", "solutions"))
    book.heads.append(running_head("solutions", "", "Solutions"))
    article = f'<article class="bd-article" id="solutions"><h1>Solutions</h1>{"".join(parts)}'
    book.body.append(f"{article}</article>")


def contents_page(book: Book) -> str:
    """Return the contents as a page."""
    rows = "".join(
        f'<a class="{level}" href="#{key}"><span>{html.escape(title)}</span><i></i>'
        f'<b class="page" data-of="{key}">000</b></a>'
        for level, title, key in book.contents
    )
    book.heads.append(running_head("contents", "", "Contents"))
    return (
        '<nav class="bd-article contents" id="contents">'
        f"<h1>Contents</h1><p>{NUMBERS}</p>{rows}</nav>"
    )


def cover_page(title: str, author: str, front: Chapter) -> str:
    """Return the cover: its sentence is the thesis of the book's first page."""
    thesis = front.article.select_one("p > strong")
    said = f"<p>{thesis.decode_contents()}</p>" if thesis else ""
    return (
        f'<div class="cover">{cover.picture()}<div class="words"><h1>{html.escape(title)}</h1>'
        f"{said}<p>{html.escape(author)}</p></div></div>"
    )


def document(root: Path) -> tuple[str, dict, list[tuple[str, str, str]]]:
    """Return the document, the book's settings, and the entries of the contents."""
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    pages, book, found, part = built.chapters(root), Book(), [], ""
    keys = {chapter.name: chapter.key for chapter in pages}
    front = cover_page(config["title"], config["author"], pages[0])
    for chapter in pages:
        answers_last(chapter.article)
        unfold(chapter.article)
        rename_ids(chapter)
        lead_inside(chapter, keys)
        found.append((chapter, solutions(chapter)))
        if chapter.part != part:
            part = chapter.part
            add_part(book, part)
        add_chapter(book, chapter)
    add_solutions(book, found)
    contents = contents_page(book)
    style = STYLE.read_text("utf-8") + "\n".join(book.heads)
    text = (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{html.escape(config["title"])}</title>'
        f"{built.head(root, pages[0].name)}<style>{style}</style></head><body>{front}"
        f'<main class="bd-content">{contents}{"".join(book.body)}</main></body></html>'
    )
    return text, config, book.contents
