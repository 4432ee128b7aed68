"""Settings of optimizers and schedules: checks that name the argument, the value, the remedy."""

import math
import operator

import numpy as np


class Setting(property):
    """A setting of an optimizer: checked when it is set, fixed once training has begun.

    It is a property for its reading, which is compiled: a rule reads its switches at each step.

    Parameters
    ----------
    check : callable
        Gets the name and the value; returns the value to keep, or raises.
    """

    def __init__(self, check):
        self.check = check

    def __set_name__(self, owner, name):
        self.name = name
        self.key = f"_setting_{name}"
        super().__init__(operator.attrgetter(self.key))
        setattr(owner, self.key, Unset(name))  # found only where the object has no such attribute

    def __set__(self, optimizer, value):
        if optimizer.has_begun:
            raise AttributeError(
                f"{self.name} is fixed once training has begun: "
                f"make a new {type(optimizer).__name__} with {self.name}={value!r}"
            )
        vars(optimizer)[self.key] = self.check(self.name, value)


class Unset:
    """What stands for a setting that its class declares and no object has set."""

    def __init__(self, name):
        self.name = name

    def __get__(self, optimizer, owner=None):
        if optimizer is None:
            return self
        raise AttributeError(
            f"{self.name} is a setting of {owner.__name__} that was never set: set it first"
        )


def lock(*values):
    """Make the arrays among some values read-only."""
    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False


def number(low, high=math.inf, *, above=False):
    """Return a check for a number or an array of numbers in [low, high).

    The check returns a float, or a read-only copy of the array in float64.

    Parameters
    ----------
    low, high : float
        The interval's ends.
    above : bool, default False
        Leave `low` itself out.

    Examples
    --------
    >>> number(0, 1)("rho", 0.9)
    0.9
    >>> number(0, 1)("rho", 1)
    Traceback (most recent call last):
    ValueError: rho must be a number in [0, 1) or an array of such, not 1
    """
    interval = f"{'(' if above else '['}{low:g}, {high:g})"

    def check(name, value):
        try:
            given = np.asarray(value)
            real = given.dtype.kind in "fiuO"  # of objects, fractions and long integers pass
            array = given.astype(np.float64) if real else np.array(math.nan)
        except (TypeError, ValueError, OverflowError):
            array = np.array(math.nan)
        inside = (array > low if above else array >= low) & (array < high)
        if array.size == 0 or not inside.all():
            raise ValueError(
                f"{name} must be a number in {interval} or an array of such, not {value!r}"
            )
        lock(array)
        return array if array.ndim else float(array)

    return check


def whole(low):
    """Return a check for a whole number of at least `low`."""

    def check(name, value):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ValueError(f"{name} must be a whole number of at least {low}, not {value!r}")
        return int(value)

    return check


def pair(first, second):
    """Return a check for two numbers, the smaller first, each with a check of its own.

    Examples
    --------
    >>> pair(number(0, 1), number(1))("factors", [0.5, 1.2])
    (0.5, 1.2)
    """

    def check(name, value):
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError(f"{name} must be a pair of numbers, not {value!r}")
        smaller, larger = first(f"{name}[0]", value[0]), second(f"{name}[1]", value[1])
        if not (isinstance(smaller, float) and isinstance(larger, float) and smaller <= larger):
            raise ValueError(f"{name} must be two numbers, the smaller first, not {value!r}")
        return smaller, larger

    return check


def flag(name, value):
    """Check that a switch is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def choice(*names):
    """Return a check for one of a few words."""

    def check(name, value):
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"{name} must be one of {', '.join(names)}, not {value!r}")
        return value

    return check
