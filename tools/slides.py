"""The decks: `_build/slides/*.html`, one for the primer and one for each chapter of the course.

Made from the built pages with reveal.js (`tools/reveal`) and the book's own KaTeX, to be opened
from the folder, without a network. The speaker's notes (key S) hold the prediction to ask for.
"""

import argparse
import html
import re
import shutil
from pathlib import Path

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

import built
import cover
import gates
import steps
from built import Chapter
from steps import Step

TOOLS = Path(__file__).parent
ASSETS = ("reveal/reveal.css", "reveal/reveal.js", "reveal/notes.js", "reveal/LICENSE")
ASSETS += ("print/slides.css", "print/slides.js")
LIMITS = {"primer": 22, "course": 15}  # slides
STEPS = (LIMITS["course"] - 2) // 2  # of a chapter, beside the title and the take-aways
HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="assets/reveal.css"><link rel="stylesheet" href="assets/pygments.css">
<link rel="stylesheet" href="assets/slides.css">{formulas}
<script defer src="assets/reveal.js"></script><script defer src="assets/notes.js"></script>
<script defer src="assets/slides.js"></script></head>
<body><div class="reveal"><div class="slides">
"""


def bare(source: str) -> str:
    """Return HTML without ids, which would come twice, and without links into the book."""
    soup = BeautifulSoup(source, "html.parser")
    for link in soup.find_all("a"):
        link.unwrap()
    for element in soup.find_all(id=True):
        if not element.find_parent("svg"):
            del element["id"]
    return str(soup)


def slide(kind: str, body: str, notes: str = "") -> str:
    """Return a slide."""
    aside = f'<aside class="notes">{notes}</aside>' if notes else ""
    return f'<section class="{kind}">{body}{aside}</section>\n'


def thesis(chapter: Chapter) -> str:
    """Return the bold sentence under a chapter's title."""
    found = chapter.article.select_one("h1 ~ p > strong")
    return f'<p class="thesis">{bare(found.decode_contents())}</p>' if found else ""


def title(chapter: Chapter) -> str:
    """Return a chapter's heading."""
    return f'<p class="number">{chapter.number}</p><h1>{html.escape(chapter.title)}</h1>'


def question(step: Step) -> str:
    """Return a question with its options."""
    parts = []
    for element in step.question.find_all(recursive=False):
        if element.name == "ul":
            parts.append(f'<ul class="options">{element.decode_contents()}</ul>')
        elif element is not step.answer and "admonition-title" not in element.get("class", []):
            parts.append(f'<div class="ask">{element}</div>')
    return bare("".join(parts))


def answer(step: Step) -> str:
    """Return an answer, with the letter of the right option."""
    right = step.answer.get("data-right")
    letter = f"<strong>{'abcde'[int(right) - 1]}.</strong> " if right else ""
    body = "".join(map(str, step.answer.find_all(recursive=False)[1:]))
    return bare(re.sub("<p>", f"<p>{letter}", body, count=1))


def shown(chapter: Chapter, step: Step) -> str:
    """Return what a cell shows: its figure, else its code and its output."""
    if not step.has_figure:
        parts = [steps.code(step.cell), step.cell.select_one(".cell_output")]
        return "".join(bare(str(part)) for part in parts if part)
    return chapter.html(step.cell.select_one("svg, img"))


def caption(step: Step) -> str:
    """Return what a figure's caption says."""
    parts = step.cell.select(".caption-number, .caption-text")
    return f'<p class="caption">{bare("".join(map(str, parts)))}</p>' if parts else ""


def pair(chapter: Chapter, step: Step, above: str) -> list[str]:
    """Return the slide that asks and the one that answers."""
    asked, said = question(step), answer(step)
    formulas = bare("".join(map(str, step.formulas)))
    notes = f"<p>Ask for a prediction, and wait for it.</p>{asked}<p>Then:</p>{said}"
    heading = f"<h2>{html.escape(step.heading)}</h2>" if step.heading else ""
    cell = f'<div class="shown">{shown(chapter, step)}</div>'
    words = f'<div class="words"><div class="answer">{said}</div>{caption(step)}</div>'
    kind = "result beside" if step.has_figure else "result"
    where = f'<p class="where">{chapter.number}: {html.escape(chapter.title)}</p>'
    return [
        slide("question", above + heading + formulas + asked + where, notes),
        slide(kind, f'{heading}<div class="both">{cell}{words}</div>{where}'),
    ]


