"""The exercises of chapter 6 of the course: RMSprop fits a line."""

import itertools

import numpy as np

from rmsbook.exercises import Task, exercise
from rmsprop.descent import minimize
from rmsprop.optimizers import RMSprop
from rmsprop.problems import Quadratic
from rmsprop.schedules import CosineDecay, LinearDecay

X = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
BEST = np.array([0.0, 1.0])  # the two weights that fit the four points
A = X.T @ X / len(X)
WITH_INTERCEPT = np.column_stack([np.ones(4), X[:, 0]])
FALLING = np.array([[1.0, -2.0], [2.0, -2.5], [3.0, -5.0]])  # here the two weights jump apart


def _signs(a):
    """Return the one cycle of this matrix: signs s for which As has the signs of s."""
    signs = (np.array([1, *rest]) for rest in itertools.product((1, -1), repeat=len(a) - 1))
    return next(s for s in signs if (np.sign(a @ s) == s).all())


@exercise(
    "ex-06-1",
    wants="a function of (X, eta) that returns the loss of the plateau",
    minutes=15,
    points=2,
)
def plateau():
    """Write the plateau as a function of the inputs and the learning rate."""

    def form(x, eta, signs=_signs):
        a = x.T @ x / len(x)
        s = signs(a)
        return eta**2 / 4 * s @ a @ s

    def by_rows(x, eta):
        jumps = [sum(p * q for p, q in zip(row, _signs(x.T @ x), strict=True)) for row in x]
        return np.mean([(eta / 2 * jump) ** 2 for jump in jumps])

    return Task(
        answer=form,
        on=[(X, 0.01), (WITH_INTERCEPT, 0.03), (FALLING, 0.1)],
        rtol=5e-3,  # a run to its end is off by ε and by the valley
        also=[by_rows],
        mistakes={
            "The jump is η long, so the swing to either side is half of it.": (
                lambda x, eta: 4 * form(x, eta)
            ),
            "The loss is a mean over the samples, not a sum.": (
                lambda x, eta: len(x) * form(x, eta)
            ),
            "The loss has no ½ in front of it.": lambda x, eta: form(x, eta) / 2,
            "The swing enters squared.": lambda x, eta: form(x, eta) / eta,
            "The entries off the diagonal count too: the parameters jump together.": (
                lambda x, eta: eta**2 / 4 * np.trace(x.T @ x) / len(x)
            ),
            "Not every A lets all parameters jump with one sign: A·s must have the signs of s.": (
                lambda x, eta: form(x, eta, lambda a: np.ones(len(a)))
            ),
            "For that s the jumps do not go back and forth.": (
                lambda x, eta: form(x, eta, lambda a: _signs(a) * [1, -1])
            ),
        },
    )


@exercise("ex-06-2", wants="a number: the least ε at which RMSprop comes to rest", minutes=8)
def resting(rng=None):
    """Find the ε from which on the jumps die out."""
    eta = 0.01 if rng is None else round(rng.uniform(0.005, 0.05), 4)
    flat, steep = np.linalg.eigvalsh(A)
    return Task(
        given={"eta": eta},
        answer=(eta * steep) ** 2,
        rtol=5e-3,  # three digits, or a search by halving
        mistakes={
            "The Hessian is 2A and the limit 2 over its eigenvalue: a factor of 2 is too many.": (
                (2 * eta * steep) ** 2
            ),
            "The limit is 2 over the Hessian's eigenvalue, and the Hessian is 2A, not A.": (
                (eta * steep / 2) ** 2
            ),
            "ε stands inside the root: the step is η/√ε.": eta * steep,
            "η is squared as well.": eta * steep**2,
            "The steepest direction is the first to become unstable; that is the flattest.": (
                (eta * flat) ** 2
            ),
            "That is the largest step of gradient descent; at which ε is η/√ε as long?": 1 / steep,
        },
    )


@exercise("ex-06-3", wants="two numbers: κ, and the plateau divided by η²", minutes=10)
def centred():
    """Take the mean from the input."""
    x = X[:, 0]

    def both(design):
        a = design.T @ design / len(x)
        return np.linalg.cond(a), a.sum() / 4

    columns = np.column_stack([np.ones(4), x - x.mean()])
    kappa, level = both(columns)
    return Task(
        answer=(kappa, level),
        mistakes={
            "That is the input as it was: subtract its mean first.": both(WITH_INTERCEPT),
            "A is a mean over four samples, not over three.": (
                np.mean((x - x.mean()) ** 2) * 4 / 3,
                (1 + np.var(x, ddof=1)) / 4,
            ),
            "Something is missing in the plateau: the swing is half of η, A a mean.": (
                kappa,
                4 * level,
            ),
            "The loss is no half of a square: the plateau takes A, the Hessian is 2A.": (
                kappa,
                2 * level,
            ),
            "κ is the larger eigenvalue over the smaller one.": (1 / kappa, level),
            "Only the mean is taken away: the input keeps its spread.": both(
                columns / [1, x.std()]
            ),
            "The intercept needs its column of ones.": both(columns[:, 1:]),
            "That is the root of κ.": (np.sqrt(kappa), level),
        },
    )


