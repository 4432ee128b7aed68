"""The exercises of the primer's second page: an average, a root and a division."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


def _averages(gradients, rho=0.9):
    v, kept = 0.0, []
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        kept.append(v)
    return np.array(kept)


@exercise("ex-p02-1", wants="a function that returns an average for each gradient", minutes=6)
def mean_squares():
    """Let the reader write the average of the squares."""

    def of_gradients(gradients, rho=0.9):
        m, kept = 0.0, []
        for g in gradients:
            m = rho * m + (1 - rho) * g
            kept.append(m**2)
        return kept

    def from_the_first(gradients, rho=0.9):
        v, kept = gradients[0] ** 2, [gradients[0] ** 2]
        for g in gradients[1:]:
            v = rho * v + (1 - rho) * g**2
            kept.append(v)
        return kept

    def before_each(gradients, rho=0.9):
        return [0.0, *_averages(gradients, rho)[:-1]]

    def unrolled(gradients, rho=0.9):
        squares = np.square(gradients)
        return [
            (1 - rho) * sum(rho**k * squares[t - k] for k in range(t + 1))
            for t in range(len(squares))
        ]

    def summed(gradients, rho=0.9):
        return np.cumsum(np.square(gradients))

    def plain(gradients, rho=0.9):
        return summed(gradients) / np.arange(1, len(gradients) + 1)

    def not_squared(gradients, rho=0.9):
        m, kept = 0.0, []
        for g in gradients:
            m = rho * m + (1 - rho) * g
            kept.append(m)
        return kept

    return Task(
        answer=_averages,
        also=[unrolled],
        mistakes={
            "The average came before the square: opposite gradients cancel in yours.": of_gradients,
            "You add the squares up: that is AdaGrad's sum.": summed,
            "ρ and 1 − ρ have changed places: the past keeps ρ.": (
                lambda gradients, rho=0.9: _averages(gradients, 1 - rho)
            ),
            "The root belongs to the step, not to v.": (
                lambda gradients, rho=0.9: np.sqrt(_averages(gradients, rho))
            ),
            "That is the plain average of all squares so far: nothing is forgotten.": plain,
            "The average starts at zero, not at the first square.": from_the_first,
            "You keep each average from before the gradient that belongs to it.": before_each,
            "ρ is an argument: yours is always the same.": (
                lambda gradients, rho=0.9: _averages(gradients)
            ),
            "Nothing is squared.": not_squared,
            "All averages are wanted, not the last one only.": (
                lambda gradients, rho=0.9: _averages(gradients, rho)[-1]
            ),
        },
        on=[([3.0, -3.0, 1.0, 0.5],), ([1.0, -2.0, 0.0], 0.5), ([0.1, 0.1, -0.9, 0.1], 0.99)],
        rtol=1e-6,  # the order of operations
    )


@exercise("ex-p02-2", wants="two distances, for the loud noise and for the faint one", minutes=6)
def wander():
    """Follow a parameter whose gradient is noise, and nothing else."""
    eta, steps, faint = 0.1, 400, 0.001
    walk = eta * np.sqrt(steps)
    return Task(
        answer=(walk, walk),
        mistakes={
            "The size of the noise is divided away, of the faint one too.": (walk, faint * walk),
            "Steps to and fro do not add up to a straight line.": (eta * steps, eta * steps),
            "The mean over many runs is zero; the distance in one of them is not.": (0, 0),
            "That is how far a single step goes.": (eta, eta),
            "Count in lengths of a step: the learning rate is missing.": (
                np.sqrt(steps),
                np.sqrt(steps),
            ),
            "That is the mean of the squares; take its root.": (walk**2, walk**2),
            "That is gradient descent: both answers grow with the noise there.": (
                eta * steps * faint,
                eta * steps * faint**2,
            ),
        },
        rtol=0.1,  # the long first steps, and the noise of a thousand runs
    )


@exercise("ex-p02-3", wants="a number: learning rates a round, once settled", minutes=8, points=2)
def nineteen_to_one(rng=None):
    """Make Hinton's round of mini-batches longer."""
    ones, rho = 19, 0.9
    if rng is not None:
        ones, rho = int(rng.integers(12, 40)), round(float(rng.uniform(0.86, 0.94)), 2)
    length = ones + 1

    def rounds(decay):
        """Return the signed steps of a hundred rounds, in learning rates."""
        g = np.array(100 * [*ones * [1.0], -float(ones)])
        return g / np.sqrt(_averages(g, decay)), g

    steps, g = rounds(rho)
    settled = steps[-length:].sum()
    late = g[1:] / np.sqrt(_averages(g, rho)[:-1])  # divided by the average before
    return Task(
        given={"gradients": [*ones * [1], -ones], "rho": rho},
        answer=settled,
        mistakes={
            "That is what the sign alone does.": float(ones - 1),
            "Against the gradients it goes, yes; how far is wanted, without a sign.": -settled,
            "It would cancel if the average never changed; it does.": 0.0,
            "That is the first round: let it settle.": steps[:length].sum(),
            "That is per mini-batch; a round has more.": settled / length,
            "The gradient takes part in the average that it is divided by: update v first.": late[
                -length:
            ].sum(),
            "That is with the wrong ρ.": rounds(0.99)[0][-length:].sum(),
            "That is all hundred rounds together.": steps.sum(),
        },
        rtol=5e-3,  # two or three digits of a printed number
    )
