"""The figures that move, in a browser: what a reader does with them, and their Python."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt

import gates
from project import ROOT
from rmsprop.optimizers import FLAVORS
from views import NUMBERS, VIEWS, module

STATIC = ROOT / "book" / "_static"
FIGURES = sorted(path.stem for path in (ROOT / "book" / "_figures").glob("*.py"))
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "sphinx_book_theme", "moving"]
html_theme = "sphinx_book_theme"
html_static_path = [{str(STATIC)!r}]
html_css_files = ["book.css"]
html_favicon = {str(STATIC / "logo.svg")!r}
html_context = {{"default_mode": "auto"}}
language = "en"
numfig = True
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page for each figure, made by the directive, and a browser."""
    source = tmp_path_factory.mktemp("moving")
    (source / "conf.py").write_text(CONF, "utf-8")
    toc = "\n".join(FIGURES)
    (source / "index.md").write_text(f"# Figures\n\n```{{toctree}}\n{toc}\n```\n", "utf-8")
    for name in FIGURES:
        text = (
            f"# {name}\n\nText before.\n\n```{{moving}} {name}\nThe caption.\n```\n\nText after.\n"
        )
        (source / f"{name}.md").write_text(text, "utf-8")
    html = source / "_build" / "html"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(source), str(html)]
    subprocess.run(command, check=True)
    with gates.served(html) as host, gates.chromium() as chromium:
        yield html, host, chromium


def opened(site, name, query="", **context):
    """Open a figure's page in a context of its own, and wait until the figure has spoken."""
    _, host, chromium = site
    page = chromium.new_context(**context).new_page()
    page.goto(f"{host}/{name}.html{query}")
    page.wait_for_selector(".moving-words:not(:empty)")
    return page


@pytest.fixture
def visit(site):
    pages = []

    def visit(name, query="", **context):
        pages.append(opened(site, name, query, **context))
        return pages[-1]

    yield visit
    for page in pages:
        page.context.close()


# ---------------------------------------------------------------- as Python


def as_python(page):
    """Run the Python that a figure shows, and return its names."""
    names = {}
    exec(page.locator(".moving-python pre").text_content(), names)
    plt.close("all")
    return names


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("query", ["", "view"])
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_the_python_of_a_view_makes_the_same_numbers(visit, name, query):
    page = visit(name, query and VIEWS[name])
    plt.switch_backend("agg")
    names, (call, ours, digits) = as_python(page), NUMBERS[name]
    ours = eval(ours, names)
    np.testing.assert_allclose(ours, module(page, name, call), rtol=digits, atol=1e-12)


CUT = "pre => pre.scrollWidth > pre.clientWidth"


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(("query", "scripts"), [("", False), ("", True), ("view", True)])
def test_no_line_of_the_python_is_cut(site, name, query, scripts):
    _, host, chromium = site
    page = chromium.new_context(java_script_enabled=scripts).new_page()
    page.goto(f"{host}/{name}.html{query and VIEWS[name]}")
    if scripts:
        page.wait_for_selector(".moving-words:not(:empty)")
    page.locator(".moving-python > summary").click()
    listing = page.locator(".moving-python pre")
    lines = listing.text_content().splitlines()
    assert [line for line in lines if len(line) > 79] == []
    assert len(lines) > 10
    assert not listing.evaluate(CUT)
    page.context.close()


def test_the_still_translations_are_those_of_the_module(visit):
    page = visit("translator")
    at_first = json.loads(page.locator(".moving-stage").get_attribute("data-settings"))
    for name, settings in module(page, "translator", "derived(state)").items():
        assert at_first[name] == settings


# ---------------------------------------------------------------- what a reader does


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", FIGURES)
def test_a_page_with_a_figure_is_in_order(site, name, width, scheme):
    _, host, chromium = site
    size = {"width": width, "height": 900}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    problems = gates.page_problems(page, f"{host}/{name}.html", host)
    assert [text for text in problems if "accessibility: region" not in text] == []  # the theme's
    assert page.locator(".moving-words").inner_text()
    context.close()


@pytest.mark.parametrize("name", FIGURES)
def test_a_slider_is_answered_within_a_frame(visit, name):
    times = gates.move_milliseconds(visit(name))
    print(f"{name}: median {np.median(times):.1f} ms, worst {max(times):.1f} ms")
    assert 0 < np.median(times) <= 16


