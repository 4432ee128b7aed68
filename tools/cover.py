"""The picture on the cover: the book's ravine and two ways down it, computed by its library."""

import numpy as np

from rmsprop.descent import minimize
from rmsprop.optimizers import SGD, RMSprop
from rmsprop.problems import Quadratic

CURVATURES = (1, 25)
STEPS = 60
RUNS = (("#8fb6dd", SGD(1 / 13.2)), ("#ff9d4d", RMSprop(0.07)))
UNIT = 62  # millimetres: of the length 1 in the ravine
PLACE = "translate(142 72) rotate(-62)"  # of the minimum on the page, and of the ravine's axis


def level(number: int) -> str:
    """Return one of the level lines; the farther out, the fainter."""
    height = 0.02 * 1.42**number
    along, across = (UNIT * np.sqrt(2 * height / c) for c in CURVATURES)
    return (
        f'<ellipse rx="{along:.2f}" ry="{across:.2f}" fill="#9fd0ff" fill-opacity="0.035" '
        f'stroke="#bfe0ff" stroke-opacity="{0.75 * 0.9**number:.2f}" stroke-width="0.25"/>'
    )


def path(color: str, optimizer) -> str:
    """Return a run from the ravine's end to its lowest point."""
    ravine = Quadratic(curvatures=CURVATURES, start=(-2.1, 0.55))
    points = UNIT * minimize(ravine, optimizer, steps=STEPS).parameters
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="0.9"/>' for x, y in points)
    return (
        f'<g fill="{color}"><polyline points="{line}" fill="none" stroke="{color}" '
        f'stroke-width="0.55" stroke-linejoin="round"/>{dots}</g>'
    )


def picture() -> str:
    """Return the picture as SVG, in millimetres of an A4 page."""
    levels = "".join(level(number) for number in reversed(range(22)))
    runs = "".join(path(*run) for run in RUNS)
    return (
        '<svg viewBox="0 0 210 296" preserveAspectRatio="xMidYMid slice" aria-hidden="true">'
        '<rect width="210" height="296" fill="#0d2540"/>'
        f'<g transform="{PLACE}">{levels}{runs}</g>'
        '<linearGradient id="ground" x2="0" y2="1"><stop offset="0.5" stop-color="#0d2540" '
        'stop-opacity="0"/><stop offset="0.78" stop-color="#0d2540"/></linearGradient>'
        '<rect width="210" height="296" fill="url(#ground)"/></svg>'
    )
