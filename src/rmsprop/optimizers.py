"""RMSprop and its family in NumPy: each method is a rule that reads like its equation.

A method is a class whose `rule` updates a block of parameters θ from its gradient g. Beside it
stand the settings, the arrays the rule keeps (`slots`), the settings it uses (`coefficients`) and
what changes with the step (`corrections`). All the rest is written once, in `rmsprop.optimizer`.

Notation: θ parameters, g gradient, v average of g², m average of g, η learning rate (`lr`),
ρ decay of v, β₁ and β₂ Adam's decays of m and v, μ momentum, t the number of the step, from 1.

Examples
--------
>>> import numpy as np
>>> theta = np.array([1.0, 1.0])
>>> optimizer = RMSprop(learning_rate=0.01)
>>> for _ in range(200):  # down a valley a hundred times steeper in one direction
...     optimizer.step([theta], [np.array([100.0, 1.0]) * theta])
>>> bool(np.abs(theta).max() < 0.01)
True
"""
# ruff: noqa: D102  (the hooks that the methods fill in are documented in Optimizer)

import math

import numpy as np
from numpy import divide, sqrt

from rmsprop._arrays import Positive, decay
from rmsprop.optimizer import Optimizer
from rmsprop.settings import Setting, choice, flag, number, pair

# ---------------------------------------------------------------- what the rules share


def average(v, rho, new):
    """Update a moving average in place: v ← ρ v + (1 − ρ) new."""
    v *= rho.keep
    v += rho.take * new


def average_square(v, rho, g):
    """Update a moving average of squares in place: v ← ρ v + (1 − ρ) g²."""
    keep, take = rho
    square = g * g
    square *= take
    v *= keep
    v += square


def root(v, epsilon, inside):
    """Return √(v + ε) if ε stands inside, else √v + ε."""
    if inside:
        shifted = v + epsilon
        return sqrt(shifted, shifted)
    result = sqrt(v)
    result += epsilon
    return result


def ratio(lr, g, divisor):
    """Return η g / divisor, in the memory of the divisor."""
    divide(g, divisor, divisor)
    divisor *= lr
    return divisor


def heavy_ball(velocity, step, momentum, nesterov):
    """Update b ← μ b + step in place; return b or, looking ahead as Nesterov, μ b + step."""
    velocity *= momentum
    velocity += step
    return momentum * velocity + step if nesterov else velocity


def any_finite(self, dtype, size):
    """Return the largest gradient of a rule that does not square it: any number."""
    return float(np.finfo(dtype).max)


# ---------------------------------------------------------------- the methods


class SGD(Optimizer):
    """Gradient descent, with momentum or Nesterov's.

    b ← μ b + η g,  θ ← θ − b   (Polyak 1964, doi:10.1016/0041-5553(64)90137-5)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.01
        η.
    momentum : float or array in [0, 1), default 0
        μ; 0 is plain gradient descent.
    nesterov : bool, default False
        Step by μ b + η g, with the new b, in place of b.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), SGD(0.1, momentum=0.5)
    >>> for g in (2.0, 2.0):
    ...     optimizer.step([theta], [np.array([g])])
    >>> theta.round(6)
    array([0.5])
    """

    momentum = Setting(number(0, 1))
    nesterov = Setting(flag)
    largest_gradient = any_finite

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **options):
        super().__init__(learning_rate, **options)
        self.momentum = momentum
        self.nesterov = nesterov

    def slots(self):
        return {"velocity": 0.0} if np.any(self.momentum) else {}

    def coefficients(self):
        return {"momentum": self.momentum}

    def rule(self, theta, g, velocity=None, *, lr, momentum):
        step = lr * g
        theta -= step if velocity is None else heavy_ball(velocity, step, momentum, self.nesterov)


