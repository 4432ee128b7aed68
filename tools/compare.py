"""Outputs compared as a reader sees them, in place of byte by byte.

The last bits of a floating-point sum depend on the processor, and with them the last printed digit
now and then, or a point of a curve by a hundredth of a pixel. As a pytest plugin (``-p compare``)
this makes nbval compare

- texts: the words must be the same, and whole numbers; another number may differ by one unit of its
  last printed digit, of the sixth one if there are more;
- pictures (SVG): their numbers, which `rmsbook.figures.show` writes there as a description, must
  agree to a thousandth of the column's range or of the number itself, which is less than the
  half pixel that a phone shows; and everything drawn must lie on the same pixels, give or take one.
"""

import csv
import io
import math
import re
from itertools import zip_longest
from xml.etree import ElementTree

import numpy as np
from nbval.plugin import IPyNbCell

# With the blanks before it, which are fewer where the number is longer; not in names and versions.
NUMBER = re.compile(r" *(?<![\w.])[-+−]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?!\d|\.\d)", re.ASCII)
DIGITS = 6  # how many digits of a number count, as in the tables of the figures
RESOLUTION = 1e-3  # of a column's range: a figure is 400 points wide, and a phone shows 350 pixels
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
DERIVED = re.compile(r"\b(?:m|p|h|image)[0-9a-f]{10}\b")  # matplotlib's names, from coordinates
PLACE = re.compile(r"(?<=translate\()[-\d.]+ [-\d.]+|^[-\d.]+$")
FAR = 5000  # points; beyond any figure and any letter


def difference(reference: str, computed: str) -> str:
    """Return where two outputs differ for a reader; "" if they are the same."""
    if reference == computed:
        return ""
    if "<svg" in reference and "<svg" in computed:
        return picture_difference(reference, computed)
    return text_difference(reference, computed)


def text_difference(reference: str, computed: str) -> str:
    """Return the first words that differ, or the first number that differs too much."""
    for was, now in zip_longest(NUMBER.split(reference), NUMBER.split(computed), fillvalue=""):
        if was != now:
            return f"{was!r} became {now!r}"
    for was, now in zip(NUMBER.findall(reference), NUMBER.findall(computed), strict=True):
        if not same_number(was, now):
            return f"{was.strip()} became {now.strip()}"
    return ""


def same_number(first: str, second: str) -> bool:
    """Whether two numbers are the same to within a unit of their last digits."""
    units = [unit for text in (first, second) if (unit := last_digit(text))]
    # The hundredth is room for the rounding of the difference.
    return abs(value(first) - value(second)) <= 1.01 * min(units, default=0)


def value(text: str) -> float:
    """Return the number that a text shows; the book prints a true minus sign too."""
    return float(text.replace("−", "-"))


def last_digit(text: str) -> float:
    """Return the unit of the last digit that counts; 0 for a whole number, which is exact."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    if not decimals and not exponent:
        return 0
    size = abs(value(text))
    counts = math.floor(math.log10(size)) + 1 - DIGITS if size else -math.inf
    return 10.0 ** max(int(exponent or 0) - decimals, counts)


def picture_difference(reference: str, computed: str) -> str:
    """Return where two pictures differ: their title, their numbers, or what is drawn."""
    was, now = ElementTree.fromstring(reference), ElementTree.fromstring(computed)
    titles = [tree.findtext(f".//{DUBLIN_CORE}title") for tree in (was, now)]
    if titles[0] != titles[1]:
        return f"the figure {titles[0]!r} became {titles[1]!r}"
    tables = [tree.findtext(f".//{DUBLIN_CORE}description") or "" for tree in (was, now)]
    return table_difference(*tables) or drawing_difference(was, now)


def table_difference(reference: str, computed: str) -> str:
    """Return the first column of two CSV tables that differs to the eye."""
    was, now = (list(zip_longest(*csv.reader(io.StringIO(t)))) for t in (reference, computed))
    if [column[0] for column in was] != [column[0] for column in now]:
        return "the figure's table has other columns"
    if [len(column) for column in was] != [len(column) for column in now]:
        return "the figure's table has another number of rows"
    for old, new in zip(was, now, strict=True):
        if (row := differing_row(old[1:], new[1:])) is not None:
            return f"column {old[0]!r}, row {row + 1}: {old[row + 1]} became {new[row + 1]}"
    return ""


def differing_row(was: tuple[str], now: tuple[str]) -> int | None:
    """Return the first row in which two columns differ: in their text, or by more than is seen."""
    old, new = numbers(was), numbers(now)
    shown = old[np.isfinite(old)]
    seen = RESOLUTION * np.ptp(shown) if shown.size else 0
    close = np.isclose(new, old, rtol=RESOLUTION, atol=seen)
    rows = enumerate(zip(was, now, close, strict=True))
    return next((row for row, (a, b, same) in rows if a != b and not same), None)


def numbers(column: tuple[str]) -> np.ndarray:
    """Return a column's numbers, NaN where there is a text; the text is compared as it stands."""
    found = []
    for text in column:
        try:
            found.append(float(text))
        except ValueError:
            found.append(math.nan)
    return np.array(found)


