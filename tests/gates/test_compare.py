"""What nbval's comparison takes for the same, and what not."""

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from nbval.plugin import IPyNbCell

import compare
from compare import Seen, difference
from rmsbook.figures import to_svg

X = np.linspace(0, 10, 200)


def drawn(y, x=X, *, label="loss", scale="linear", title="a-figure"):
    """Return the picture of a curve."""
    look = {"svg.hashsalt": "rmsprop", "svg.fonttype": "path"}
    with plt.style.context(["default", look]):  # whatever another test has left
        figure, ax = plt.subplots(figsize=(5.6, 3.6))
        ax.plot(x, y)
        ax.set(xlabel="step", ylabel=label, yscale=scale)
        picture = to_svg(figure, title)
        plt.close(figure)
    return picture


@pytest.mark.parametrize(
    ("reference", "computed"),
    [
        ("loss 0.123", "loss 0.124"),
        ("loss 1.00e-02", "loss 9.99e-03"),
        ("loss −0.5 %", "loss −0.4 %"),
        ("a small number: -0.0", "a small number: 0.0"),
        ("a  9.99\nb 10.00", "a 10.00\nb 10.00"),  # aligned to the right
        ("1", "0.9999"),  # of :.4g
        ("0.1599999999999966", "0.1600000000000021"),
        ("123456.78", "123457.1"),
        ("[0.5 1.  2. ]", "[0.5 1.  2. ]"),
        ("<td>0.20</td>", "<td>0.21</td>"),
    ],
)
def test_rounding_is_no_difference(reference, computed):
    assert difference(reference, computed) == ""
    assert difference(computed, reference) == ""


@pytest.mark.parametrize(
    ("reference", "computed", "found"),
    [
        ("loss 0.123", "loss 0.125", "0.123 became 0.125"),
        ("loss 0.123", "loss -0.123", "0.123 became -0.123"),
        ("loss 1.00e-02", "loss 1.02e-02", "1.00e-02 became 1.02e-02"),
        ("loss 1e-02", "loss 1e-05", "1e-02 became 1e-05"),
        ("1000 steps", "1001 steps", "1000 became 1001"),
        ("1", "0.9998", "1 became 0.9998"),
        ("[1. 2.]", "[1. 3.]", "2. became 3."),
        ("123456.78", "123459.78", "123456.78 became 123459.78"),
        ("version 1.2.3", "version 1.2.4", "'version 1.2.3' became 'version 1.2.4'"),
        ("layer_1 0.5", "layer_2 0.5", "'layer_1' became 'layer_2'"),
        ("loss 0.5", "gain 0.5", "'loss' became 'gain'"),
        ("0.5, 0.5", "0.5", "',' became ''"),
        ("0.5", "nan", "'' became 'nan'"),
        ("loss 0.5", "", "'loss' became ''"),
    ],
)
def test_what_a_reader_sees_is_a_difference(reference, computed, found):
    assert difference(reference, computed) == found


def test_the_same_curve_with_other_last_bits_is_the_same_picture():
    noise = 1 + 1e-4 * np.random.default_rng(0).standard_normal(X.size)
    was, now = drawn(np.cos(X)), drawn(np.cos(X) * noise)
    assert was != now
    assert difference(was, now) == ""


def test_small_values_on_a_logarithmic_axis_count_as_much_as_large_ones():
    y = np.exp(-2 * X)
    assert difference(drawn(y, scale="log"), drawn(y * (1 + 1e-4), scale="log")) == ""
    now = y.copy()
    now[150] *= 1.5
    problem = difference(drawn(y, scale="log"), drawn(now, scale="log"))
    assert problem.startswith("path d of the figure")


def test_a_value_that_moved_is_named():
    now = np.cos(X)
    now[3] += 0.005
    problem = difference(drawn(np.cos(X)), drawn(now))
    assert problem == "column 'loss', row 4: 0.988658 became 0.993658"


def test_a_value_that_vanished_is_named():
    now = np.cos(X)
    now[3] = np.nan
    problem = difference(drawn(np.cos(X)), drawn(now))
    assert problem == "column 'loss', row 4: 0.988658 became nan"
    assert difference(drawn(now), drawn(now * (1 + 1e-7))) == ""


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"label": "gain"}, "the figure's table has other columns"),
        ({"title": "another"}, "the figure 'a-figure' became 'another'"),
        ({"x": X[:-1], "y": np.cos(X[:-1])}, "the figure's table has another number of rows"),
    ],
)
def test_other_tables_are_other_pictures(changed, found):
    assert difference(drawn(np.cos(X)), drawn(**{"y": np.cos(X), **changed})) == found


def test_names_in_a_table_are_compared_as_they_stand():
    picture = drawn(np.cos(X))
    table = picture.replace("\n0,1\n", "\nzero,1\n")
    assert difference(picture, table) == "column 'step', row 1: 0 became zero"


def test_a_drawing_that_does_not_match_its_table_is_another_picture():
    was, now = drawn(np.cos(X)), drawn(np.cos(X))
    table = was[was.index("<dc:description>") : was.index("</dc:description>")]
    flat = drawn(0 * X)
    start, end = flat.index("<dc:description>"), flat.index("</dc:description>")
    assert difference(was, now) == ""
    assert "of the figure" in difference(was, flat[:start] + table + flat[end:])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("stroke: #1f77b4", "stroke: #d62728", "path style of the figure"),
        ('<g id="line2d_1">', '<g id="line2d_1" opacity="0">', "made of other parts"),
        ('<use xlink:href="#DejaVuSans-13"/>', '<use xlink:href="#DejaVuSans-15"/>', "use href"),
        ("</metadata>", "</metadata><g/>", "made of other parts"),
    ],
)
def test_another_look_is_another_picture(old, new, found):
    picture = drawn(np.cos(X))
    assert old in picture
    assert found in difference(picture, picture.replace(old, new, 1))


def test_letters_may_move_by_a_pixel_and_not_by_ten():
    picture = drawn(np.cos(X))
    place = picture.index("translate(") + len("translate(")
    x = picture[place:].split()[0]
    moved = [picture[:place] + f"{float(x) + by}" + picture[place + len(x) :] for by in (0.5, 10)]
    assert difference(picture, moved[0]) == ""
    assert "g transform" in difference(picture, moved[1])


def test_a_marker_may_stand_at_the_next_point():
    picture = drawn(np.cos(X))
    place = picture.index('" x="', picture.index("<use xlink:href=")) + len('" x="')
    assert difference(picture, picture[:place] + "9" + picture[place:]) == ""


def test_nbval_compares_so_and_says_in_a_line_what_differs(monkeypatch):
    for name in ("sanitize", "format_output_compare"):
        monkeypatch.setattr(IPyNbCell, name, getattr(IPyNbCell, name))  # restored
    compare.pytest_configure()
    cell = IPyNbCell.__new__(IPyNbCell)
    cell.parent = type("Parent", (), {"sanitize_patterns": {}})
    cell.comparison_traceback = []
    assert cell.sanitize({"a": 1}) == {"a": 1}
    reference, computed = cell.sanitize("0.1"), cell.sanitize("0.3")
    assert isinstance(reference, Seen)
    assert reference != computed
    assert cell.sanitize("0.1") == cell.sanitize("0.2")
    cell.format_output_compare("text/plain", reference, computed)
    assert cell.comparison_traceback == [" mismatch 'text/plain': 0.1 became 0.3"]
