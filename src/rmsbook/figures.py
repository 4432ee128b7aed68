"""The one figure style of the book.

Figures are SVG, the same text on every build, in colours for a light ground; the book's pages set
others on a dark one (``book/_ext/inline_figures.py``). A method has one colour and one line style
everywhere. `show` adds the figure's numbers and refuses a figure whose axes say nothing.
"""

import csv
import io
import re
from unittest.mock import patch

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib import text
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.textpath import text_to_path

#: The ground of every figure.
BACKGROUND = "#fcfcfc"

PLACES = re.compile(r'\b(?:d|x|y|points)="[^"]*"')  # where an SVG has coordinates
NUMBER = re.compile(r"-?\d+\.\d{3,}")

# Okabe and Ito's colours, the light ones darkened to a contrast of 3:1 against the ground.
_BLACK, _BLUE, _VERMILLION, _GREEN = "#000000", "#0072b2", "#d55e00", "#008a65"
_PURPLE, _OCHRE, _SKY = "#b8578c", "#a97400", "#3288b8"
_SOLID, _DASHED, _DOTTED, _DASHDOT = "-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2))

_STYLES = {
    "RMSprop": (_BLUE, _SOLID, "o"),
    "SGD": (_BLACK, _SOLID, "s"),
    "momentum": (_BLACK, _DASHED, "D"),
    "Nesterov": (_BLACK, _DOTTED, "d"),
    "Adam": (_VERMILLION, _DASHED, "^"),
    "AdaMax": (_VERMILLION, _DOTTED, ">"),
    "Nadam": (_VERMILLION, _DASHDOT, "<"),
    "AdaGrad": (_GREEN, _DASHDOT, "v"),
    "AdaDelta": (_GREEN, _DASHED, "P"),
    "Rprop": (_PURPLE, _DOTTED, "X"),
    "Lion": (_OCHRE, _DASHED, "p"),
    "Adafactor": (_SKY, _DASHDOT, "h"),
}
#: The colour of each method, by its name in the legends.
COLORS = {name: color for name, (color, _, _) in _STYLES.items()}

_CYCLE = [
    (_BLUE, _SOLID, "o"),
    (_VERMILLION, _DASHED, "^"),
    (_GREEN, _DASHDOT, "v"),
    (_BLACK, _DOTTED, "s"),
    (_PURPLE, (0, (3, 1, 1, 1, 1, 1)), "X"),
    (_OCHRE, (0, (8, 2)), "p"),
    (_SKY, (0, (4, 4)), "h"),
]


def use_style():
    """Set the book's figure style for every figure that follows.

    Examples
    --------
    >>> use_style()
    >>> mpl.rcParams["svg.hashsalt"]
    'rmsprop'
    """
    colors, lines, _ = zip(*_CYCLE, strict=True)
    mpl.rcParams.update(mpl.rcParamsDefault | {"backend": mpl.rcParams["backend"]})
    mpl.rcParams.update(
        {
            # A phone shows 350 px of the 400 pt: 12 pt stay readable.
            "figure.figsize": (5.6, 3.6),
            "font.size": 12,
            "axes.titlesize": 12,
            "legend.fontsize": 11,
            "figure.constrained_layout.use": True,
            "figure.facecolor": BACKGROUND,
            "axes.facecolor": BACKGROUND,
            "legend.facecolor": BACKGROUND,
            "legend.framealpha": 0.9,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#d9d9d9",
            "grid.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "lines.linewidth": 1.8,
            "axes.prop_cycle": cycler(color=colors) + cycler(linestyle=lines),
            "image.cmap": "cividis",
            "svg.fonttype": "path",
            "svg.hashsalt": "rmsprop",
        }
    )


def style(name):
    """Return the colour, line style and marker of a method, as keyword arguments of ``plot``.

    Parameters
    ----------
    name : str
        The method's name, such as "RMSprop"; anything after a comma is ignored, so that
        "RMSprop, ρ = 0.99" keeps its look.

    Returns
    -------
    dict
        ``color``, ``linestyle``, ``marker``, and ``markevery``, which sets a dozen markers on a
        line of any length. Empty for other names: the cycle decides then.

    Examples
    --------
    >>> style("RMSprop")["color"]
    '#0072b2'
    >>> style("loss")
    {}
    """
    name = name.split(",")[0]
    if name not in _STYLES:
        return {}
    color, line, marker = _STYLES[name]
    return {"color": color, "linestyle": line, "marker": marker, "markevery": 0.1}


