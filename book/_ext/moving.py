"""The directive ``{moving} ravine``: a figure that moves, and the still one that stands for it.

A figure has two files. `book/_figures/ravine.py` draws it with the package: when the book is built
it makes the still figure, for readers without scripts and for paper, and the page shows it as the
Python of the figure, and runs it where it has the runtime (`live`). Its settings are the
assignments of plain values below its imports.
`book/_static/figures/ravine.mjs` draws it in the browser, begins with the same settings, and writes
those the reader chose into the Python.

The content of the directive is the caption. The option ``settings`` begins with other ones, as in
``kappa=1000 steps=300``; ``name`` is the label; ``alt`` describes the still figure where the
docstring of the Python does not suit.
"""

import ast
import hashlib
import html
import io
import json
import math
import re
import sys
import textwrap
import warnings
from functools import cache
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from inline_figures import inline
from kept import kept
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import chapters  # noqa: E402
from rmsbook import experiments  # noqa: E402
from rmsbook.experiments.book import find_records  # noqa: E402
from rmsbook.experiments.catalogue import best_setting  # noqa: E402

FOLDER = Path(__file__).resolve().parent.parent / "_figures"
SCRIPT, STYLE = "figures/start.mjs", "figures/figures.css"
WIDTH = 79  # characters of a line of Python
MODULES = Path(__file__).resolve().parent.parent / "_static" / "figures"


class Moving(SphinxDirective):
    """A figure that moves."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "name": directives.unchanged,
        "settings": directives.unchanged,
        "alt": directives.unchanged,
    }

    def run(self):
        """Return the still figure, the place of the moving one, the Python and the caption."""
        name = self.arguments[0]
        source = FOLDER / f"{name}.py"
        if not source.exists() or not (MODULES / f"{name}.mjs").exists():
            raise self.error(f"there is no figure {name!r}")
        self.env.note_dependency(str(source))
        changed = dict(pair.split("=") for pair in self.options.get("settings", "").split())
        code, settings = parsed(source.read_text("utf-8"), changed)

        figure = nodes.figure(classes=["moving"])
        self.options.setdefault("name", f"fig-moving-{name}")
        self.add_name(figure)
        data = html.escape(json.dumps(settings, ensure_ascii=False))
        figure += raw(
            f'<div class="moving-stage" data-moving="{name}" data-settings="{data}">'
            '<div class="moving-still">'
        )
        alt = self.options.get("alt") or " ".join(ast.get_docstring(ast.parse(code)).split())
        script = filled(code, settings)
        picture = kept(
            self.env.app,
            f"{name}-{hashlib.sha256(script.encode()).hexdigest()[:8]}.svg",
            [script, library()],
            lambda: drawn(script, name).encode(),
        )
        figure += raw(inline(picture.decode(), alt, name))
        figure += raw("</div></div>")
        figure += raw(python(code, settings))
        caption = nodes.caption()
        self.state.nested_parse(self.content, self.content_offset, caption)
        caption.children = caption.children[0].children if caption.children else []
        figure += caption
        self.env.metadata[self.env.docname]["moving"] = True
        self.set_source_info(figure)
        return [figure]


def raw(text: str) -> nodes.raw:
    """Return HTML as it is."""
    return nodes.raw("", text, format="html")


def parsed(code: str, changed: dict[str, str]) -> tuple[str, dict]:
    """Return the script with a mark, ``SETTING_…``, for the value of each setting, and the values.

    The settings end at the first statement below the imports that assigns no plain value.
    """
    settings, lines = {}, code.splitlines(keepends=True)
    for statement in ast.parse(code).body[1:]:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        try:
            name, value = statement.targets[0].id, ast.literal_eval(statement.value)
        except (AttributeError, ValueError):
            break
        settings[name] = ast.literal_eval(changed.pop(name)) if name in changed else value
        first, last = statement.lineno - 1, statement.end_lineno
        lines[first:last] = [f"{name} = SETTING_{name}\n"] + [""] * (last - first - 1)
    if changed:
        raise ValueError(f"the figure has no setting {', '.join(changed)}")
    return "".join(lines), settings


def filled(code: str, settings: dict) -> str:
    """Return the script with the values in place of their marks."""
    return re.sub(r"SETTING_(\w+)", lambda mark: repr(settings[mark[1]]), code)


@cache
def library() -> str:
    """Return what tells one state of the packages that draw from another."""
    return chapters.digest(ROOT, ["src"])


def drawn(code: str, name: str) -> str:
    """Return the picture that a script draws, as SVG."""
    import matplotlib  # two seconds with what draws, so only where there is something to draw

    matplotlib.use("agg")

    from rmsbook import figures

    figures.use_style()
    names = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        exec(compile(code, f"{name}.py", "exec"), names)
    picture = io.StringIO()
    # A date and matplotlib's version would change the text from build to build.
    told = {"Date": None, "Creator": None, "Title": name}
    names["figure"].savefig(picture, format="svg", metadata=told)
    figures.plt.close(names["figure"])
    return picture.getvalue()


def written(value, begin: str = "") -> str:
    """Return a setting as Python writes it, in lines that `begin` so, as `python` of format.mjs."""
    within = begin + "    "
    if isinstance(value, dict):
        rows = [f"{within}{name!r}: {written(one, within)},\n" for name, one in value.items()]
        return "{\n" + "".join(rows) + begin + "}"
    if isinstance(value, list):
        listed = ", ".join(map(repr, value)) + ","
        rows = textwrap.fill(listed, WIDTH, initial_indent=within, subsequent_indent=within)
        return f"[\n{rows}\n{begin}]"
    return repr(value)


def python(code: str, settings: dict) -> str:
    """Return the script as a folded listing, each value where the figure can write another."""
    body = ast.parse(code).body[0]
    shown = "".join(code.splitlines(keepends=True)[body.end_lineno :]).lstrip()
    listing = PygmentsBridge("html", "default").highlight_block(shown, "python")

    def place(mark):
        value = html.escape(written(settings[mark[1]]))
        return f'<span class="m" data-setting="{mark[1]}">{value}</span>'

    listing = re.sub(r'<span class="n">SETTING_(\w+)</span>', place, listing)
    return (
        '<details class="moving-python"><summary>As Python</summary>'
        f'<div class="cell_input">{listing}</div></details>'
    )


def add_files(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Load the scripts on the pages that have a figure which moves, and on no other."""
    if doctree is not None and app.env.metadata.get(pagename, {}).get("moving"):
        app.add_js_file(SCRIPT, type="module")
        app.add_css_file(STYLE)
        if getattr(app.config, "live_has_runtime", False):  # of the extension `live`
            app.add_js_file("live/live.mjs", type="module")


