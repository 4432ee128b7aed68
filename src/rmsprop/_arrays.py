"""The arrays of a step: what they must be, what is kept for each, and whose memory they show."""

import math
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from numpy.lib.array_utils import byte_bounds

SHORT = 10_000  # elements whose sum of squares one thread forms

ARRAYS = (np.ndarray, np.memmap)  # not np.matrix, whose * is another operation


class Decay(NamedTuple):
    """The two factors of a moving average: 1 − ρ is right only if formed before rounding ρ."""

    keep: float
    take: float


def decay(rho):
    """Return ρ and 1 − ρ."""
    return Decay(rho, 1 - rho)


class Positive(NamedTuple):
    """A number that must not vanish where it keeps 0/0 away: 0 stands for the smallest that does.

    The smallest is a dtype's smallest normal number, or its root for a number outside of a root.
    """

    value: float
    inside_root: bool

    def above_zero(self, dtype):
        """Return the number, or the smallest in its place."""
        tiny = float(np.finfo(dtype).tiny)
        return np.maximum(self.value, tiny if self.inside_root else tiny**0.5)


class Parameter:
    """What an optimizer keeps for one array of parameters.

    Attributes
    ----------
    work_dtype : dtype
        That of state and arithmetic: the squares of float16 overflow, it is computed in float32.
    limit, enough : float
        The largest gradient that the rule can take, and a sum of squares that keeps below it.
    slots : dict
        The arrays of the state.
    numbers : dict
        The settings as the rule uses them, see `rounded`.
    rate : float or array
        The learning rate of the last step, as it was given.
    operands : dict
        What the rule gets by name: slots, numbers, learning rate and corrections of a step.
    plain : bool
        Whether the rule can have the arrays as they are: no weight decay, no float16.
    """

    def __init__(self, name, shape, dtype, largest_gradient):
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.plain = dtype != np.float16
        self.work_dtype = dtype if self.plain else np.dtype(np.float32)
        self.limit = largest_gradient(self.work_dtype, math.prod(shape))
        self.enough = min(float(np.finfo(self.work_dtype).max) / 4, self.limit * self.limit)
        self.numbers = {}
        self.rate = None

    def rounded(self, name, value):
        """Return a number or array in the arithmetic's dtype: 0-d, or of the parameter's shape.

        NumPy is quickest with such operands; a Python float it converts at every operation.
        """
        if type(value) is float:  # the quick way for what changes with each step
            return np.array(value, self.work_dtype)
        if isinstance(value, Decay):
            return Decay(*(self.rounded(name, factor) for factor in value))
        if isinstance(value, Positive):
            value = value.above_zero(self.work_dtype)
        if np.ndim(value) == 0:
            return np.array(value, self.work_dtype)
        try:
            return np.broadcast_to(value, self.shape).astype(self.work_dtype, order="C")
        except ValueError:
            raise ValueError(
                f"{name} has the shape {np.shape(value)}, which does not broadcast to "
                f"params[{self.name!r}] of shape {self.shape}"
            ) from None

    def prepare(self, lr, corrections):
        """Bring `operands` up to the step: the learning rate, and what changes with t."""
        if self.rate is not lr:
            rate = self.rounded("learning_rate", lr)
            self.operands = {**self.slots, **self.numbers, "lr": rate}
            self.rate = lr
        for name in corrections:
            self.operands[name] = self.rounded(name, corrections[name])

    def is_grid(self):
        """Return whether a number is an array: then the parameter cannot be cut into blocks."""
        return any(
            factor.ndim
            for name, value in self.operands.items()
            if name not in self.slots
            for factor in (value if isinstance(value, Decay) else [value])
        )

    def check(self, name, theta, g):
        """Raise if an array and its gradient are not what they were at the first step."""
        if name != self.name:
            raise ValueError(
                f"params[{name!r}] stands where params[{self.name!r}] was in the steps before: "
                "make a new optimizer for other parameters"
            )
        for which, array in (("params", theta), ("grads", g)):
            if type(array) not in ARRAYS:
                kind = type(array).__name__
                raise TypeError(f"{which}[{name!r}] must be a NumPy array, not {kind}")
            if array.shape != self.shape or array.dtype != self.dtype:
                raise ValueError(
                    f"{which}[{name!r}] is {array.dtype} of shape {array.shape}, it must be "
                    f"{self.dtype} of shape {self.shape}, as its parameter"
                )
        if not theta.flags.writeable:
            raise ValueError(f"params[{name!r}] is read-only and is to be updated: pass a copy")

    def with_l2(self, theta, g):
        """Return the gradient that the rule sees: with that of the L2 penalty, if there is one."""
        return g + self.numbers["l2"] * theta if "l2" in self.numbers else g

    def takes(self, g):
        """Return where the rule can take a gradient."""
        return np.abs(g.astype(self.work_dtype)) <= self.limit

    def copy(self):
        """Return a record with a state of its own."""
        twin = Parameter.__new__(Parameter)
        vars(twin).update(vars(self))
        twin.rate = None  # its operands have these slots
        twin.slots = {name: np.copy(slot) for name, slot in self.slots.items()}
        return twin


