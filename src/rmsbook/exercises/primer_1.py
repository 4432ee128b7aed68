"""The exercises of the primer's first page: one learning rate for all."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


@exercise("ex-p01-1", wants="a number: the loss after 1000 steps", minutes=5)
def bounce(rng=None):
    """Take the learning rate at which the steep parameter only changes its sign."""
    curvature, along, across = 25, 2.0, 1.0
    if rng is not None:
        curvature = int(rng.integers(12, 60))
        along, across = (round(float(x), 1) for x in rng.uniform((2.0, 0.6), (4.0, 1.9)))
    eta = 2 / curvature
    return Task(
        given={"curvatures": (1, curvature), "start": (along, across), "eta": eta},
        answer=0.5 * curvature * across**2,
        mistakes={
            "A half stands in front of the loss.": curvature * across**2,
            "The other parameter does not keep its part of the loss: look at its factor.": 0.5
            * (along**2 + curvature * across**2),
            "It never arrives: a factor of −1 makes nothing smaller.": 0.0,
            "A curvature belongs to each square of the loss.": 0.5 * across**2,
            "That is the loss after one step.": 0.5
            * (((1 - eta) * along) ** 2 + curvature * across**2),
            "That is where the parameter is; the loss is wanted.": across,
            "The steep parameter is the one that stays, not the flat one.": 0.5 * along**2,
        },
        rtol=1e-6,  # exact but for rounding
    )


def _ravine(theta):
    return np.array([1.0, 25.0]) * theta


def _turned(theta):
    return np.array([[13.0, -12.0], [-12.0, 13.0]]) @ theta


def _curved(theta):
    return theta**3 - theta[::-1]


@exercise("ex-p01-2", wants="a function that returns θ after so many steps", minutes=8, points=2)
def descend():
    """Let the reader write gradient descent."""

    def right(gradient, theta, eta, steps):
        for _ in range(steps):
            theta = theta - eta * gradient(theta)
        return theta

    def in_place(gradient, theta, eta, steps):
        for _ in range(steps):
            theta -= np.multiply(gradient(theta), eta)
        return theta.tolist()

    def uphill(gradient, theta, eta, steps):
        return right(gradient, theta, -eta, steps)

    def one_gradient(gradient, theta, eta, steps):
        return theta - steps * eta * gradient(theta)

    def one_after_the_other(gradient, theta, eta, steps):
        for _ in range(steps):
            for i in range(len(theta)):
                theta[i] -= eta * gradient(theta)[i]
        return theta

    def by_length(gradient, theta, eta, steps):
        for _ in range(steps):
            g = gradient(theta)
            theta = theta - eta * g / np.linalg.norm(g)
        return theta

    def path(gradient, theta, eta, steps):
        points = [theta]
        for _ in range(steps):
            points.append(points[-1] - eta * gradient(points[-1]))
        return np.array(points)

    start = np.array([2.0, 1.0])
    return Task(
        answer=right,
        also=[in_place],
        mistakes={
            "Your walk goes uphill: look at the sign of the step.": uphill,
            "The gradient is the one of the start in every step; it changes with θ.": one_gradient,
            "One step too many.": lambda f, theta, eta, n: right(f, theta, eta, n + 1),
            "One step too few.": lambda f, theta, eta, n: right(f, theta, eta, n - 1),
            "The second parameter moves after the first has; one gradient moves both.": (
                one_after_the_other
            ),
            "The step has lost the size of the gradient: only its direction is left.": by_length,
            "The last point is wanted, not the whole path.": path,
            "The learning rate is missing.": lambda f, theta, eta, n: right(f, theta, 1.0, n),
        },
        on=[
            (_turned, start, 0.05, 3),
            (_ravine, start, 0.01, 5),
            (_curved, np.array([0.5, -0.3]), 0.2, 4),
        ],
        rtol=1e-6,  # the order of operations
    )


@exercise("ex-p01-3", wants="two numbers: s and η", minutes=5)
def units():
    """Find the unit in which the ravine is a bowl."""
    s, curvature = 5, 25
    return Task(
        answer=(s, 1.0),
        mistakes={
            "θ₂ stands squared in the loss, and so does the unit.": (curvature, 1.0),
            "The unit goes the other way: put θ₂ = φ/s into the loss.": (1 / s, 1.0),
            "The rate is the old one of θ₂; in the new unit the curvature is another.": (
                s,
                1 / curvature,
            ),
            "The rate is the best one of the ravine; the bowl is round.": (s, 2 / (1 + curvature)),
            "At twice the best rate a bowl sends you to the opposite wall.": (s, 2.0),
            "The factor 1 − η has to be zero; with that rate half of the way is left.": (s, 0.5),
        },
        rtol=1e-6,  # both are exact
    )
