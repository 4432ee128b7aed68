"""How long a reader waits: for the first Run, for another one, for a slider.

`make book`, then `python benchmarks/pages.py`. It tells the load of the machine, because the first
two are times by the clock: they mean something where nothing else runs. Beside them stands the
browser's time on the processor, which what else runs does not lengthen much. It ends with 1 if a
limit is passed.
"""

import os
import statistics
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import gates  # noqa: E402

HTML = ROOT / "_build" / "html"
RAN = "output => ['done', 'failed'].includes(output.dataset.state)"


def browser_seconds() -> float:
    """Return the processor time of the browser that this program started."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(time.user + time.system for time in times)


def run(listing) -> tuple[float, float]:
    """Press Run below a figure that moves; return seconds by the clock and on the processor."""
    before = browser_seconds()
    listing.get_by_role("button", name="Run").click()
    output = listing.locator(".live-output")
    listing.page.wait_for_function(RAN, arg=output.element_handle(), timeout=0)
    if output.locator("svg.figure").count() != 1:
        raise RuntimeError(f"Run gave no figure: {output.inner_text()}")
    return float(output.get_attribute("data-milliseconds")) / 1e3, browser_seconds() - before


def main() -> int:
    """Measure on the book's first page, tell the three figures, return 1 if one is too large."""
    load = os.getloadavg()[0]
    with gates.served(HTML) as host, gates.chromium() as chromium:
        page = chromium.new_page()
        page.goto(f"{host}/book/index.html", wait_until="networkidle")
        slider = statistics.median(gates.move_milliseconds(page))
        page.wait_for_timeout(1000)
        listing = page.locator(".moving-python")
        listing.locator("summary").click()
        (first, work), (again, more) = run(listing), run(listing)
    print(f"load {load:.1f} on {os.cpu_count()} cores")
    print(f"first Run to figure  {first:5.1f} s   (at most 6; {work:.1f} s on the processor)")
    print(f"another Run          {again:5.2f} s   (at most 0.5; {more:.2f} s on the processor)")
    print(f"slider, median of {gates.MOVES}  {slider:.1f} ms (at most 16)")
    return int(first > 6 or again > 0.5 or slider > 16)


if __name__ == "__main__":
    sys.exit(main())