def matched(params, grads):
    """Return names, parameters and gradients as three lists in one order."""
    if isinstance(params, (list, tuple)) and isinstance(grads, (list, tuple)):
        if len(params) != len(grads):
            raise ValueError(f"params has {len(params)} arrays, grads has {len(grads)}")
        return range(len(params)), params, grads
    if isinstance(params, dict) and isinstance(grads, dict):
        if params.keys() != grads.keys():
            raise ValueError(f"params has the keys {list(params)}, grads has {list(grads)}")
        names = sorted(params, key=str)
        return names, [params[name] for name in names], [grads[name] for name in names]
    raise TypeError(
        "params and grads must be two lists or two dicts of arrays, not "
        f"{type(params).__name__} and {type(grads).__name__}"
    )


def usual(parameters, names, thetas, gs):
    """Return whether a look is enough to see that the rules can have the arrays as they are.

    They fit, are finite, and apart: arrays that own their memory are if they are not one object.
    It is what makes a step on a few numbers cheap; what it does not settle is looked over.
    """
    for i, parameter in enumerate(parameters):  # a zip that is strict takes longer
        theta, g = thetas[i], gs[i]
        if not (
            parameter.plain
            and names[i] == parameter.name
            and type(theta) is type(g) is ndarray
            and theta is not g
            and theta.shape == g.shape == parameter.shape
            and theta.dtype == g.dtype == parameter.dtype
            and (flags := theta.flags).writeable
            and flags.owndata
            and g.flags.owndata
            and g.size <= SHORT
            and sum_of_squares(g) <= parameter.enough
        ):
            return False
    return len(thetas) == 1 or len({*map(id, thetas), *map(id, gs)}) == 2 * len(thetas)


def sum_of_squares(g):
    """Return the sum of the squares of an array as a float, infinity if it is too large.

    Long arrays are summed row by row: for one product of more than 10⁴ elements OpenBLAS calls
    other threads, and to wait for a busy core can take a hundred times as long as the sum.
    """
    flat = g if g.ndim == 1 else g.ravel()
    if g.size <= SHORT:
        return float(flat.dot(flat))
    count = g.size // 8192
    rows = flat[: count * 8192].reshape(count, 8192)
    rest = flat[rows.size :]
    return float(np.vecdot(rows, rows).sum()) + float(rest.dot(rest))


# ---------------------------------------------------------------- shared memory


def apart(thetas, gs):
    """Return the gradients, with copies of those that share memory with a parameter.

    Raises
    ------
    ValueError
        If an element of the parameters stands twice.
    """
    arrays = [*thetas, *gs]
    # Arrays that own their memory are apart if they are not one object, and that is cheap to see.
    if len({id(array) for array in arrays if array.flags.owndata}) == len(arrays):
        return gs
    if any(repeats(theta) for theta in thetas):
        raise ValueError("params shows the same memory twice within one array: pass a copy")
    shared = set()
    for i, j in overlapping(arrays):
        if i >= len(thetas) or not np.shares_memory(arrays[i], arrays[j]):
            continue
        if j < len(thetas):
            raise ValueError("params holds the same memory twice: pass each array once")
        shared.add(j - len(thetas))
    return [g.copy() if i in shared else g for i, g in enumerate(gs)]


def overlapping(arrays):
    """Yield the positions i < j of each two arrays whose ranges of addresses overlap.

    Addresses tell, however the memory is seen; which object owns it does not.
    """
    open_ranges = []
    for low, high, i in sorted((*byte_bounds(array), i) for i, array in enumerate(arrays)):
        open_ranges = [(end, j) for end, j in open_ranges if end > low]
        for _, j in open_ranges:
            yield min(i, j), max(i, j)
        open_ranges.append((high, i))


def repeats(array):
    """Return whether two indices of an array may name one element, as in a sliding window."""
    extent = array.itemsize
    steps = [(abs(array.strides[axis]), length) for axis, length in enumerate(array.shape)]
    for stride, length in sorted(step for step in steps if step[1] > 1):
        if stride < extent:
            return True
        extent += stride * (length - 1)
    return False
