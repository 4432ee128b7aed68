"""What Sphinx has to know beyond Jupyter Book: the execution cache, provenance, claims.

The executed chapters come from the cache that `tools/book.py` fills; this extension names the
cache's folder, and puts under each chapter when, where and on what data its numbers were made.
"""

import html
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import chapters  # noqa: E402
from rmsbook import claims  # noqa: E402


def use_cache(app: Sphinx, config) -> None:
    """Name the execution cache that belongs to today's library, data and profile."""
    config.nb_execution_cache_path = str(chapters.cache_folder(Path(app.srcdir)))


def require_executions(app: Sphinx) -> None:
    """Stop before Sphinx executes a chapter itself: it would do so one by one, and unrecorded."""
    root = Path(app.srcdir)
    cache = chapters.open_cache(root)
    for path in chapters.chapters(root):
        if chapters.executed(cache, chapters.read(path)) is None:
            raise ExtensionError(f"{path.name} has not been executed: use `make book`")


def link_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Let links from outputs, which name a chapter's source, lead to its page."""
    for node in doctree.findall(nodes.raw):
        if node.get("format") == "html":
            text = re.sub(r'(href="[\w./-]+)\.(?:md|ipynb)(?=[#"])', r"\1.html", node.astext())
            node.children = [nodes.Text(text)]


def name_roles(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Give the entries of the bibliography a role that screen readers still know."""
    if doctree is not None:
        roles = ('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = context["body"].replace(*roles)


def add_provenance(app: Sphinx, pagename: str, templatename, context, doctree) -> None:
    """Write under an executed chapter what made its numbers."""
    path = Path(app.srcdir) / f"{pagename}.md"
    if doctree is None or path not in chapters.chapters(Path(app.srcdir)):
        return
    cache = chapters.open_cache(Path(app.srcdir))
    run = chapters.record(cache, chapters.read(path))
    packages = ("rmsprop", "numpy", "tensorflow", "python")
    facts = {
        "Commit": run["commit"],
        "Versions": ", ".join(
            f"{package} {run[package]}" for package in packages if package in run
        ),
        "Profile": run["profile"],
        "Device": run["device"],
        "Data": "; ".join(run["data"]) or "none",
        "Executed in": f"{run['execution_seconds']:.1f} s",
    }
    rows = "".join(f"<dt>{key}</dt><dd>{html.escape(value)}</dd>" for key, value in facts.items())
    source = Path(pagename).name + ".ipynb"
    context["body"] += (
        '<section class="provenance" aria-label="Provenance">'
        f'<p><a href="{source}" download>Download this chapter as a notebook</a></p>'
        f"<p>What made the numbers on this page</p><dl>{rows}</dl></section>"
    )


def copy_notebooks(app: Sphinx, exception) -> None:
    """Put each chapter's notebook beside its page, for the download link."""
    if exception or app.builder.name != "html":
        return
    for path in chapters.chapters(Path(app.srcdir)):
        notebook = path.with_suffix(".ipynb")
        target = Path(app.outdir) / notebook.relative_to(app.srcdir)
        if notebook.exists():
            target.write_bytes(notebook.read_bytes())


def write_ledger(app: Sphinx, exception) -> None:
    """Put the claims as CSV and JSON beside the page that lists them."""
    page = "book/reference/claims"
    if exception or app.builder.name != "html" or page not in app.env.found_docs:
        return
    ledger = claims.load_ledger(Path(app.srcdir) / "book" / "claims.yml").values()
    target = Path(app.outdir) / page
    target.with_suffix(".csv").write_text(claims.to_csv(ledger), "utf-8")
    target.with_suffix(".json").write_text(claims.to_json(ledger), "utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.connect("config-inited", use_cache, priority=100)
    app.connect("builder-inited", require_executions)
    app.connect("doctree-read", link_pages)
    app.connect("html-page-context", name_roles)
    app.connect("html-page-context", add_provenance)
    app.connect("build-finished", copy_notebooks)
    app.connect("build-finished", write_ledger)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
