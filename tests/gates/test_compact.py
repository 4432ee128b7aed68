"""Figures in fewer bytes, which draw the same."""

import io
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import gates
from project import ROOT
from rmsbook.figures import use_style

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from compact import compact, relative


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 1 2 \nL 3 4 \n", "m1 2 2 2"),
        ("M 0.5 0 L 0.5 -0.25", "m.5 0v-.25"),
        ("M 0 0 L 1 0 L 1 1 z M 5 5 L 6 7", "m0 0h1v1zm5 5 1 2"),
        ("M 0 0 C 1 2 3 4 5 6 C 7 8 9 10 4 4", "m0 0c1 2 3 4 5 6 2 2 4 4-1-2"),
        ("M 1 1 Q 2 2 3 1", "m1 1q1 1 2 0"),
        ("M 1 1 L 1 1", "m1 1h0"),
        ("M 1 1 A 1 1 0 0 0 2 2", "M 1 1 A 1 1 0 0 0 2 2"),
        ("M 1 1 L 2 2 3 3", "M 1 1 L 2 2 3 3"),
        ("", ""),
    ],
)
def test_a_path_is_told_from_point_to_point(path, short):
    assert relative(path) == short


def test_rounding_does_not_add_up():
    points = np.random.default_rng(0).integers(1, 50, (2000, 2)).cumsum(axis=0) / 100
    path = relative("M " + "\nL ".join(f"{x} {y}" for x, y in points.tolist()))
    moves = np.array(re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", path), dtype=float).reshape(-1, 2)
    np.testing.assert_allclose(moves.cumsum(axis=0), points, rtol=0, atol=1e-9)


def many_things():
    """Return a figure with every kind of thing that the book draws, as Matplotlib writes it."""
    use_style()
    rng = np.random.default_rng(1)
    figure, ((lines, dots), (fields, bars)) = plt.subplots(2, 2, figsize=(8, 7))
    for style in ("-", "--", ":"):
        lines.semilogy(
            np.exp(rng.standard_normal(60).cumsum()), f"{style}o", label=f"$v_{{{style}}}$"
        )
    lines.legend(title="Three runs, η = ½")
    dots.scatter(*rng.uniform(size=(2, 60)), c=np.arange(60), s=40, edgecolor="black", marker="^")
    dots.errorbar([0.2, 0.6], [0.5, 0.5], yerr=0.2, capsize=4)
    fields.imshow(rng.uniform(size=(5, 5)), extent=(0, 1, 0, 1))
    fields.contour(np.linspace(0, 1, 20), np.linspace(0, 1, 20), rng.uniform(size=(20, 20)))
    fields.annotate("here", (0.5, 0.5), (0.1, 0.9), arrowprops={"arrowstyle": "->"})
    bars.bar(range(4), [1, 3, 2, 4], hatch="//", edgecolor="white")
    bars.fill_between([0, 3], [0, 1], [1, 4], alpha=0.3)
    file = io.StringIO()
    figure.savefig(file, format="svg")
    plt.close(figure)
    return file.getvalue()


def test_what_is_drawn_is_the_same():
    svg = many_things()
    short = compact(svg)
    assert len(short) < 0.7 * len(svg)
    assert len(re.findall("<use ", short)) == len(re.findall("<use ", svg))
    with gates.chromium() as chromium:
        page, seen = chromium.new_page(viewport={"width": 1000, "height": 900}), []
        for picture in (svg, short):
            page.set_content(picture[picture.index("<svg") :])
            image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            seen.append(np.asarray(image).astype(int))
    difference = np.abs(seen[0] - seen[1])
    assert np.ptp(seen[0]) > 200
    # A hundredth of a point moves an edge to the next of its few shades, and no edge by a pixel.
    assert difference.max() <= 100
    assert difference.mean() < 0.05
