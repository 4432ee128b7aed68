"""The theme's styles and icon font, cut to what the pages can use."""

import io
import sys
from importlib.resources import files
from types import SimpleNamespace

import pytest
from fontTools import ttLib

from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import styles


@pytest.mark.parametrize(
    ("sheet", "left"),
    [
        (".on{top: 0}", ".on{top: 0}"),
        (".off{top: 0}", ""),
        (".on, .off, p {top: 0}", ".on,p{top: 0}"),
        (".on .off{top: 0}", ""),
        ("p:not(.off){top: 0}", "p:not(.off){top: 0}"),
        (".tip-left{top: 0}", ".tip-left{top: 0}"),  # a script says "tip-" and then a side
        ("@media print{.on{top: 0}.off{top: 0}}", "@media print{.on{top: 0}}"),
        ("@media print{.off{top: 0}}", ""),
        ("@import 'a.css';", "@import 'a.css';"),
        ("@keyframes off{from{top: 0}}", "@keyframes off{from{top: 0}}"),
        ("#off{top: 0}", "#off{top: 0}"),
        ('[class*=" off"]{top: 0}', '[class*=" off"]{top: 0}'),
    ],
)
def test_rules_that_can_match_are_kept(sheet, left):
    assert styles.keep(sheet, {"on", "tip-"}).replace('"a.css"', "'a.css'") == left


def test_classes_stand_on_a_page_or_in_a_script_but_not_in_a_figure(tmp_path):
    for name, text in {
        "index.html": '<p class="a-b"><svg class="figure"><g class="drawn"/></svg>',
        "_static/one.js": 'x.className = "c"',
        "_static/katex/katex.min.js": '"kern"',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    assert {"a-b", "c"} <= styles.words(tmp_path)
    assert {"drawn", "kern"}.isdisjoint(styles.words(tmp_path))


def test_a_font_is_cut():
    theme = files("pydata_sphinx_theme") / "theme" / "pydata_sphinx_theme" / "static"
    made = styles.small_font(theme / f"{styles.FONT}.ttf", {0xF06A})
    assert made[:4] == b"wOFF"
    assert list(ttLib.TTFont(io.BytesIO(made)).getBestCmap()) == [0xF06A]


def test_another_builder_and_another_theme_are_left_alone(tmp_path):
    for builder in ("html", "latex"):
        app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name=builder))
        assert styles.keep_used_styles(app, None) is None
    assert list(tmp_path.iterdir()) == []
