"""What every optimizer of `rmsprop.optimizers` does around its rule.

Checking the input, walking over the parameters, the learning-rate schedule, weight decay, the
state and its saving, and cutting large arrays into blocks that fit the processor's cache: that,
and no clever formula, is what makes plain NumPy fast here.
"""

import contextlib
import inspect
import itertools
import json
import math
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from rmsprop import schedules
from rmsprop.settings import Setting, choice, number, whole

ARRAYS = (np.ndarray, np.memmap)  # not np.matrix, whose * is another operation


class Decay(NamedTuple):
    """The two factors of a moving average: 1 − ρ is right only if formed before rounding ρ."""

    keep: float
    take: float


def decay(rho):
    """Return ρ and 1 − ρ."""
    return Decay(rho, 1 - rho)


class Parameter:
    """What an optimizer keeps for one array of parameters.

    Attributes
    ----------
    slots : dict
        The arrays of the rule's state.
    numbers : dict
        The settings and the learning rate as the rule uses them, see `rounded`.
    learning_rate : float or array
        The learning rate of the last step as it was given.
    plain : bool
        Whether the rule can have the arrays as they are: no weight decay, no float16.
    grid : bool
        Whether a setting is an array: then the parameter cannot be cut into blocks.
    """

    def __init__(self, name, shape, dtype):
        self.name = name
        self.shape = shape
        self.dtype = dtype
        half = dtype == np.float16  # its squares overflow: state and arithmetic are float32
        self.work_dtype = np.dtype(np.float32) if half else dtype
        self.largest = float(np.finfo(self.work_dtype).max) / 4  # leaves room to add squares up
        self.plain = not half
        self.grid = False
        self.slots = {}
        self.numbers = {}
        self.learning_rate = None

    def rounded(self, name, value):
        """Return a number or array in the arithmetic's dtype: 0-d, or of the parameter's shape.

        NumPy is quickest with such operands; a Python float it converts at every operation.
        """
        if isinstance(value, Decay):
            return Decay(*(self.rounded(name, factor) for factor in value))
        if isinstance(value, float):
            return np.array(value, self.work_dtype)
        self.grid = True
        try:
            return np.broadcast_to(value, self.shape).astype(self.work_dtype, order="C")
        except ValueError:
            raise ValueError(
                f"{name} has the shape {np.shape(value)}, which does not broadcast to "
                f"params[{self.name!r}] of shape {self.shape}"
            ) from None

    def set_rate(self, lr):
        """Give the rule the learning rate of this step."""
        if self.learning_rate is not lr:
            self.numbers["lr"] = self.rounded("learning_rate", lr)
            self.learning_rate = lr

    def check(self, name, theta, g):
        """Raise if an array and its gradient are not what they were at the first step."""
        if (
            name == self.name
            and type(theta) in ARRAYS
            and type(g) in ARRAYS
            and theta.shape == g.shape == self.shape
            and theta.dtype == g.dtype == self.dtype
            and theta.flags.writeable
        ):
            return
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
        raise ValueError(f"params[{name!r}] is read-only and is to be updated: pass a copy")


