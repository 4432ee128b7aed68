"""Cells that run in the page, on Python in the reader's browser, and where else a chapter opens.

`tools/pyodide.py` has brought the runtime, or it has not: then the pages say where they run. What a
page needs decides whether it can: NumPy, Matplotlib, `rmsprop`, and of the book what needs no more.
The page gets the sources of all its cells, because what stands before a cell runs before it, also
where the page does not show it; `_static/live/live.mjs` does the rest.
"""

import ast
import filecmp
import html
import io
import json
import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from kept import kept
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import chapters  # noqa: E402
import pyodide  # noqa: E402

logger = logging.getLogger(__name__)
OUT_OF_SIGHT = {"remove-input", "remove-cell"}
REPORTS = {"evidence", "attempt"}  # functions of the claims that give a page no numbers
RUNTIME = Path("_static", "live")
# What a page may import. Of the book's own modules these need nothing that a browser lacks; the
# last four are replaced there by `_static/live/page.py`.
MODULES = {
    *sys.stdlib_module_names - {"subprocess", "multiprocessing"},
    *("numpy", "matplotlib", "packaging"),
    *("rmsprop", "rmsprop.descent", "rmsprop.optimizers", "rmsprop.problems", "rmsprop.schedules"),
    *("rmsbook.data", "rmsbook.exercises", "rmsbook.figures", "rmsbook.networks"),
    *("rmsbook.project", "rmsbook.speed", "rmsbook.experiments", "rmsbook.experiments.catalogue"),
    *("rmsbook.experiments.statistics",),
    *("IPython.display", "myst_nb", "rmsbook.claims", "sklearn.datasets"),
}
THIRD_PARTY = {"keras": "TensorFlow", "tensorflow": "TensorFlow", "rmsbook": "TensorFlow"}
DIGITS = "datasets/data/digits.csv.gz"
# Of the repository: the library, and what the pages read.
CARRIED = (
    "src/rmsprop/*.py",
    "src/rmsbook/**/*.py",
    "book/claims.yml",
    "book/peers/*.json",
    "book/records/**/*.csv",
)


def imports(source: str) -> set[str]:
    """Return what a cell imports, `from a import b` as a.b.

    >>> sorted(imports("import numpy as np; from rmsprop.optimizers import SGD, Adam"))
    ['numpy', 'rmsprop.optimizers.Adam', 'rmsprop.optimizers.SGD']
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def missing(sources: list[str]) -> list[str]:
    """Return the packages that the cells need and the browser lacks."""
    needed = set().union(*map(imports, sources))
    lacking = {name for name in needed if not any(known(name, module) for module in MODULES)}
    packages = {name.split(".")[0] for name in lacking} - {"rmsprop"}
    return sorted({THIRD_PARTY.get(name, name) for name in packages})


def known(name: str, module: str) -> bool:
    """Whether a name is a module, or stands in it; a package's own modules are named one by one."""
    if module.split(".")[0] in ("rmsprop", "rmsbook"):
        return name == module or name.rpartition(".")[0] == module
    return name == module or name.startswith(module + ".")


def code_cells(root: Path, pagename: str) -> list[dict]:
    """Return a page's code cells: place in the notebook, source, tags.

    A cell that needs the claims' ledger keeps here what it showed when the book was made.
    """
    path = root / f"{pagename}.md"
    if path not in chapters.chapters(root):
        return []
    cells = [
        {"number": number, "source": cell.source, "tags": cell.metadata.get("tags", [])}
        for number, cell in enumerate(chapters.read(path).cells)
        if cell.cell_type == "code"
    ]
    mark_elsewhere(cells)
    return cells


def mark_elsewhere(cells: list[dict]) -> None:
    """Mark the cells that call the claims' functions, or use what a cell has read of the ledger."""
    names = set().union(*(imports(cell["source"]) for cell in cells))
    absent = {name.rpartition(".")[2] for name in names if name.startswith("rmsbook.claims.")}
    lost = set()
    for cell in cells:
        calls, stored = absent & called(cell["source"]), variables(cell["source"], ast.Store)
        reads = bool(calls - REPORTS or lost & (variables(cell["source"], ast.Load) - stored))
        lost = lost | stored if reads else lost - stored
        cell["elsewhere"] = bool(calls) or reads


def variables(source: str, context: type) -> set[str]:
    """Return the variables that a cell sets (`ast.Store`) or uses (`ast.Load`)."""
    names = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, context)}


def called(source: str) -> set[str]:
    """Return the names of the functions that a cell calls.

    >>> sorted(called("evidence('A1.1', holds=check(2))"))
    ['check', 'evidence']
    """
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)}


