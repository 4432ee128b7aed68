"""The exercises of chapter 2 of the course: memory, bounds, the cycle and Reddi's problem."""

import numpy as np

from rmsbook.exercises import Task, exercise


def largest_rho(recovery, steps):
    """Return the ρ between 0.3 and 0.995 at which the rising ``recovery`` reaches ``steps``."""
    low, high = 0.3, 0.995
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if recovery(middle) <= steps else (low, middle)
    return low


@exercise("ex-02-1", wants="one number: ρ, to three decimals", minutes=10, points=2)
def memory_of_fifty(rng=None):
    """Return the exercise on forgetting a spike."""
    size, steps = (1000, 50) if rng is None else map(int, rng.integers((300, 40), (3000, 90)))
    right = largest_rho(lambda rho: np.log((1 - rho) * (size**2 - 1) / 3) / -np.log(rho), steps)
    return Task(
        given={"M": size, "steps": steps},
        answer=right,
        mistakes={
            "The spike comes squared into v.": largest_rho(
                lambda rho: np.log((1 - rho) * (size - 1) / 3) / -np.log(rho), steps
            ),
            "Half of the spike's weight is forgotten; the step is far from half its length.": (
                0.5 ** (1 / steps)
            ),
            "That is the window 1/(1 − ρ), which asks nothing about the spike.": 1 - 1 / steps,
            "The spike enters v with the weight 1 − ρ.": largest_rho(
                lambda rho: np.log((size**2 - 1) / 3) / -np.log(rho), steps
            ),
            "Two logarithms of different bases.": largest_rho(
                lambda rho: np.log10((1 - rho) * (size**2 - 1) / 3) / -np.log(rho), steps
            ),
            "A step half as long needs four times v, not twice.": largest_rho(
                lambda rho: np.log((1 - rho) * (size**2 - 1)) / -np.log(rho), steps
            ),
        },
        rtol=0,
        atol=1.1e-3,  # three decimals, rounded down or to the nearest
    )


@exercise("ex-02-2", wants="a function of t and ρ: the longest |u|", minutes=12, points=2)
def corrected_bound():
    """Return the exercise on the bound with bias correction."""
    return Task(
        answer=lambda t, rho: np.sqrt((1 - rho**t) / (1 - rho)),
        also=[
            lambda t, rho: sum(rho**k for k in range(t)) ** 0.5,
            lambda t, rho: 1 / np.sqrt((1 - rho) / (1 - rho**t)),
        ],
        mistakes={
            "That is the bound without the correction.": lambda t, rho: 1 / np.sqrt(1 - rho),
            "The root is missing: u divides by √v.": lambda t, rho: (1 - rho**t) / (1 - rho),
            "Upside down: the correction makes v larger, and steps shorter.": (
                lambda t, rho: np.sqrt((1 - rho) / (1 - rho**t))
            ),
            "You multiplied v by 1 − ρᵗ; the correction divides.": (
                lambda t, rho: 1 / np.sqrt((1 - rho) * (1 - rho**t))
            ),
            "That is a constant gradient; the longest step comes after silence.": (
                lambda t, rho: 1.0
            ),
            "Off by one: the first step is t = 1.": (
                lambda t, rho: np.sqrt((1 - rho ** (t + 1)) / (1 - rho))
            ),
        },
        rtol=1e-6,  # a formula in float64
        on=[(1, 0.9), (2, 0.9), (10, 0.9), (5, 0.99), (3, 0.5)],
    )


@exercise("ex-02-3", wants="a function of η, h and ε: the amplitude", minutes=10, points=2)
def epsilon_outside():
    """Return the exercise on the cycle with ε outside the root."""
    return Task(
        answer=lambda eta, h, epsilon: np.maximum(eta / 2 - epsilon / h, 0.0),
        also=[lambda eta, h, epsilon: max(0, (eta * h - 2 * epsilon) / (2 * h))],
        mistakes={
            "That is ε inside the root.": lambda eta, h, epsilon: np.sqrt(
                max(eta**2 / 4 - epsilon / h**2, 0.0)
            ),
            "Where there is no cycle the amplitude is zero; yours is below.": (
                lambda eta, h, epsilon: eta / 2 - epsilon / h
            ),
            "A step is 2a long: that is the length of the jump or twice the amplitude.": (
                lambda eta, h, epsilon: 2 * max(eta / 2 - epsilon / h, 0.0)
            ),
            "√v is h times the distance: the curvature is missing.": (
                lambda eta, h, epsilon: max(eta / 2 - epsilon, 0.0)
            ),
            "The curvature divides ε, it does not multiply it.": (
                lambda eta, h, epsilon: max(eta / 2 - epsilon * h, 0.0)
            ),
            "The sign: a larger ε makes the jumps shorter.": (
                lambda eta, h, epsilon: eta / 2 + epsilon / h
            ),
            "That is the cycle without ε.": lambda eta, h, epsilon: eta / 2,
        },
        rtol=1e-6,  # a formula in float64
        atol=1e-9,
        on=[(0.1, 4.0, 0.05), (0.1, 4.0, 0.3), (0.02, 0.5, 0.001), (1.0, 2.0, 0.1)],
    )


