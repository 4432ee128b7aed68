"""What must be true of the notebooks and of the built pages; each check returns what is wrong.

`tests/pages` asks that nothing is wrong with the book; `tests/gates` breaks a small book in every
way a gate is for, and asks that the gate says so.
"""

import contextlib
import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

import browser
import chapters
from rmsbook.claims import load_bibliography

# A folder of somebody's machine; what a program of the reader would print as /home/… too.
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp|work|private|var)/\w[^\s\"'<]*")
# How NumPy writes its numbers for programmers.
RAW_VALUE = re.compile(r"\bnp\.(?:bool|u?int|float)\w*\([^)]*\)")
# Accessibility complaints about the theme itself, on every page it makes.
THEME_COMPLAINTS = {"label-content-name-mismatch", "aria-required-children", "aria-deprecated-role"}


def cells(notebook) -> list[tuple]:
    """Return what a chapter and its paired notebook must agree in."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def unpaired(root: Path) -> list[str]:
    """Return the chapters whose .ipynb is absent or says something else."""
    found = []
    for path in chapters.chapters(root):
        pair = path.with_suffix(".ipynb")
        if not pair.exists():
            found.append(f"{path.name} has no paired notebook: run `make notebooks`")
        elif cells(nbformat.read(pair, as_version=4)) != cells(chapters.read(path)):
            found.append(f"{pair.name} is not {path.name}: run `make notebooks`")
    return found


def outputs(root: Path) -> Iterator[tuple[str, nbformat.NotebookNode, dict]]:
    """Yield where it stands, the cell and the output, for each output of the paired notebooks."""
    for path in chapters.chapters(root):
        notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
        for number, cell in enumerate(notebook.cells):
            for output in cell.get("outputs", []):
                yield f"{path.stem}.ipynb, cell {number}", cell, output


def unexecuted(root: Path) -> list[str]:
    """Return the code cells without an execution count: nbval would pass over them."""
    found = []
    for path in chapters.chapters(root):
        notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, start=1):
            if cell.execution_count != number:
                found.append(f"{path.stem}.ipynb: code cell {number} was not executed in order")
    return found


def machine_paths(root: Path) -> list[str]:
    """Return the outputs that tell where on somebody's machine they were made."""
    return [
        f"{where}: {match[0]}"
        for where, _, output in outputs(root)
        for text in strings(output)
        if (match := MACHINE_PATH.search(text))
    ]


def raw_values(root: Path) -> list[str]:
    """Return the outputs in which a reader would find `np.int64(3)` in place of 3."""
    return [
        f"{where}: {match[0]}"
        for where, _, output in outputs(root)
        for text in strings(output)
        if (match := RAW_VALUE.search(text))
    ]


def strings(output) -> Iterator[str]:
    """Yield every text of an output; pictures as bytes are none."""
    if isinstance(output, str):
        yield output
    elif isinstance(output, dict):
        for key, value in output.items():
            if key != "image/png":
                yield from strings(value)
    elif isinstance(output, list):
        for item in output:
            yield from strings(item)


def without_alt(root: Path) -> list[str]:
    """Return the cells that draw a picture which a blind reader would not learn about."""
    return [
        f"{where}: a picture without mystnb.image.alt"
        for where, cell, output in outputs(root)
        if any(kind.startswith("image/") for kind in output.get("data", {}))
        and len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")) < 20
    ]


def uncited(root: Path) -> list[str]:
    """Return the keys of the bibliography that no page and no claim names."""
    book = root / "book"
    texts = [path.read_text("utf-8") for path in [book / "claims.yml", *sorted(book.rglob("*.md"))]]
    named = set(re.findall(r"[\w-]+", "\n".join(texts)))
    return [key for key in load_bibliography(book / "references.bib") if key not in named]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine and yield its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing of each request."""

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@functools.cache
def program() -> str:
    """Return the browser that looks at the pages; to see that it starts takes a second."""
    found = browser.find()
    if found is None:
        raise RuntimeError(browser.HELP)
    return found


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium."""
    found = program()  # before Playwright, which cannot be started twice
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=browser.FLAGS)