class Rprop(Optimizer):
    """Step by the sign of the gradient; each coordinate has a step length Δ of its own.

    Δ grows by η⁺ while the sign of g stays and shrinks by η⁻ when it flips; after a flip the
    coordinate rests for a step (Riedmiller and Braun 1993, doi:10.1109/ICNN.1993.298623, in the
    form of torch, which does not take the last step back). For gradients without noise.

    Parameters
    ----------
    learning_rate : float or array, default 0.01
        The first Δ. It can be no schedule and cannot change: Rprop adapts Δ itself.
    factors : pair of floats, default (0.5, 1.2)
        η⁻, below 1, and η⁺, above 1.
    step_sizes : pair of floats, default (1e-6, 50)
        The smallest and the largest Δ.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), Rprop(0.1)
    >>> for g in (2.0, 0.001, -5.0):  # a step, a longer one, a rest after the flip
    ...     optimizer.step([theta], [np.array([g])])
    ...     print(theta.round(6))
    [0.9]
    [0.78]
    [0.78]
    """

    learning_rate = Setting(number(0, above=True))
    factors = Setting(pair(number(0, 1, above=True), number(1, above=True)))
    step_sizes = Setting(pair(number(0, above=True), number(0, above=True)))
    largest_gradient = any_finite

    def __init__(self, learning_rate=0.01, factors=(0.5, 1.2), step_sizes=(1e-6, 50.0), **options):
        super().__init__(learning_rate, **options)
        self.factors = factors
        self.step_sizes = step_sizes

    def slots(self):
        return {"delta": "learning_rate", "previous": 0.0}

    def coefficients(self):
        (shrink, grow), (smallest, largest) = self.factors, self.step_sizes
        return {"shrink": shrink, "grow": grow, "smallest": smallest, "largest": largest}

    def rule(self, theta, g, delta, previous, *, lr, shrink, grow, smallest, largest):
        turn = np.sign(g) * np.sign(previous)
        delta *= np.where(turn > 0, grow, np.where(turn < 0, shrink, 1))
        np.clip(delta, smallest, largest, out=delta)
        previous[...] = np.where(turn < 0, 0, g)
        theta -= delta * np.sign(previous)


