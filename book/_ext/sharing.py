"""What others see of the book: a preview of its links, a page for lost ones, a list for engines.

Addresses have to be whole in these places, so they need `html_baseurl` of `_config.yml`. Without it
a link's preview has a title and a sentence and no picture, and there is no sitemap.
"""

import html
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from kept import kept
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import chapters  # noqa: E402

PREVIEW = "_static/preview.png"  # 1200 × 630, the size that is asked for


def thesis(doctree: nodes.document) -> str:
    """Return a page's sentence in bold below the title, or its first sentence."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            return paragraph.astext().replace("\n", " ")
    return ""


def add_preview(app: Sphinx, pagename: str, templatename, context, doctree) -> None:
    """Say in the page's head what a link to it shows."""
    if doctree is None:
        return
    title = "" if pagename == app.config.root_doc else f"{app.env.titles[pagename].astext()} · "
    facts = {
        "og:type": "article",
        "og:title": title + app.config.project,
        "og:description": thesis(doctree),
    }
    if app.config.html_baseurl:
        facts["og:url"] = address(app, pagename)
        facts["og:image"] = f"{app.config.html_baseurl.rstrip('/')}/{PREVIEW}"
    tags = [f'<meta property="{k}" content="{html.escape(v)}" />' for k, v in facts.items()]
    tags.append(f'<meta name="description" content="{html.escape(facts["og:description"])}" />')
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def address(app: Sphinx, pagename: str) -> str:
    """Return a page's whole address."""
    return f"{app.config.html_baseurl.rstrip('/')}/{app.builder.get_target_uri(pagename)}"


def lost_page(app: Sphinx) -> Iterator[tuple]:
    """Yield the page that a host shows for an address that is none: 404.html."""
    base = html.escape(app.config.html_baseurl or "/")
    yield "404", {"title": "No such page", "base": base}, "404.html"


def write_files(app: Sphinx, exception) -> None:
    """Draw the preview, and list the pages for search engines."""
    if exception or app.builder.name != "html":
        return
    title = app.config.project
    state = title, chapters.digest(ROOT, ["src"])
    Path(app.outdir, PREVIEW).write_bytes(kept(app, "preview.png", state, lambda: preview(title)))
    if app.config.html_baseurl:
        entries = "".join(
            f"<url><loc>{html.escape(address(app, page))}</loc></url>"
            for page in sorted(app.env.found_docs)
        )
        Path(app.outdir, "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>\n',
            "utf-8",
        )


def preview(title: str) -> bytes:
    """Return the picture: two paths down a ravine, under the book's title."""
    import matplotlib  # a second, so only where there is something to draw

    matplotlib.use("agg")

    import matplotlib.pyplot as plt

    from rmsbook import figures
    from rmsprop.descent import minimize
    from rmsprop.optimizers import SGD, RMSprop
    from rmsprop.problems import Quadratic

    with matplotlib.rc_context():
        figures.use_style()
        figure, ax = plt.subplots(figsize=(12, 6.3), dpi=100)
        ravine = Quadratic(curvatures=(1, 25), start=(2, 1))
        figures.contour(ravine, ax)
        for name, method in {"SGD": SGD(0.07), "RMSprop": RMSprop(0.1)}.items():
            path = minimize(ravine, method, steps=40).parameters
            ax.plot(*path.T, **figures.style(name) | {"markevery": 1}, linewidth=3, label=name)
        ax.set(xlim=(-0.6, 2.3), ylim=(-1.1, 1.1))
        ax.axis("off")
        figure.suptitle(title, fontsize=44, fontweight="bold")
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
        plt.close(figure)
    return file.getvalue()


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.connect("html-page-context", add_preview)
    app.connect("html-collect-pages", lost_page)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
