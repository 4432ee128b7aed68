"""What others see of the book, built as a small site with an address and without."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from PIL import Image

from project import ROOT

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "A book"
root_doc = "index"
extensions = ["myst_parser", "sharing"]
templates_path = [{str(ROOT / "book" / "_templates")!r}]
html_theme = "sphinx_book_theme"
html_baseurl = "%s"
"""
INDEX = '# Book\n\n**Says "so" & more.**\n\n```{toctree}\none\n```\n'


@pytest.fixture(scope="module", params=["", "https://example.org/book/"], ids=["bare", "addressed"])
def site(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "conf.py").write_text(CONF % request.param, "utf-8")
    (folder / "index.md").write_text(INDEX, "utf-8")
    (folder / "one.md").write_text("# One\n\nA page.\n", "utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", folder, folder / "out"]
    subprocess.run(command, check=True, capture_output=True)
    return request.param, folder / "out"


def test_previews_of_links(site):
    address, out = site
    page = (out / "index.html").read_text("utf-8")
    told = dict(re.findall(r'<meta property="(og:\w+)" content="([^"]*)"', page))
    assert told["og:title"] == "A book"
    assert told["og:description"] == "Says “so” &amp; more."
    assert told.get("og:image") == (f"{address}_static/preview.png" if address else None)
    page = (out / "one.html").read_text("utf-8")
    assert '<meta property="og:title" content="One · A book"' in page
    with Image.open(out / "_static" / "preview.png") as preview:
        assert preview.size == (1200, 630)


def test_the_sitemap_names_every_page(site):
    address, out = site
    if not address:
        assert not (out / "sitemap.xml").exists()
        return
    tree = ElementTree.parse(out / "sitemap.xml")
    places = [place.text for place in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == [f"{address}index.html", f"{address}one.html"]


def test_a_lost_address_leads_back(site):
    address, out = site
    page = (out / "404.html").read_text("utf-8")
    assert f'<base href="{address or "/"}">' in page
    assert '<a href="index.html">The first page</a>' in page
