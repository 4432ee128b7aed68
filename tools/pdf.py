"""The printed book: `_build/rmsprop.pdf`, and a handout of each page of the primer.

Both are printed by Chromium from the built pages. The book is printed twice, the second time with
the page numbers found in the first; the bookmarks are set afterwards. What would be cut off,
unreadable, too large or lead nowhere is an error.
"""

import argparse
import io
import time
from pathlib import Path

from playwright.sync_api import Browser, Page
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Fit

import built
import gates
import handouts
import joined

LIMIT = 20e6  # bytes: what a mail still carries
PATIENCE = 600_000  # milliseconds, for the whole book on a busy machine
COLUMN = int(170 / 25.4 * 96)  # pixels: between the margins of print/book.css
PRINTS = 3  # with page numbers, until they are true; the first is, unless a line breaks elsewhere
FILL_IN = """numbers => [...document.querySelectorAll(".page")].map((place) => {
  const target = place.dataset.of ?? place.getAttribute("href").slice(1);
  place.textContent = numbers[target];
  return target;
})"""
# A formula or a table that is wider than its column becomes smaller.
NARROW = """() => {
  for (const zoomed of document.querySelectorAll("[style*=zoom]")) zoomed.style.zoom = "";
  const shrink = (element, needed, room) => {
    if (needed > room) element.style.zoom = Math.max(0.5, room / needed);
  };
  const wide = (element) => element.getBoundingClientRect().width;
  for (const formula of document.querySelectorAll(".katex-display")) {
    const place = formula.closest(".math"), number = place.querySelector(":scope > .eqno");
    const parts = [...formula.querySelectorAll(".katex-html > *")];
    const room = place.clientWidth - (number ? 2 * wide(number) : 0);
    shrink(formula, parts.reduce((sum, part) => sum + wide(part), 0), room);
  }
  for (const table of document.querySelectorAll("table"))
    shrink(table, Math.max(wide(table), table.scrollWidth), table.parentElement.clientWidth);
}"""
SET_TYPE = """points => {
  document.documentElement.style.setProperty("font-size", `${points}pt`, "important");
}"""
LEAVE_OUT = """() => {
  const outputs = [...document.querySelectorAll(".cell:not(:has(figure))")];
  const exercises = [...document.querySelectorAll("section:has(> .exercise)")];
  const figures = [...document.querySelectorAll(".cell:has(figure)")].slice(1);
  const last = [outputs, exercises, figures.slice(-1)].find((some) => some.length);
  for (const element of last ?? []) element.remove();
  return last !== undefined;
}"""
BEYOND = """() => {
  const beyond = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
  };
  const page = (element) => element.closest("article")?.id ?? "";
  const unseen = "svg.figure *, .cover, .katex-mathml *, .hide-tail *";
  const found = [...document.querySelectorAll("body *")]
    .filter((element) => !element.closest(unseen))
    .filter((element) => beyond(element) && !beyond(element.parentElement))
    .map((element) => element.closest(".katex-display") ?? element);
  return [...new Set(found)]
    .map((element) => `${page(element)}: too wide: ${element.tagName} ${element.textContent}`)
    .map((said) => said.slice(0, 120));
}"""
DEAD = """() => [...document.querySelectorAll('a[href^="#"]')]
  .filter((link) => !document.getElementById(link.getAttribute("href").slice(1)))
  .map((link) => `dead link ${link.getAttribute("href")}: ${link.textContent}`)"""


class UnprintableError(Exception):
    """A document that a reader of paper would suffer from, problem by problem."""


def open_document(browser: Browser, host: str, document: str) -> Page:
    """Open a document as if it stood in the site's root, with the column of paper."""
    page = browser.new_page(viewport={"width": COLUMN, "height": 1000}, color_scheme="light")
    page.set_default_timeout(PATIENCE)
    address = f"{host}/printed.html"
    page.route(address, lambda route: route.fulfill(body=document, content_type="text/html"))
    page.emulate_media(media="print", color_scheme="light")
    page.goto(address)
    refuse(built.settle(page) + page.evaluate(DEAD))
    return page


def lay_out(page: Page) -> None:
    """Make what is too wide smaller, and refuse what is too wide even so."""
    page.evaluate(NARROW)
    refuse(page.evaluate(BEYOND))


