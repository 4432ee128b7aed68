"""The figure style, the numbers in a figure, the rules that `show` keeps."""

import csv
import io
import re
from xml.etree import ElementTree

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from test_claims import contrast

from project import ROOT
from rmsbook import figures
from rmsbook.figures import (
    BACKGROUND,
    COLORS,
    check,
    contour,
    show,
    style,
    to_csv,
    to_svg,
    trajectory,
)
from rmsprop.problems import Himmelblau, Quadratic

DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


@pytest.fixture(autouse=True)
def _fresh_figures():
    with mpl.rc_context():
        figures.use_style()
        yield
        plt.close("all")


def curves(**labels):
    figure, ax = plt.subplots()
    for name, values in labels.items():
        ax.plot(values, label=name, **style(name))
    ax.set(xlabel="step", ylabel="loss")
    ax.legend()
    return figure


def table(figure):
    return list(csv.reader(io.StringIO(to_csv(figure))))


# Style


def test_every_colour_reads_on_the_ground():
    used = {*COLORS.values(), *plt.rcParams["axes.prop_cycle"].by_key()["color"]}
    assert len(used) == 7
    for colour in used:
        assert contrast(colour, BACKGROUND) >= 3


def cycle():
    """Return the colours of lines that have no method's name."""
    return plt.rcParams["axes.prop_cycle"].by_key()["color"]


def dark_colors():
    """Return what the pages make of each colour on their dark ground."""
    style_sheet = (ROOT / "book" / "_static" / "book.css").read_text("utf-8")
    return dict(re.findall(r"--figure-([0-9a-f]{6}): (#[0-9a-f]{6})", style_sheet))


def test_every_colour_has_a_dark_one_with_the_same_contrast():
    dark = dark_colors()
    for colour in {*COLORS.values(), *cycle()} - {"#000000"}:
        assert contrast(dark[colour[1:]], "#121212") >= 3  # the theme's dark ground


def test_dark_colours_stay_apart():
    # As far as in the light figures, by the same measure.
    dark = dark_colors()
    light = [colour for colour in cycle() if colour != "#000000"]
    on_dark = [dark[colour[1:]] for colour in light]
    assert nearest(on_dark) >= 0.8 * nearest(light)


