"""Learning-rate schedules: callables that turn the step number t = 0, 1, … into a learning rate.

Any callable works as a schedule. These five also know how to describe themselves
(`get_config`), so that an optimizer which uses one can be saved and loaded. Their names and
arguments are those of ``keras.optimizers.schedules`` where Keras has the same one. A learning
rate may be an array: then a whole grid of settings follows the schedule at once.
"""

import inspect
import math

import numpy as np

from rmsprop.settings import lock, number, whole

rate = number(0, above=True)  # a learning rate that a schedule starts from
factor = number(0)  # a number that may be 0
steps = whole(1)


class Schedule:
    """Base of the schedules: the description that saving needs."""

    def get_config(self):
        """Return the arguments that make an equal schedule, as JSON types."""
        names = inspect.signature(type(self)).parameters
        return {name: np.asarray(getattr(self, name)).tolist() for name in names}

    @classmethod
    def from_config(cls, config):
        """Make a schedule from what `get_config` returned."""
        return cls(**config)

    def __setstate__(self, state):
        """Take over what `copy.deepcopy` or `pickle` has copied: arrays, no longer read-only."""
        vars(self).update(state)
        lock(*state.values())

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    __hash__ = None

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({settings})"


class Constant(Schedule):
    """The same learning rate at every step.

    Parameters
    ----------
    learning_rate : float or array
        The rate η.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    def __init__(self, learning_rate):
        self.learning_rate = rate("learning_rate", learning_rate)

    def __call__(self, t):
        """Return the learning rate of step t."""
        return self.learning_rate


class InverseTimeDecay(Schedule):
    """η / (1 + decay_rate · t / decay_steps): Robbins and Monro's classic, slow and endless.

    Its steps sum to infinity while their squares do not, the condition under which stochastic
    approximation converges (Robbins & Monro 1951, doi:10.1214/aoms/1177729586).

    Parameters
    ----------
    initial_learning_rate : float or array
        The rate at t = 0.
    decay_steps : int
        The number of steps in which t / decay_steps grows by one.
    decay_rate : float, at least 0
        How much the denominator grows in that time.

    Examples
    --------
    >>> halving = InverseTimeDecay(0.1, decay_steps=100, decay_rate=1.0)
    >>> halving(0), halving(100)
    (0.1, 0.05)
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate):
        self.initial_learning_rate = rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps("decay_steps", decay_steps)
        self.decay_rate = factor("decay_rate", decay_rate)

    def __call__(self, t):
        """Return the learning rate of step t."""
        return self.initial_learning_rate / (1 + self.decay_rate * t / self.decay_steps)


class StepDecay(Schedule):
    """η · decay_rate^⌊t / decay_steps⌋: a staircase (Keras: ``ExponentialDecay(staircase=True)``).

    Parameters
    ----------
    initial_learning_rate : float or array
        The rate of the first `decay_steps` steps.
    decay_steps : int
        The length of a stair.
    decay_rate : float
        The factor between a stair and the next.

    Examples
    --------
    >>> stairs = StepDecay(0.4, decay_steps=10, decay_rate=0.5)
    >>> stairs(9), stairs(10), stairs(20)
    (0.4, 0.2, 0.1)
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate):
        self.initial_learning_rate = rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps("decay_steps", decay_steps)
        self.decay_rate = rate("decay_rate", decay_rate)

    def __call__(self, t):
        """Return the learning rate of step t."""
        return self.initial_learning_rate * self.decay_rate ** (t // self.decay_steps)


class LinearDecay(Schedule):
    """A straight line from one rate to another, then constant (Keras: ``PolynomialDecay``).

    Parameters
    ----------
    initial_learning_rate : float or array
        The rate at t = 0.
    decay_steps : int
        The step at which the end is reached.
    end_learning_rate : float or array, default 0
        The rate from then on.

    Examples
    --------
    >>> line = LinearDecay(0.1, decay_steps=10)
    >>> line(0), line(5), line(10), line(11)
    (0.1, 0.05, 0.0, 0.0)
    """

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0):
        self.initial_learning_rate = rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps("decay_steps", decay_steps)
        self.end_learning_rate = factor("end_learning_rate", end_learning_rate)

    def __call__(self, t):
        """Return the learning rate of step t."""
        left = 1 - min(t / self.decay_steps, 1.0)
        return left * self.initial_learning_rate + (1 - left) * self.end_learning_rate


class CosineDecay(Schedule):
    """Half a period of a cosine from η down to alpha · η, then constant.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, without its restarts.

    Parameters
    ----------
    initial_learning_rate : float or array
        The rate at t = 0.
    decay_steps : int
        The step at which the end is reached.
    alpha : float, default 0
        The last rate as a fraction of the first.

    Examples
    --------
    >>> cosine = CosineDecay(0.1, decay_steps=10)
    >>> cosine(0), round(cosine(5), 12), cosine(10)
    (0.1, 0.05, 0.0)
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0):
        self.initial_learning_rate = rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps("decay_steps", decay_steps)
        self.alpha = factor("alpha", alpha)

    def __call__(self, t):
        """Return the learning rate of step t."""
        cosine = (1 + math.cos(math.pi * min(t / self.decay_steps, 1.0))) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


SCHEDULES = (Constant, InverseTimeDecay, StepDecay, LinearDecay, CosineDecay)


def serialize(schedule):
    """Return ``{"class_name": …, "config": …}`` of a schedule of this module.

    Raises
    ------
    TypeError
        If it is any other callable: there is no way to write it down.

    Examples
    --------
    >>> serialize(Constant(0.5))
    {'class_name': 'Constant', 'config': {'learning_rate': 0.5}}
    """
    if type(schedule) not in SCHEDULES:
        names = ", ".join(cls.__name__ for cls in SCHEDULES)
        raise TypeError(
            f"learning_rate {schedule!r} cannot be saved; use one of rmsprop.schedules: {names}"
        )
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config):
    """Make the schedule that `serialize` described.

    Raises
    ------
    ValueError
        If this module has no schedule of that name, or it has no such arguments.
    """
    known = {cls.__name__: cls for cls in SCHEDULES}
    try:
        name, arguments = config["class_name"], config["config"]
        if name in known:
            return known[name].from_config(arguments)
    except (KeyError, TypeError) as error:
        raise ValueError(f"schedule is not one that serialize() returned: {error!r}") from error
    raise ValueError(f"no schedule is called {name!r}; there are: {', '.join(known)}")