class AdaGrad(Optimizer):
    """Divide the gradient by the root of the sum of all its squares.

    a ← a + g²,  θ ← θ − η g / √(a + ε)   (Duchi, Hazan and Singer 2011, JMLR 12, 2121–2159)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η.
    initial_accumulator_value : float or array, at least 0, default 0.1
        a before the first step.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite.
    epsilon_inside : bool, default True
        √(a + ε) as in Keras; if False √a + ε, as in torch.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), AdaGrad(0.1, initial_accumulator_value=0.0)
    >>> for t in (1, 2, 3):  # steps of 0.1 / √t
    ...     optimizer.step([theta], [np.array([7.0])])
    ...     print(theta.round(4))
    [0.9]
    [0.8293]
    [0.7716]
    """

    initial_accumulator_value = Setting(number(0))
    epsilon = Setting(number(0))
    epsilon_inside = Setting(flag)

    def __init__(
        self,
        learning_rate=0.001,
        initial_accumulator_value=0.1,
        epsilon=1e-7,
        *,
        epsilon_inside=True,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self.epsilon_inside = epsilon_inside

    def slots(self):
        return {"a": "initial_accumulator_value"}

    def coefficients(self):
        return {"epsilon": Positive(self.epsilon, self.epsilon_inside)}

    def rule(self, theta, g, a, *, lr, epsilon):
        a += g * g
        np.minimum(a, np.finfo(a.dtype).max / 4, out=a)  # the sum must stop short of infinity
        theta -= ratio(lr, g, root(a, epsilon, self.epsilon_inside))


FLAVORS = {
    "hinton": {"rho": 0.9, "epsilon": 0.0},
    "graves": {"learning_rate": 1e-4, "rho": 0.95, "momentum": 0.9, "epsilon": 1e-4}
    | {"centered": True},
    "tf1": {"rho": 0.9, "epsilon": 1e-10, "initial_accumulator_value": 1.0},
    "keras": {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7},
    "torch": {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8}
    | {"epsilon_inside": False, "learning_rate_inside": False},
    "optax": {"rho": 0.9, "epsilon": 1e-8},
}


def flavor_arguments(name, overrides):
    """Return the arguments of RMSprop in a flavor, here and in `rmsprop.keras`."""
    arguments = FLAVORS[choice(*FLAVORS)("name", name)] | overrides
    if "learning_rate" not in arguments:
        raise TypeError(f"flavor {name!r} has no default learning_rate: pass one")
    return arguments


class RMSprop(Optimizer):
    """Divide the gradient by a moving root mean square of itself, coordinate by coordinate.

    v ← ρ v + (1 − ρ) g²,  θ ← θ − η g / √(v + ε)

    Proposed by Tijmen Tieleman and Geoffrey Hinton as a form of Rprop for mini-batches (lecture
    6e of the course Neural Networks for Machine Learning, Coursera 2012). The defaults are those
    of ``keras.optimizers.RMSprop``; the other arguments are the points in which libraries differ,
    and `flavor` sets them as a library does.

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η, about the length of a step of each coordinate.
    rho : float or array in [0, 1), default 0.9
        ρ (torch: ``alpha``; Optax, TF1: ``decay``). The average looks back about 1 / (1 − ρ)
        steps; with 0 only the sign of g is left.
    momentum : float or array in [0, 1), default 0
        μ, heavy-ball momentum of the divided gradient: b ← μ b + η u,  θ ← θ − b.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite. 0 stands for the smallest number that does.
    centered : bool, default False
        Divide by a standard deviation: v − m² in place of v, where m is the average of g (Graves
        2013, arXiv:1308.0850). Where rounding takes v − m² below 0 it counts as 0.
    nesterov : bool, default False
        Look ahead as in Nesterov's momentum: step by μ b + η u with the new b (Optax).
    epsilon_inside : bool, default True
        √(v + ε) as in Keras, TF1, Optax; if False √v + ε, as in torch.
    learning_rate_inside : bool, default True
        b adds up η u; if False it adds up u and θ ← θ − η b (torch), which differs once η
        changes.
    initial_accumulator_value : float or array, at least 0, default 0
        v before the first step (TF1: 1).
    bias_correction : bool, default False
        Divide v, and m of `centered`, by 1 − ρᵗ, as Adam does (Optax).
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0, 1.0])
    >>> RMSprop(learning_rate=0.01).step([theta], [np.array([0.1, 1e-4, 0.0])])
    >>> theta.round(6)
    array([0.968379, 0.996853, 1.      ])
    """

    rho = Setting(number(0, 1))
    momentum = Setting(number(0, 1))
    epsilon = Setting(number(0))
    centered = Setting(flag)
    nesterov = Setting(flag)
    epsilon_inside = Setting(flag)
    learning_rate_inside = Setting(flag)
    initial_accumulator_value = Setting(number(0))
    bias_correction = Setting(flag)

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        *,
        nesterov=False,
        epsilon_inside=True,
        learning_rate_inside=True,
        initial_accumulator_value=0.0,
        bias_correction=False,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.nesterov = nesterov
        self.epsilon_inside = epsilon_inside
        self.learning_rate_inside = learning_rate_inside
        self.initial_accumulator_value = initial_accumulator_value
        self.bias_correction = bias_correction

    @classmethod
    def flavor(cls, name, **overrides):
        """Return RMSprop as a library or a paper has it, with its defaults.

        Parameters
        ----------
        name : {"hinton", "graves", "tf1", "keras", "torch", "optax"}
            Whose. Hinton, TF1 and Optax have no default learning rate: pass one.
        **overrides
            Arguments of RMSprop in place of the defaults.

        Examples
        --------
        >>> RMSprop.flavor("torch").rho, RMSprop.flavor("torch", rho=0.9).rho
        (0.99, 0.9)
        """
        return cls(**flavor_arguments(name, overrides))

    def slots(self):
        slots = {"v": "initial_accumulator_value"}
        if self.centered:
            slots["m"] = 0.0
        if np.any(self.momentum):
            slots["velocity"] = 0.0
        return slots

    def coefficients(self):
        return {
            "rho": decay(self.rho),
            "epsilon": Positive(self.epsilon, self.epsilon_inside),
            "momentum": self.momentum,
        }

    def corrections(self, t):
        return {"correction": 1 - self.rho**t} if self.bias_correction else {}

    def rule(
        self, theta, g, v, m=None, velocity=None, *, lr, rho, epsilon, momentum, correction=None
    ):
        average_square(v, rho, g)
        if correction is not None:
            v = v / correction
        if m is not None:
            average(m, rho, g)
            mean = m if correction is None else m / correction
            v = np.maximum(v - mean * mean, 0)
        size = root(v, epsilon, self.epsilon_inside)
        if velocity is None:
            theta -= ratio(lr, g, size)
        elif self.learning_rate_inside:
            theta -= heavy_ball(velocity, ratio(lr, g, size), momentum, self.nesterov)
        else:
            theta -= lr * heavy_ball(velocity, g / size, momentum, self.nesterov)


class AdaDelta(Optimizer):
    """RMSprop with a moving root mean square of its own steps as learning rate.

    v ← ρ v + (1 − ρ) g²,  s = √(d + ε) / √(v + ε) · g,  d ← ρ d + (1 − ρ) s²,  θ ← θ − η s
    (Zeiler 2012, arXiv:1212.5701, where η is 1)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η, as in Keras; 1 is Zeiler's method.
    rho : float or array in [0, 1), default 0.95
        ρ of both averages.
    epsilon : float or array, at least 0, default 1e-7
        ε; it also sets the length of the first steps.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> AdaDelta(1.0, epsilon=1e-6).step([theta], [np.array([0.1, 100.0])])
    >>> theta.round(4)  # the size of g does not matter
    array([0.9955, 0.9955])
    """

    rho = Setting(number(0, 1))
    epsilon = Setting(number(0))

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, **options):
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.epsilon = epsilon

    def slots(self):
        return {"v": 0.0, "d": 0.0}

    def coefficients(self):
        return {"rho": decay(self.rho), "epsilon": Positive(self.epsilon, True)}

    def rule(self, theta, g, v, d, *, lr, rho, epsilon):
        average_square(v, rho, g)
        step = ratio(root(d, epsilon, True), g, root(v, epsilon, True))
        average_square(d, rho, step)
        theta -= lr * step