class Optimizer:
    """Base of the methods: everything but the rule.

    Parameters
    ----------
    learning_rate : float, array or callable
        η. An array broadcasts to the shape of every parameter, and so do the other settings: a
        grid of settings trains as one array program. A callable is a schedule: it gets
        t = 0, 1, … and returns η; see `rmsprop.schedules`.
    weight_decay : float or array, default 0
        Decoupled weight decay, as in Keras: θ ← θ − η · weight_decay · θ before the rule.
    l2 : float or array, default 0
        Weight decay as the gradient of a penalty, as in torch's RMSprop: the rule sees
        g + l2 · θ.
    nonfinite : {"raise", "skip"}, default "raise"
        What `step` does when a gradient holds a NaN, an infinity, or a number too large to be
        squared in its dtype: raise, or leave parameters and state as they are and count the step
        in `skipped`.

    Attributes
    ----------
    iterations : int
        Steps done.
    skipped : int
        Steps skipped for a gradient that was not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument of this or a derived class lies outside its interval or is of another type.
    AttributeError
        If a setting other than the learning rate is changed after the first step.
    """

    weight_decay = Setting(number(0))
    l2 = Setting(number(0))
    nonfinite = Setting(choice("raise", "skip"))

    block_size = 262_144  # elements: a few such arrays fit a cache, and the calls are few
    threads = None  # how many cores a large array takes; None for all that the process has
    elementwise = True  # whether the rule may see an array block by block
    squares = True  # whether the rule squares the gradient
    epsilon_inside = False  # whether ε stands inside the root
    has_begun = False

    def __init__(self, learning_rate, *, weight_decay=0.0, l2=0.0, nonfinite="raise"):
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.l2 = l2
        self.nonfinite = nonfinite
        self.iterations = 0
        self.skipped = 0
        self._parameters = []

    def slots(self):
        """Return the arrays that the rule keeps: name, and start as a number or as a setting."""
        return {}

    def coefficients(self):
        """Return the settings that the rule uses, by name."""
        return {}

    def corrections(self, t):
        """Return the numbers that the rule uses and that change with t = 1, 2, …, by name."""
        return {}

    def rule(self, theta, g, *, lr):
        """Update θ and the slots in place. All but θ and g comes by its name."""
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    @property
    def learning_rate(self):
        """The learning rate: a number, an array or a schedule. It may change at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        check = number(0, above=True)
        self._learning_rate = value if callable(value) else check("learning_rate", value)

    # ------------------------------------------------------------ a step

    def step(self, params, grads):
        """Update the parameters in place by one step of the method.

        Parameters
        ----------
        params : list or dict of arrays
            Arrays of any shape, float16, float32 or float64, the same ones at every step.
        grads : list or dict of arrays
            The gradients: the same structure, shapes and dtypes. They are not changed.

        Raises
        ------
        TypeError, ValueError
            If params and grads do not fit each other, the settings or the steps before.
        FloatingPointError
            If a gradient is not finite and `nonfinite` is "raise". Whatever of these is raised,
            neither parameters nor state have changed.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> weights = {"w": np.array([[1.0, 2.0]]), "b": np.array([0.5])}
        >>> RMSprop(0.1, rho=0.0).step(weights, {"w": weights["w"], "b": -weights["b"]})
        >>> weights["w"].round(6), weights["b"].round(6)
        (array([[0.9, 1.9]]), array([0.6]))
        """
        names, thetas, gs = matched(params, grads)
        parameters = self._parameters or self._begun(names, thetas)
        if len(parameters) != len(names):
            raise ValueError(
                f"params has {len(names)} arrays, in the steps before it had {len(parameters)}: "
                "make a new optimizer for other parameters"
            )
        lr = self.learning_rate
        if callable(lr):
            lr = number(0)(f"learning_rate({self.iterations})", lr(self.iterations))
        usable = True
        rows = list(zip(parameters, names, thetas, gs, strict=True))
        for parameter, name, theta, g in rows:
            parameter.check(name, theta, g)
            parameter.set_rate(lr)
            usable = usable and self._usable(parameter, theta, g)
        if not usable:
            self.skipped += 1
            return
        self._parameters = parameters
        self.has_begun = True
        t = self.iterations + 1
        corrections = self.corrections(t)
        for (parameter, _, theta, _), g in zip(rows, unaliased(gs, thetas), strict=True):
            self._update(parameter, theta, g, corrections)
        self.iterations = t

    def _begun(self, names, thetas):
        """Return the records of new parameters."""
        if not thetas:
            raise ValueError("params is empty: pass the arrays to train")
        parameters = [self._parameter(*item) for item in zip(names, thetas, strict=True)]
        if overlap(thetas):
            raise ValueError("params holds the same memory twice: pass each array once")
        return parameters

    def _parameter(self, name, theta):
        """Return the record of a new parameter."""
        if not isinstance(name, (int, str)):
            raise TypeError(f"params has the key {name!r}: use strings, which can be saved")
        if type(theta) not in ARRAYS:
            kind = type(theta).__name__
            raise TypeError(f"params[{name!r}] must be a NumPy array, not {kind}")
        if theta.dtype not in (np.float16, np.float32, np.float64):
            raise TypeError(
                f"params[{name!r}] must be float16, float32 or float64, not {theta.dtype}"
            )
        if not theta.size:
            raise ValueError(f"params[{name!r}] has no elements, its shape is {theta.shape}")
        parameter = Parameter(name, theta.shape, theta.dtype)
        settings = self.coefficients()
        if "epsilon" in settings:  # with ε = 0, a gradient that was always 0 would make 0/0
            tiny = float(np.finfo(parameter.work_dtype).tiny)
            floor = tiny if self.epsilon_inside else math.sqrt(tiny)
            settings["epsilon"] = np.maximum(settings["epsilon"], floor)
        decays = {"weight_decay": self.weight_decay, "l2": self.l2}
        decays = {name: value for name, value in decays.items() if np.any(value)}
        parameter.plain = parameter.plain and not decays
        for name, value in (settings | decays).items():
            parameter.numbers[name] = parameter.rounded(name, value)
        parameter.slots = self.new_slots(parameter, theta)
        return parameter

    def new_slots(self, parameter, theta):
        """Return the state of a parameter before the first step, laid out in memory as θ."""
        slots = {}
        for name, start in self.slots().items():
            value = getattr(self, start) if isinstance(start, str) else start
            value = parameter.rounded(start, value)
            slots[name] = np.full_like(theta, value, parameter.work_dtype, subok=False)
        return slots

    def _usable(self, parameter, theta, g):
        """Return whether the rule can take a gradient; raise, or return False, if not."""
        if "l2" in parameter.numbers:
            g = g + parameter.numbers["l2"] * theta
        if sum_of_squares(g) <= parameter.largest:  # False for NaN: one pass finds all trouble
            return True
        with np.errstate(over="ignore"):
            bad = ~self.fits(g.astype(parameter.work_dtype))
        if bad.any() and self.nonfinite == "raise":
            where = tuple(map(int, np.argwhere(bad)[0]))
            raise FloatingPointError(
                f"grads[{parameter.name!r}] has {g[where]} at {where}, which is not finite or too "
                f"large to be squared in {parameter.work_dtype}: scale the loss, clip the "
                "gradient, or pass nonfinite='skip'"
            )
        return not bad.any()

    def fits(self, g):
        """Return where the rule can take a gradient without overflow."""
        return np.isfinite(4 * g * g if self.squares else g)

    def _update(self, parameter, theta, g, corrections):
        """Apply the rule to one array: to a large one block by block, on several cores."""
        rule = self.rule if parameter.plain else self._wrapped_rule
        slots, numbers = parameter.slots, parameter.numbers
        if corrections:
            numbers = numbers.copy()
            for name, value in corrections.items():
                numbers[name] = parameter.rounded(name, value)
        small = theta.size <= self.block_size and theta.ndim > 0
        if small or parameter.grid or not self.elementwise:
            rule(theta, g, **slots, **numbers)
            return

        blocks = list(cut([theta, g, *slots.values()], self.block_size))
        left = iter(blocks)

        def run():
            for theta_block, g_block, *slot_blocks in left:
                rule(theta_block, g_block, **dict(zip(slots, slot_blocks, strict=True)), **numbers)

        threads = min(self.threads or cores(), len(blocks) // 8)  # below 8 each it does not pay
        with ThreadPoolExecutor(max(1, threads)) as pool:  # NumPy computes without the lock
            helpers = [pool.submit(run) for _ in range(threads - 1)]
            run()
            for helper in helpers:
                helper.result()

    def _wrapped_rule(self, theta, g, *, lr, weight_decay=None, l2=None, **operands):
        """Apply the rule with what it does not know: weight decay, and float16."""
        if theta.dtype == np.float16:
            wide = theta.astype(np.float32)
            g = g.astype(np.float32)
            self._wrapped_rule(wide, g, lr=lr, weight_decay=weight_decay, l2=l2, **operands)
            theta[...] = wide
            return
        if l2 is not None:
            g = g + l2 * theta
        if weight_decay is not None:
            theta -= lr * weight_decay * theta
        self.rule(theta, g, lr=lr, **operands)

    # ------------------------------------------------------------ settings and state

    def get_config(self):
        """Return the arguments that make an equal optimizer, as JSON types.

        Raises
        ------
        TypeError
            If the learning rate is a callable that is not of `rmsprop.schedules`.

        Examples
        --------
        >>> from rmsprop.optimizers import SGD
        >>> SGD(0.1, weight_decay=0.01).get_config()
        ... # doctest: +NORMALIZE_WHITESPACE
        {'learning_rate': 0.1, 'momentum': 0.0, 'nesterov': False, 'weight_decay': 0.01,
         'l2': 0.0, 'nonfinite': 'raise'}
        """
        arguments = [*inspect.signature(type(self)).parameters.values()]
        arguments += inspect.signature(Optimizer).parameters.values()
        names = [a.name for a in arguments if a.kind is not inspect.Parameter.VAR_KEYWORD]
        return {name: plain(getattr(self, name)) for name in dict.fromkeys(names)}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what `get_config` returned.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> RMSprop.from_config({"learning_rate": 0.5}).learning_rate
        0.5
        """
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        return cls(**config)

    def state_dict(self):
        """Return a copy of everything that changes from step to step.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> optimizer = RMSprop()
        >>> optimizer.step([np.array([1.0])], [np.array([2.0])])
        >>> state = optimizer.state_dict()
        >>> state["iterations"], state["parameters"][0]["slots"]["v"].round(6)
        (1, array([0.4]))
        """
        return {
            "optimizer": type(self).__name__,
            "iterations": self.iterations,
            "skipped": self.skipped,
            "parameters": [
                {
                    "name": parameter.name,
                    "shape": parameter.shape,
                    "dtype": parameter.dtype.name,
                    "slots": {name: slot.copy() for name, slot in parameter.slots.items()},
                }
                for parameter in self._parameters
            ],
        }

    def load_state_dict(self, state):
        """Take over a state; the optimizer then continues bit for bit.

        Raises
        ------
        ValueError
            If the state is not one of an optimizer of this class and settings. Nothing has
            changed then.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> first, second = RMSprop(), RMSprop()
        >>> first.step([np.array([1.0])], [np.array([2.0])])
        >>> second.load_state_dict(first.state_dict())
        >>> second.iterations
        1
        """
        try:
            name = state["optimizer"]
            if name != type(self).__name__:
                raise ValueError(f"state is one of {name}, this optimizer is {type(self).__name__}")
            iterations = whole(0)("iterations", state["iterations"])
            skipped = whole(0)("skipped", state["skipped"])
            parameters = [
                self._restored(p["name"], p["shape"], p["dtype"], p["slots"])
                for p in state["parameters"]
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"state is not one that state_dict() returned: {error!r}") from error
        self._parameters = parameters
        self.has_begun = bool(parameters)
        self.iterations = iterations
        self.skipped = skipped

    def _restored(self, name, shape, dtype, slots):
        """Return the record of a parameter from its state."""
        parameter = self._parameter(name, np.empty(tuple(shape), dtype))
        if slots.keys() != parameter.slots.keys():
            raise ValueError(
                f"state keeps {sorted(slots)} for params[{name!r}], these settings need "
                f"{sorted(parameter.slots)}: load it with the settings it was saved with"
            )
        for key, slot in parameter.slots.items():
            given = slots[key]
            if given.shape != slot.shape or given.dtype != slot.dtype:
                raise ValueError(
                    f"state {key!r} of params[{name!r}] is {given.dtype} of shape {given.shape}, "
                    f"it must be {slot.dtype} of shape {slot.shape}"
                )
            slot[...] = given
        return parameter

    def save(self, path):
        """Write settings and state into one npz file, whole or not at all, without pickle.

        Raises
        ------
        TypeError
            If the learning rate is a callable that is not of `rmsprop.schedules`.
        OSError
            If the file cannot be written. A file that was there before is still there.

        Examples
        --------
        >>> import tempfile
        >>> from rmsprop.optimizers import RMSprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "rmsprop.npz")
        ...     RMSprop(rho=0.5).save(path)
        ...     RMSprop.load(path).rho
        0.5
        """
        state = self.state_dict() | {"config": self.get_config()}
        arrays = {
            f"{i}/{name}": slot
            for i, parameter in enumerate(state["parameters"])
            for name, slot in parameter.pop("slots").items()
        }
        path = os.fspath(path)
        temporary = f"{path}.{os.getpid()}.part"
        try:
            with open(temporary, "wb") as file:
                np.savez(file, description=json.dumps(state), **arrays)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)

    @classmethod
    def load(cls, path):
        """Make an optimizer from a file that `save` wrote; it continues bit for bit.

        Raises
        ------
        ValueError
            If the file is not one that `save` of this class wrote.
        """
        path = os.fspath(path)
        try:
            with np.lib.npyio.NpzFile(path, allow_pickle=False) as file:
                state = json.loads(str(file["description"]))
                for i, parameter in enumerate(state["parameters"]):
                    keys = [key for key in file.files if key.startswith(f"{i}/")]
                    parameter["slots"] = {key.partition("/")[2]: file[key] for key in keys}
            kind, config = state["optimizer"], state["config"]
        except (
            AttributeError,
            EOFError,
            KeyError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            raise ValueError(f"{path} is not a saved optimizer: {error}") from error
        if kind != cls.__name__:
            raise ValueError(f"{path} holds a {kind}, not a {cls.__name__}")
        try:
            optimizer = cls.from_config(config)
            optimizer.load_state_dict(state)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a saved {cls.__name__}: {error}") from error
        return optimizer


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


def sum_of_squares(g):
    """Return the sum of the squares of an array as a float, infinity if it is too large.

    Long arrays are summed row by row: for one product of more than 10⁴ elements OpenBLAS calls
    other threads, and to wait for a busy core can take a hundred times as long as the sum.
    """
    if g.size <= 10_000:
        return float(np.vdot(g, g))
    flat = g.reshape(-1)
    rows = flat[: g.size // 8192 * 8192].reshape(-1, 8192)
    rest = flat[rows.size :]
    with np.errstate(over="ignore"):
        return float(np.vecdot(rows, rows).sum()) + float(np.vdot(rest, rest))


def owner(array):
    """Return the object whose memory an array shows."""
    while (base := getattr(array, "base", None)) is not None:
        array = base
    return array


def unaliased(gs, thetas):
    """Return the gradients, with copies of those that share memory with a parameter."""
    # Most arrays own their memory, and to look at one is cheaper than a call.
    owners = {id(a if a.base is None else owner(a)) for a in thetas}
    return [g.copy() if id(g if g.base is None else owner(g)) in owners else g for g in gs]


def overlap(arrays):
    """Return whether two arrays share an element."""
    groups = {}
    for array in arrays:
        groups.setdefault(id(owner(array)), []).append(array)
    pairs = itertools.chain(*(itertools.combinations(group, 2) for group in groups.values()))
    return any(np.shares_memory(*pair) for pair in pairs)


def cores():
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows bind no process to cores
        return os.cpu_count()


def cut(arrays, size):
    """Yield the arrays of one shape in blocks, as tuples of views.

    Contiguous arrays are cut flat into `size` elements, others along their first axis.
    """
    if all(array.flags.c_contiguous for array in arrays):
        arrays = [array.reshape(-1) for array in arrays]
    length = len(arrays[0])
    rows = max(1, size * length // arrays[0].size)
    for start in range(0, length, rows):
        yield tuple(array[start : start + rows] for array in arrays)


def plain(value):
    """Return a setting as JSON types."""
    if callable(value):
        return schedules.serialize(value)
    return value.tolist() if isinstance(value, np.ndarray) else value
