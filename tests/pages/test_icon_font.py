"""The icons of the built book."""

import sys

from fontTools import ttLib

from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import styles

FONT = f"_static/{styles.FONT}"


def test_the_icon_font_of_the_built_book_has_the_icons_that_its_styles_name():
    html = ROOT / "_build" / "html"
    whole, cut = (ttLib.TTFont(html / f"{FONT}.{kind}").getBestCmap() for kind in ("ttf", "woff"))
    sheets = "".join(path.read_text("utf-8") for path in (html / "_static").rglob("*.css"))
    assert "fa-solid-900.woff2" not in sheets
    assert len(cut) > 10
    for icon in "\uf06a\uf0eb?":  # a warning's, a tip's, a question's
        assert ord(icon) in cut
    assert len(cut) < len(whole) / 5
