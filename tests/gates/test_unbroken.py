"""Where no line of a page may break."""

import sys
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from unbroken import Tie, tied


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("right for 97.2 % of them", "right for 97.2~% of them"),
        ("see page 3, Chapter 10 and Fig. P3.1", "see page~3, Chapter~10 and Fig.~P3.1"),
        ("with η = 0.1, about 3.16 η", "with η~=~0.1, about 3.16~η"),
        ("1 of 20 pages, a chapter later", "1 of 20 pages, a chapter later"),
        ("in 50 epochs, 5 timesheets", "in 50~epochs, 5 timesheets"),
        ("a == b", "a == b"),
        ("by 1 − β, (κ − 1)/(κ + 1), 2 · 3", "by 1~−~β, (κ~−~1)/(κ~+~1), 2~·~3"),
        ("of 50 × 100, a step", "of 50~×~100, a step"),
        ("from −2 to 3 – and so on", "from −2 to 3 – and so on"),
    ],
)
def test_a_number_stays_with_what_it_belongs_to(text, shown):
    assert tied(text) == shown.replace("~", "\u00a0")


def test_a_number_from_code_stays_with_its_unit_and_code_is_left_alone():
    page = new_document("page")
    line = nodes.paragraph()
    line += [nodes.strong("", "53"), nodes.Text(" epochs stay; "), nodes.strong("", "3.16")]
    line += [nodes.Text(" "), nodes.math("", r"\eta"), nodes.Text(" long, and ")]
    line += [nodes.strong("", "tie"), nodes.Text(" "), nodes.math("", "g"), nodes.Text(" x = 1")]
    page += [
        line,
        nodes.paragraph("", "", nodes.literal("", "x = 1")),
        nodes.literal_block("", "y = 1"),
    ]
    page.settings.env = SimpleNamespace()
    Tie(page).run()
    assert line.astext() == "53\u00a0epochs stay; 3.16\u00a0\\eta long, and tie g x\u00a0=\u00a01"
    assert [child.astext() for child in page.children[1:]] == ["x = 1", "y = 1"]


def test_the_box_of_a_claim_is_text_too_and_other_html_is_left_alone():
    page = new_document("page")
    box = '<div class="claim claim-holds" title="a = b"><dd>by 1 − β in <b>3 steps</b></dd></div>'
    picture = '<svg aria-label="a − b"><text>1 − β</text></svg>'
    page += [nodes.raw("", box, format="html"), nodes.raw("", picture, format="html")]
    page.settings.env = SimpleNamespace()
    Tie(page).run()
    assert page[0].astext() == box.replace("1 − β", "1~−~β").replace("3 s", "3~s").replace(
        "~", "\u00a0"
    )
    assert page[1].astext() == picture