def nearest(colours):
    """Return the least distance of two colours, as numbers from 0 to 1."""
    values = [np.array([int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for c in colours]
    return min(np.linalg.norm(a - b) for i, a in enumerate(values) for b in values[:i])


def test_coordinates_have_hundredths_of_a_point():
    figure, ax = plt.subplots()
    ax.plot(np.linspace(0, 1, 50), np.sin(np.arange(50)))
    paths = re.findall(r' d="([^"]*)"', to_svg(figure, "sine"))
    assert len(" ".join(paths).split()) > 100
    assert not re.search(r"\.\d{3}", " ".join(paths))


def test_the_methods_of_the_book_have_a_look():
    assert " ".join(COLORS) == (
        "RMSprop SGD momentum Nesterov Adam AdaMax Nadam AdaGrad AdaDelta Rprop Lion Adafactor"
    )


def test_no_two_methods_look_alike():
    looks = [(style(name)["color"], style(name)["linestyle"]) for name in COLORS]
    assert len(set(looks)) == len(looks) == 12
    markers = [style(name)["marker"] for name in COLORS]
    assert len(set(markers)) == len(markers)


def test_no_two_lines_of_the_cycle_look_alike():
    cycle = plt.rcParams["axes.prop_cycle"].by_key()
    for values in cycle.values():
        assert len(set(values)) == len(values) == 7


def test_a_method_keeps_its_look():
    assert style("RMSprop, ρ = 0.99") == style("RMSprop")
    assert style("RMSprop")["color"] == COLORS["RMSprop"]
    assert style("a loss") == {}


def test_style_replaces_whatever_was_set():
    plt.rcParams["font.size"] = 3
    plt.rcParams["xtick.direction"] = "in"
    figures.use_style()
    assert plt.rcParams["font.size"] == 12
    assert plt.rcParams["xtick.direction"] == "out"
    assert mpl.get_backend() == "agg"


def test_style_is_opaque_and_readable_on_a_phone():
    figure = curves(loss=[1, 2])
    assert mpl.colors.to_hex(figure.get_facecolor()) == BACKGROUND
    assert contrast(BACKGROUND, "#ffffff") < 1.05
    shown = 350 / (figure.get_figwidth() * 96)  # a phone's CSS pixels over the figure's own
    sizes = [label.get_fontsize() for label in figure.axes[0].get_xticklabels()]
    assert min(sizes) * 96 / 72 * shown >= 10


# Helpers


def test_contour_draws_the_window_and_the_minima():
    problem = Himmelblau()
    _, ax = plt.subplots()
    contour(problem, ax)
    assert (ax.get_xlim(), ax.get_ylim()) == tuple(map(tuple, problem.window))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ₁", "θ₂")
    (minima,) = ax.lines
    assert minima.get_label() == "minimum"
    assert np.array_equal(np.transpose(minima.get_data()), problem.minimum)


def test_contour_lines_are_level_lines():
    problem = Quadratic()
    _, ax = plt.subplots()
    contour(problem, ax)
    (levels,) = ax.collections
    lowest = problem.loss(problem.minimum[0])
    span = levels.levels - lowest
    assert np.allclose(span[1:] / span[:-1], 10 ** (1 / 3))
    assert np.isclose(span[-1] / span[0], 1e4)
    for level, path in zip(levels.levels, levels.get_paths(), strict=True):
        assert np.allclose(problem.loss(path.vertices), level, rtol=0.02, atol=0.002 * span[-1])
    assert len(levels.get_paths()[8].vertices) > 50


def test_a_path_that_leaves_the_window_does_not_widen_it():
    _, ax = plt.subplots()
    contour(Himmelblau(), ax)
    window = (ax.get_xlim(), ax.get_ylim())
    trajectory(ax, [[0, 0], [100, 100]], "RMSprop")
    assert (ax.get_xlim(), ax.get_ylim()) == window


class Slope:
    """A function without a minimum."""

    window = ((0, 1), (0, 2))
    minimum = np.empty((0, 2))

    def loss(self, theta):
        return theta[..., 0] + 5


def test_contour_without_a_minimum():
    _, ax = plt.subplots()
    contour(Slope(), ax)
    assert len(ax.lines) == 0
    assert np.isclose(ax.collections[0].levels[0], 5.0001)


def test_trajectory_draws_the_path_and_its_start():
    _, ax = plt.subplots()
    trajectory(ax, [[1, 2], [3, 4], [5, 7]], "RMSprop")
    path, start = ax.lines
    assert np.array_equal(path.get_data(), [[1, 3, 5], [2, 4, 7]])
    assert (path.get_label(), path.get_color()) == ("RMSprop", COLORS["RMSprop"])
    assert np.array_equal(np.ravel(start.get_data()), [1, 2])
    assert start.get_color() == COLORS["RMSprop"]
    assert start.get_label() == "_nolegend_"  # in no legend, and no column: the path begins there


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 1, 2)])
def test_trajectory_wants_two_parameters(shape):
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"parameters must have shape \(steps \+ 1, 2\), not \(3,"):
        trajectory(ax, np.zeros(shape), "x")


# The rules


def test_a_figure_in_order():
    check(curves(SGD=[1, 2], Adam=[2, 1]))


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("label", ["", " "])
def test_every_axis_has_a_label(axis, label):
    figure = curves(SGD=[1, 2])
    figure.axes[0].set(**{f"{axis}label": label})
    with pytest.raises(ValueError, match=f"panel 1: the {axis} axis needs a label"):
        check(figure)


def test_the_panel_is_named():
    figure, (first, _) = plt.subplots(1, 2)
    first.set(xlabel="a", ylabel="b")
    with pytest.raises(ValueError, match="panel 2: the x axis"):
        check(figure)


def test_axes_without_numbers_need_no_label():
    figure, axes = plt.subplots(2, 1, sharex=True)
    for ax in axes:
        ax.plot([1, 2])
        ax.set_ylabel("loss")
    axes[1].set_xlabel("step")
    check(figure)
    axes[0].tick_params(labelbottom=True)
    with pytest.raises(ValueError, match="panel 1: the x axis"):
        check(figure)