@exercise("ex-06-4", wants="a number: the smallest final loss of a thousand runs", minutes=8)
def smallest_of_a_thousand():
    """Look for a run that ends below the plateau."""
    h, directions = np.linalg.eigh(2 * A)
    problem = Quadratic(h, directions, center=BEST)
    starts = np.random.default_rng(0).standard_normal((1000, 2))

    def losses(eta, steps=1000):
        return minimize(problem, RMSprop(eta, epsilon=0.0), steps=steps, start=starts).losses

    runs = losses(0.01)
    right = runs[-1].min()
    return Task(
        answer=right,
        rtol=0.01,  # other starts, or the usual ε, change it by less
        mistakes={
            "The smallest final loss is wanted, not the smallest on the way.": runs.min(),
            "That is the largest of them.": runs[-1].max(),
            "That is the loss of a whole run, its mean over the iterations.": runs.mean(),
            "The loss is a mean over the four samples, not their sum.": 4 * right,
            "The loss has no root.": np.sqrt(right),
            "The loss has no ½ in front of it.": right / 2,
            "The learning rate is ten times as large.": losses(0.1)[-1].min(),
            "A hundred steps are too few to arrive.": losses(0.01, steps=100)[-1].min(),
        },
    )


STEPS, TARGET = 1000, 1e-5
STARTS = np.array([[2.0, 2.0], [0.0, 0.0], [-1.0, 3.0]])
NEGATIVE = "Some step has a negative rate, and climbs."
CONSTANT = "A constant rate jumps for ever."
RISES = "It ends higher than it begins: the jumps grow."
SHORT = "All its steps together are shorter than the way; the run stops before the valley's end."
HIGH = "Its last rate is still so large that the plateau lies above the target."
EARLY = "It falls too early: the jumps are gone, and the valley is not walked to its end."
STRAIGHT = "That straight line is the chapter's own: find one that bends."
NUMBERS = "A learning rate is one finite number for each t."


def _does_not_arrive(schedule):
    """Say why a schedule does not arrive, None if it does."""
    try:
        rates = np.array([float(schedule(t)) for t in range(STEPS)])
    except (TypeError, ValueError):
        return NUMBERS
    if not np.isfinite(rates).all():
        return NUMBERS
    if (rates < 0).any():
        return NEGATIVE
    if np.ptp(rates) == 0:
        return CONSTANT
    h, directions = np.linalg.eigh(2 * A)
    problem = Quadratic(h, directions, center=BEST)
    optimizer = RMSprop(lambda t: rates[int(t)])
    final = minimize(problem, optimizer, steps=STEPS, start=STARTS).losses[-1]
    if final.max() <= TARGET:
        return STRAIGHT if np.abs(np.diff(rates, 2)).max() < 1e-9 else None
    if rates[-1] > rates[0]:
        return RISES
    if A.sum() / 4 * rates[-1] ** 2 > TARGET:
        return HIGH
    return SHORT if rates.sum() < np.abs(STARTS - BEST).max() else EARLY


@exercise(
    "ex-06-5",
    wants="a function of t = 0, 1, … 999 that returns the learning rate of step t",
    minutes=15,
    points=2,
)
def arriving_schedule():
    """Write a schedule with which RMSprop arrives."""
    return Task(
        accepts=_does_not_arrive,
        example=lambda t: 0.1 * 0.5 ** (t // 100),
        on=[(0,), (STEPS - 1,)],
        also=[CosineDecay(0.05, STEPS), lambda t: 0.05 * (1 - t / STEPS) ** 1.5],
        mistakes={
            CONSTANT: lambda t: 0.01,
            RISES: lambda t: 0.05 * t / STEPS,
            NEGATIVE: lambda t: 0.05 * (1 - 2 * t / STEPS),
            SHORT: lambda t: 0.1 / (1 + t),
            HIGH: lambda t: 0.05 / (1 + t / 100),
            EARLY: lambda t: 0.1 * 0.98**t,
            STRAIGHT: LinearDecay(0.05, STEPS),
            NUMBERS: lambda t: np.full(2, 0.05 * (1 - t / STEPS)),
        },
    )
