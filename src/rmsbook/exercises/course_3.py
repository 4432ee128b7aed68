"""The exercises of chapter 3 of the course: the loop, its mistakes, and the start of v."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


@exercise("ex-03-1", wants="a function rate(t, eta, rho)", minutes=8, points=2)
def rate():
    """Return the schedule that undoes the start of v at zero."""
    return Task(
        answer=lambda t, eta, rho: eta * np.sqrt(1 - rho**t),
        mistakes={
            "The correction belongs to v, and it is √v that divides: you forgot the root.": (
                lambda t, eta, rho: eta * (1 - rho**t)
            ),
            "On the wrong side: this makes the first steps longer still.": (
                lambda t, eta, rho: eta / np.sqrt(1 - rho**t)
            ),
            "The first step is number 1: yours comes one step late.": (
                lambda t, eta, rho: eta * np.sqrt(1 - rho ** (t - 1))
            ),
            "That fits the first step only: the correction must fade as t grows.": (
                lambda t, eta, rho: eta * np.sqrt(1 - rho)
            ),
            "That is the correction alone: the learning rate is missing.": (
                lambda t, eta, rho: np.sqrt(1 - rho**t)
            ),
            "A constant rate leaves the long first steps as they are.": (lambda t, eta, rho: eta),
            "The correction has the power ρᵗ, not the product ρ t.": (
                lambda t, eta, rho: eta * np.sqrt(np.abs(1 - rho * t))
            ),
        },
        also=[lambda t, eta, rho: (1 - rho**t) ** 0.5 * eta],
        on=[(1, 0.01, 0.9), (2, 0.01, 0.9), (7, 0.1, 0.99), (400, 0.1, 0.99)],
        rtol=1e-6,  # a closed formula
    )


def _momentum_step(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + eta * g / np.sqrt(v + epsilon)
    return theta - b, v, b


def _in_place(theta, g, v, b, eta, rho, epsilon, mu):
    v += (1 - rho) * (g * g - v)
    b *= mu
    b += eta * g * (v + epsilon) ** -0.5
    theta -= b
    return [theta, v, b]


def _v_late(theta, g, v, b, eta, rho, epsilon, mu):
    b = mu * b + eta * g / np.sqrt(v + epsilon)
    return theta - b, rho * v + (1 - rho) * g**2, b


def _epsilon_outside(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + eta * g / (np.sqrt(v) + epsilon)
    return theta - b, v, b


def _velocity_averaged(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + (1 - mu) * eta * g / np.sqrt(v + epsilon)
    return theta - b, v, b


def _rate_outside(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + g / np.sqrt(v + epsilon)
    return theta - eta * b, v, b


def _velocity_divided(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + g
    return theta - eta * b / np.sqrt(v + epsilon), v, b


def _uphill(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + eta * g / np.sqrt(v + epsilon)
    return theta + b, v, b


def _squares_summed(theta, g, v, b, eta, rho, epsilon, mu):
    v = v + g**2
    b = mu * b + eta * g / np.sqrt(v + epsilon)
    return theta - b, v, b


def _velocity_late(theta, g, v, b, eta, rho, epsilon, mu):
    v = rho * v + (1 - rho) * g**2
    return theta - b, v, mu * b + eta * g / np.sqrt(v + epsilon)


@exercise("ex-03-2", wants="a function that returns θ, v and b", minutes=10, points=3)
def momentum_step():
    """Return RMSprop's step with a velocity."""
    rng = np.random.default_rng(32)

    def arguments(settings):
        theta, g, b = rng.normal(size=(3, 4))
        return theta, g, rng.uniform(0, 1, 4), b, *settings

    return Task(
        answer=_momentum_step,
        mistakes={
            "v is updated after the step: the newest gradient must count in it already.": _v_late,
            "ε stands inside the root here; you added it after the root.": _epsilon_outside,
            "The velocity adds steps up, it does not average them: no factor 1 − μ.": (
                _velocity_averaged
            ),
            "Your velocity holds steps without η; here η is inside it.": _rate_outside,
            "You add up gradients and divide afterwards; here each gradient is divided first.": (
                _velocity_divided
            ),
            "The sign: this goes uphill.": _uphill,
            "v is an average of the squares, and yours is a sum.": _squares_summed,
            "θ moves by the velocity of the step before.": _velocity_late,
        },
        also=[_in_place],
        on=[arguments((0.1, 0.9, 0.01, 0.9)), arguments((0.02, 0.5, 0.1, 0.7))],
        rtol=1e-6,  # four operations in double precision
    )


