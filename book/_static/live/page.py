"""Run a cell in the browser as a notebook does: last value, prints, figures, errors."""

import gc
import io
import sys
import traceback
import types
import warnings
from importlib.machinery import ModuleSpec

from pyodide.code import eval_code_async

# `plt.show()` at the end of a cell: the figure is shown when the cell is over.
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")

CELL = "<cell>"
HOME = "/home/pyodide"
namespace = {"__name__": "__main__"}
send = print


class Stream(io.TextIOBase):
    """What is printed, sent as it comes."""

    def __init__(self, kind):
        self.kind = kind

    def write(self, text):
        """Send it."""
        if text:
            send(self.kind, text)
        return len(text)


def display(*things, raw=False, **_):
    """Stand in for IPython's: the richest form of each thing."""
    for thing in things:
        forms = thing if raw else forms_of(thing)
        kind = next(k for k in ("image/svg+xml", "text/html", "text/plain") if k in forms)
        send(kind, forms[kind])


def forms_of(thing):
    """Return how a thing can be shown, by kind."""
    for method, kind in (("_repr_svg_", "image/svg+xml"), ("_repr_html_", "text/html")):
        if hasattr(thing, method) and (form := getattr(thing, method)()):
            return {kind: form}
    return {"text/plain": repr(thing)}


class HTML(str):
    """Stand in for IPython's."""

    def _repr_html_(self):
        return str(self)


class Elsewhere(types.ModuleType):
    """A module whose functions do nothing here: they write the book, or run other programs."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **settings: None


def module(made, **members):
    """Let `import` find a module that was made here."""
    made.__dict__.update(members)
    sys.modules[made.__name__] = made
    return made


def load_digits():
    """Stand in for scikit-learn's, with the same digits."""
    import numpy as np

    table = np.loadtxt(f"{HOME}/sklearn/datasets/data/digits.csv.gz", delimiter=",")
    images, target = table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(int)
    return types.SimpleNamespace(images=images, target=target)


shell = module(types.ModuleType("IPython.display"), display=display, HTML=HTML)
# Matplotlib asks for IPython's version when there is a module of that name.
module(types.ModuleType("IPython"), get_ipython=lambda: None, version_info=(9,), display=shell)
module(Elsewhere("myst_nb"))
module(Elsewhere("rmsbook.claims"))
datasets = module(types.ModuleType("sklearn.datasets"), load_digits=load_digits)
# `rmsbook.data` asks where it lies, and reads the same file.
lies = ModuleSpec("sklearn", None, origin=f"{HOME}/sklearn/__init__.py")
module(types.ModuleType("sklearn"), datasets=datasets, __spec__=lies)


def show_open_figures():
    """Show the figures that the cell left open, as the inline backend does."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    import matplotlib.pyplot as plt

    from rmsbook.figures import write_svg

    for number in plt.get_fignums():
        file = io.StringIO()
        write_svg(plt.figure(number), file)
        send("image/svg+xml", file.getvalue())
    plt.close("all")


def use_style():
    """Set the book's figure style."""
    from rmsbook import figures

    figures.use_style()


async def run(source, sender, alone):
    """Run one cell, with the page's variables or alone; return whether it went well."""
    global send
    send = sender
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    try:
        if alone:
            use_style()  # which a page does in its first cell
        names = {"__name__": "__main__"} if alone else namespace
        value = await eval_code_async(source, names, filename=CELL)
        show_open_figures()
        if value is not None:
            display(value)
    except BaseException as error:
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename != CELL:
            trace = trace.tb_next
        send("error", "".join(traceback.format_exception(type(error), error, trace)))
        return False
    finally:
        spare_the_imports()
    return True


def spare_the_imports():
    """Let the garbage collector pass over what the first cell imported: it looks every time."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
