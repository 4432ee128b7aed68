"""Page 7 of the primer, from RMSprop to Adam: its exercises."""

import numpy as np

from rmsbook.exercises import Task, exercise
from rmsprop.descent import minimize
from rmsprop.optimizers import Adam, RMSprop
from rmsprop.problems import Quadratic


@exercise("ex-p07-1", wants="a function that returns theta, m and v", minutes=12, points=3)
def write_adam():
    """Take one step of Adam."""

    def adam(theta, g, m, v, t, eta=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **wrong):
        before = v
        m = beta_1 * m + wrong.get("share_of_g", 1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * (m if "of_m" in wrong else g) ** 2
        t = t + wrong.get("late", 0)
        m_right = m / (1 - beta_1**t) if "raw_m" not in wrong else m
        v_right = (before if "old_v" in wrong else v) / (1 - beta_2**t)
        if "raw_v" in wrong:
            v_right = v
        inside = "inside" in wrong
        root = np.sqrt(v_right + epsilon) if inside else np.sqrt(v_right) + epsilon
        theta = theta - eta * (g if "only_g" in wrong else m_right) / root
        return (theta, m_right, v_right) if "kept" in wrong else (theta, m, v)

    def with_error(**wrong):
        return lambda *given: adam(*given, **wrong)

    def in_another_order(theta, g, m, v, t, eta=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        m = m + (1 - beta_1) * (g - m)
        v = v + (1 - beta_2) * (g * g - v)
        rate = eta * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return [theta - rate * m / (np.sqrt(v) + epsilon * np.sqrt(1 - beta_2**t)), m, v]

    theta, g = np.array([2.0, 1.0]), np.array([0.5, -0.03])
    m, v = np.array([0.2, 0.01]), np.array([0.04, 0.002])
    return Task(
        answer=adam,
        mistakes={
            "Neither average is corrected for its start at zero.": with_error(raw_m=1, raw_v=1),
            "m is corrected for its start at zero, v is not.": with_error(raw_v=1),
            "v is corrected for its start at zero, m is not.": with_error(raw_m=1),
            "ε stands outside the root in Adam; you added it under it.": with_error(inside=1),
            "v averages the square of the gradient, not of m.": with_error(of_m=1),
            "The correction counts steps from 1; yours is a step ahead.": with_error(late=1),
            "m is an average: the new gradient enters with the share 1 − β₁.": with_error(
                share_of_g=1
            ),
            "You divide the gradient, as RMSprop does; Adam divides its average.": with_error(
                only_g=1
            ),
            "v is updated after the step; it comes first.": with_error(old_v=1),
            "You keep the corrected averages; the next step needs the uncorrected.": with_error(
                kept=1
            ),
        },
        on=[(theta, g, m, v, 3), (theta, g, m, v, 2, 0.01, 0.8, 0.99, 0.01)],
        also=[in_another_order],
        rtol=1e-7,  # all in double precision; the parameters are much larger than a step
    )


@exercise("ex-p07-2", wants="a number of steps", minutes=8, points=2)
def back_again(rng=None):
    """Find when the loss of a run that looked finished comes back."""
    beta_2 = 0.99 if rng is None else round(0.96 + 0.001 * int(rng.integers(0, 29)), 3)
    ravine = Quadratic(curvatures=(1, 25), start=(2, 1))

    def turns(optimizer):
        losses = minimize(ravine, optimizer, steps=1000).losses
        quiet = int(np.argmax(losses < 1e-6))
        back = quiet + int(np.argmax(losses[quiet:] > 1e-3))
        return quiet, back

    quiet, back = turns(Adam(0.1, beta_2=beta_2))
    return Task(
        given={"beta_2": beta_2},
        answer=back,
        mistakes={
            "The loss is above that at the start as well; begin where it is small.": 0,
            "There the loss is small for the first time; search on from there.": quiet,
            "You counted from the quiet step, not from the start.": back - quiet,
            "The memory's length is not yet the time at which the loss is back.": 1 / (1 - beta_2),
            "That is RMSprop with this memory; Adam averages the gradient too.": (
                turns(RMSprop(0.1, rho=beta_2))[1]
            ),
            "There the run ends; look for the first step with such a loss.": 1000,
        },
        rtol=0.015,  # counted from 0 or 1, and what rounding does to so small a loss
    )
