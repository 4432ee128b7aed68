"""The built pages as paper and slides take them: in reading order, without what a screen needs.

Both are made from the pages in `_build/html` and hold no text of their own, so that neither can
say something else than the book does.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import numbering  # noqa: E402

# What a reader of a page clicks on, or what says how the page was made.
FOR_THE_SCREEN = (
    "script, button, .headerlink, .figure-data, .toctree-wrapper, .prev-next-footer, .provenance, "
    "p.runs, .live-bar, .said, form.guess, .claims-controls"
)
FIGURE = re.compile(r'<svg class="figure".*?</svg>', re.DOTALL)
ID = re.compile(r'(\bid="|href="#|url\(#)')  # in an SVG, where an id is given or used
KINDS = {"primer": "Primer, page", "course": "Chapter"}
STYLE = re.compile(r'<link\b[^>]*rel="stylesheet"[^>]*>')
FORMULAS = """<link rel="stylesheet" href="{folder}/katex/katex.min.css">
<script defer src="{folder}/katex/katex.min.js"></script>
<script defer src="{folder}/katex/set.js"></script>"""
# Resolves when nothing on a page moves any more.
SETTLED = """async () => {
  await document.fonts.ready;
  const images = [...document.images];
  await Promise.all(images.map((image) => image.decode().catch(() => 0)));
}"""
BROKEN = """() => [
  ...[...document.querySelectorAll(".katex-error")].map((wrong) => `formula: ${wrong.title}`),
  ...[...document.images].filter((image) => !image.naturalWidth)
    .map((image) => `picture: ${image.src}`),
]"""


@dataclass(frozen=True)
class Chapter:
    """A built page; its figures wait outside, because to parse their points takes long."""

    name: str  # book/course/02-mathematics
    part: str  # the caption of its part of the book, "" before the first
    article: Tag
    figures: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return the name as an id: course-02-mathematics."""
        return self.name.removeprefix("book/").replace("/", "-")

    @property
    def title(self) -> str:
        """Return what its heading says."""
        return text(self.article.h1)

    @property
    def number(self) -> str:
        """Return the words before its title: "Chapter 2", or nothing."""
        place = re.match(r"book/(\w+)/(\d+)-", self.name)
        known = place and numbering.chapter(self.name)
        return f"{KINDS[place[1]]} {int(place[2])}" if known else ""

    def html(self, part: Tag | None = None) -> str:
        """Return the page, or a part of it, with its figures; their ids begin with its name."""

        def figure(mark: re.Match) -> str:
            return ID.sub(rf"\g<1>{self.key}-", self.figures[int(mark[1])])

        return re.sub(r'<svg data-figure="(\d+)"></svg>', figure, str(part or self.article))


def text(element: Tag) -> str:
    r"""Return an element's text on one line, a formula as its letters.

    >>> text(BeautifulSoup(r"<h1>The  <i>case</i> \(\eta = 1\)</h1>", "html.parser").h1)
    'The case η = 1'
    """
    words = re.sub(r"\\[()]", "", element.get_text())
    for name, letter in {"eta": "η", "rho": "ρ", "varepsilon": "ε", "theta": "θ"}.items():
        words = words.replace(rf"\{name}", letter)
    return " ".join(words.split())


def listed(root: Path) -> list[tuple[str, str]]:
    """Return (part, name) of each page, in reading order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    pages = [("", toc["root"])]
    for part in toc.get("parts", []):
        pages += [(part["caption"], page["file"]) for page in part["chapters"]]
    return pages


def read(root: Path, part: str, name: str) -> Chapter:
    """Return a built page without what only a screen needs."""
    source = (root / "_build" / "html" / f"{name}.html").read_text("utf-8")
    source = source[source.index("<article") : source.rindex("</article>")] + "</article>"
    figures = tuple(FIGURE.findall(source))
    numbers = iter(range(len(figures)))
    source = FIGURE.sub(lambda _: f'<svg data-figure="{next(numbers)}"></svg>', source)
    article = BeautifulSoup(source, "html.parser").article
    for element in article.select(FOR_THE_SCREEN):
        element.decompose()
    for image in article.find_all("img"):
        image["src"] = resolve(name, image["src"])
    return Chapter(name, part, article, figures)


def chapters(root: Path) -> list[Chapter]:
    """Return all built pages."""
    if not (root / "_build" / "html" / "index.html").exists():
        raise SystemExit("There is no built book: run `make book` first.")
    return [read(root, part, name) for part, name in listed(root)]


def resolve(name: str, address: str) -> str:
    """Return where a link of a page leads, from the site's root.

    >>> resolve("book/course/02-x", "../../_images/a.png"), resolve("book/index", "peers.html#b")
    ('_images/a.png', 'book/peers.html#b')
    """
    parts = name.split("/")[:-1]
    for step in address.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def head(root: Path, name: str) -> str:
    """Return what a page of ours needs of a built page's head: style sheets and formulas."""
    source = (root / "_build" / "html" / f"{name}.html").read_text("utf-8")
    depth = "../" * name.count("/")
    found = [element for element in STYLE.findall(source) if "katex" not in element]
    found = [element.replace(f'"{depth}_static', '"_static') for element in found]
    return "\n".join([*found, FORMULAS.format(folder="_static")])


def settle(page: Page) -> list[str]:
    """Wait until formulas, type and pictures stand; return what is broken."""
    page.evaluate(SETTLED)
    return page.evaluate(BROKEN)


def write(path: Path, data: bytes) -> None:
    """Write a file that is never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
