"""What a page weighs: every byte that a browser asks for before a reader presses Run."""

import pytest

import gates
from chapters import pages
from project import ROOT

HTML = ROOT / "_build" / "html"
NAMES = [page.relative_to(ROOT).with_suffix(".html").as_posix() for page in pages(ROOT)]
LIMIT = 1_500_000  # bytes, uncompressed: not every static host compresses


def weight(context, address):
    """Return how many bytes a page takes from an empty cache, scrolled to its end."""
    page, found = context.new_page(), {}
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on(
        "Network.loadingFinished",
        lambda event: found.update({event["requestId"]: event["encodedDataLength"]}),
    )
    page.goto(address)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_load_state("networkidle")
    page.close()
    return sum(found.values())


@pytest.fixture(scope="module")
def chromium():
    with gates.chromium() as started:
        yield started


@pytest.mark.parametrize("name", NAMES)
def test_no_page_weighs_more_than_a_slow_line_carries(chromium, name):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    with gates.served(HTML) as host:
        found = weight(context, f"{host}/{name}")
    context.close()
    print(f"{found / 1e6:.2f} MB  {name}")
    assert 300_000 < found <= LIMIT  # the theme's share: what was asked for did arrive


def test_what_scripts_and_styles_ask_for_is_weighed(chromium, tmp_path):
    (tmp_path / "index.html").write_text('<script src="a.js"></script>', "utf-8")
    (tmp_path / "a.js").write_text("fetch('b.json')", "utf-8")
    (tmp_path / "b.json").write_bytes(b" " * LIMIT)
    context = chromium.new_context()
    with gates.served(tmp_path) as host:
        assert LIMIT < weight(context, f"{host}/index.html") < LIMIT + 2000