class AdamLike(Optimizer):
    """Base of the methods with two decays β₁ and β₂; they differ in their rules.

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η.
    beta_1, beta_2 : float or array in [0, 1), default 0.9 and 0.999
        β₁, the decay of the average of g, and β₂, that of its size.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite.
    **options
        See `Optimizer`.
    """

    beta_1 = Setting(number(0, 1))
    beta_2 = Setting(number(0, 1))
    epsilon = Setting(number(0))

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **options):
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slots(self):
        return {"m": 0.0, "v": 0.0}

    def coefficients(self):
        return {
            "beta_1": decay(self.beta_1),
            "beta_2": decay(self.beta_2),
            "epsilon": Positive(self.epsilon, False),
        }

    def corrections(self, t):
        return {"correction_1": 1 - self.beta_1**t, "correction_2": 1 - self.beta_2**t}


class Adam(AdamLike):
    """RMSprop with a moving average in place of the gradient, both corrected for their start.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
    θ ← θ − η m̂ / (√v̂ + ε)  with  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
    (Kingma and Ba 2015, arXiv:1412.6980, Algorithm 1)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η.
    beta_1, beta_2 : float or array in [0, 1), default 0.9 and 0.999
        β₁ and β₂.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite. 0 stands for the smallest number that does.
    amsgrad : bool, default False
        Divide by the largest v so far (Reddi, Kale and Kumar 2018, arXiv:1904.09237).
    epsilon_hat : bool, default False
        Add ε to √v in place of √v̂: the ε̂ of the paper's section 2, and what Keras does.
    **options
        See `Optimizer`; with `weight_decay` it is AdamW (arXiv:1711.05101).

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> Adam(0.1).step([theta], [np.array([0.01, -100.0])])
    >>> theta.round(5)  # the first step has the length η
    array([0.9, 1.1])
    """

    amsgrad = Setting(flag)
    epsilon_hat = Setting(flag)

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        *,
        epsilon_hat=False,
        **options,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad
        self.epsilon_hat = epsilon_hat

    def slots(self):
        return super().slots() | ({"v_max": 0.0} if self.amsgrad else {})

    def rule(
        self, theta, g, m, v, v_max=None, *, lr, beta_1, beta_2, epsilon, correction_1, correction_2
    ):
        average(m, beta_1, g)
        average_square(v, beta_2, g)
        if v_max is not None:
            v = np.maximum(v_max, v, out=v_max)
        if self.epsilon_hat:
            epsilon = epsilon / np.sqrt(correction_2)
        theta -= ratio(lr / correction_1, m, root(v / correction_2, epsilon, False))


