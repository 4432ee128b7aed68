"""Page 5 of the primer, the network that reads digits: its exercises."""

import numpy as np

from rmsbook.exercises import Task, exercise

KERAS = 0.001 / np.sqrt(1 - 0.9)  # the longest first step with its defaults


@exercise(
    "ex-p05-1",
    wants="two numbers: the longest first step, and how many times Keras's it is",
    minutes=5,
    points=2,
)
def another_librarys_defaults(rng=None):
    """Compare the longest first steps of two libraries' defaults."""
    eta, rho = 0.01, 0.99
    if rng is not None:
        eta = float(rng.choice([0.002, 0.003, 0.004, 0.005, 0.02, 0.03, 0.05]))
        rho = float(rng.choice([0.95, 0.96, 0.97, 0.98, 0.995, 0.999]))

    def pair(step, of_keras=KERAS):
        return step, step / of_keras

    right = pair(eta / np.sqrt(1 - rho))
    return Task(
        given={"eta": eta, "rho": rho},
        answer=right,
        mistakes={
            "You divided by 1 − ρ; v is divided by under a root.": pair(
                eta / (1 - rho), 0.001 / (1 - 0.9)
            ),
            "ρ is what v keeps; after one step it holds the other share, 1 − ρ.": pair(
                eta / np.sqrt(rho), 0.001 / np.sqrt(0.9)
            ),
            "You multiplied by the root; the step is divided by it.": pair(
                eta * np.sqrt(1 - rho), 0.001 * np.sqrt(1 - 0.9)
            ),
            "These are the learning rates; the first step is longer than η.": pair(eta, 0.001),
            "Keras has a ρ of its own, 0.9; the second number compares with that.": pair(
                eta / np.sqrt(1 - rho), 0.001 / np.sqrt(1 - rho)
            ),
            "The second number is upside down.": (right[0], 1 / right[1]),
            "Keras's step has been compared as if it were η.": pair(eta / np.sqrt(1 - rho), 0.001),
        },
        rtol=0.012,  # ε shortens the measured step a little; 32 may stand for 31.6
    )


@exercise("ex-p05-2", wants="a function that returns the rate and the epochs", minutes=10, points=3)
def stop_in_time():
    """Choose the rate and the number of epochs by the mean held-out loss."""

    def choose(curves, over=np.mean, pick=min, where=np.argmin, first=1):
        mean = {rate: over(np.asarray(rows), axis=0) for rate, rows in curves.items()}
        rate = pick(mean, key=lambda rate: pick(mean[rate]))
        return rate, int(where(mean[rate])) + first

    def by_the_end(curves):
        rate = min(curves, key=lambda rate: np.mean(curves[rate][:, -1]))
        return rate, curves[rate].shape[1]

    def by_the_end_then_stop(curves):
        rate, _ = by_the_end(curves)
        return rate, int(np.argmin(np.mean(curves[rate], axis=0))) + 1

    examples = (
        {  # rises again; one lucky seed is lowest of all
            0.1: np.array([[0.9, 0.5, 0.6, 0.95], [0.9, 0.6, 0.7, 1.0]]),
            0.01: np.array([[1.0, 0.2, 0.8, 0.65], [1.0, 1.3, 0.6, 0.75]]),
        },
        {  # the worst seed would choose the other rate
            0.03: np.array([[0.7, 0.3, 0.4], [0.7, 0.9, 0.8], [0.7, 0.3, 0.4]]),
            0.003: np.array([[0.9, 0.8, 0.7], [0.9, 0.8, 0.7], [0.9, 0.8, 0.7]]),
        },
    )
    return Task(
        answer=choose,
        mistakes={
            "Epochs are counted from 1 here; Python counts from 0.": lambda c: choose(c, first=0),
            "You took the highest loss; the lowest is wanted.": lambda c: choose(
                c, pick=max, where=np.argmax
            ),
            "You took the luckiest seed; the mean over the seeds is to decide.": lambda c: choose(
                c, over=np.min
            ),
            "You took the unluckiest seed; the mean over the seeds is to decide.": lambda c: choose(
                c, over=np.max
            ),
            "You judged the rates by the last epoch; the best one may come before.": (
                by_the_end_then_stop
            ),
            "You never stop before the last epoch.": by_the_end,
            "You averaged over the epochs; the mean is one over the seeds.": lambda c: choose(
                {rate: np.asarray(rows).T for rate, rows in c.items()}
            ),
        },
        on=[(curves,) for curves in examples],
        also=[lambda c: list(choose(c)), lambda c: np.array(choose(c))],
    )


@exercise("ex-p05-3", wants="a number: the first step's length divided by η", minutes=5)
def swap_in_adam():
    """Adam's first step, its two averages corrected."""
    g, m, v = 1.0, 1 - 0.9, 1 - 0.999  # any gradient; the averages before the correction
    return Task(
        answer=(m / 0.1) / np.sqrt(v / 0.001) * g,
        mistakes={
            "That is RMSprop's, and Adam's if neither average were corrected.": m / np.sqrt(v),
            "You corrected only the average of g.": (m / 0.1) / np.sqrt(v),
            "You corrected only the average of g².": m / np.sqrt(v / 0.001),
            "That is the length itself; it is wanted in units of η.": 0.001,
            "You corrected the average of g² and forgot its root.": (m / 0.1) / v,
            "You multiplied by the correction; both averages are divided by it.": (
                m * 0.1 / np.sqrt(v * 0.001)
            ),
        },
        rtol=2e-3,  # ε, and what single precision leaves of 0.001
    )