def drift(rho, c):
    """Return D(ρ, C) of Theorem 5."""
    first = c / np.sqrt(c**2 + rho + rho**2)
    second = 1 / np.sqrt(1 + rho * c**2 + rho**2)
    third = 1 / np.sqrt(1 + rho + rho**2 * c**2)
    return np.sqrt(1 + rho + rho**2) * (first - second - third)


NOT_A_NUMBER = "One number is wanted."
NEGATIVE = "With a C of that sign all gradients drive θ the same way."
A_RHO = "Below 1: that may be a ρ; the C is wanted."
WRONG_BEST = "With C below 2 the mean gradient is negative, and +1 is the best point."
BOUNDARY = "With C = 2 the mean gradient is zero, and every point is as good: above 2."
EASIER = "That C defeats smaller values of ρ; for this one the drift still leads to −1."
FAR = "Look closer to 2: for that C a ρ of a half is large enough."


def _defeats(answer):
    c = np.asarray(answer, dtype=float)
    if c.size != 1 or not np.isfinite(c).all():
        return NOT_A_NUMBER
    c = float(c.reshape(()))
    for said, holds in (
        (NEGATIVE, c <= 0),
        (A_RHO, c < 1),
        (BOUNDARY, abs(c - 2) < 1e-7),  # float32 in between
        (WRONG_BEST, c < 2),
        (FAR, drift(0.5, c) >= 0),
        (EASIER, drift(0.99, c) >= 0),
    ):
        if holds:
            return said
    return None


@exercise("ex-02-4", wants="one number: C", minutes=8, points=2)
def defeat():
    """Return the exercise in which ρ = 0.99 is defeated."""
    return Task(
        accepts=_defeats,
        example=2.001,
        also=[2.005, 2.0001],
        mistakes={
            NOT_A_NUMBER: [2.001, 2.002],
            NEGATIVE: -2.001,
            A_RHO: 0.99,
            WRONG_BEST: 1.99,
            BOUNDARY: 2,
            EASIER: 2.05,
            FAR: 3,
        },
    )


def amsgrad(gradients, etas, rho, **how):
    """Return the last point of AMSGrad on [−1, 1], from 0; ``how`` are the ways to go wrong."""
    theta = v = largest = 0.0
    for g, eta in zip(gradients, etas, strict=True):
        before = largest
        v = (largest if how.get("fed_back") else v) * rho + (1 - rho) * g**2
        v = v if how.get("averaged", True) else g**2
        largest = v if how.get("forgets") else max(largest, v)
        used = before or largest if how.get("late") else largest
        step = eta * g / (used if how.get("rootless") else used**0.5)
        theta += step if how.get("uphill") else -step
        theta = theta if how.get("unbounded") else min(max(theta, -1.0), 1.0)
    return theta


def wrongly(**how):
    """Return `amsgrad` with a mistake in it."""
    return lambda gradients, etas, rho: amsgrad(gradients, etas, rho, **how)


@exercise("ex-02-5", wants="a function: the last point of AMSGrad", minutes=15, points=3)
def write_amsgrad():
    """Return the exercise in which AMSGrad is written."""
    rates = [0.1 / np.sqrt(t + 1) for t in range(30)]
    return Task(
        answer=amsgrad,
        also=[
            lambda gradients, etas, rho: np.float64(
                amsgrad(np.asarray(gradients), np.asarray(etas), rho)
            )
        ],
        mistakes={
            "That is RMSprop: the largest average so far has no say.": wrongly(forgets=True),
            "The average goes on from v, not from the largest one.": wrongly(fed_back=True),
            "The largest average is wanted, not the largest square.": wrongly(averaged=False),
            "The root is missing.": wrongly(rootless=True),
            "After each step θ goes back into [−1, 1].": wrongly(unbounded=True),
            "The sign: a step goes against the gradient.": wrongly(uphill=True),
            "Update v and the largest one first, and step then.": wrongly(late=True),
        },
        rtol=1e-6,  # a few products a step, in float64
        on=[
            ([3.0, -1.0, -1.0] * 10, rates, 0.1),
            ([0.5, 2.0, -0.1, 1.0], [0.3, 0.2, 0.1, 0.05], 0.9),
            ([-1.0, -3.0, -2.0, 2.0], [1.0, 1.0, 1.0, 0.1], 0.5),
        ],
    )
