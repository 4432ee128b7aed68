"""The theme's style sheets and icon font, without what no page shows: 0.6 MB less on every page.

A style rule stays unless it asks for a class that stands in no page and in no script of the site,
nor begins as a script begins one. Of the icon font those icons stay that a style sheet names.
"""

import hashlib
import io
import itertools
import json
import re
from pathlib import Path

import tinycss2
from kept import kept
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
    return choose(parse(sheet), words)


def parse(rules: str | list) -> list:
    """Return what `choose` asks of a style sheet, as JSON can hold it: reading it takes a second.

    A rule is its selectors, each with the classes that it asks for, and its content; a rule around
    others is how it begins and those; any other is its text.
    """
    found = []
    for rule in tinycss2.parse_rule_list(rules, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule":
            selectors = [
                [tinycss2.serialize(one).strip(), classes(one)]
                for one in alternatives(rule.prelude)
            ]
            found.append([selectors, tinycss2.serialize(rule.content).strip()])
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTING and rule.content:
            begin = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}"
            found.append([begin, parse(rule.content)])
        else:
            found.append(rule.serialize())
    return found


def choose(rules: list, words: set[str]) -> str:
    """Return the rules that can match, as a style sheet."""
    starts = tuple(word for word in words if word.endswith("-") and len(word) > 3)

    def known(name):
        return name in words or name.startswith(starts)

    def chosen(rules):
        for rule in rules:
            if isinstance(rule, str):
                yield rule
                continue
            begin, inside = rule
            if isinstance(begin, str):
                inside = "".join(chosen(inside))
            else:
                begin = ",".join(text for text, names in begin if all(map(known, names)))
            if begin and inside:
                yield f"{begin}{{{inside}}}"

    return "".join(chosen(rules))


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
    from fontTools import subset, ttLib  # half a second

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
        name = path.relative_to(static).as_posix()
        rules = kept(app, name, sheet, lambda sheet=sheet: json.dumps(parse(sheet)).encode())
        path.write_text(choose(json.loads(rules), found), "utf-8")
    sheets = (path.read_text("utf-8") for path in static.rglob("*.css"))
    named = {icon for sheet in sheets for icon in ICON.findall(sheet)}
    icons = {ord(icon) if len(icon) == 1 else int(icon, 16) for icon in named} | ASCII
    made_from = hashlib.sha256(font.read_bytes()).hexdigest(), sorted(icons)
    cut = kept(app, "icons.woff", made_from, lambda: small_font(font, icons))
    font.with_suffix(".woff").write_bytes(cut)


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("build-finished", keep_used_styles)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