@pytest.mark.parametrize("name", FIGURES)
def test_a_view_can_be_sent(visit, name):
    page = visit(name)
    first = page.locator(".moving-words").inner_text()
    for control in page.locator(".moving-controls :is(input, select)").all():
        kind = control.get_attribute("type")
        if control.is_disabled():
            continue
        if kind == "range":
            control.focus()
            page.keyboard.press("ArrowRight")
        elif kind == "checkbox":
            control.set_checked(not control.is_checked())
    words = page.locator(".moving-words").inner_text()
    assert words != first
    page.wait_for_function("() => location.href === document.querySelector('.moving-link').href")
    assert f"?{name}." in page.url
    assert page.locator(".moving-spoken").inner_text() == words
    again = visit(name, "?" + page.url.partition("?")[2])
    assert again.locator(".moving-words").inner_text() == words
    page.get_by_role("button", name="As at first").click()
    assert page.locator(".moving-words").inner_text() == first


def test_an_address_with_nonsense_is_passed_over(visit):
    page = visit("ravine", "?ravine.kappa=NaN&ravine.schedule=x&ravine.guess=x&ravine.none=1")
    assert (
        page.locator(".moving-words").inner_text()
        == visit("ravine").locator(".moving-words").inner_text()
    )


PHONE = {"viewport": {"width": 390, "height": 900}, "has_touch": True, "is_mobile": True}


def drag(page, start, way):
    """Drag a finger over the screen; return how far the page was scrolled by that."""
    session, above = page.context.new_cdp_session(page), page.evaluate("scrollY")
    spots = [{"x": start[0] + way[0] * i / 5, "y": start[1] + way[1] * i / 5} for i in range(6)]
    for i, spot in enumerate(spots):
        kind = "touchMove" if i else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    return page.evaluate("scrollY") - above


def middle(locator):
    """Scroll to an element and return where its middle is on the screen."""
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_finger_scrolls_the_page_beside_a_figure(visit):
    page = visit("ravine", **PHONE)
    assert drag(page, (195, 500), (0, -200)) > 100  # so that the next tests could fail


def test_a_guess_by_keyboard_and_by_finger(visit):
    page = visit("ravine", **PHONE)
    guess = page.get_by_role("slider", name="Your guess of RMSprop's last loss")
    guess.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    assert guess.get_attribute("aria-valuetext") == "0.1"
    assert drag(page, middle(guess.locator(".knob")), (0, 40)) == 0
    assert float(guess.get_attribute("aria-valuenow")) < -1.5
    page.get_by_role("button", name="Run").tap()
    page.locator(".moving-words", has_text="After 200 steps RMSprop is at").wait_for()


def test_sliders_and_boxes_by_finger(visit):
    page = visit("switches", **PHONE)
    slider = page.get_by_label("β₁ or μ")
    before = slider.get_attribute("aria-valuetext")
    x, y = middle(slider)
    drag(page, (x, y), (-80, 0))
    assert slider.get_attribute("aria-valuetext") != before
    box = page.get_by_role("checkbox").first
    ticked = box.is_checked()
    box.tap()
    assert box.is_checked() != ticked


@pytest.mark.parametrize("name", ["average", "translator", "reddi"])
def test_a_finger_that_goes_up_or_down_a_figure_scrolls_and_changes_nothing(visit, name):
    page = visit(name, **PHONE)
    words = page.locator(".moving-words").inner_text()
    x, y = middle(page.locator(".grasp"))
    assert drag(page, (x + 40, y), (10, -200)) > 100
    assert page.locator(".moving-words").inner_text() == words


def test_gradients_by_finger(visit):
    page = visit("average", **PHONE)
    field = page.get_by_label("gradients, step by step")

    def changed(way, place):
        before = field.input_value().split()
        assert drag(page, place, way) == 0
        pairs = zip(before, field.input_value().split(), strict=True)
        return [i for i, (old, new) in enumerate(pairs) if old != new]

    x, y = middle(page.locator(".grasp"))
    assert len(changed((90, -60), (x, y))) > 2
    assert len(changed((0, -60), middle(page.locator(".knob")))) == 1
    before = field.input_value()
    page.touchscreen.tap(x - 60, y - 20)
    assert field.input_value() != before


