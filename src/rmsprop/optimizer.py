"""What every optimizer of `rmsprop.optimizers` does around its rule: the step.

Checking the input, walking over the parameters, the learning-rate schedule, weight decay. Large
arrays are the business of `rmsprop._blocks`, saving and loading that of `rmsprop._saving`.
"""

import math
import operator

import numpy as np

from rmsprop._arrays import ARRAYS, Parameter, apart, matched, sum_of_squares, usual
from rmsprop._blocks import share_out
from rmsprop._saving import Saving
from rmsprop.settings import Setting, choice, number


class Optimizer(Saving):
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
    has_begun = False
    _interrupted = False  # whether a step began and did not end

    def __init__(self, learning_rate, *, weight_decay=0.0, l2=0.0, nonfinite="raise"):
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.l2 = l2
        self.nonfinite = nonfinite
        self.iterations = 0
        self.skipped = 0
        self._parameters = []

    # ------------------------------------------------------------ what a method fills in

    def slots(self):
        """Return the arrays that the rule keeps: name, and start as a number or as a setting."""
        return {}

    def coefficients(self):
        """Return the settings that the rule uses, by name."""
        return {}

    def corrections(self, t):
        """Return the numbers that the rule uses and that change with t = 1, 2, …, by name."""
        return {}

    def largest_gradient(self, dtype, size):
        """Return the size up to which the rule takes the elements of a gradient.

        The default leaves room to square an element and to add up a few such squares.

        Parameters
        ----------
        dtype : dtype
            That of the arithmetic.
        size : int
            The number of elements of the gradient.
        """
        return math.sqrt(float(np.finfo(dtype).max) / 4)

    def rule(self, theta, g, *, lr):
        """Update θ and the slots in place. All but θ and g comes by its name.

        It runs under an error state of its own: an underflow is 0, and nothing else is raised.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    # ------------------------------------------------------------ a step

    def _set_learning_rate(self, value):
        check = number(0, above=True)
        self._learning_rate = value if callable(value) else check("learning_rate", value)

    learning_rate = property(
        operator.attrgetter("_learning_rate"),  # compiled: it is read at each step
        _set_learning_rate,
        doc="The learning rate: a number, an array or a schedule. It may change at any time.",
    )

    def step(self, params, grads):
        """Update the parameters in place by one step of the method.

        Parameters
        ----------
        params : list or dict of arrays
            Arrays of any shape, float16, float32 or float64, the same ones at every step. Of
            float16 arrays the state has a float32 copy, so that small steps are not lost.
        grads : list or dict of arrays
            The gradients: the same structure, shapes and dtypes. They are not changed.

        Raises
        ------
        TypeError, ValueError
            If params and grads do not fit each other, the settings or the steps before.
        FloatingPointError
            If a gradient is not finite and `nonfinite` is "raise". Whatever of these is raised,
            neither parameters nor state have changed.
        RuntimeError
            If the step before was interrupted, as by Ctrl-C: parameters and state may be half
            updated. A state that is loaded, with the parameters that belong to it, mends it.

        Notes
        -----
        Parameters may be parts of one array, and gradients may share memory with parameters:
        they count as they were. Two memory maps of one file are two memories here; do not pass
        both.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> weights = {"w": np.array([[1.0, 2.0]]), "b": np.array([0.5])}
        >>> RMSprop(0.1, rho=0.0).step(weights, {"w": weights["w"], "b": -weights["b"]})
        >>> weights["w"].round(6), weights["b"].round(6)
        (array([[0.9, 1.9]]), array([0.6]))
        """
        names, thetas, gs = matched(params, grads)
        if self._interrupted:
            self._refuse()
        lr = self.learning_rate
        if callable(lr):
            lr = number(0)(f"learning_rate({self.iterations})", lr(self.iterations))
        self._step(names, thetas, gs, lr)

    @np.errstate(all="ignore")  # whatever the caller's: no rule may stop half-way
    def _step(self, names, thetas, gs, lr):
        """Plan a step, then commit it."""
        parameters = self._parameters or self._begun(names, thetas)
        if len(parameters) != len(names):
            raise ValueError(
                f"params has {len(names)} arrays, in the steps before it had {len(parameters)}: "
                "make a new optimizer for other parameters"
            )
        if not usual(parameters, names, thetas, gs):
            gs = self._looked_over(parameters, names, thetas, gs)
            if gs is None:
                self.skipped += 1
                return
        corrections = self.corrections(self.iterations + 1)
        for parameter in parameters:
            parameter.prepare(lr, corrections)

        self._interrupted = True
        self._parameters = parameters
        self.has_begun = True
        for i, parameter in enumerate(parameters):
            self._update(parameter, thetas[i], gs[i])
        self.iterations += 1
        self._interrupted = False

    def _looked_over(self, parameters, names, thetas, gs):
        """Return gradients that the rules can take, or None if one is to be skipped; or raise."""
        usable = True
        for i, parameter in enumerate(parameters):
            parameter.check(names[i], thetas[i], gs[i])
            usable = usable and self._usable(parameter, thetas[i], gs[i])
        gs = apart(thetas, gs)
        return gs if usable else None

    def _refuse(self):
        """Refuse to go on from a step that did not end."""
        raise RuntimeError(
            "the last step was interrupted, and parameters and state may be half updated: "
            "restore the parameters, and load the state that belongs to them"
        )

    def takes(self, theta, g):
        """Return where the method can take a gradient g at θ: finite, and not too large for it.

        Examples
        --------
        >>> from rmsprop.optimizers import SGD, RMSprop
        >>> theta, g = np.zeros(2), np.array([1.0, 1e200])
        >>> RMSprop().takes(theta, g), SGD().takes(theta, g)
        (array([ True, False]), array([ True,  True]))
        """
        like = (p for p in self._parameters if p.shape == theta.shape and p.dtype == theta.dtype)
        parameter = next(like, None) or self._parameter(0, theta)
        with np.errstate(all="ignore"):
            return parameter.takes(parameter.with_l2(theta, g))

    def _begun(self, names, thetas):
        """Return the records of new parameters."""
        if not thetas:
            raise ValueError("params is empty: pass the arrays to train")
        return list(map(self._parameter, names, thetas))

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
        parameter = Parameter(name, theta.shape, theta.dtype, self.largest_gradient)
        decays = {"weight_decay": self.weight_decay, "l2": self.l2}
        decays = {name: value for name, value in decays.items() if np.any(value)}
        parameter.plain = parameter.plain and not decays
        for key, value in (self.coefficients() | decays).items():
            parameter.numbers[key] = parameter.rounded(key, value)
        parameter.slots = self.new_slots(parameter, theta)
        if theta.dtype == np.float16:
            parameter.slots["master"] = np.array(theta, np.float32)
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
        g = parameter.with_l2(theta, g)
        if sum_of_squares(g) <= parameter.enough:  # False for NaN: one pass finds all trouble
            return True
        fine = parameter.takes(g)
        if not fine.all() and self.nonfinite == "raise":
            where = tuple(map(int, np.argwhere(~fine)[0]))
            raise FloatingPointError(
                f"grads[{parameter.name!r}] has {g[where]} at {where}, which is not finite or too "
                f"large to be squared in {parameter.work_dtype}: scale the loss, clip the "
                "gradient, or pass nonfinite='skip'"
            )
        return bool(fine.all())

    def _update(self, parameter, theta, g):
        """Apply the rule to one array: to a large one block by block, on several cores."""
        rule = self.rule if parameter.plain else self._wrapped_rule
        operands = parameter.operands
        small = theta.size <= self.block_size and theta.ndim > 0
        if small or not self.elementwise or parameter.is_grid():
            rule(theta, g, **operands)
            return

        def work(theta, g, *blocks):
            rule(theta, g, **operands | dict(zip(parameter.slots, blocks, strict=True)))

        share_out(work, [theta, g, *parameter.slots.values()], self.block_size, self.threads)

    def _wrapped_rule(self, theta, g, *, lr, master=None, weight_decay=None, l2=None, **operands):
        """Apply the rule with what it does not know: weight decay, and float16."""
        if master is not None:
            # What was changed from outside since the last step counts; the rest has its digits.
            np.copyto(master, theta, where=master.astype(theta.dtype) != theta)
            half, theta, g = theta, master, g.astype(master.dtype)
        if l2 is not None:
            g = g + l2 * theta
        if weight_decay is not None:
            theta -= lr * weight_decay * theta
        self.rule(theta, g, lr=lr, **operands)
        if master is not None:
            half[...] = master