class AdaMax(AdamLike):
    """Adam with a decaying maximum of abs(g) in place of √v.

    m ← β₁ m + (1 − β₁) g,  u ← max(β₂ u, abs(g)),  θ ← θ − η m̂ / (u + ε)
    (Kingma and Ba 2015, arXiv:1412.6980, section 7.1)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η.
    beta_1, beta_2 : float or array in [0, 1), default 0.9 and 0.999
        β₁ and β₂, the decays of m and u.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite, as in Keras; the paper has none.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), AdaMax(0.1)
    >>> for g in (3.0, 3.0):
    ...     optimizer.step([theta], [np.array([g])])
    >>> theta.round(6)
    array([0.8])
    """

    largest_gradient = any_finite

    def slots(self):
        return {"m": 0.0, "u": 0.0}

    def corrections(self, t):
        return {"correction": 1 - self.beta_1**t}

    def rule(self, theta, g, m, u, *, lr, beta_1, beta_2, epsilon, correction):
        average(m, beta_1, g)
        u[...] = np.maximum(beta_2.keep * u, np.abs(g))
        theta -= ratio(lr / correction, m, u + epsilon)


class Nadam(AdamLike):
    """Adam that looks a step ahead, as Nesterov's momentum does.

    With μₜ = β₁ (1 − ½ · 0.96^(ψ t)) and Πₜ = μ₁ μ₂ … μₜ:
    m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ),  θ ← θ − η m̂ / (√v̂ + ε)
    (Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η.
    beta_1, beta_2 : float or array in [0, 1), default 0.9 and 0.999
        β₁ and β₂, the decays of m and v.
    epsilon : float or array, at least 0, default 1e-7
        ε keeps the division finite.
    momentum_decay : float or array, at least 0, default 0.004
        ψ: 1/250 as in Dozat's paper and torch; Keras 3 has 1.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> Nadam(0.1).step([theta], [np.array([3.0])])
    >>> theta.round(4)
    array([0.8944])
    """

    momentum_decay = Setting(number(0))

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        momentum_decay=0.004,
        **options,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.momentum_decay = momentum_decay
        self._product = 0, 1.0

    def corrections(self, t):
        product = self._momentum_product(t)
        mu, mu_next = self._momentum(t), self._momentum(t + 1)
        return {
            "of_m": mu_next / (1 - product * mu_next),
            "of_g": (1 - mu) / (1 - product),
            "correction_2": 1 - self.beta_2**t,
        }

    def _momentum(self, t):
        """Return μₜ."""
        return self.beta_1 * (1 - 0.5 * 0.96 ** (self.momentum_decay * t))

    def _momentum_product(self, t):
        """Return Πₜ, from the one of the last call where that was earlier."""
        last, product = self._product if self._product[0] <= t else (0, 1.0)
        for step in range(last + 1, t + 1):
            product = product * self._momentum(step)
        self._product = t, product
        return product

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self._product = 0, 1.0  # after an unused state, β₁ and ψ may change

    def rule(self, theta, g, m, v, *, lr, beta_1, beta_2, epsilon, of_m, of_g, correction_2):
        average(m, beta_1, g)
        average_square(v, beta_2, g)
        theta -= ratio(lr, of_m * m + of_g * g, root(v / correction_2, epsilon, False))


class Lion(Optimizer):
    """Step by the sign of a moving average; with β₁ = 0 it is sign descent.

    θ ← θ − η sign(β₁ m + (1 − β₁) g),  m ← β₂ m + (1 − β₂) g
    (Chen et al. 2023, arXiv:2302.06675)

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η, the length of each step of each coordinate.
    beta_1, beta_2 : float or array in [0, 1), default 0.9 and 0.99
        β₁, the part of m in the step, and β₂, the decay of m.
    **options
        See `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> Lion(0.1).step([theta], [np.array([0.01, -100.0])])
    >>> theta.round(6)
    array([0.9, 1.1])
    """

    beta_1 = Setting(number(0, 1))
    beta_2 = Setting(number(0, 1))
    largest_gradient = any_finite

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **options):
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def slots(self):
        return {"m": 0.0}

    def coefficients(self):
        return {"beta_1": decay(self.beta_1), "beta_2": decay(self.beta_2)}

    def rule(self, theta, g, m, *, lr, beta_1, beta_2):
        theta -= lr * np.sign(beta_1.keep * m + beta_1.take * g)
        average(m, beta_2, g)