def test_hidden_axes_need_no_label():
    figure, axes = plt.subplots(1, 3)
    axes[0].axis("off")
    axes[1].xaxis.set_visible(False)
    axes[1].yaxis.set_visible(False)
    axes[2].set(xticks=[], yticks=[])
    check(figure)


def test_lines_that_look_different_need_a_legend():
    figure = curves(SGD=[1, 2])
    ax = figure.axes[0]
    ax.get_legend().remove()
    check(figure)
    ax.axhline(1, label="_threshold")
    check(figure)
    ax.plot([2, 2], label="another seed", **style("SGD"))
    check(figure)
    assert "another seed" in to_csv(figure)
    ax.plot([2, 1])
    with pytest.raises(ValueError, match="panel 1: lines that look different need a legend"):
        check(figure)
    figure.legend()
    check(figure)


# The numbers


def test_lines_over_the_same_x_share_it():
    assert table(curves(SGD=[1, 2], Adam=[1 / 3, 1e-9])) == [
        ["step", "SGD: loss", "Adam: loss"],
        ["0", "1", "0.333333"],
        ["1", "2", "1e-09"],
    ]


def test_lines_over_other_x():
    assert table(curves(SGD=[1, 2], Adam=[3])) == [
        ["step", "SGD: loss", "Adam: step", "Adam: loss"],
        ["0", "1", "0", "3"],
        ["1", "2", "", ""],
    ]


def test_numbers_have_six_digits():
    assert table(curves(SGD=[123456.78, 1234567.8]))[1:] == [["0", "123457"], ["1", "1.23457e+06"]]


HIDDEN = {
    "line": lambda ax, label: ax.plot([1, 2], [3, 4], label=label),
    "points": lambda ax, label: ax.scatter([1, 2], [3, 4], label=label),
    "band": lambda ax, label: ax.fill_between([1, 2], [3, 4], label=label),
    "bars from end to end": lambda ax, label: ax.vlines([1, 2], 0, [3, 4], label=label),
    "error bars": lambda ax, label: ax.errorbar([1, 2], [3, 4], yerr=1, label=label),
    "bars": lambda ax, label: ax.bar([1, 2], [3, 4], label=label),
}


@pytest.mark.parametrize("draw", HIDDEN.values(), ids=HIDDEN)
def test_what_no_legend_names_is_in_the_numbers(draw):
    shown, hidden = (plt.subplots() for _ in range(2))
    draw(shown[1], "seeds")
    draw(hidden[1], "_seeds")
    assert table(hidden[0]) == table(shown[0])
    assert "seeds: y" in table(hidden[0])[0][-1]
    assert hidden[1].get_legend_handles_labels() == ([], [])


def test_what_repeats_the_rest_is_not_in_the_numbers():
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    ax.plot([1], "o", label="_nolegend_")
    ax.scatter([0], [1], label="_nolegend_")
    ax.vlines([0], 0, 1, label="_nolegend_")
    assert table(figure) == [["x", "y"], ["0", "1"], ["1", "2"]]


def test_a_line_without_a_name_and_guides():
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    ax.axhline(3)
    ax.axvline(3, label="limit")
    assert table(figure) == [["x", "y"], ["0", "1"], ["1", "2"]]


def test_points():
    figure, ax = plt.subplots()
    ax.scatter([1, 2], [3, 4], label="runs")
    ax.set(xlabel="seed", ylabel="loss")
    assert table(figure) == [["seed", "runs: loss"], ["1", "3"], ["2", "4"]]


