"""How the pages of the book write what surrounds the text: citations, titles, names."""

import re
from collections import defaultdict

import pytest
from bs4 import BeautifulSoup

from chapters import pages
from project import ROOT

HTML = ROOT / "_build" / "html"
NAMES = [page.relative_to(ROOT).with_suffix(".html").as_posix() for page in pages(ROOT)]


@pytest.fixture(scope="module")
def articles():
    """Return the text part of each page of the build."""
    texts = {name: (HTML / name).read_text("utf-8") for name in NAMES}
    return {name: BeautifulSoup(text, "html.parser").article for name, text in texts.items()}


def cited(citation):
    """Return what the links of a citation say, with the names that may stand before the first."""
    links = citation.select("a")
    names = citation.get_text(" ").partition("[")[0]
    return [(names + link.get_text(" "), link["href"].partition("#")[2]) for link in links]


def test_each_work_is_cited_in_a_way_of_its_own_and_listed_so(articles):
    works = defaultdict(set)
    for article in articles.values():
        for citation in article.select(".bibtex-citation"):
            if len(citation.select("a")) == 1:  # several may share the names before them
                [(said, work)] = cited(citation)
                works[" ".join(re.sub("[,(]", " ", said).split())].add(work)
    assert [(said, found) for said, found in works.items() if len(found) > 1] == []
    listed = articles["book/reference/bibliography.html"].select(".citation")
    labels = {work["id"]: work.select_one(".label").get_text() for work in listed}
    labels = {work: " ".join(re.sub(r"[][,]", " ", text).split()) for work, text in labels.items()}
    assert {labels[work] for found in works.values() for work in found} == set(works)


def test_more_authors_are_et_al(articles):
    found = 0
    for name, article in articles.items():
        for citation in article.select(".bibtex-citation, .citation"):
            text = citation.get_text() + "".join(a.get("title", "") for a in citation.select("a"))
            assert "and others" not in text, name
            assert "et al." not in [em.get_text() for em in citation.select("em")], name  # upright
            found += "et\u00a0al." in text
    assert found > 50


def test_the_title_of_a_solution_is_short_and_its_link_a_word(articles):
    solutions = 0
    for name, article in articles.items():
        for title in article.select(".solution > .admonition-title"):
            assert re.fullmatch(r"Solution to Exercise P?\d+\.\d+", title.get_text()), name
            assert title.a.get_text() == title.a.get_text().strip(), name
            solutions += 1
    assert solutions > 50


def test_optax_has_its_own_spelling(articles):
    for name, article in articles.items():
        for code in article.select("pre, code, .moving-live"):
            code.extract()
        text = article.get_text()
        assert re.findall(r".{20}(?<![/\w])optax\b(?!#)", text) == [], name