def test_the_map_by_finger(visit):
    page = visit("reddi", **PHONE)
    point = page.get_by_role("slider", name="Point of the map")

    def c_and_rho():
        parts = point.get_attribute("aria-valuetext").split(", ")
        return [float(part.split()[1]) for part in parts]

    x, y = middle(page.locator(".grasp"))
    before = c_and_rho()
    page.touchscreen.tap(x, y)
    tapped = c_and_rho()
    assert tapped != before
    assert drag(page, (x + 40, y), (60, -30)) == 0  # beside the point, sideways
    assert drag(page, middle(page.locator(".knob")), (0, -40)) == 0  # the point, up
    assert all(now > then for now, then in zip(c_and_rho(), tapped, strict=True))


RUN_AND_COUNT = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const points = () => document.querySelector("path.line.rmsprop:not(.moving-legend *)")
    .getAttribute("d").split("L").length;
  document.querySelector(".moving-controls button.main").click();
  const counts = [points()];
  for (let i = 0; i < 5; i++) { await frame(); counts.push(points()); }
  return [counts, document.getAnimations().length];
}"""


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_run_is_played_unless_the_reader_wants_no_motion(visit, motion):
    page = visit("ravine", reduced_motion=motion)
    counts, animations = page.evaluate(RUN_AND_COUNT)
    assert animations == 0
    if motion == "reduce":
        assert counts == [201] * 6
    else:
        assert counts[0] < 100
        assert counts == sorted(counts)


def test_a_gradient_is_changed_by_key_by_drag_and_in_writing(visit):
    page = visit("average")
    field = page.get_by_label("gradients, step by step")
    page.get_by_role("slider", name="Gradient:").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert field.input_value().split()[20] == "1.5"
    field.fill("1 2 3")
    words = page.locator(".moving-words").inner_text()
    field.fill("1 2 x")
    assert field.get_attribute("aria-invalid") == "true"
    refused = page.locator(".moving-words").inner_text()
    assert "numbers with spaces between them, not “1 2 x”. Nothing has changed." in refused
    page.locator(".moving-spoken", has_text=refused).wait_for()
    assert module(page, "average", "averages(state).v.length") == 3
    field.fill("1 2 3")
    assert page.locator(".moving-words").inner_text() == words
    page.locator(".grasp").scroll_into_view_if_needed()
    area = page.locator(".grasp").bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + 20)
    assert float(field.input_value().split()[1]) > 2


def test_the_map_answers_to_a_point(visit):
    page = visit("reddi")
    page.locator(".grasp").scroll_into_view_if_needed()
    area = page.locator(".grasp").bounding_box()
    page.mouse.click(area["x"] + 0.9 * area["width"], area["y"] + 0.2 * area["height"])
    assert "towards −1, the best point" in page.locator(".moving-words").inner_text()
    point = page.get_by_role("slider", name="Point of the map")
    before = point.get_attribute("aria-valuetext")
    point.focus()
    page.keyboard.press("ArrowLeft")
    assert point.get_attribute("aria-valuetext") != before


def test_a_translation_is_seen_whole_and_each_path_by_its_marks(visit):
    page = visit(
        "translator", "?translator.schedule=linear", viewport={"width": 1280, "height": 900}
    )
    for source in FLAVORS:
        page.get_by_label("recipe from").select_option(source)
        cards = page.locator(".moving-cards pre").all()
        assert [card.text_content() for card in cards if card.evaluate(CUT)] == []
        assert len(cards) == 5
    page.get_by_label("recipe from").select_option("tf1")  # three of the paths are the same
    marks = page.locator(".moving-plot").last.locator("g > path.dots").all()
    begins = [mark.evaluate("mark => mark.getBBox().x") for mark in marks]
    assert len(begins) == 5
    assert min(np.diff(sorted(begins))) > 4  # pixels: beside each other
    shapes = page.locator(".moving-legend").last.locator("path.dots").all()
    assert len({shape.get_attribute("d") for shape in shapes}) == len(shapes) == 5


def test_a_recipe_comes_with_its_librarys_defaults(visit):
    page = visit("translator")
    page.get_by_label("recipe from").select_option("torch")
    assert page.get_by_label("ρ (alpha, decay)").input_value() == str(FLAVORS["torch"]["rho"])
    card = page.locator(".moving-cards section", has_text="PyTorch").first
    assert "same steps" in card.inner_text()
    assert "alpha=0.99" in card.inner_text()


@pytest.mark.parametrize(
    ("label", "text", "why"),
    [
        (
            "learning rate",
            "0",
            "“learning rate” takes a number above 0, not “0”. It is still 0.01.",
        ),
        (
            "momentum",
            "1",
            "“momentum” takes a number from 0 and below 1, not “1”. It is still 0.9.",
        ),
        ("ε", "-1", "“ε” takes a number from 0, not “-1”. It is still 0.001."),
        ("v at the start", "1e200", "number from 0 and below 1e+100, not “1e200”. It is still 0."),
        (
            "gradients to compare on",
            "1e200",
            "takes numbers with spaces between them, not “1e200”.",
        ),
    ],
)
def test_what_a_field_refuses_is_said(visit, label, text, why):
    page = visit("translator")
    if label == "v at the start":
        page.get_by_label("recipe from").select_option("optax")
    words = page.locator(".moving-words").inner_text()
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    assert field.get_attribute("aria-invalid") == "true"
    assert why in page.locator(".moving-words").inner_text()
    page.get_by_label("centered").check()
    page.get_by_label("centered").uncheck()  # the field shows again what holds
    assert field.get_attribute("aria-invalid") == "false"
    assert page.locator(".moving-words").inner_text() == words


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_moves_when_the_figure_comes_to_life(site, name):
    _, host, chromium = site
    for width in (1280, 390, 375):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.add_init_script(
            """window.shift = 0;
            new PerformanceObserver((list) => {
              for (const entry of list.getEntries()) window.shift += entry.value;
            }).observe({ type: "layout-shift", buffered: true });"""
        )
        page.goto(f"{host}/{name}.html")
        page.wait_for_selector(".moving-words:not(:empty)")
        page.wait_for_timeout(300)
        assert page.evaluate("window.shift") < 0.02
        kept, used = page.evaluate(
            """() => {
              const kept = getComputedStyle(document.querySelector(".moving-stage")).minHeight;
              return [parseFloat(kept), document.querySelector(".moving-live").offsetHeight];
            }"""
        )
        assert used <= kept <= used + 60, f"{name} at {width} px takes {used} px of {kept}"
        page.close()


@pytest.mark.parametrize("name", FIGURES)
def test_without_scripts_and_in_print_the_still_figure_stands(site, visit, name):
    _, host, chromium = site
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{host}/{name}.html")
    assert page.locator(".moving-still svg.figure").is_visible()
    assert len(page.locator(".moving-still svg.figure").get_attribute("aria-label")) > 100
    assert page.locator(".moving-live").count() == 0
    context.close()
    page = visit(name)
    assert not page.locator(".moving-still svg.figure").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".moving-still svg.figure").is_visible()
    assert not page.locator(".moving-live").is_visible()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_weighs_at_most_a_hundred_kilobytes(site, name):
    html, host, chromium = site
    page, files = chromium.new_page(), set()
    page.on("request", lambda request: files.add(request.url.partition("?")[0]))
    page.goto(f"{host}/{name}.html")
    page.wait_for_selector(".moving-words:not(:empty)")
    page.close()
    ours = [file for file in files if "/figures/" in file or "/_images/" in file]
    contents = [(html / file.removeprefix(f"{host}/")).read_bytes() for file in ours]
    plain, packed = (sum(map(len, group)) for group in (contents, map(gzip.compress, contents)))
    print(f"{name}: {len(ours)} files, {plain / 1000:.0f} kB, {packed / 1000:.0f} kB packed")
    assert packed <= 100_000


def test_other_pages_load_nothing_of_it(site):
    html, _, _ = site
    assert "figures/start.mjs" not in (html / "index.html").read_text("utf-8")
    settings = json.loads((html / "_static" / "figures" / "records.json").read_text("utf-8"))
    assert settings["cifar10"]["runs"]