def test_bands():
    figure, ax = plt.subplots()
    ax.plot([1, 2, 3], [5, 6, 7], label="SGD")
    ax.fill_between([1, 2, 3], [8, 9, 2], [4, 5, 6])
    ax.fill_between([1, 2, 3, 4], [1, 2, 3, 4], where=[True, True, False, False], label="Adam")
    ax.fill_between([1, 2], [3, 4], where=[False, False])
    ax.set(xlabel="epoch", ylabel="loss")
    header, *rows = table(figure)
    assert header == [
        *("epoch", "SGD: loss", "range 1: loss, low", "range 1: loss, high"),
        *("Adam: epoch", "Adam: loss, low", "Adam: loss, high"),
    ]
    assert rows == [
        ["1", "5", "4", "8", "1", "0", "1"],
        ["2", "6", "5", "9", "2", "0", "2"],
        ["3", "7", "2", "6", "", "", ""],
    ]


def test_a_band_with_a_gap():
    figure, ax = plt.subplots()
    ax.fill_between([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], where=[True, True, False, True, True])
    assert table(figure)[0] == ["x", "range 1: y, low", "range 1: y, high"]
    assert [row[0] for row in table(figure)[1:]] == ["1", "2", "4", "5"]


def test_bars_from_a_low_end_to_a_high_one():
    figure, ax = plt.subplots()
    ax.vlines([1, 2], [5, 3], [4, 6], label="runs")
    ax.hlines([1, 2], [0, 0], [7, 8])
    ax.fill_betweenx([1, 2], [3, 4])
    ax.add_collection(mpl.collections.LineCollection([[(0, 0), (1, 2)], [(0, 0), (2, 1)]]))
    assert table(figure) == [
        [
            *("x", "runs: y, low", "runs: y, high"),
            *("range 2: y", "range 2: x, low", "range 2: x, high"),
            *("range 3: x, low", "range 3: x, high"),
        ],
        ["1", "4", "5", "1", "0", "7", "0", "3"],
        ["2", "3", "6", "2", "0", "8", "0", "4"],
    ]


def test_error_bars():
    figure, ax = plt.subplots()
    ax.errorbar([1, 2], [3, 4], yerr=[0.5, 1], label="SGD")
    ax.errorbar([1, 2], [5, 6], yerr=1, fmt="none")
    assert table(figure) == [
        [
            *("x", "SGD: y", "SGD: y, low", "SGD: y, high"),
            *("range 2: y, low", "range 2: y, high"),
        ],
        ["1", "3", "2.5", "3.5", "4", "6"],
        ["2", "4", "3", "5", "5", "7"],
    ]


def test_panels_are_told_apart():
    figure, (first, second) = plt.subplots(1, 2)
    first.plot([1])
    second.plot([2])
    second.set(title="MNIST", xlabel="step")
    assert table(figure)[0] == ["panel 1: x", "panel 1: y", "MNIST: step", "MNIST: y"]


def test_bars():
    figure, ax = plt.subplots()
    ax.bar(["SGD", "Adam"], [1, 2.5], label="loss")
    ax.set(xlabel="method", ylabel="test")
    assert table(figure) == [["loss: method", "loss: test"], ["SGD", "1"], ["Adam", "2.5"]]


def test_horizontal_bars():
    figure, ax = plt.subplots()
    ax.barh(["SGD", "Adam"], [1, 2.5])
    ax.set(ylabel="method", xlabel="loss")
    assert table(figure) == [["method", "loss"], ["SGD", "1"], ["Adam", "2.5"]]


def test_bars_between_the_ticks():
    figure, ax = plt.subplots()
    ax.hist([1, 1.1, 1.9], bins=[1, 1.31, 2])
    ax.set(xticks=[1, 2])
    assert table(figure) == [["x", "y"], ["1.155", "2"], ["1.655", "1"]]


def test_pictures():
    figure, (ax, other) = plt.subplots(1, 2)
    ax.imshow([[1, 2], [3, 4]])
    ax.set(title="a 3", xticks=[], yticks=[])
    other.imshow([[0.5]])
    other.axis("off")
    assert table(figure) == [
        ["a 3: value of 2 × 2 pixels", "panel 2: value of 1 × 1 pixels"],
        ["1", "0.5"],
        ["2", ""],
        ["3", ""],
        ["4", ""],
    ]