OUT_OF_REACH = """[...document.querySelectorAll("div.math")].some(place =>
  [...place.querySelectorAll(".katex-html, .eqno")].some(part =>
    part.getBoundingClientRect().left < place.getBoundingClientRect().left - 1))"""


def page_problems(page: Page, address: str, host: str) -> list[str]:
    """Open a page and return what a reader would suffer from.

    What a screen cannot change is looked at once, for axe takes most of the time: colours on the
    wide window alone, as they are the same on every width, and all else in the light alone.
    """
    found = []

    def listen(message):
        if message.type == "error":
            found.append(f"{message.text} ({message.location['url']})")

    page.on("console", listen)
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))

    def look(request):
        if not request.url.startswith((host, "data:", "blob:")):
            found.append(f"asks another host: {request.url}")

    page.on("request", look)
    page.goto(address, wait_until="load")
    for formula in page.locator(".katex-error").all():
        found.append(f"formula: {formula.get_attribute('title')}")
    width, window, dark = page.evaluate(
        "[document.documentElement.scrollWidth, innerWidth,"
        " matchMedia('(prefers-color-scheme: dark)').matches]"
    )
    if width > window:
        found.append(f"scrolls sideways: {width} px in a window of {window} px")
    if page.evaluate(OUT_OF_REACH):
        found.append("a formula begins left of its place, where nobody can scroll to")
    for source, alt in page.eval_on_selector_all(
        "article :is(img, svg.figure)",
        "all => all.map(i => [i.getAttribute('src'), i.alt ?? i.getAttribute('aria-label') ?? ''])",
    ):
        if len(alt) < 20 or "_images/" in alt:
            found.append(f"picture without a description: {source} ({alt!r})")
    if dark and window < WIDE:
        return found
    # axe would fetch the style sheets again, from the wrong folder; and to write down every place
    # that is in order takes as long as the search.
    options = {"preload": False, "resultTypes": ["violations"]}
    if dark:
        options["runOnly"] = COLOURS
    elif window < WIDE:
        options["rules"] = {"color-contrast": {"enabled": False}}
    for violation in Axe().run(page, options=options).response["violations"]:
        if violation["id"] not in THEME_COMPLAINTS:
            places = ", ".join(str(node["target"]) for node in violation["nodes"][:3])
            found.append(f"accessibility: {violation['id']}: {violation['help']} ({places})")
    return found


MOVES = 100
MOVE = """(i) => {
  const sliders = document.querySelectorAll(".moving-controls input[type=range]");
  const fields = document.querySelectorAll(".moving-typed input");
  const control = sliders.length ? sliders[i % sliders.length] : fields[i % 4];
  control.value = sliders.length ? (7 * i) % (Number(control.max) + 1) : 0.001 * (1 + i);
  control.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector(".moving-live").getBoundingClientRect();  // style and layout, too
}"""


def move_milliseconds(page: Page) -> list[float]:
    """Move the controls of a page's figures; return what each move takes of the page's thread.

    The time of that thread alone: what else runs on this machine does not count.
    """
    page.wait_for_selector(".moving-words:not(:empty)")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(1000 * one["value"] for one in metrics if one["name"] == "TaskDuration")

    times = []
    for move in range(MOVES):
        before = spent()
        page.evaluate(MOVE, move)
        times.append(spent() - before)
    return times


# On which a page is looked at: a desktop and a phone, in light and dark.
WIDE = 1280
COLOURS = ["color-contrast", "link-in-text-block"]  # axe's rules of them
SCREENS = [(width, scheme) for width in (WIDE, 390) for scheme in ("light", "dark")]


def site_problems(started: Browser, html: Path, names: list[str]) -> dict[str, list[str]]:
    """Look at pages of a built site, each on every one of the screens."""
    found = {}
    with served(html) as host:
        for width, scheme in SCREENS:
            context = started.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            for name in names:
                page = context.new_page()
                problems = page_problems(page, f"{host}/{name}", host)
                page.close()
                if problems:
                    found[f"{name}, {width} px, {scheme}"] = problems
            context.close()
    return found
