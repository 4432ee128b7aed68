"""What an exercise is: the right answer, the usual wrong ones, and its variants."""

import functools
import importlib
import inspect
import pkgutil
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Exercise", "Task", "exercise", "find", "givens", "modules"]

PARTS = {"p": "primer"}  # of an exercise's label: `ex-p03-1`; the course has no letter
LABEL = re.compile(r"ex-(p?)(\d\d)-\d+")
REGISTRY: dict[str, "Exercise"] = {}


@dataclass(frozen=True)
class Task:
    """One exercise with its numbers filled in.

    Parameters
    ----------
    answer : number, bool, str, sequence, mapping or callable, optional
        What is right. A callable is judged by what it returns for each of ``on``.
    mistakes : mapping from str
        Wrong answers that people give, under what to say to each of them.
    rtol, atol : float
        How far a right number may lie from ``answer``.
    on : sequence of tuples
        The arguments that a function is tried with; for an ``answer`` that is a function.
    also : sequence
        Other forms of the right answer, for the tests.
    accepts : callable, optional
        In place of ``answer`` where there is more than one: takes an answer and returns None if it
        is right, else what to say. Then ``example`` is a right one.
    given : mapping, optional
        What differs from one variant to the next, by name.
    """

    mistakes: Mapping[str, object]
    answer: object = None
    rtol: float = 1e-3
    atol: float = 1e-12
    on: Sequence[tuple] = ()
    also: Sequence = ()
    accepts: Callable | None = None
    example: object = None
    given: Mapping[str, object] = field(default_factory=dict)

    @property
    def right(self):
        """A right answer."""
        return self.example if self.accepts else self.answer


@dataclass(frozen=True)
class Exercise:
    """An exercise of the book, by the label it has on its page."""

    name: str
    wants: str
    minutes: int
    points: int
    make: Callable[..., Task]

    @property
    def has_variants(self):
        """Whether a seed changes its numbers."""
        return bool(inspect.signature(self.make).parameters)

    def task(self, seed=None):
        """Return the exercise with the numbers of the page, or with those of ``seed``.

        Raises
        ------
        ValueError
            If there are no variants and a seed is given, or it is not a whole number from 0 up.
        """
        if seed is None:
            return _task(self)
        if not self.has_variants:
            raise ValueError(f"{self.name} is the same for everyone: leave out seed={seed!r}")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed must be a whole number from 0 up, not {seed!r}")
        return _task(self, int(seed))


@functools.lru_cache(maxsize=256)
def _task(exercise, seed=None):
    if seed is None:
        return exercise.make()
    return exercise.make(np.random.default_rng([zlib.crc32(exercise.name.encode()), seed]))


def exercise(name, *, wants, minutes, points=1):
    """Register the decorated function as the exercise ``name``.

    The function returns its `Task`; one with a parameter makes variants from the
    `numpy.random.Generator` it is given, and the page's own numbers without.

    Parameters
    ----------
    name : str
        The label on the page, ``ex-p03-1`` or ``ex-06-1``.
    wants : str
        What the answer is, as a noun: "two numbers: θ after the second step".
    minutes : int
        What a student needs.
    points : int, optional
        What it is worth in a graded course.
    """

    def register(make):
        if name in REGISTRY and REGISTRY[name].make.__module__ != make.__module__:
            raise ValueError(f"{name} stands in {REGISTRY[name].make.__module__} already")
        REGISTRY[name] = Exercise(name, wants, minutes, points, make)
        return make

    return register


def modules():
    """Return the names of the modules that hold the pages' exercises, in the book's order."""
    import rmsbook.exercises as package

    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    pages = [name for name in names if re.fullmatch(r"(primer|course)_\d+", name)]
    return sorted(pages, key=lambda name: (name[0] != "p", int(name.split("_")[1])))


def find(name):
    """Return the exercise with this label.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> find("ex-99-1")
    Traceback (most recent call last):
    ...
    ValueError: there is no exercise 'ex-99-1': the labels on the pages look like ex-p03-1, ex-06-1
    """
    label = LABEL.fullmatch(name) if isinstance(name, str) else None
    if label:
        module = f"{PARTS.get(label[1], 'course')}_{int(label[2])}"
        if module in modules():
            importlib.import_module(f"rmsbook.exercises.{module}")
    if name not in REGISTRY:
        raise ValueError(
            f"there is no exercise {name!r}: the labels on the pages look like ex-p03-1, ex-06-1"
        )
    return REGISTRY[name]


def givens(name, seed=None):
    """Return the numbers of a variant by name, to work with.

    Parameters
    ----------
    name : str
        The exercise's label.
    seed : int, optional
        Your own number, from 0 up. Default: the numbers on the page.
    """
    return dict(find(name).task(seed).given)
