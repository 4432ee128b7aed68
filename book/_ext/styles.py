"""The theme's style sheets and icon font, without what no page shows: 0.6 MB less on every page.

A style rule stays unless it asks for a class that stands in no page and in no script of the site,
nor begins as a script begins one. Of the icon font those icons stay that a style sheet names.
"""

import io
import itertools
import re
from pathlib import Path

import tinycss2
from fontTools import subset, ttLib
from sphinx.application import Sphinx

OWN = {"katex"}  # folders of static files that have no class of the theme's
THEMES = ("styles/*.css", "sphinx-design.min.css", "mystnb.*.css", "basic.css")
NESTING = {"media", "supports", "container", "layer"}
FIGURE = re.compile(r'<svg class="figure".*?</svg>', re.DOTALL)
FONT = "vendor/fontawesome/webfonts/fa-solid-900"
SOURCES = re.compile(rf"url\((\S*{FONT})\.woff2\)[^;}}]*")
ASCII = set(range(0x20, 0x7F))  # a question mark's icon is named by the mark itself
ICON = re.compile(r"[\ue000-\uf8ff]|(?<=\\)[ef][0-9a-f]{3}\b")  # as it is, or by its number


def words(folder: Path) -> set[str]:
    """Return the words of the pages and of their scripts: what can be a class is among them."""
    scripts = [*(folder / "_static").rglob("*.js"), *(folder / "_static").rglob("*.mjs")]
    scripts = [path for path in scripts if OWN.isdisjoint(path.parts)]
    texts = (path.read_text("utf-8") for path in [*folder.rglob("*.html"), *scripts])
    return set().union(*(re.findall(r"[\w-]+", FIGURE.sub("", text)) for text in texts))


def keep(sheet: str, words: set[str]) -> str:
    """Return a style sheet with the rules that can match.

    >>> keep(".a, .b { top: 0 } .c .d { left: 0 } @media print { .c { top: 0 } }", {"a"})
    '.a{top: 0}'
    """
    starts = tuple(word for word in words if word.endswith("-") and len(word) > 3)
    return "".join(kept(sheet, lambda name: name in words or name.startswith(starts)))


def kept(rules, known):
    """Yield the rules that can match, each as a text."""
    for rule in tinycss2.parse_rule_list(rules, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule":
            selectors = [one for one in alternatives(rule.prelude) if all(map(known, classes(one)))]
            texts = [tinycss2.serialize(selector).strip() for selector in selectors]
            if texts:
                yield f"{','.join(texts)}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTING and rule.content:
            if inner := "".join(kept(rule.content, known)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        else:
            yield rule.serialize()


def alternatives(prelude: list) -> list[list]:
    """Return the selectors of a rule, which commas part."""
    found = [[]]
    for token in prelude:
        if token == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def classes(selector: list) -> list[str]:
    """Return the classes that a selector asks for; what stands in `:not(…)` it does not."""
    pairs = itertools.pairwise(selector)
    return [token.value for dot, token in pairs if dot == "." and token.type == "ident"]


def small_font(font: Path, icons: set[int]) -> bytes:
    """Return a font with these icons alone, as WOFF, which needs no other package."""
    made = ttLib.TTFont(font)
    options = subset.Options(layout_features=[], hinting=False, desubroutinize=True)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=icons)
    cut.subset(made)
    made.flavor, file = "woff", io.BytesIO()
    made.save(file)
    return file.getvalue()


def keep_used_styles(app: Sphinx, exception) -> None:
    """Write the theme's style sheets and its icon font anew, with what the pages show."""
    static = Path(app.outdir, "_static")
    font = static / f"{FONT}.ttf"
    if exception or app.builder.name != "html" or not font.exists():
        return
    found = words(Path(app.outdir))
    for path in [path for pattern in THEMES for path in static.glob(pattern)]:
        sheet = SOURCES.sub(r'url(\1.woff) format("woff")', path.read_text("utf-8"))
        path.write_text(keep(sheet, found), "utf-8")
    sheets = (path.read_text("utf-8") for path in static.rglob("*.css"))
    named = {icon for sheet in sheets for icon in ICON.findall(sheet)}
    icons = {ord(icon) if len(icon) == 1 else int(icon, 16) for icon in named}
    font.with_suffix(".woff").write_bytes(small_font(font, icons | ASCII))


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("build-finished", keep_used_styles)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
