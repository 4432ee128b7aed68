"""The list of claims in a browser: its filters, its search, its downloads."""

import csv
import io
import json
from collections import Counter

import pytest

import gates
from project import ROOT
from rmsbook.claims import load_ledger

PAGE = "book/reference/claims.html"
CLAIMS = load_ledger(ROOT / "book" / "claims.yml").values()


@pytest.fixture(scope="module")
def site():
    with gates.served(ROOT / "_build" / "html") as host, gates.chromium() as chromium:
        yield host, chromium


@pytest.fixture
def page(site):
    host, chromium = site
    page = chromium.new_page()
    page.goto(f"{host}/{PAGE}")
    yield page
    page.close()


def shown(page):
    ids = page.locator("table.claims tbody tr:visible th a").all_inner_texts()
    assert page.get_by_role("status").inner_text() == (
        f"{len(ids)} of {len(CLAIMS)} claims are shown"
    )
    return ids


def ids(keep):
    return [claim.id for claim in CLAIMS if keep(claim)]


def test_all_claims_are_there_at_first(page):
    assert shown(page) == ids(lambda claim: True)


def test_the_filters_narrow_each_other_and_are_reset(page):
    page.get_by_label("Article").select_option("B")
    assert shown(page) == ids(lambda claim: claim.article == "B")
    page.get_by_label("Verdict").select_option("wrong")
    both = ids(lambda claim: claim.article == "B" and claim.verdict == "wrong")
    assert shown(page) == both
    assert 0 < len(both) < len(CLAIMS)
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("() => !document.querySelector('table.claims tr[hidden]')")
    assert len(shown(page)) == len(CLAIMS)


def test_each_chapter_can_be_chosen(page):
    chapter = page.get_by_label("Chapter")
    options = chapter.locator("option").all_inner_texts()[1:]
    assert len(options) == len({claim.chapter for claim in CLAIMS})
    sizes = []
    for option in options:
        chapter.select_option(option)
        sizes.append(len(shown(page)))
    assert sorted(sizes) == sorted(Counter(claim.chapter for claim in CLAIMS).values())


def test_the_search_wants_every_word_and_works_by_keyboard(page):
    page.get_by_label("Words").press_sequentially("A1.3 EPSILONLESS")
    assert shown(page) == []
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("nan DEAD unit")
    found = shown(page)
    assert "A1.3" in found
    assert len(found) < len(CLAIMS)
    page.keyboard.press("Enter")
    assert shown(page) == found


def test_every_row_leads_to_its_evidence(page):
    for claim in CLAIMS:
        link = page.get_by_role("link", name=claim.id, exact=True).first.get_attribute("href")
        assert link == f"../{claim.chapter}.html#claim-{claim.anchor}"


def test_without_scripts_the_whole_table_stands(site):
    host, chromium = site
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{host}/{PAGE}")
    assert page.locator("table.claims tbody tr:visible").count() == len(CLAIMS)
    assert page.locator(".claims-controls").count() == 0
    context.close()


def test_the_downloads_hold_the_same_claims(page):
    for name, read in (
        ("CSV", lambda text: list(csv.DictReader(io.StringIO(text)))),
        ("JSON", json.loads),
    ):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        text = download.value.path().read_text("utf-8")
        assert [record["id"] for record in read(text)] == ids(lambda claim: True)


def test_the_controls_stand_above_the_claims_and_nowhere_else(site):
    host, chromium = site
    page = chromium.new_page()
    page.goto(f"{host}/book/reference/source-map.html")
    assert page.locator("table.claims").count() == 1
    assert page.locator("form.claims-controls").count() == 0
    page.close()


@pytest.mark.parametrize("name", ["claims", "source-map", "teaching", "variants"])
def test_in_the_dark_a_table_that_a_cell_made_stands_on_the_pages_ground(site, name):
    host, chromium = site
    page = chromium.new_page(color_scheme="dark")
    page.goto(f"{host}/book/reference/{name}.html")
    grounds = page.locator(".cell_output .output:has(table)").evaluate_all(
        "outputs => outputs.map(output => getComputedStyle(output).backgroundColor)"
    )
    assert grounds
    assert set(grounds) == {"rgba(0, 0, 0, 0)"}
    page.close()
