"""The theme's icons, cut to those that the pages show."""

import sys
from types import SimpleNamespace

import pytest

from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import icons

SCRIPT = (
    'var a={bars:[448,512,["navicon"],"f0c9","M0 96"],"arrow-up":[384,512,[8593],"f062","M2"],'
    'moon:[1,2,[127769,9214],"f186",["M1","M2"]],zebra:[1,2,[],"f0",""]};b(a)'
)


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (set(), "var a={};b(a)"),
        ({"moon"}, 'var a={moon:[1,2,[127769,9214],"f186",["M1","M2"]],};b(a)'),
        ({"navicon"}, 'var a={bars:[448,512,["navicon"],"f0c9","M0 96"],};b(a)'),
        ({"arrow-up", "bars", "moon", "zebra"}, SCRIPT),
    ],
)
def test_only_what_is_shown_is_kept(names, left):
    assert icons.keep(SCRIPT, names) == left


def test_what_is_shown_stands_on_a_page_or_in_a_script(tmp_path):
    for name, text in {
        "index.html": '<i class="fa-solid fa-bars"></i>',
        "_static/theme.js": 'x.className="fa-moon"',
        "_static/scripts/fontawesome.js": '{"fa-zebra":1}',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    assert icons.shown(tmp_path) == {"solid", "bars", "moon"}


def test_the_script_of_the_site_is_cut(tmp_path):
    (tmp_path / "_static" / "scripts").mkdir(parents=True)
    (tmp_path / icons.SCRIPT).write_text(SCRIPT, "utf-8")
    (tmp_path / "index.html").write_text('<i class="fa-bars">', "utf-8")
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"))
    icons.keep_shown_icons(app, None)
    assert "zebra" not in (tmp_path / icons.SCRIPT).read_text("utf-8")
    assert "bars" in (tmp_path / icons.SCRIPT).read_text("utf-8")