def contour(problem, ax):
    """Draw the level lines of a function of two parameters over its window, and its minimum.

    Parameters
    ----------
    problem : rmsprop.problems.Problem
        Or anything with ``loss(theta)``, theta of shape (..., 2); ``window``, ((left, right),
        (bottom, top)); and ``minimum``, the minima, shape (k, 2), the lowest first.
    ax : matplotlib.axes.Axes
        Its axes get the names θ₁ and θ₂.

    Notes
    -----
    The levels are spaced evenly in the logarithm of the loss above the lowest point shown, over
    four powers of ten.
    """
    (left, right), (bottom, top) = problem.window
    x, y = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
    loss = problem.loss(np.stack([x, y], axis=-1))
    minima = np.reshape(problem.minimum, (-1, 2))
    lowest = min([loss.min(), *problem.loss(minima)])
    levels = lowest + (loss.max() - lowest) * np.geomspace(1e-4, 1, 13)
    ax.contour(x, y, loss, levels=levels, colors="#8c8c8c", linewidths=0.8)
    if len(minima):
        ax.plot(*minima.T, "+", color=_BLACK, markersize=10, label="minimum")
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="θ₁", ylabel="θ₂")


def trajectory(ax, parameters, label):
    """Draw the path of two parameters during training, with a dot where it starts.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    parameters : array of shape (steps + 1, 2)
    label : str
        The legend's text; a method's name gives the path its style.

    Raises
    ------
    ValueError
        If the parameters are not two numbers a step.
    """
    parameters = np.asarray(parameters)
    if parameters.ndim != 2 or parameters.shape[1] != 2:
        raise ValueError(f"parameters must have shape (steps + 1, 2), not {parameters.shape}")
    (line,) = ax.plot(*parameters.T, **{"markersize": 4, **style(label)}, label=label)
    ax.plot(*parameters[0], "o", color=line.get_color(), label="_nolegend_")


def show(figure, name):
    """Display a finished figure: the last line of a figure cell.

    The figure is closed. Its caption and its text for blind readers stand in the cell's metadata;
    its numbers travel inside the SVG, as its description, and ``book/_ext/inline_figures.py`` puts
    them under it as a download.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        The download's name, without ".csv".

    Raises
    ------
    ValueError
        Naming the axis without a label, or the panel with lines of several looks and no legend.
    """
    from IPython.display import display  # here, because drawing alone does without it

    check(figure)
    picture = to_svg(figure, name)
    plt.close(figure)
    display({"image/svg+xml": picture, "text/plain": f"figure {name}"}, raw=True)


def to_svg(figure, name):
    """Return the figure as SVG, the same text at every call, with `to_csv` as its description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        The SVG's title.

    Returns
    -------
    str
    """
    file = io.StringIO()
    # A date and matplotlib's version would change the text from build to build.
    told = {"Date": None, "Creator": None, "Title": name, "Description": to_csv(figure)}
    write_svg(figure, file, metadata=told)
    # A hundredth of a point is finer than any screen; six digits are three times the bytes.
    return PLACES.sub(lambda path: NUMBER.sub(_rounded, path[0]), file.getvalue())


def write_svg(figure, file, metadata=None):
    """Write the figure as SVG, as ``figure.savefig`` does, in less than half of its time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    file : file open for text
    metadata : dict, optional
        As ``savefig`` takes it.
    """
    # Every drawing has a parser of its own, which reads "10⁻³" anew; one for all remembers it.
    with patch.object(text, "TextToPath", lambda: text_to_path):
        FigureCanvasSVG(figure).print_svg(file, metadata=metadata)  # savefig draws it twice


