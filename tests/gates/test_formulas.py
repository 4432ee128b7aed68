"""Formulas as the browser sets them."""

import shutil

import pytest

import gates
from project import ROOT

PAGE = r"""<!DOCTYPE html><meta charset="utf-8"><link rel="stylesheet" href="katex/katex.min.css">
<script defer src="katex/katex.min.js"></script><script defer src="katex/set.js"></script>
<style>div.math { width: 200px; overflow-x: auto }</style>
<p id="in">A <span class="math">\(\sqrt{v}\)</span>, and <span class="math">\(a &lt; b\)</span> b.
<p id="bracket">A row (<span class="math">\(\sqrt{v}\)</span>) of words.</p>
<div class="math" id="short"><span class="eqno">(1)</span>\[
g^2
\]</div><div class="math" id="long">\[ a + b + c + d + e + f + g + h + i + j + k + l + m \]</div>
<p><span class="math" id="wrong">\(\nothing{x}\)</span> <code id="code">\(x\)</code></p>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    site = tmp_path_factory.mktemp("formulas")
    shutil.copytree(ROOT / "book" / "_static" / "katex", site / "katex")
    (site / "index.html").write_text(PAGE, "utf-8")
    with gates.served(site) as host, gates.chromium() as chromium:
        page = chromium.new_page()
        page.goto(host, wait_until="networkidle")
        yield page


def test_formulas_are_set_with_a_text_for_screen_readers(page):
    said = page.locator("#in annotation").all_text_contents()
    assert said == [r"\sqrt{v}", "a < b"]
    assert page.locator("#in math msqrt").count() == 1
    assert page.locator("#in .katex-html[aria-hidden=true]").count() == 2
    assert page.locator("#short .katex-display").count() == 1
    assert page.locator("#short .eqno").inner_text() == "(1)"
    assert page.locator("#code").inner_text() == r"\(x\)"


def test_a_comma_stays_with_its_formula(page):
    text = page.locator("#in").inner_text()
    begins = page.locator("#in").evaluate(
        """p => {
          const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT), range = new Range();
          while (!walk.nextNode().data.startsWith(","));
          range.setStart(walk.currentNode, 0);
          range.setEnd(walk.currentNode, 1);
          const before = p.querySelector(".katex-html");
          return [...Array(60).keys()].filter(n => {
            p.style.width = `${4 * n}px`;
            return range.getBoundingClientRect().left < before.getBoundingClientRect().right - 1;
          });
        }"""
    )
    assert begins == [], "widths at which the comma begins a line"
    assert text.count(",") == 1


def test_a_bracket_stays_with_its_formula(page):
    ends = page.locator("#bracket").evaluate(
        """p => {
          const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT), range = new Range();
          while (!walk.nextNode().data.endsWith("("));
          range.setStart(walk.currentNode, walk.currentNode.length - 1);
          range.setEnd(walk.currentNode, walk.currentNode.length);
          const after = p.querySelector(".katex-html");
          return [...Array(60).keys()].filter(n => {
            p.style.width = `${4 * n}px`;
            return range.getBoundingClientRect().right > after.getBoundingClientRect().left + 1;
          });
        }"""
    )
    assert ends == [], "widths at which the bracket ends a line"
    assert page.locator("#bracket").inner_text().count("(") == 1


def test_a_formula_wider_than_its_column_is_reached_by_keyboard(page):
    tabs = [page.locator(f"#{name}").get_attribute("tabindex") for name in ("short", "long")]
    assert tabs == [None, "0"]
    page.add_style_tag(content="div.math { width: 900px !important }")
    page.wait_for_function("() => !document.getElementById('long').hasAttribute('tabindex')")


def test_a_formula_that_cannot_be_set_says_why(page):
    wrong = page.locator("#wrong .katex-error")
    assert "Undefined control sequence: \\nothing" in wrong.get_attribute("title")
    assert wrong.inner_text() == r"\(\nothing{x}\)"