@pytest.mark.parametrize("origin", ["lower", "upper"])
def test_an_image_says_where_its_values_are(origin):
    figure, ax = plt.subplots()
    image = ax.imshow([[1, 2, 3], [4, 5, np.inf]], extent=(0, 6, -4, 0), origin=origin)
    ax.set(xlabel="η", ylabel="ρ", title="loss")
    values = [["1", "2", "3"], ["4", "5", "inf"]]
    rows = ["-3", "-1"] if origin == "lower" else ["-1", "-3"]
    expected = [[row, *line] for row, line in zip(rows, values, strict=True)]
    assert table(figure) == [["ρ", *(f"loss at η = {x}" for x in (1, 3, 5))], *expected]
    figure.colorbar(image, label="log loss")
    assert table(figure)[0][1] == "log loss at η = 1"


def test_an_image_without_a_name():
    figure, ax = plt.subplots()
    ax.imshow([[7]])
    assert table(figure) == [["y", "value at x = 0"], ["0", "7"]]


def test_places_are_called_what_stands_at_the_axis():
    figure, ax = plt.subplots()
    ax.imshow([[1, 2]])
    ax.plot([0, 1], [0, 0], label="path")
    ax.plot([0.5], [0], label="between")
    ax.set_xticks([0, 1], ["0.5", "0.9"])
    ax.set_yticks([0], ["loss"])
    assert table(figure) == [
        ["x", "path: y", "between: x", "between: y", "y", "value at x = 0.5", "value at x = 0.9"],
        ["0.5", "loss", "0.5", "loss", "loss", "1", "2"],
        ["0.9", "loss", "", "", "", "", ""],
    ]


def test_a_scale_of_the_author_writes_every_place():
    figure, ax = plt.subplots()
    ax.plot([-2, -1.5], [1, 2])
    ax.xaxis.set_major_formatter(lambda x, _: f"{10**x:.3g}")
    assert table(figure)[1:] == [["0.01", "1"], ["0.0316", "2"]]


def test_panels_that_share_an_axis_share_its_name():
    figure, (first, second) = plt.subplots(2, 1, sharex=True)
    first.plot([1])
    second.plot([2])
    second.set(xlabel="epoch")
    names = ["panel 1: epoch", "panel 1: y", "panel 2: epoch", "panel 2: y"]
    assert table(figure)[0] == names


def test_a_figure_without_numbers():
    assert to_csv(plt.figure()) == "\n"


# The picture


def test_the_picture_is_the_same_every_time():
    def picture():
        figure = curves(SGD=[1, 2], RMSprop=[2, 1])
        image = figure.axes[0].inset_axes([0.4, 0.4, 0.2, 0.2])
        image.imshow(np.eye(3))
        image.axis("off")
        return to_svg(figure, "x")

    first = picture()
    plt.close("all")
    assert first == picture()
    assert "Matplotlib" not in first
    assert "<dc:date>" not in first


def test_the_picture_carries_its_numbers():
    figure = curves(**{"a < b & c": [1, 2]})
    tree = ElementTree.fromstring(to_svg(figure, "06-loss"))
    assert tree.findtext(f".//{DUBLIN_CORE}description") == "step,a < b & c: loss\n0,1\n1,2\n"
    assert tree.findtext(f".//{DUBLIN_CORE}title") == "06-loss"


def test_the_ground_is_painted():
    tree = ElementTree.fromstring(to_svg(curves(SGD=[1, 2]), "x"))
    styles = [node.get("style", "") for node in tree.iter() if node.tag.endswith("path")]
    assert any(BACKGROUND in text for text in styles)


def test_show_displays_one_picture_and_closes_it(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *args, **options: shown.append((args, options))
    )
    figure = curves(SGD=[1, 2])
    expected = to_svg(figure, "06-loss")
    assert show(figure, "06-loss") is None
    ((bundle,), options) = shown[0]
    assert len(shown) == 1
    assert bundle == {"image/svg+xml": expected, "text/plain": "figure 06-loss"}
    assert options == {"raw": True}
    assert not plt.fignum_exists(figure.number)


def test_show_refuses_a_figure_that_says_nothing(monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *args, **options: pytest.fail("shown"))
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    with pytest.raises(ValueError, match="needs a label"):
        show(figure, "x")