def _rounded(number):
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def check(figure):
    """Raise if an axis of the figure has numbers but no label, or a panel lacks its legend.

    Lines of one look, such as one for each seed, need none: it could not tell them apart.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Saying which panel, counted from 1, and which axis.
    """
    for number, ax in enumerate(figure.axes, 1):
        for letter, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
            if ax.axison and _has_numbers(axis) and not axis.get_label_text().strip():
                raise ValueError(f"panel {number}: the {letter} axis needs a label, with its unit")
        looks = {_look(line) for line in _named(ax.lines)}
        if len(looks) > 1 and ax.get_legend() is None and not figure.legends:
            raise ValueError(f"panel {number}: lines that look different need a legend")


def _has_numbers(axis):
    return axis.get_visible() and any(
        label.get_visible() and label.get_text() for label in axis.get_ticklabels()
    )


def _look(line):
    return line.get_color(), line.get_linestyle(), line.get_marker()


def _named(artists):
    """Leave out what no legend names: a label of "_…"; matplotlib's own are "_child…"."""
    return [a for a in artists if re.match("[^_]|_child", a.get_label())]


def to_csv(figure):
    """Return the figure's numbers as CSV: a column for each coordinate of each thing drawn.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        Numbers with six significant digits; the author's own tick labels where every place has
        one. A column's name is the axis' label, after the label of the line, and after the panel's
        title, or its number, if there are several panels. Lines over the same x share that column.
        A label "_seeds" hides a line from the legend alone: here it is called "seeds". A band, and
        bars such as those of ``vlines`` and ``errorbar``, have a low and a high end, and a number
        where they have no label. An image has a column for each of its columns, or for all of its
        values, row by row, if its axes have no numbers.

        Not in it: level lines, lines across the whole panel such as ``axhline``, and whatever is
        labelled "_nolegend_" because it repeats what is there.

    Examples
    --------
    >>> figure, ax = plt.subplots()
    >>> _ = ax.plot([0, 1], [2, 1 / 3], label="RMSprop")
    >>> _ = ax.set(xlabel="step", ylabel="loss")
    >>> print(to_csv(figure))
    step,RMSprop: loss
    0,2
    1,0.333333
    <BLANKLINE>
    """
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    columns = []
    for number, ax in enumerate(panels, 1):
        prefix = [ax.get_title() or f"panel {number}"] if len(panels) > 1 else []
        columns += [(": ".join(prefix + names), values) for names, values in _columns(ax)]
    longest = max((len(values) for _, values in columns), default=0)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(name for name, _ in columns)
    for row in range(longest):
        writer.writerow(_cell(values, row) for _, values in columns)
    return table.getvalue()


def _cell(values, row):
    if row >= len(values):
        return ""
    value = values[row]
    return value if isinstance(value, str) else f"{value:.6g}"


def _columns(ax):
    """Yield the names and the values of a panel's columns."""
    x_name, y_name = axes = _axis_name(ax, "x"), _axis_name(ax, "y")
    previous = None
    for names, along, places, values in [*_curves(ax), *_ranges(ax)]:
        if previous is None or previous[0] != along or not np.array_equal(previous[1], places):
            first = [*(names if previous is not None else []), axes[along]]
            yield first, _as_written((ax.xaxis, ax.yaxis)[along], places)
        previous = along, places
        for end, column in values.items():
            name = [*names, axes[1 - along] + end]
            yield name, _as_written((ax.yaxis, ax.xaxis)[along], column)
    for bars in ax.containers:
        if not isinstance(bars, mpl.container.BarContainer):
            continue
        names = _label(bars)
        name, value = (y_name, x_name) if bars.orientation == "horizontal" else (x_name, y_name)
        yield [*names, name], _as_written(*_bar_places(bars, ax))
        yield [*names, value], np.asarray(bars.datavalues, float)
    for image in ax.images:
        yield from _image_columns(image, x_name, y_name)


def _axis_name(ax, letter):
    """Return the axis' label, which may stand at another panel that shares the axis."""
    shared = getattr(ax, f"get_shared_{letter}_axes")().get_siblings(ax)
    axes = [ax, *shared]
    labels = [getattr(one, f"get_{letter}label")() for one in axes]
    return next(filter(None, labels), letter)


def _as_written(axis, places):
    """Return the author's tick labels at the places if each has one, else the places."""
    write = axis.get_major_formatter()
    if not isinstance(write, mpl.ticker.FuncFormatter | mpl.category.StrCategoryFormatter):
        return places
    texts = [write(place) for place in np.round(places, 9)]
    return texts if all(texts) else places