def drawing_difference(was: ElementTree.Element, now: ElementTree.Element) -> str:
    """Return the first element that is drawn otherwise, by more than a pixel."""
    for old, new in zip_longest(was.iter(), now.iter()):
        if old is None or new is None or old.tag != new.tag or old.keys() != new.keys():
            return "the figure is made of other parts"
        if old.tag.startswith(DUBLIN_CORE):
            continue  # the table, already compared
        for key, attribute in old.items():
            if key in ("x", "y") and old.tag.endswith("}use"):
                continue  # a marker: which points of a curve get one hangs on a rounding
            if not same_attribute(key, attribute, new.get(key)):
                part = f"{old.tag.rpartition('}')[2]} {key.rpartition('}')[2]}"
                return f"{part} of the figure: {attribute[:60]!r} became {new.get(key)[:60]!r}"
    return ""


def same_attribute(key: str, was: str, now: str) -> bool:
    """Whether two attributes of an SVG element draw the same, give or take a pixel."""
    was, now = DERIVED.sub("", was), DERIVED.sub("", now)
    if was == now or was.startswith("data:"):  # an image; its values stand in the table
        return True
    if key == "d":
        first, second = pixels(was), pixels(now)
        return first <= neighbours(second) and second <= neighbours(first)
    places = [" ".join(PLACE.findall(text)).split() for text in (was, now)]
    return PLACE.sub("", was) == PLACE.sub("", now) and bool(
        np.allclose(*np.array(places, float), rtol=0, atol=1)
    )


def pixels(path: str) -> set[tuple[int, int]]:
    """Return the pixels that the lines of a path pass through."""
    found = set()
    for piece in path.split("M")[1:]:
        x, y = (
            np.array(re.findall(r"-?\d+(?:\.\d+)?", piece), float).clip(-FAR, FAR).reshape(-1, 2).T
        )
        lengths = np.hypot(np.diff(x), np.diff(y))
        along = np.concatenate([[0], np.cumsum(lengths)])
        places = np.linspace(0, along[-1], 2 * math.ceil(along[-1]) + 1)
        drawn = np.column_stack([np.interp(places, along, x), np.interp(places, along, y)])
        found.update(map(tuple, np.floor(drawn).astype(int)))
    return found


def neighbours(drawn: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pixels and all that touch them."""
    return {(x + i, y + j) for x, y in drawn for i in (-1, 0, 1) for j in (-1, 0, 1)}


class Seen(str):
    """An output that equals another if a reader sees no difference."""

    __hash__ = None

    def __eq__(self, other):
        return not difference(str(self), str(other))

    def __ne__(self, other):
        return bool(difference(str(self), str(other)))


def pytest_configure():
    """Let nbval compare outputs so, and say in one line what differs."""
    sanitize, explain = IPyNbCell.sanitize, IPyNbCell.format_output_compare

    def seen(cell, output):
        output = sanitize(cell, output)
        return Seen(output) if isinstance(output, str) else output

    def explain_briefly(cell, key, reference, computed):
        if not isinstance(reference, Seen):
            return explain(cell, key, reference, computed)
        cell.comparison_traceback.append(
            f" mismatch {key!r}: {difference(str(reference), str(computed))}"
        )

    IPyNbCell.sanitize, IPyNbCell.format_output_compare = seen, explain_briefly