STAGES = ("search", "rates", "comparison")  # how the names of these experiments end


def recorded() -> dict:
    """Return what the figure of the recorded runs shows: by data set, best rates and all runs."""
    found = {}
    for name in experiments.CATALOGUE:
        data, _, stage = name.rpartition("-")
        if stage not in STAGES or data == "mnist-sample":
            continue
        records = experiments.load(name)
        kept = found.setdefault(data, {"best": {}, "runs": []})
        if stage != "comparison":
            by = "val_accuracy" if "val_accuracy" in records[0].curve else "val_loss"
            for method in dict.fromkeys(record.run.optimizer for record in records):
                kept["best"][method] = best_setting(records, method, by)["learning_rate"]
        kept["runs"] += [brief(record, stage) for record in records]
    return found


def as_json() -> bytes:
    """Return what `recorded` found as the figure reads it."""
    return json.dumps(recorded(), separators=(",", ":")).encode()


def brief(record, stage: str) -> list:
    """Return stage, method, rate, seed, test and losses of a record, with the digits one sees."""
    run, test = record.run, record.result.get("test_accuracy")
    test = 100 * test if test is not None else record.result.get("test_loss")
    losses = [digits(loss) for loss in record.curve["val_loss"]]
    rate = run.settings["learning_rate"]
    return [stage == "comparison", run.optimizer, rate, run.seed, digits(test), losses]


def digits(value):
    """Return a number with four digits; None, which is JSON's null, for what is none."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def write_records(app: Sphinx, exception) -> None:
    """Put the recorded runs where their figure looks for them."""
    if exception or app.builder.format != "html":
        return
    if any("moving" in data for data in app.env.metadata.values()):
        target = Path(app.outdir, "_static", "figures", "records.json")
        target.parent.mkdir(parents=True, exist_ok=True)
        state = library(), chapters.digest(find_records(), ["."])
        target.write_bytes(kept(app, "records.json", state, as_json))


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.add_directive("moving", Moving)
    app.connect("html-page-context", add_files)
    app.connect("build-finished", write_records)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