def mark_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Let the script find each cell on the page."""
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code":
            node["classes"].append(f"cell-{node['cell_index']}")


def add_live_cells(app: Sphinx, pagename: str, templatename, context, doctree) -> None:
    """Put above a chapter where it runs, and into it what the script needs for it to run here."""
    cells = code_cells(Path(app.srcdir), pagename) if doctree is not None else []
    if all(OUT_OF_SIGHT & set(cell["tags"]) for cell in cells):
        return
    lacking = missing([cell["source"] for cell in cells])
    source = html.escape(Path(pagename).name + ".ipynb")
    links = [f'<a href="{source}" download>Download the notebook</a>', *elsewhere(app, pagename)]
    if lacking:
        names = " and ".join(lacking)
        said = f"These cells run in Jupyter: they need {names}, which a browser does not have."
    elif not app.config.live_has_runtime:
        said = "These cells run in Jupyter."
    else:
        own = json.loads(pyodide.LOCK.read_text("utf-8"))
        packages = own["lock"]["packages"]
        versions = ", ".join(
            [f"Python {own['lock']['info']['python']}"]
            + [f"{title} {packages[title.lower()]['version']}" for title in ("NumPy", "Matplotlib")]
        )
        said = (
            f"These cells run here, in your browser ({versions}; "
            f"the first Run loads {megabytes()}\u00a0MB once)."
        )
        data = json.dumps(cells).replace("</", r"<\/")
        context["body"] += f'<script type="application/json" id="live-cells">{data}</script>'
        app.add_js_file("live/live.mjs", type="module")
    bar = f'<p class="runs">{said} <span>{" · ".join(links)}</span></p>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{bar}", 1)


def elsewhere(app: Sphinx, pagename: str) -> list[str]:
    """Return the links that open the notebook on Colab and Binder, if there is an address.

    >>> from types import SimpleNamespace as S
    >>> elsewhere(S(config=S(live_repository="")), "book/course/02-x")
    []
    """
    if not app.config.live_repository:
        return []
    name = html.escape(f"{pagename}.ipynb")
    repository = html.escape(app.config.live_repository)
    return [
        f'<a href="https://colab.research.google.com/github/{repository}/blob/main/{name}">Colab</a>',
        f'<a href="https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{name}">Binder</a>',
    ]


def look_for_runtime(app: Sphinx, config) -> None:
    """Ask once whether the runtime is there, and say so if it is not."""
    config.live_has_runtime = pyodide.is_complete()
    if not config.live_has_runtime:
        logger.info("without cells that run in the page: `make live` brings what they need")


def runtime() -> Path:
    """Return the folder of the runtime: compiled, or as it was brought where no browser was."""
    return pyodide.COMPILED if pyodide.is_compiled() else pyodide.FOLDER


def megabytes() -> int:
    """Return the size of what the first Run loads, rounded."""
    files = json.loads(pyodide.LOCK.read_text("utf-8"))["files"]
    return round(sum((runtime() / name).stat().st_size for name in files) / 1e6)


def write_runtime(app: Sphinx, exception) -> None:
    """Put the runtime and the library into the site."""
    if exception or app.builder.name != "html" or not app.config.live_has_runtime:
        return
    target = Path(app.outdir) / RUNTIME
    lock, folder = json.loads(pyodide.LOCK.read_text("utf-8")), runtime()
    (target / "pyodide").mkdir(parents=True, exist_ok=True)
    for name in lock["files"]:
        copy = target / "pyodide" / name
        if not copy.exists() or not filecmp.cmp(folder / name, copy):
            shutil.copy2(folder / name, copy)
    for package in lock["lock"]["packages"].values():
        package["sha256"] = pyodide.sha256((folder / package["file_name"]).read_bytes())
    (target / "pyodide" / "pyodide-lock.json").write_text(json.dumps(lock["lock"]), "utf-8")
    names = [
        path.relative_to(ROOT).as_posix()
        for pattern in CARRIED
        for path in sorted(ROOT.glob(pattern))
    ]
    state = chapters.digest(ROOT, names)
    (target / "book.zip").write_bytes(kept(app, "book.zip", state, lambda: packed(names)))


def packed(names: list[str]) -> bytes:
    """Return an archive of these files of the repository, and of the digits of scikit-learn."""
    digits = Path(find_spec("sklearn").origin).parent / DIGITS  # to import it takes three seconds
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(ROOT / name, name.removeprefix("src/"))
        archive.write(digits, f"sklearn/{DIGITS}")
    return file.getvalue()


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.add_config_value("live_repository", "", "html", str)
    app.add_config_value("live_has_runtime", False, "html", bool)
    app.connect("config-inited", look_for_runtime)
    app.connect("doctree-read", mark_cells)
    app.connect("html-page-context", add_live_cells)
    app.connect("build-finished", write_runtime)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