def take_aways(chapter: Chapter) -> list[str]:
    """Return the slide that a chapter ends with."""
    section = chapter.article.find("section", id="take-aways")
    if section is None:
        return []
    points = "".join(map(str, section.find_all(["ul", "ol", "p"], recursive=False)))
    return [slide("points", f"<h2>Take-aways</h2>{bare(points)}")]


def course_deck(chapter: Chapter) -> list[str]:
    """Return the slides of a chapter of the course."""
    slides = [slide("title", cover.picture() + title(chapter) + thesis(chapter))]
    for step in steps.fitting(steps.steps(chapter.article), STEPS):
        slides += pair(chapter, step, "")
    return slides + take_aways(chapter)


def primer_deck(pages: list[Chapter], name: str) -> list[str]:
    """Return the slides of the primer: of each page its first step, and those that are tagged."""
    words = f"<h1>{html.escape(name)}</h1>{thesis(pages[0])}"
    slides = [slide("title", cover.picture() + words)]
    for page in pages[1:]:
        above = title(page) + thesis(page)
        first, *others = steps.steps(page.article) or [None]
        slides += pair(page, first, above) if first else [slide("question", above)]
        for step in others:
            slides += pair(page, step, "") if step.tagged("slide") else []
    found = "".join(f"<li>{html.escape(page.title)}</li>" for page in pages[1:])
    return [*slides, slide("points", f"<h2>Take-aways</h2><ol>{found}</ol>")]


def decks(pages: list[Chapter]) -> dict[str, tuple[str, list[str]]]:
    """Return the title and the slides of each deck, by its file's name."""
    primer = [page for page in pages if page.name.startswith("book/primer/")]
    found = {}
    if primer:
        found["primer"] = (primer[0].part, primer_deck([pages[0], *primer], primer[0].part))
    for page in pages:
        if page.name.startswith("book/course/"):
            found[page.key] = (f"{page.number}: {page.title}", course_deck(page))
    return found


def write_assets(root: Path, target: Path) -> None:
    """Put beside the decks what they load."""
    static = root / "_build" / "html" / "_static"
    for path in [*(TOOLS / name for name in ASSETS), static / "pygments.css"]:
        built.write(target / "assets" / path.name, path.read_bytes())
    shutil.copytree(static / "katex", target / "assets" / "katex", dirs_exist_ok=True)
    images = root / "_build" / "html" / "_images"
    if images.exists():
        shutil.copytree(images, target / "_images", dirs_exist_ok=True)


def document(name: str, slides: list[str]) -> str:
    """Return a deck as a page."""
    head = HEAD.format(title=html.escape(name), formulas=built.FORMULAS.format(folder="assets"))
    return f"{head}{''.join(slides)}</div></div></body></html>"


def deck_problems(page: Page, path: Path) -> list[str]:
    """Show every slide of a deck, from its file as a speaker does; return what is wrong."""
    found = []

    def look(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            found.append(f"asks a host: {request.url}")

    page.on("request", look)
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))
    page.on("console", lambda said: said.type == "error" and found.append(said.text))
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    found += built.settle(page)
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate("number => Reveal.slide(number)", number)
        if page.evaluate("overflows(Reveal.getCurrentSlide())"):
            found.append(f"slide {number + 1} is fuller than its frame")
    return found


def check(browser: Browser, target: Path, lengths: dict[str, int]) -> list[str]:
    """Return what is wrong with the decks."""
    found = []
    for name, length in lengths.items():
        limit = LIMITS[name.split("-")[0]]
        if length > limit:
            found.append(f"{name}: {length} slides, {limit} are allowed")
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        found += [f"{name}: {said}" for said in deck_problems(page, target / f"{name}.html")]
        page.close()
    return found


def make(root: Path) -> dict[str, int]:
    """Write the decks and return how many slides each has."""
    target, lengths = root / "_build" / "slides", {}
    write_assets(root, target)
    for name, (heading, slides) in decks(built.chapters(root)).items():
        text = document(heading, slides)
        built.write(target / f"{name}.html", text.encode())
        lengths[name] = len(slides)
        print(f"  _build/slides/{name}.html: {len(slides)} slides", flush=True)
    return lengths


def main() -> None:
    """Make the decks; a slide that cannot be shown is an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=built.ROOT)
    root = parser.parse_args().root.resolve()
    lengths = make(root)
    with gates.chromium() as browser:
        problems = check(browser, root / "_build" / "slides", lengths)
    if problems:
        raise SystemExit("\n".join(["The decks have faults:", *problems]))


if __name__ == "__main__":
    main()
