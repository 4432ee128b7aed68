"""What the book consists of, and where its executed chapters are kept.

Both the command line (`tools/book.py`) and the Sphinx extension (`book/_ext/executed_book.py`) ask
here, so that they cannot disagree about what a chapter is or which execution is the current one.

What reads notebooks is imported where one is read: it takes two seconds, and a build in which no
chapter changed reads none.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from nbformat import NotebookNode

# What a chapter's outputs depend on beside its own cells; each is a path below the book's root.
LIBRARY = (
    "src",
    "book/claims.yml",
    "book/references.bib",
    "book/source-map.yml",
    "book/records",
    "book/peers",
    "_toc.yml",  # pages that list pages
)
# What MyST-NB knows a page with code by: what Jupytext writes at its top.
FRONT_MATTER = re.compile(r"---\n(?:(?!---).*\n)*? +format_name: myst\n")
# The packages whose version can change an output.
PACKAGES = (
    "numpy",
    "tensorflow",
    "keras",
    "matplotlib",
    "scikit-learn",
    "mlxtend",
    "sktime",
    "gymnasium",
)
# What a sweep leaves beside the records, and what Python leaves beside its sources.
LEFT_BEHIND = (".lock", ".part", ".damaged", ".pyc")
# Without one of these device files TensorFlow on Linux has no GPU (CUDA; ROCm; CUDA under Windows).
GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def pages(root: Path) -> list[Path]:
    """Return every page of the table of contents, in reading order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))

    def files(node):
        if isinstance(node, list):
            for item in node:
                yield from files(item)
        elif isinstance(node, dict):
            for key in ("root", "file"):
                if key in node:
                    yield root / f"{node[key]}.md"
            for key in ("parts", "chapters", "sections"):
                yield from files(node.get(key, []))

    return list(files(toc))


def chapters(root: Path) -> list[Path]:
    """Return the pages that have code to execute."""
    return [page for page in pages(root) if FRONT_MATTER.match(page.read_text("utf8"))]


def read(path: Path) -> NotebookNode:
    """Return a chapter as MyST-NB reads it: the form in which the cache knows it."""
    return copy.deepcopy(parsed(path.read_text("utf8"), path))


@functools.cache
def parsed(text: str, path: Path) -> NotebookNode:
    """Return what `read` copies: Sphinx asks for a page's notebook four times."""
    from myst_nb.core.read import read_myst_markdown_notebook

    return read_myst_markdown_notebook(text, add_source_map=True, path=path)


def digest(root: Path, names: Iterable[str]) -> str:
    """Return what tells one state of these files and folders from another."""
    total = hashlib.sha256()
    for name in names:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            left_behind = path.name.endswith(LEFT_BEHIND) or ".egg-info" in str(path.parent)
            if path.is_file() and not left_behind:
                total.update(path.relative_to(root).as_posix().encode() + b"\0")
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def cache_folder(root: Path) -> Path:
    """Return where executions with today's library, records, versions, profile and data are kept.

    jupyter-cache looks at a chapter's own cells alone. Here everything else that an output depends
    on chooses the folder: after an edit of the library another folder is used and every chapter
    runs anew; when the edit is taken back, the former folder and its executions are found again.
    """
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    state = [*versions, sys.version.split()[0], *sorted(kernel_settings().items())]
    state += [digest(root, LIBRARY), data_fingerprint()]
    key = hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    return root / "_build" / ".jupyter_cache" / key


@functools.cache
def kernel_settings() -> dict[str, str]:
    """Return the settings every chapter's kernel gets: decided once, for all of them.

    Whether there is a GPU is asked of TensorFlow once and not in each chapter, and not at all
    where there can be none: it takes six seconds to answer. A kernel runs on
    each core, so NumPy's matrix products get one thread: of more, each would wait for one that
    another kernel keeps from running, and a product take thirty times as long.
    """
    from rmsbook.runtime import choose_profile

    no_gpu = sys.platform == "linux" and not any(map(os.path.exists, GPU_DEVICES))
    if "RMSPROP_PROFILE" in os.environ or no_gpu:
        profile = choose_profile(os.environ, gpus=[])
    else:
        profile = probe(
            "from rmsbook.runtime import start_tensorflow; print(start_tensorflow().profile)"
        )
    return {"RMSPROP_PROFILE": profile, "OPENBLAS_NUM_THREADS": "1"}