class Adafactor(Optimizer):
    """Adam without m, and with the rows' and columns' means of g² in place of v.

    For a matrix of R × C parameters the state is R + C numbers: v ≈ r c / mean(r), where r and c
    are the moving averages of the means of g² + ε₁ along each row and each column.
    θ ← θ − max(ε₂, rms(θ)) · min(η, 1/√t) · u / max(1, rms(u) / d)  with  u = g / √v
    (Shazeer and Stern 2018, arXiv:1804.04235; η = 0.01 is theirs). Arrays of more axes are
    factored in their last two, vectors keep their v.

    Parameters
    ----------
    learning_rate : float, array or schedule, default 0.001
        η, the largest step relative to rms(θ), as in Keras.
    beta_2_decay : float in [-1, 0), default -0.8
        c of the decay 1 − tᶜ of the averages.
    epsilon_1 : float, at least 0, default 1e-30
        ε₁ keeps the division finite; 0 stands for the smallest number that does.
    epsilon_2 : float, at least 0, default 1e-3
        ε₂, the smallest rms(θ) that is believed: parameters that start at 0 move too.
    clip_threshold : float above 0, default 1
        d, the largest rms(u).
    **options
        See `Optimizer`. As rms is that of a whole array, a grid of settings is not a set of
        independent runs here.

    Examples
    --------
    >>> theta, optimizer = np.ones((200, 300)), Adafactor(0.01)
    >>> optimizer.step([theta], [np.ones((200, 300))])
    >>> slots = optimizer.state_dict()["parameters"][0]["slots"]
    >>> sum(slot.size for slot in slots.values())  # of 60000
    500
    """

    beta_2_decay = Setting(number(-1, 0))
    epsilon_1 = Setting(number(0))
    epsilon_2 = Setting(number(0))
    clip_threshold = Setting(number(0, above=True))
    elementwise = False

    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold

    def new_slots(self, parameter, theta):
        shapes = {"v": theta.shape}
        if theta.ndim >= 2:
            shapes = {"rows": theta.shape[:-1], "columns": theta.shape[:-2] + theta.shape[-1:]}
        return {name: np.zeros(shape, parameter.work_dtype) for name, shape in shapes.items()}

    def coefficients(self):
        tiny = float(np.finfo(np.float32).tiny)  # in place of 0, which would make 0/0
        return {
            "epsilon_1": np.maximum(self.epsilon_1, tiny),
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
        }

    def corrections(self, t):
        return {"rho": decay(1 - t**self.beta_2_decay), "largest": 1 / math.sqrt(t)}

    def largest_gradient(self, dtype, size):
        return math.sqrt(float(np.finfo(dtype).max) / max(4, size))  # for the sum of all squares

    def rule(
        self,
        theta,
        g,
        rows=None,
        columns=None,
        v=None,
        *,
        lr,
        rho,
        largest,
        epsilon_1,
        epsilon_2,
        clip_threshold,
    ):
        squares = g * g + epsilon_1
        if v is None:
            average(rows, rho, squares.mean(axis=-1))
            average(columns, rho, squares.mean(axis=-2))
            # Root by root: of a row and a column without gradient the product underflows.
            scale = np.sqrt(rows) / np.sqrt(rows.mean(axis=-1, keepdims=True))
            step = g / scale[..., None]
            step /= np.sqrt(columns)[..., None, :]
        else:
            average(v, rho, squares)
            step = g / np.sqrt(v)
        step /= np.maximum(1, rms(step) / clip_threshold)
        theta -= np.maximum(epsilon_2, rms(theta)) * np.minimum(lr, largest) * step


def rms(x):
    """Return the root mean square of an array."""
    return np.sqrt(np.mean(x * x))
