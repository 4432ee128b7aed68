"""The exercises of the primer's fourth page: the formulas, taken apart."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


@exercise("ex-p04-1", wants="a function of ρ and the share: a number of steps", minutes=7, points=2)
def steps_to_fill():
    """Count how long v takes to hold most of its weight."""

    def right(rho, share=0.99):
        return int(np.ceil(np.log(1 - share) / np.log(rho)))

    def by_counting(rho, share=0.99):
        v, t = 0.0, 0
        while v < share:
            v, t = rho * v + (1 - rho), t + 1
        return t

    def steps_to(rest):
        """Return a function that waits until `rest` of the share is left."""
        return lambda rho, share=0.99: int(np.ceil(np.log(rest(share)) / np.log(rho)))

    return Task(
        answer=right,
        also=[by_counting],
        mistakes={
            "One step too few: the share has to be reached.": (
                lambda rho, share=0.99: right(rho, share) - 1
            ),
            "One step too many: the first average has taken one step, not none.": (
                lambda rho, share=0.99: right(rho, share) + 1
            ),
            "The number of steps is a whole one.": (
                lambda rho, share=0.99: np.log(1 - share) / np.log(rho)
            ),
            "That is the half-life.": steps_to(lambda share: 0.5),
            "That is 1/(1 − ρ), the steps that a memory is said to have.": (
                lambda rho, share=0.99: round(1 / (1 - rho))
            ),
            "ρᵗ is what is missing to one, not what is there.": steps_to(lambda share: share),
            "The weights of v are wanted, not those of its root.": steps_to(
                lambda share: 1 - share**2
            ),
            "The share is an argument: yours is always the same.": steps_to(lambda share: 1 - 0.99),
            "A number of steps is positive: a logarithm has lost its sign.": (
                lambda rho, share=0.99: -right(rho, share)
            ),
        },
        on=[(0.9,), (0.99,), (0.95, 0.9), (0.999, 0.8)],
        rtol=1e-9,  # whole numbers
    )


@exercise("ex-p04-2", wants="two numbers: |g|/√ε, and the ratio of the steps", minutes=6)
def most_different():
    """Find where ε inside and its root outside differ most."""
    return Task(
        answer=(1.0, np.sqrt(2)),
        mistakes={
            "The ratio at that gradient is the one of the squares: take its root.": (1.0, 2.0),
            "It is the other way round: how many times the shorter one?": (1.0, 1 / np.sqrt(2)),
            "Far away they agree: that is the wrong end.": (0.0, 1.0),
            "At that gradient they do differ.": (1.0, 1.0),
            "The gradient is wanted in units of √ε, not of ε.": (1 / np.sqrt(1e-7), np.sqrt(2)),
            "That is the gradient itself with Keras's ε; divide it by √ε.": (
                np.sqrt(1e-7),
                np.sqrt(2),
            ),
            "A ratio, not the per cent that one is longer.": (1.0, 100 * (np.sqrt(2) - 1)),
        },
        rtol=0.02,  # a maximum is flat: a search by steps finds its place less well than its height
    )


@exercise("ex-p04-3", wants="a function that returns θ and v after step t", minutes=8, points=2)
def correct_the_start():
    """Give RMSprop Adam's correction."""

    def right(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt(v / (1 - rho**t) + epsilon), v

    def by_the_rate(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        share = 1 - rho**t
        v = rho * v + (1 - rho) * g**2
        return theta - eta * share**0.5 * g / np.sqrt(v + share * epsilon), v

    def uncorrected(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt(v + epsilon), v

    def kept(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = (rho * v + (1 - rho) * g**2) / (1 - rho**t)
        return theta - eta * g / np.sqrt(v + epsilon), v

    def multiplied(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt(v * (1 - rho**t) + epsilon), v

    def after_the_root(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / (np.sqrt(v + epsilon) / (1 - rho**t)), v

    def as_if_first(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        return right(theta, g, v, 1, eta, rho, epsilon)

    def a_step_ahead(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        return right(theta, g, v, t + 1, eta, rho, epsilon)

    def outside(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / (np.sqrt(v / (1 - rho**t)) + epsilon), v

    def epsilon_too(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt((v + epsilon) / (1 - rho**t)), v

    def old_v(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        return right(theta, g, v, t, eta, rho, epsilon)[0], v

    def late(theta, g, v, t, eta=0.1, rho=0.9, epsilon=1e-7):
        new = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt(v / (1 - rho**t) + epsilon), new

    return Task(
        answer=right,
        also=[by_the_rate],
        mistakes={
            "Nothing is corrected yet.": uncorrected,
            "The corrected v must not be kept: the next step would correct it again.": kept,
            "Divide by the sum of the weights; you multiply, and make v smaller still.": multiplied,
            "Correct v before the root, not after it.": after_the_root,
            "The sum of the weights changes with t; yours is that of the first step.": as_if_first,
            "Your t is one ahead.": a_step_ahead,
            "ε stands under the root in this book; in yours it is added after the root.": outside,
            "ε is added to the corrected v; you correct it too.": epsilon_too,
            "The v that comes back is the old one.": old_v,
            "v is updated after the step; the new gradient has to go into v first.": late,
        },
        on=[
            (np.array([2.0, 1.0]), np.array([2.0, 25.0]), np.zeros(2), 1),
            (np.array([1.9, 0.9]), np.array([1.9, -22.5]), np.array([0.4, 62.5]), 2),
            (np.array([0.5, -0.5]), np.array([1e-4, -3e-4]), np.array([2e-8, 1e-9]), 4),
            (np.array([1.0, 2.0]), np.array([0.1, -4.0]), np.ones(2), 30, 0.01, 0.99, 1e-3),
        ],
        rtol=1e-7,  # the order of operations; the tiny gradients show where ε stands
    )