@functools.cache
def data_fingerprint() -> str:
    """Return what tells one state of the data (folder, downloaded, embedded) from another."""
    from rmsbook.data import fingerprint

    return fingerprint(os.environ)


def probe(code: str) -> str:
    """Run a line of Python in a process of its own and return the last line it prints."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stderr.strip().splitlines()[-1])
    return run.stdout.strip().splitlines()[-1]


def open_cache(root: Path):
    """Open the current execution cache."""
    from jupyter_cache import get_cache

    return get_cache(cache_folder(root))


def executed(cache, notebook: NotebookNode) -> NotebookNode | None:
    """Return the notebook with its recorded outputs, or None if it has to be executed.

    A record whose file a killed build left missing or cut short counts as none.
    """
    from jupyter_cache.base import RetrievalError
    from nbformat.reader import NotJSONError

    try:
        return cache.merge_match_into_notebook(notebook)[1]
    except (KeyError, RetrievalError, NotJSONError, FileNotFoundError):
        return None


def record(cache, notebook: NotebookNode) -> dict:
    """Return what was noted when the notebook was executed (its provenance)."""
    return cache.match_cache_notebook(notebook).data


def record_file(cache, notebook: NotebookNode) -> Path:
    """Return where the cache keeps the outputs of a notebook that was executed."""
    return Path(cache.path, "executed", cache.match_cache_notebook(notebook).hashkey, "base.ipynb")


# The first cell of the notebook that a reader downloads.
FIRST_CELL = """\
import sys
from importlib.util import find_spec

missing = [name for name in {needed} if find_spec(name) is None]
if missing and {on_colab}:
    get_ipython().run_line_magic("pip", "install --quiet {packages}")
elif missing:
    print("Missing here:", ", ".join(missing) + "; {where}pip install {packages}")
"""
BOTH = ". ./src/rmsbook"  # the two packages, in the repository
# What a page imports that brings TensorFlow along.
NEED_TENSORFLOW = re.compile(
    r"^\s*(?:from|import) (?:keras|tensorflow|rmsprop\.keras|rmsbook\.(?:keras_models|runtime))\b",
    re.MULTILINE,
)


def offered_notebook(paired: str, repository: str) -> str:
    """Return the text of the .ipynb that a page offers: a first cell says what is missing.

    Parameters
    ----------
    paired : str
        The text of the paired notebook.
    repository : str
        ``owner/name`` on GitHub, from where the cell installs on Colab; or nothing.
    """
    import nbformat

    notebook = nbformat.reads(paired, as_version=4)
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    needed = ["rmsprop", "rmsbook", *["tensorflow"] * bool(NEED_TENSORFLOW.search(sources))]
    address = f"git+https://github.com/{repository}"
    source = FIRST_CELL.format(
        needed=needed,
        on_colab='"google.colab" in sys.modules' if repository else "False",
        packages=f"{address} {address}#subdirectory=src/rmsbook" if repository else BOTH,
        where="run: " if repository else "run in a copy of the book's repository: ",
    )
    first = nbformat.v4.new_code_cell(source.rstrip(), id="what-is-missing")
    first.metadata = {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}}
    notebook.cells.insert(0, first)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def paired_notebook(path: Path, cache) -> str:
    """Return the text of the .ipynb that belongs to a chapter: plain, runnable, reproducible."""
    import nbformat

    source = read(path)
    notebook = executed(cache, source)
    if notebook is None:
        raise SystemExit(f"{path.name} has not been executed: run `make book` first.")
    notebook.metadata = {
        "kernelspec": source.metadata["kernelspec"],
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03}"
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"
