"""A figure's SVG in fewer bytes: what Matplotlib writes is made for people who read SVG.

Nothing that is drawn changes. Paths go from point to point in place of naming each, an id that
nothing uses is left out, a style is not said twice, and space between elements goes.
"""

import re

PATH = re.compile(r'(?<= d=")[^"]*')
STEP = re.compile(r"([MLQCz])([-.\d\s]*)")
NUMBERS = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}  # of a command
USED = re.compile(r'(?:href="#|url\(#)([^")]+)')
DEFINED = re.compile(r'<path id="([^"]+)"[^>]* style="([^"]*)"')
USE = re.compile(r'<use href="#([^"]+)"([^>]*?) style="([^"]*)"')
ALIKE = re.compile(r'<g((?: clip-path="[^"]*")?)>((?:<use [^>]*/>){2,})</g>')
STYLE = re.compile(r' style="[^"]*"')
HUNDREDTH = 100  # paths have two decimals: whole numbers add up without rounding


def compact(svg: str) -> str:
    """Return the same figure in fewer bytes."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg).replace(" xlink:href=", " href=")
    svg = re.sub(r"translate\([^)]*\)", shorter_numbers, svg)
    svg = PATH.sub(lambda path: relative(path[0]), svg)
    svg = re.sub(r"(?<=style=\")[^\"]*", lambda style: re.sub(r"([:;]) ", r"\1", style[0]), svg)
    return hoisted(said_once(short_ids(svg)))


def shorter_numbers(text: re.Match) -> str:
    """Return a text with at most two decimals in each number."""
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text[0])


def relative(path: str) -> str:
    """Return a path with each point told from the one before.

    >>> relative("M 10 20 L 10.5 20 L 12 19.25 L 14 18 L 10 18 z")
    'm10 20h.5l1.5-.75 2-1.25h-4z'
    """
    steps = STEP.findall(path)
    known = all(len(numbers.split()) == NUMBERS[command] for command, numbers in steps)
    if not known or "".join("".join(step) for step in steps) != path:
        return path  # which Matplotlib does not write today
    x = y = 0  # where the pen is
    start, told, before = (0, 0), "", ""
    for command, numbers in steps:
        if command == "z":
            (x, y), told, before = start, told + "z", "z"
            continue
        values = [round(float(number) * HUNDREDTH) for number in numbers.split()]
        moves = [value - (x, y)[i % 2] for i, value in enumerate(values)]
        x, y = values[-2:]
        name = command.lower()
        if command == "M":
            start = x, y
        elif command == "L" and 0 in moves:
            name, moves = ("h", moves[:1]) if moves[1] == 0 else ("v", moves[1:])
        goes_on = name == before or (before == "m" and name == "l")
        numbers = joined(moves)
        told += (("" if numbers[0] == "-" else " ") if goes_on else name) + numbers
        before = name
    return told


def joined(moves: list[int]) -> str:
    """Return numbers as SVG takes them, with a space only where one is needed."""
    texts = [f"{move / HUNDREDTH:.2f}".rstrip("0").rstrip(".") for move in moves]
    texts = [re.sub(r"^(-?)0(?=\.)", r"\1", text) for text in texts]
    return "".join(text if text[0] == "-" else f" {text}" for text in texts).lstrip()


def short_ids(svg: str) -> str:
    """Return a figure with a number for each id that is used, and without the others."""
    names = {name: str(number) for number, name in enumerate(dict.fromkeys(USED.findall(svg)))}

    def renamed(given):
        return f' id="{names[given[1]]}"' if given[1] in names else ""

    svg = re.sub(r' id="([^"]*)"', renamed, svg)
    return USED.sub(lambda used: used[0].removesuffix(used[1]) + names[used[1]], svg)


def said_once(svg: str) -> str:
    """Return a figure whose marks do not say again what the path that they use says of itself."""
    own = {name: properties(style) for name, style in DEFINED.findall(svg)}

    def shortened(use):
        name, rest, style = use.groups()
        kept = [one for one in style.split(";") if not properties(one) <= own.get(name, set())]
        said = f' style="{";".join(kept)}"' if kept else ""
        return f'<use href="#{name}"{rest}{said}'

    return USE.sub(shortened, svg)


def properties(style: str) -> set[str]:
    """Return which properties a style sets."""
    return {one.partition(":")[0].strip() for one in style.split(";")} - {""}


def hoisted(svg: str) -> str:
    """Return a figure in which marks of one style have it from their group."""

    def once(group):
        styles = {"".join(STYLE.findall(use)) for use in re.findall(r"<use [^>]*/>", group[2])}
        if len(styles) > 1:
            return group[0]
        return f"<g{group[1]}{styles.pop()}>{STYLE.sub('', group[2])}</g>"

    return ALIKE.sub(once, svg)
