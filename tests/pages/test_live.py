"""The cells that run in the page, in a real browser: they give what the build gave."""

import json
import re
import zipfile

import nbformat
import numpy as np
import pytest

import gates
import pyodide
from compare import difference
from project import ROOT
from views import NUMBERS, VIEWS, module

HTML = ROOT / "_build" / "html"
LIVE = sorted(
    path.relative_to(HTML).as_posix()
    for path in (HTML / "book").rglob("*.html")
    if 'id="live-cells"' in path.read_text("utf-8")
)
FIRST = "book/primer/03-algorithm.html"
MOVING = {
    name: path.relative_to(HTML).as_posix()
    for path in sorted((HTML / "book").rglob("*.html"))
    for name in re.findall('data-moving="([a-z]+)"', path.read_text("utf-8"))
}
MINUTES = 60_000  # milliseconds
# Tags of cells whose output is another one every time, or is not meant to be compared.
UNCOMPARED = {"nbval-ignore-output", "nbval-skip", "raises-exception"}

pytestmark = pytest.mark.skipif(
    not pyodide.is_complete(), reason="the set-up could not bring Pyodide: `make live` tries again"
)


@pytest.fixture(scope="module")
def browser():
    with gates.served(HTML) as host, gates.chromium() as started:
        yield host, started


@pytest.fixture
def page(browser, request):
    """Open a live page; fail on a script error or a request to another host."""
    host, started = browser
    settings = getattr(request, "param", {"viewport": {"width": 1280, "height": 900}})
    context = started.new_context(**settings)
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda asked: asked.url.startswith((host, "data:", "blob:")) or problems.append(asked.url),
    )
    page.host = host
    yield page
    assert problems == []
    context.close()


def outputs(page):
    """Return what each cell has printed and drawn, by its number in the notebook."""
    return page.eval_on_selector_all(
        ".cell .live-output",
        """all => Object.fromEntries(all.map(output => [
          /cell-(\\d+)/.exec(output.closest(".cell").className)[1],
          {state: output.dataset.state, figures: output.querySelectorAll("svg").length,
           text: [...output.querySelectorAll("pre")].map(p => p.textContent).join("")}]))""",
    )


def wait(page, state="done", number=0):
    """Wait for the outcome of a cell, counted among those that can run."""
    page.wait_for_function(
        "([state, number]) => document.querySelectorAll('.cell .live-output')[number]"
        ".dataset.state === state",
        arg=[state, number],
        timeout=2 * MINUTES,
    )


def rewrite(page, number, source):
    """Put another source into a cell, as a reader does."""
    cell = page.locator(".cell:has(> .live-bar), .cell:has(.live-bar)").nth(number)
    cell.get_by_role("button", name="Edit").click()
    editor = cell.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    return cell


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", LIVE)
def test_a_page_gives_what_the_build_gave(page, name):
    page.goto(f"{page.host}/{name}")
    page.locator("p.runs").get_by_role("button", name="Run all").click()
    page.wait_for_function(
        """() => {
          const states = [...document.querySelectorAll(".cell .live-output")]
            .map(o => o.dataset.state);
          return states.includes("failed") || states.every(state => state === "done");
        }""",
        timeout=6 * MINUTES,
    )
    # Without the first cell, which only the notebook has.
    built = nbformat.read(HTML / name.replace(".html", ".ipynb"), as_version=4).cells[1:]
    wrong = {}
    for number, output in outputs(page).items():
        cell = built[int(number)]
        texts = "".join(o.text for o in cell.outputs if o.output_type == "stream")
        drawn = sum("image/svg+xml" in o.get("data", {}) for o in cell.outputs)
        if output["state"] != "done":
            wrong[number] = output["text"][-300:]
        elif drawn != output["figures"]:
            wrong[number] = f"{output['figures']} figures in place of {drawn}"
        elif UNCOMPARED.isdisjoint(cell.metadata.get("tags", [])):
            values = "".join(
                o.data.get("text/plain", "") + "\n"
                for o in cell.outputs
                if o.output_type == "execute_result" and "text/html" not in o.data
            )
            differs = difference((texts + values).strip(), output["text"].strip())
            if differs:
                wrong[number] = differs
    assert wrong == {}


def test_a_reader_compiles_nothing():
    runtime = HTML / "_static" / "live" / "pyodide"
    archives = [*runtime.glob("*.whl"), *runtime.glob("*.zip")]
    assert len(archives) == len(pyodide.PACKAGES) + 1
    names = [name for path in archives for name in zipfile.ZipFile(path).namelist()]
    assert "numpy/__init__.pyc" in names
    assert [name for name in names if name.endswith(".py")] == []


