"""Formulas, set in the browser by KaTeX, whose script is a quarter of MathJax's.

Sphinx writes them as it does for MathJax; `_static/katex/set.js` hands them to KaTeX.
"""

from sphinx.application import Sphinx
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math

STYLE, SCRIPTS = "katex/katex.min.css", ("katex/katex.min.js", "katex/set.js")


def add_files(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Load KaTeX on the pages that have a formula, and on no other."""
    if app.env.get_domain("math").has_equations(pagename):
        app.add_css_file(STYLE)
        for script in SCRIPTS:
            app.add_js_file(script, defer="defer")


def setup(app: Sphinx) -> dict:
    """Connect the steps."""
    app.add_html_math_renderer("katex", (html_visit_math, None), (html_visit_displaymath, None))
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