def _image_columns(image, x_name, y_name):
    """Yield the names and the values of an image's columns."""
    ax, values = image.axes, np.ma.getdata(image.get_array())
    if not (ax.axison and len(ax.get_xticks()) and len(ax.get_yticks())):
        yield [f"value of {' × '.join(map(str, values.shape))} pixels"], values.ravel()
        return
    left, right, bottom, top = image.get_extent()
    first, last = (bottom, top) if image.origin == "lower" else (top, bottom)
    x = _as_written(ax.xaxis, _middles(left, right, values.shape[1]))
    bar = image.colorbar
    name = bar.ax.get_ylabel() if bar else ax.get_title()
    yield [y_name], _as_written(ax.yaxis, _middles(first, last, values.shape[0]))
    for i, column in enumerate(values.T):
        yield [f"{name or 'value'} at {x_name} = {_cell(x, i)}"], column


def _middles(start, stop, count):
    return start + (np.arange(count) + 0.5) * (stop - start) / count


def _curves(ax):
    """Yield label, axis (0 for x), places on it, and values there, of lines and points."""
    lines = [(_label(line), line) for line in _drawn(ax.lines)]
    lines += [(_label(bars), bars.lines[0]) for bars in _error_bars(ax) if bars.lines[0]]
    for label, line in lines:
        if line.get_transform() == ax.transData:  # not axhline(), whose x is no number of the axis
            x, y = line.get_data()
            yield label, 0, np.asarray(x, float), {"": np.asarray(y, float)}
    for points in _drawn(ax.collections):
        if isinstance(points, mpl.collections.PathCollection):
            x, y = np.asarray(points.get_offsets(), float).T
            yield _label(points), 0, x, {"": y}


def _ranges(ax):
    """Yield the same of bands and bars, whose values are two: the low end and the high one."""
    drawn = [(_label(one), one) for one in _drawn(ax.collections)]
    drawn += [(_label(bars), one) for bars in _error_bars(ax) for one in bars.lines[2]]
    ranges = [(label, ends) for label, one in drawn if (ends := _ends(one))]
    for number, (label, (first, second)) in enumerate(ranges, 1):
        along = 0 if np.array_equal(first[0], second[0]) else 1
        ends = first[1 - along], second[1 - along]
        values = {", low": np.minimum(*ends), ", high": np.maximum(*ends)}
        yield label or [f"range {number}"], along, first[along], values


def _ends(drawn):
    """Return both ends, x and y each, of every bar or along a band; () for anything else."""
    if not drawn.get_paths():
        return ()
    if isinstance(drawn, mpl.collections.FillBetweenPolyCollection):
        # A corner, one side, a corner, the other side backwards, and the first corner again.
        corners = [path.vertices for path in drawn.get_paths()]
        sides = [(v[1 : len(v) // 2], v[-2 : len(v) // 2 : -1]) for v in corners]
        return tuple(np.concatenate(side).T for side in zip(*sides, strict=True))
    if isinstance(drawn, mpl.collections.LineCollection):
        segments = np.array([path.vertices[[0, -1]] for path in drawn.get_paths()])
        first, second = segments[:, 0].T, segments[:, 1].T
        straight = (first == second).all(axis=1).any()  # upright or level, as no other lines are
        return (first, second) if straight else ()
    return ()


def _error_bars(ax):
    return [bars for bars in ax.containers if isinstance(bars, mpl.container.ErrorbarContainer)]


def _bar_places(bars, ax):
    """Return the axis along which the bars stand, and the middle of each."""
    if bars.orientation == "horizontal":
        return ax.yaxis, [bar.get_y() + bar.get_height() / 2 for bar in bars]
    return ax.xaxis, [bar.get_x() + bar.get_width() / 2 for bar in bars]


def _drawn(artists):
    """Leave out matplotlib's own parts, and what the author says repeats the rest."""
    return [a for a in artists if a.get_label() != "_nolegend_"]


def _label(artist):
    label = re.sub(r"^_((child|container)\d+$)?", "", artist.get_label())  # matplotlib's own
    return [label] if label else []
