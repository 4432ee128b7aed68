"""What Sphinx has to know beyond Jupyter Book: the execution cache, provenance, claims.

The executed chapters come from the cache that `tools/book.py` fills; this extension names the
cache's folder, and puts under each chapter when, where and on what data its numbers were made.
"""

import functools
import html
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from kept import kept
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

LABELS = ("labels", "anonlabels")  # of the standard domain
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import chapters  # noqa: E402
from rmsbook import claims  # noqa: E402


@functools.cache
def cache(root: Path):
    """Return the execution cache; to find its folder takes a while, and it stays the same."""
    return chapters.open_cache(root)


@functools.cache
def executed_pages(root: Path) -> frozenset[Path]:
    """Return the pages that have code to execute."""
    return frozenset(chapters.chapters(root))


def use_cache(app: Sphinx, config) -> None:
    """Name the execution cache that belongs to today's library, data and profile."""
    config.nb_execution_cache_path = str(cache(Path(app.srcdir)).path)


def require_executions(app: Sphinx, env, docnames: list[str]) -> None:
    """Stop before Sphinx executes a chapter itself: it would do so one by one, and unrecorded."""
    root = Path(app.srcdir)
    app.pages_read = set(docnames)
    for path in executed_pages(root) & {root / f"{docname}.md" for docname in docnames}:
        if chapters.executed(cache(root), chapters.read(path)) is None:
            raise ExtensionError(f"{path.name} has not been executed: use `make book`")


def rewrite_all(app: Sphinx, env) -> Iterable[str]:
    """Have every page written again when what one page says of another may have changed.

    Sphinx writes the pages that it read anew. But a label that is gone from one page is missed on
    another, a number or a title shown there is another one, and the list of pages stands on all.
    Sphinx and `numbering` must have given their numbers before this is asked.
    """
    domains = sorted(env.domains.items())
    now = [(name, sorted(map(str, domain.get_objects()))) for name, domain in domains]
    now += [sorted(map(str, getattr(env.domains["std"], kind).items())) for kind in LABELS]
    now += [sorted((page, title.astext()) for page, title in env.titles.items())]
    now += [sorted(map(str, env.domaindata["math"]["objects"].items()))]
    now += [sorted(env.toc_secnumbers.items()), sorted(env.toc_fignumbers.items())]
    former, env.executed_book_targets = getattr(env, "executed_book_targets", None), repr(now)
    return env.found_docs if former != env.executed_book_targets else ()


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
    root = Path(app.srcdir)
    path = root / f"{pagename}.md"
    if doctree is None or path not in executed_pages(root):
        return
    run = chapters.record(cache(root), chapters.read(path))
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


def write_notebooks(app: Sphinx, exception) -> None:
    """Put each chapter's notebook, as it was executed, beside its page for the download link.

    Its first cell, which the paired notebook lacks, says what is missing. A page that Sphinx did
    not read again has the same text and outputs as before, and so has its notebook.
    """
    if exception or app.builder.name != "html":
        return
    root = Path(app.srcdir)
    for path in executed_pages(root):
        name = path.relative_to(root).with_suffix("").as_posix()
        target = Path(app.outdir, f"{name}.ipynb")
        if name not in app.pages_read and target.exists():
            continue
        paired = chapters.paired_notebook(path, cache(root))
        repository = getattr(app.config, "live_repository", "")  # of the extension `live`
        target.write_text(chapters.offered_notebook(paired, repository), "utf-8")


def remove_former_pages(app: Sphinx, exception) -> None:
    """Remove what earlier builds left of pages that are gone: page, notebook, tables, source."""
    if exception or app.builder.name != "html":
        return
    for top in (Path(app.outdir), Path(app.outdir, "_sources")):
        for file in (top / "book").rglob("*.*"):
            page = file.relative_to(top).as_posix().split(".")[0]
            if file.is_file() and page not in app.env.found_docs:
                file.unlink()


def write_ledger(app: Sphinx, exception) -> None:
    """Put the claims as CSV and JSON beside the page that lists them."""
    page = "book/reference/claims"
    if exception or app.builder.name != "html" or page not in app.env.found_docs:
        return
    root, target = Path(app.srcdir), Path(app.outdir) / page
    state = chapters.digest(root, ["book/claims.yml", "book/references.bib", "src"])
    for suffix, form in {".csv": claims.to_csv, ".json": claims.to_json}.items():
        made = kept(app, f"claims{suffix}", state, lambda form=form: form(ledger(root)).encode())
        target.with_suffix(suffix).write_bytes(made)


@functools.cache
def ledger(root: Path) -> list:
    """Return the claims, checked."""
    return list(claims.load_ledger(root / "book" / "claims.yml").values())


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.connect("config-inited", use_cache, priority=100)
    app.connect("env-before-read-docs", require_executions)
    app.connect("env-get-updated", rewrite_all, priority=700)
    app.connect("doctree-read", link_pages)
    app.connect("html-page-context", name_roles)
    app.connect("html-page-context", add_provenance)
    app.connect("build-finished", write_notebooks)
    app.connect("build-finished", remove_former_pages)
    app.connect("build-finished", write_ledger)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