def test_edit_error_stop_and_reset(page):
    page.goto(f"{page.host}/{FIRST}")
    before = page.locator(".cell_output").first.inner_text()
    cell = rewrite(page, 0, "print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    wait(page)
    assert outputs(page)[str(first_number(page))]["text"] == "42\n"
    rewrite(page, 0, "def f():\n    return 1 / 0\n\nf()")
    page.keyboard.press("Shift+Enter")
    wait(page, "failed")
    said = cell.locator("pre.error").inner_text()
    assert re.match(r"Traceback \(most recent call last\):\n  File \"<cell>\", line 4", said)
    assert said.rstrip().endswith("ZeroDivisionError: division by zero")
    rewrite(page, 0, "print('on and on')\nwhile True:\n    pass")
    page.keyboard.press("Shift+Enter")
    cell.get_by_text("on and on").last.wait_for()
    cell.get_by_role("button", name="Stop").click()
    wait(page, "failed")
    assert "Stopped" in cell.locator(".live-note").inner_text()
    cell.get_by_role("button", name="Reset").click()
    assert cell.locator(".live-output").inner_text() == ""
    assert page.locator(".cell_output").first.inner_text() == before


def run_listing(listing, ended="done"):
    """Run the lines of a figure that moves, wait for their end, and return what they gave."""
    listing.get_by_role("button", name="Run").click()
    output = listing.locator(".live-output")
    listing.page.wait_for_function(
        "output => ['done', 'failed'].includes(output.dataset.state)",
        arg=output.element_handle(),
        timeout=2 * MINUTES,
    )
    assert output.get_attribute("data-state") == ended, output.inner_text()
    return output


def retype(listing, source):
    """Put other lines in place of those below a figure that moves."""
    listing.get_by_role("button", name="Edit").click()
    listing.locator(".cm-content").click()
    listing.page.keyboard.press("Control+a")
    listing.page.keyboard.insert_text(source)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NUMBERS)
def test_the_python_of_a_figure_runs_below_it(page, name):
    page.goto(f"{page.host}/{MOVING[name]}{VIEWS[name]}")
    figure = page.locator("figure", has=page.locator(f"[data-moving={name}]"))
    figure.locator(".moving-words:not(:empty)").wait_for()
    listing = figure.locator(".moving-python")
    listing.locator("summary").click()
    output = run_listing(listing)
    assert output.locator("svg.figure").count() == 1
    assert output.locator("pre").count() == 0, output.inner_text()
    shown, (theirs, ours, digits) = listing.locator("pre").first.text_content(), NUMBERS[name]
    retype(listing, f"{shown}\nprint(np.asarray({ours}).tolist())")
    found = json.loads(run_listing(listing).locator("pre.stdout").inner_text())
    np.testing.assert_allclose(found, module(page, name, theirs), rtol=digits, atol=1e-12)


def test_the_lines_below_a_figure_follow_it_until_they_are_edited(page):
    page.goto(f"{page.host}/{MOVING['average']}")
    listing = page.locator(".moving-python")
    listing.locator("summary").click()
    listing.get_by_role("button", name="Edit").click()
    editor, slider = listing.locator(".cm-content"), page.get_by_label("ρ", exact=True)
    assert "rho = 0.9\n" in editor.inner_text()
    slider.press("ArrowLeft")
    editor.get_by_text("rho = 0.8", exact=True).wait_for()
    retype(listing, "print(rho)")
    slider.press("ArrowLeft")
    listing.locator("[data-setting=rho]", has_text="0.7").wait_for(state="attached")
    assert editor.inner_text() == "print(rho)"
    # They run alone: nothing of the page, and nothing that ran before, is known to them.
    said = run_listing(listing, ended="failed").inner_text()
    assert "NameError: name 'rho' is not defined" in said
    retype(listing, "while True:\n    pass")
    listing.get_by_role("button", name="Run").click()
    listing.get_by_role("button", name="Stop").click()
    listing.locator(".live-output[data-state=failed]").wait_for()
    assert "Stopped" in listing.locator(".live-note").inner_text()
    listing.get_by_role("button", name="Reset").click()
    assert "rho = 0.7\n" in editor.inner_text()
    assert listing.locator(".live-output").inner_text() == ""


def first_number(page):
    """Return the number in the notebook of the first cell that can run."""
    return page.eval_on_selector(
        ".cell:has(.live-bar)", "cell => /cell-(\\d+)/.exec(cell.className)[1]"
    )


def test_nothing_is_loaded_before_the_first_run(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{page.host}/{FIRST}", wait_until="networkidle")
    assert not [url for url in asked if re.search("pyodide|codemirror|worker|book.zip", url)]


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}],
    indirect=True,
)
def test_on_a_phone_with_an_editor_open(page):
    page.goto(f"{page.host}/{FIRST}")
    rewrite(page, 0, "x = '" + "long " * 60 + "'")
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window
    found = gates.Axe().run(page, options={"preload": False}).response["violations"]
    assert [v["id"] for v in found if v["id"] not in gates.THEME_COMPLAINTS] == []


def test_pages_that_need_more_say_what():
    said = {
        path.stem: re.search(r'<p class="runs">(.*?)<span>', path.read_text("utf-8"))
        for path in (HTML / "book").rglob("*.html")
    }
    assert "they need TensorFlow" in said["08-convolutional-network"][1]
    assert "run here, in your browser" in said["03-algorithm"][1]


def test_the_versions_on_the_page_are_those_in_the_browser():
    page = (HTML / FIRST).read_text("utf-8")
    packages = json.loads(pyodide.LOCK.read_text("utf-8"))["lock"]["packages"]
    assert f"NumPy {packages['numpy']['version']}" in page
