"""The exercises of chapter 1 of the course: Rprop, scales, depth, units and memory."""

import numpy as np

from rmsbook.exercises import Task, exercise


def rprop(gradients, delta, up=1.2, down=0.5, rests=True, forgets=True, sizes=False):
    """Return θ after these gradients, from zero; the switches are the ways to go wrong."""
    theta, last = 0.0, 0.0
    for g in gradients:
        turned = g * last < 0
        delta *= down if turned else up if g * last > 0 else 1.0
        if not (turned and rests):
            theta -= delta * (g if sizes else np.sign(g))
        last = 0.0 if turned and forgets else g
    return theta


def stepping_first(gradients, delta):
    """Return θ where each step has the length of the step before."""
    theta, last = 0.0, 0.0
    for g in gradients:
        turned = g * last < 0
        if not turned:
            theta -= delta * np.sign(g)
        delta *= 0.5 if turned else 1.2 if g * last > 0 else 1.0
        last = 0.0 if turned else g
    return theta


@exercise("ex-01-1", wants="a function: θ from its gradients and the first Δ", minutes=12, points=3)
def write_rprop():
    """Return the exercise in which Rprop is written."""
    return Task(
        answer=rprop,
        also=[lambda gradients, delta: float(rprop(np.array(gradients), delta))],
        mistakes={
            "The parameter has to rest in the step in which its sign has changed.": (
                lambda gradients, delta: rprop(gradients, delta, rests=False, forgets=False)
            ),
            "After a rest the next step compares with nothing; yours compares with the gradient "
            "at which it rested.": lambda gradients, delta: rprop(gradients, delta, forgets=False),
            "The two factors have changed places: agreement lengthens Δ.": (
                lambda gradients, delta: rprop(gradients, delta, up=0.5, down=1.2)
            ),
            "Only the sign of the gradient counts; its size is still in your step.": (
                lambda gradients, delta: rprop(gradients, delta, sizes=True)
            ),
            "Change Δ first and step then: yours steps with the Δ of the step before.": (
                stepping_first
            ),
            "The sign: a step goes against the gradient.": (
                lambda gradients, delta: -rprop(gradients, delta)
            ),
            "Δ stays as it was at the start.": (
                lambda gradients, delta: rprop(gradients, delta, up=1.0, down=1.0)
            ),
        },
        rtol=1e-6,  # sums of a few products in float64
        on=[
            ([0.1, 0.1, 0.1, -0.9, 0.1, 0.1], 0.01),
            ([2.0, -3.0, -3.0, -0.5, 4.0, 4.0, 4.0], 0.1),
            ([-1.0, -2.0, 0.0, -2.0, 5.0, -1.0, -1.0], 0.3),
        ],
    )


@exercise("ex-01-2", wants="one number: the angle in degrees", minutes=8, points=2)
def degrees_left(rng=None):
    """Return the exercise on what is left of the condition number."""
    fraction = 0.1 if rng is None else round(float(rng.uniform(0.05, 0.3)), 3)
    # κ sin²(2·angle) for large κ; at κ = 10⁶ that is right to a few millionths.
    angle = np.rad2deg(np.arcsin(np.sqrt(fraction))) / 2
    return Task(
        given={"fraction": fraction},
        answer=angle,
        mistakes={
            "That is the angle in radians.": np.deg2rad(angle),
            "You took the double angle for the angle.": 2 * angle,
            "Yours has the share that is left and the share that is gone exchanged.": 45 - angle,
            "The sine comes squared.": np.rad2deg(np.arcsin(fraction)) / 2,
            "That is linear in the angle: half way to 45° is not half of κ.": 45 * fraction,
        },
        rtol=1e-2,  # a tenth of a degree, and a search over a grid
    )


@exercise("ex-01-3", wants="one number: the scale of the initial weights", minutes=8, points=2)
def neither_way():
    """Return the exercise on the scale of initial weights."""
    scale = np.sqrt(2.0)  # makes scale/√2, a layer's factor, 1
    return Task(
        answer=scale,
        also=[1.41, 1.44],  # from the formula, rounded; from the measured fall over 31 layers
        mistakes={
            "A variance has to grow by that factor; the scale multiplies weights.": 2.0,
            "The right number, upside down: with yours the gradient falls faster.": 1 / scale,
            "With 1 nothing has changed: that gradient falls from layer to layer.": 1.0,
            "Half of the entries pass a ReLU; that is a square, and has to be made up for.": 0.5,
            "That is the factor for all the layers together; each layer needs its own.": scale**31,
            "The weights are multiplied: you gave the difference from 1.": scale - 1,
        },
        rtol=0.03,  # five random networks give the factor of a layer to a few percent
    )


@exercise("ex-01-4", wants="two factors: for SGD's rate and for RMSprop's", minutes=6, points=2)
def other_units():
    """Return the exercise on the unit of the loss."""
    c = 1000
    return Task(
        answer=(1 / c, 1),
        mistakes={
            "For SGD it is upside down: a larger gradient needs a smaller rate.": (c, 1),
            "RMSprop divides by the size of the gradients: does its step notice the unit?": (
                1 / c,
                1 / c,
            ),
            "SGD multiplies the gradient as it is: its steps would change.": (1, 1),
            "The two methods have changed places.": (1, 1 / c),
            "SGD's step has one factor of the gradient in it, not two.": (1 / c**2, 1),
            "There is no root in SGD.": (1 / np.sqrt(c), 1),
            "In RMSprop the root has gone lost: v grows by the square, √v does not.": (1 / c, c),
        },
        rtol=1e-3,
    )


def drift(n, rho, *, rounds=400, root=True, average=True, absolute=False):
    """Return the drift in the last round, of n gradients 1 and one of −n, in units of η."""
    v, moved = np.zeros_like(rho), np.zeros_like(rho)
    for _ in range(rounds):
        moved = np.zeros_like(rho)
        for g in (*[1.0] * n, -float(n)):
            v = rho * v + (1 - rho if average else 1.0) * (abs(g) if absolute else g**2)
            moved -= g / (np.sqrt(v) if root and not absolute else v)
    return np.abs(moved)


def smallest(n, limit, **how):
    """Return the smallest ρ, to three decimals, whose drift stays below the limit."""
    candidates = np.arange(200, 1000) / 1000
    return candidates[drift(n, candidates, **how) < limit].min()


@exercise("ex-01-5", wants="one number: ρ, to three decimals", minutes=10, points=2)
def long_memory(rng=None):
    """Return the exercise on Hinton's mini-batches."""
    n, limit = 9, 0.1
    if rng is not None:
        n, limit = int(rng.integers(6, 12)), round(float(rng.uniform(0.07, 0.13)), 3)
    right = smallest(n, limit)
    return Task(
        given={"small gradients to one large": n, "limit in η": limit},
        answer=right,
        mistakes={
            "That is the drift in one mini-batch; count a whole round.": (
                smallest(n, (n + 1) * limit)
            ),
            "The root is missing: you divided by v.": smallest(n, limit, root=False),
            "You averaged |g|; the squares are averaged, and the root is taken then.": (
                smallest(n, limit, absolute=True)
            ),
            "v is an average: the new square counts 1 − ρ, not 1.": (
                smallest(n, limit, average=False)
            ),
            "Three decimals: a smaller one will do.": right + 0.001,
            "Just too short: with yours the drift is a little above the limit.": right - 0.001,
        },
        rtol=0,
        atol=4e-4,  # three decimals
    )