def refuse(found: list[str]) -> None:
    """Stop if there are problems."""
    if found:
        raise UnprintableError("\n".join(found))


def printed(page: Page) -> bytes:
    """Return the page as PDF; without tags, whose hundred thousand objects are too much to mail."""
    return page.pdf(prefer_css_page_size=True, print_background=True, tagged=False)


def count(pdf: bytes) -> int:
    """Return the number of pages."""
    return len(PdfReader(io.BytesIO(pdf)).pages)


def places(pdf: bytes) -> dict[str, tuple[int, float]]:
    """Return where each id that a link leads to stands: page from 0, and height on it."""
    reader = PdfReader(io.BytesIO(pdf))
    return {
        name.removeprefix("/"): (reader.get_destination_page_number(place), float(place.top or 0))
        for name, place in reader.named_destinations.items()
    }


def print_numbered(page: Page) -> tuple[bytes, dict[str, tuple[int, float]]]:
    """Print until the page numbers in the links are true; return the PDF and where all stands."""
    before, moved = places(printed(page)), []
    for _ in range(PRINTS):
        shown = page.evaluate(FILL_IN, {name: at[0] + 1 for name, at in before.items()})
        pdf = printed(page)
        after = places(pdf)
        moved = [name for name in shown if before[name][0] != after[name][0]]
        if not moved:
            return pdf, after
        before = after
    raise UnprintableError(f"numbers that move when they are filled in: {', '.join(moved)}")


def finished(pdf: bytes, config: dict, contents: list, where: dict) -> bytes:
    """Return the PDF with bookmarks, title and author."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    above = {}
    for level, title, key in contents:
        number, top = where[key]
        parent = {"part": None, "chapter": above.get("part"), "section": above.get("chapter")}
        above[level] = writer.add_outline_item(
            title=title, page_number=number, parent=parent[level], fit=Fit.xyz(left=0, top=top)
        )
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects()
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def print_book(root: Path, browser: Browser, host: str) -> None:
    """Print the book and say how large it is."""
    document, config, contents = joined.document(root)
    page = open_document(browser, host, document)
    lay_out(page)
    pdf, where = print_numbered(page)
    page.close()
    data = finished(pdf, config, contents, where)
    if len(data) > LIMIT:
        raise UnprintableError(
            f"the book has {len(data) / 1e6:.1f} MB, {LIMIT / 1e6:.0f} are allowed"
        )
    built.write(root / "_build" / "rmsprop.pdf", data)
    print(f"  _build/rmsprop.pdf: {count(data)} pages, {len(data) / 1e6:.1f} MB", flush=True)


def fitted(page: Page) -> bytes:
    """Return a handout that has no more pages than allowed: in the largest type, and all of it.

    Where even the smallest type is too large, the outputs go, then the exercises, then figures.
    """
    for size in handouts.SIZES:
        page.evaluate(SET_TYPE, size)
        lay_out(page)
        pdf = printed(page)
        if count(pdf) <= handouts.PAGES:
            return pdf
    while page.evaluate(LEAVE_OUT):
        pdf = printed(page)
        if count(pdf) <= handouts.PAGES:
            return pdf
    raise UnprintableError(f"{count(pdf)} pages, in the smallest type")


def print_handouts(root: Path, browser: Browser, host: str) -> None:
    """Print the handout of each page of the primer."""
    for name, document in handouts.documents(root):
        path = root / "_build" / "handouts" / f"{name}.pdf"
        page = open_document(browser, host, document)
        try:
            pdf = fitted(page)
        except UnprintableError as error:
            raise UnprintableError(f"The handout of {name}: {error}") from None
        page.close()
        built.write(path, pdf)
        print(f"  {path.relative_to(root)}: {count(pdf)} pages", flush=True)


def main() -> None:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=built.ROOT)
    root, started = parser.parse_args().root.resolve(), time.perf_counter()
    try:
        with gates.served(root / "_build" / "html") as host, gates.chromium() as browser:
            print_handouts(root, browser, host)
            print_book(root, browser, host)
    except UnprintableError as error:
        raise SystemExit(f"Not printed:\n{error}") from None
    print(f"Printed in {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
