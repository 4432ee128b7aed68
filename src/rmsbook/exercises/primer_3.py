"""The exercises of the primer's third page: the algorithm, step by step."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


def _step(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
    v = rho * v + (1 - rho) * g**2
    return theta - eta * g / np.sqrt(v + epsilon), v


@exercise("ex-p03-1", wants="two numbers: θ after the second step", minutes=6)
def second_step(rng=None):
    """Take a step with a pocket calculator."""
    curvatures, start, eta, rho = np.array([1.0, 25.0]), np.array([2.0, 1.0]), 0.1, 0.9
    if rng is not None:
        curvatures = np.array([1.0, float(rng.integers(9, 40))])
        start = rng.uniform((1.5, 0.7), (3.0, 1.3)).round(1)
        eta = round(float(rng.uniform(0.08, 0.14)), 3)
    before, v_before = _step(start, curvatures * start, np.zeros(2), eta, rho)
    g = curvatures * before
    after, v = _step(before, g, v_before, eta, rho)
    return Task(
        given={"curvatures": tuple(curvatures), "theta": before.round(4), "v": v_before.round(4)}
        | {"eta": eta, "rho": rho},
        answer=after,
        mistakes={
            "A step goes against the gradient: look at the sign.": before + eta * g / np.sqrt(v),
            "Divide by the root of v.": before - eta * g / v,
            "You divide by the v of the first step: the new gradient goes into v first.": before
            - eta * g / np.sqrt(v_before),
            "ρ and 1 − ρ have changed places.": before
            - eta * g / np.sqrt((1 - rho) * v_before + rho * g**2),
            "v is an average, not a sum: its past is multiplied by ρ, the new square by 1 − ρ.": (
                before - eta * g / np.sqrt(v_before + g**2)
            ),
            "You have forgotten v: the past counts too.": before
            - eta * g / np.sqrt((1 - rho) * g**2),
            "Square the gradient before it goes into v.": before
            - eta * g / np.sqrt(rho * v_before + (1 - rho) * g),
            "That is the step; add it to θ.": after - before,
            "The gradient is that of the start; the first step has changed it.": before
            - eta
            * (curvatures * start)
            / np.sqrt(rho * v_before + (1 - rho) * (curvatures * start) ** 2),
            "That is plain gradient descent.": before - eta * g,
        },
        rtol=1e-3,  # three decimals of a calculator
    )


@exercise("ex-p03-2", wants="a function that returns θ and v after a step", minutes=10, points=4)
def write_step():
    """Let the reader write RMSprop."""

    def in_place(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v += (1 - rho) * (g * g - v)
        theta -= eta / (v + epsilon) ** 0.5 * g
        return [theta.tolist(), v.tolist()]

    def outside(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / (np.sqrt(v) + epsilon), v

    def without_epsilon(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, eta, rho, 0.0)

    def square_last(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = (rho * np.sqrt(v) + (1 - rho) * g) ** 2
        return theta - eta * g / np.sqrt(v + epsilon), v

    def not_squared(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * np.abs(g)
        return theta - eta * g / np.sqrt(v + epsilon), v

    def summed(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = v + g**2
        return theta - eta * g / np.sqrt(v + epsilon), v

    def swapped(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, eta, 1 - rho, epsilon)

    def late(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return theta - eta * g / np.sqrt(v + epsilon), rho * v + (1 - rho) * g**2

    def uphill(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, -eta, rho, epsilon)

    def no_root(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / (v + epsilon), v

    def old_v(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, eta, rho, epsilon)[0], v

    def kept_root(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        theta, v = _step(theta, g, v, eta, rho, epsilon)
        return theta, np.sqrt(v)

    def kept_epsilon(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        theta, v = _step(theta, g, v, eta, rho, epsilon)
        return theta, v + epsilon

    def the_change(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        after, v = _step(theta, g, v, eta, rho, epsilon)
        return after - theta, v

    def one_for_all(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * np.mean(g**2)
        return theta - eta * g / np.sqrt(v + epsilon), v

    def corrected(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        v = rho * v + (1 - rho) * g**2
        return theta - eta * g / np.sqrt(v / (1 - rho) + epsilon), v

    def theta_only(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, eta, rho, epsilon)[0]

    def v_first(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v, eta, rho, epsilon)[::-1]

    def fixed(theta, g, v, eta=0.1, rho=0.9, epsilon=1e-7):
        return _step(theta, g, v)

    return Task(
        answer=_step,
        also=[in_place],
        mistakes={
            "ε stands under the root in this book; in yours it is added after the root.": outside,
            "ε is missing; where gradients are tiny it counts.": without_epsilon,
            "The square came after the average: square each gradient first.": square_last,
            "Nothing is squared: v averages the squares of the gradients.": not_squared,
            "v is an average, not a sum: AdaGrad adds the squares up.": summed,
            "ρ and 1 − ρ have changed places: the past keeps ρ.": swapped,
            "v is updated after the step; the new gradient has to go into v first.": late,
            "Your step goes uphill: look at the sign.": uphill,
            "The root is missing under the gradient.": no_root,
            "The v that comes back is the old one.": old_v,
            "The root belongs to the step; v itself is kept without it.": kept_root,
            "ε belongs to the step; v itself is kept without it.": kept_epsilon,
            "θ itself is wanted, not its change.": the_change,
            "Each parameter has a v of its own; yours share one.": one_for_all,
            "v is corrected for its start: that is Adam's, and comes on page 4.": corrected,
            "v has to come back too: the next step needs it.": theta_only,
            "First θ, then v.": v_first,
            "η, ρ and ε are arguments: yours are always the same.": fixed,
        },
        on=[
            (np.array([2.0, 1.0]), np.array([2.0, 25.0]), np.zeros(2)),
            (np.array([1.6838, 0.6838]), np.array([1.6838, -17.094]), np.array([0.4, 62.5])),
            (np.array([0.5, -0.5]), np.array([1e-4, -3e-4]), np.array([2e-8, 1e-9])),
            (np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.0, -4.0]), np.ones(3), 0.01, 0.99, 1e-3),
        ],
        rtol=1e-7,  # the order of operations; ε outside the root is seen in the tiny gradients
    )


@exercise("ex-p03-3", wants="a function of η and the curvatures", minutes=7, points=2)
def last_loss():
    """Tell the loss in the cycle of a constant learning rate."""

    def right(eta, curvatures):
        return 0.5 * (eta / 2) ** 2 * np.sum(curvatures)

    def in_a_loop(eta, curvatures):
        return sum(h * eta * eta / 8 for h in curvatures)

    return Task(
        answer=right,
        also=[in_a_loop],
        mistakes={
            "A half stands in front of the loss.": lambda eta, h: 2 * right(eta, h),
            "The jump is a learning rate long, and the minimum lies in its middle.": (
                lambda eta, h: 4 * right(eta, h)
            ),
            "The parameters stand squared in the loss.": lambda eta, h: 0.5 * eta / 2 * np.sum(h),
            "Look for two halves, one in the loss and one in the jump.": (
                lambda eta, h: 8 * right(eta, h)
            ),
            "The parts of the parameters add up; you have their mean.": (
                lambda eta, h: right(eta, h) / len(h)
            ),
            "The flat parameters are there too, not only the steepest.": (
                lambda eta, h: right(eta, [max(h)])
            ),
            "The curvatures are missing.": lambda eta, h: right(eta, np.ones(len(h))),
            "The curvature stands in the loss as it is, not squared.": (
                lambda eta, h: right(eta, np.square(h))
            ),
            "With noise the run would end there; here there is none.": lambda eta, h: (
                eta * len(h) / 4
            ),
        },
        on=[(0.1, (1.0, 25.0)), (0.04, (1.0, 1.0)), (0.03, (0.5, 3.0, 7.0))],
        rtol=1e-6,  # the order of operations
    )