ETA, RHO, EPSILON = 0.1, 0.9, 0.01
DIVISORS = {  # from g, v before the step, v after it, the sum of g² and the average of g
    "forgets": lambda g, old, v, total, m: np.sqrt((1 - RHO) * g**2 + EPSILON),
    "sum": lambda g, old, v, total, m: np.sqrt(total + EPSILON),
    "late": lambda g, old, v, total, m: np.sqrt(old + EPSILON),
    "root": lambda g, old, v, total, m: v + EPSILON,
    "outside": lambda g, old, v, total, m: np.sqrt(v) + EPSILON,
    "before": lambda g, old, v, total, m: np.sqrt(m**2 + EPSILON),
}
SAID = {
    "forgets": "A memory that is lost makes the step depend on the newest gradient alone. Does it?",
    "sum": "With a sum in place of the average the first step divides by √(g² + ε). Does it?",
    "late": "With v updated too late the first step divides by √ε alone. Does it?",
    "root": "Without the root the first step divides by (1 − ρ) g² + ε. Does it?",
    "outside": "With ε outside the root the first step divides by √((1 − ρ) g²) + ε. Does it?",
    "before": "With g averaged before the square the first step divides by √((1 − ρ)² g² + ε)."
    " Does it?",
}


def _path(gradients, divisor):
    theta = v = total = m = 0.0
    path = []
    for g in gradients:
        old, v = v, RHO * v + (1 - RHO) * g**2
        total, m = total + g**2, RHO * m + (1 - RHO) * g
        theta -= ETA * g / divisor(g, old, v, total, m)
        path.append(round(float(theta), 5))
    return path


@exercise("ex-03-3", wants="one of the six words", minutes=15, points=3)
def which_mistake(rng=None):
    """Return a broken optimizer's path, and which of six mistakes made it."""
    rng = np.random.default_rng(1) if rng is None else rng
    gradients = [float(g) for g in rng.normal(0.3, 0.5, 8).round(2)]
    made = str(rng.choice(list(DIVISORS)))
    return Task(
        given={"gradients": gradients, "path": _path(gradients, DIVISORS[made])},
        answer=made,
        mistakes={SAID[word]: word for word in DIVISORS if word != made},
    )


@exercise("ex-03-4", wants="a whole number of steps", minutes=8, points=2)
def long_steps(rng=None):
    """Return how many steps the start of v at zero lengthens by more than a tenth."""
    rho = 0.999 if rng is None else round(rng.uniform(0.95, 0.999), 4)

    def steps_with(power_above):  # t = 1, 2, … with ρᵗ above it
        return int(np.sum(rho ** np.arange(1, 200_000) > power_above))

    right = steps_with(1 - 1 / 1.1**2)
    return Task(
        given={"rho": rho},
        answer=right,
        mistakes={
            "You counted one too many: the last of yours is no longer too long.": right + 1,
            "You counted from step 0: the first step is number 1.": right - 1,
            "The step divides by √v: you forgot the root.": steps_with(1 - 1 / 1.1),
            "That is where v comes within a tenth of g², not the step of η.": steps_with(0.1),
            "1/(1 − ρ) is how far the memory reaches; the steps are to be counted.": round(
                1 / (1 - rho)
            ),
            "With bias correction no step is too long; here v starts at zero without it.": 0,
        },
        rtol=1e-9,  # a count
    )
