"""The source map: every section of both articles has its answer, and every answer is there."""

import re
from collections import Counter

import pytest
import yaml
from docutils.nodes import make_id

from project import ROOT
from rmsbook.claims import load_ledger

BOOK = ROOT / "book"
# The articles' own numbering. They are not in the repository, so their sections are listed here.
SECTIONS = {
    "A": ["Abstract"]
    + [
        f"{chapter}.{section}"
        for chapter, count in zip(range(1, 10), (4, 4, 3, 4, 4, 4, 4, 4, 4), strict=True)
        for section in range(1, count + 1)
    ]
    + ["Summary", "Author"],
    "B": ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "4.1", "4.2", *"5678"],
}


@pytest.fixture(scope="module")
def entries():
    return yaml.safe_load((BOOK / "source-map.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def ledger():
    return load_ledger(BOOK / "claims.yml").values()


def anchors(path):
    """Return what an address can end in: the page's headings, targets and claims' boxes."""
    # Code is no Markdown: a comment in it is no heading.
    text = re.sub(r"^(`{3,}).*?^\1", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {make_id(heading) for heading in headings} | set(
        re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    )


def test_the_list_of_sections():
    assert {article: len(sections) for article, sections in SECTIONS.items()} == {"A": 38, "B": 14}


def test_every_section_stands_once_and_in_order(entries):
    listed = [(entry["article"], entry["section"]) for entry in entries]
    assert listed == [(a, section) for a, sections in SECTIONS.items() for section in sections]


def test_every_entry_is_whole(entries):
    for entry in entries:
        assert set(entry) == {"article", "section", "title", "pages"}
        assert entry["title"].isascii(), "titles are our own, in English"
        assert entry["pages"], entry
        assert max(Counter(entry["pages"]).values()) == 1, entry


def test_pages_exist(entries):
    for entry in entries:
        for page in entry["pages"]:
            path, hash_, anchor = page.partition("#")
            assert (BOOK / f"{path}.md").is_file(), f"{page}: no such page"
            if hash_:
                assert anchor in anchors(BOOK / f"{path}.md"), f"{page}: no such heading or target"


def test_the_answer_to_a_claim_is_where_the_map_points(entries, ledger):
    pages = {
        (entry["article"], entry["section"]): {page.partition("#")[0] for page in entry["pages"]}
        for entry in entries
    }
    for claim in ledger:
        assert claim.chapter in pages.get((claim.article, claim.section), ()), claim.id


def test_anchors(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# It's α *test*\n\n(here)=\n```{code-cell}\n# no heading\n```\n", "utf-8")
    assert anchors(page) == {"it-s-test", "here"}
