"""The exercises of chapter 4 of the course: RMSprop's forms in the libraries, and its relatives."""

import numpy as np

from rmsbook.exercises.task import Task, exercise
from rmsprop.optimizers import Adam, RMSprop


def _walk(mistake=None, *, start=0.0, inside=True, rate_inside=True):
    """Return a function that takes RMSprop's steps with a velocity, as asked or with a mistake."""

    def taken(gradients, rates, rho, mu, epsilon):
        v, b, steps = np.full_like(gradients[0], start), 0.0, []
        for g, rate in zip(gradients, rates, strict=True):
            old, v = v, rho * v + (1 - rho) * g**2
            if mistake == "sum":
                v = old + g**2
            divided = old if mistake == "late" else v
            u = g / (np.sqrt(divided + epsilon) if inside else np.sqrt(divided) + epsilon)
            u = u * rate if rate_inside else u
            before, b = b, mu * b + (1 - mu if mistake == "averaged" else 1) * u
            step = before * np.ones_like(g) if mistake == "b late" else b
            step = mu * b + u if mistake == "nesterov" else step
            steps.append(step if rate_inside else rate * step)
        return steps

    return taken


def _stacked(function):
    return lambda *arguments: np.array(function(*arguments))


def _stretches(number, **settings):
    """Return arguments to try a function on: gradients with a mean, and falling rates."""
    rng = np.random.default_rng(number)
    return [
        (rng.normal(mean, 1, (7, 2)), 0.1 / np.arange(1, 8), *settings.values())
        for mean in (0.5, -1.0)
    ]


def _centered(gradients, eta, rho, epsilon, variance=None, inside=True):
    v = m = np.zeros_like(gradients[0])
    steps = []
    for g in gradients:
        v, m = rho * v + (1 - rho) * g**2, rho * m + (1 - rho) * g
        spread = variance(v, m, g) if variance else v - m**2
        divisor = np.sqrt(spread + epsilon) if inside else np.sqrt(spread) + epsilon
        steps.append(eta * g / divisor)
    return steps


def _with(variance=None, inside=True):
    return lambda *arguments: _centered(*arguments, variance=variance, inside=inside)


def _average_of_deviations(gradients, eta, rho, epsilon):
    spread = m = np.zeros_like(gradients[0])
    steps = []
    for g in gradients:
        m = rho * m + (1 - rho) * g
        spread = rho * spread + (1 - rho) * (g - m) ** 2
        steps.append(eta * g / np.sqrt(spread + epsilon))
    return steps


def _late(gradients, eta, rho, epsilon):
    v = m = np.zeros_like(gradients[0])
    steps = []
    for g in gradients:
        steps.append(eta * g / np.sqrt(v - m**2 + epsilon))
        v, m = rho * v + (1 - rho) * g**2, rho * m + (1 - rho) * g
    return steps


@exercise("ex-04-1", wants="a function that returns a step for each gradient", minutes=8, points=2)
def centered():
    """Return the centered form's steps."""
    rng = np.random.default_rng(41)
    return Task(
        answer=_centered,
        mistakes={
            "You divide by the root of v; the mean is not subtracted.": _with(lambda v, m, g: v),
            "The average of g is squared before it is subtracted: the units differ.": (
                _with(lambda v, m, g: v - m)
            ),
            "The sign: the square of the mean is subtracted.": _with(lambda v, m, g: v + m**2),
            "ε stands under the root, beside the variance; you added it after the root.": (
                _with(inside=False)
            ),
            "That averages squared deviations from a moving mean, which is another number.": (
                _average_of_deviations
            ),
            "Both averages are updated after the step: the newest gradient must count.": _late,
            "That is the variance itself: you forgot the root.": (
                _with(lambda v, m, g: (v - m**2 + 0.01) ** 2 - 0.01)
            ),
        },
        also=[_stacked(_centered)],
        # The mean is large: where it is not squared, v − m stays above zero.
        on=[(rng.normal(3, 0.5, (8, 2)), eta, rho, 0.01) for eta, rho in ((0.1, 0.9), (1, 0.7))],
        rtol=1e-6,  # a few operations in double precision
    )


@exercise("ex-04-2", wants="a function that returns a step for each gradient", minutes=10, points=3)
def torch_form():
    """Return the steps of PyTorch's form."""
    form = {"inside": False, "rate_inside": False}
    right = _walk(**form)
    return Task(
        answer=right,
        mistakes={
            "ε stands outside the root here.": _walk(inside=True, rate_inside=False),
            "Your b holds the learning rates of old steps: multiply afterwards.": (
                _walk(inside=False, rate_inside=True)
            ),
            "b adds quotients up, it does not average them: no factor 1 − μ.": (
                _walk("averaged", **form)
            ),
            "v is updated after the division: the newest gradient must count.": (
                _walk("late", **form)
            ),
            "You step by the b of the step before.": _walk("b late", **form),
            "v starts at zero here, not at one.": _walk(start=1.0, **form),
            "That looks ahead, as Nesterov does; here the step is b itself.": (
                _walk("nesterov", **form)
            ),
            "v is an average of the squares, and yours is a sum.": _walk("sum", **form),
        },
        also=[_stacked(right)],
        on=_stretches(42, rho=0.9, mu=0.8, epsilon=0.05),
        rtol=1e-6,
    )


@exercise("ex-04-3", wants="a function that returns a step for each gradient", minutes=6, points=2)
def tf1_form():
    """Return the steps of TensorFlow 1's form."""
    right = _walk(start=1.0)
    return Task(
        answer=right,
        mistakes={
            "v starts at one here, not at zero.": _walk(),
            "ε stands under the root here.": _walk(start=1.0, inside=False),
            "The learning rate belongs in the velocity here.": (
                _walk(start=1.0, rate_inside=False)
            ),
            "The velocity adds steps up, it does not average them: no factor 1 − μ.": (
                _walk("averaged", start=1.0)
            ),
            "v is updated after the division: the newest gradient must count.": (
                _walk("late", start=1.0)
            ),
            "You step by the velocity of the step before.": _walk("b late", start=1.0),
            "That looks ahead, as Nesterov does; here the step is the velocity itself.": (
                _walk("nesterov", start=1.0)
            ),
            "That is PyTorch's form.": _walk(inside=False, rate_inside=False),
        },
        also=[_stacked(right)],
        on=_stretches(43, rho=0.9, mu=0.8, epsilon=0.05),
        rtol=1e-6,
    )


@exercise("ex-04-4", wants="a function that returns ρ and the learning rate", minutes=8, points=2)
def adagrad_inside():
    """Return the settings that make RMSprop AdaGrad."""
    return Task(
        answer=lambda t, eta: (1 - 1 / t, eta / np.sqrt(t)),
        mistakes={
            "ρ is the weight of what was there before; that is the newest square's.": (
                lambda t, eta: (1 / t, eta / np.sqrt(t))
            ),
            "At the first step the mean is the first square: your ρ comes one step late.": (
                lambda t, eta: (1 - 1 / (t + 1), eta / np.sqrt(t))
            ),
            "ρ is right. With η constant the divisor is a mean, AdaGrad's a sum.": (
                lambda t, eta: (1 - 1 / t, eta)
            ),
            "ρ is right. Sum and mean stand under a root: you forgot it in η.": (
                lambda t, eta: (1 - 1 / t, eta / t)
            ),
            "ρ is right. η goes the wrong way: AdaGrad's steps become shorter.": (
                lambda t, eta: (1 - 1 / t, eta * np.sqrt(t))
            ),
            "η is right. With ρ = 0 nothing is remembered.": (lambda t, eta: (0, eta / np.sqrt(t))),
            "The order: first ρ, then the learning rate.": (
                lambda t, eta: (eta / np.sqrt(t), 1 - 1 / t)
            ),
        },
        also=[lambda t, eta: [(t - 1) / t, eta * t**-0.5]],
        on=[(1, 0.1), (2, 0.1), (9, 0.5), (50, 0.01)],
        rtol=1e-9,  # closed formulas
    )


@exercise("ex-04-5", wants="two ratios: at the spike, and ten steps later", minutes=12, points=3)
def spike(rng=None):
    """Return how much longer the steps of a velocity are than Adam's, at a spike and after it."""
    height = 100 if rng is None else int(rng.integers(20, 200))
    gradients = np.ones((150, 1))
    gradients[100] = height

    def lengths(optimizer):
        theta, path = np.zeros(1), [0.0]
        for g in gradients:
            optimizer.step([theta], [g])
            path.append(-theta[0])
        return np.diff(path)

    settings = {"rho": 0.99, "momentum": 0.9}
    adam = lengths(Adam(1, 0.9, 0.99))
    velocity = lengths(RMSprop(0.1, bias_correction=True, **settings))
    uncorrected = lengths(RMSprop(0.1, **settings))
    usual = lengths(Adam(1, 0.9, 0.999))
    where = np.array([100, 110])
    return Task(
        given={"spike": height},
        answer=(velocity / adam)[where],
        mistakes={
            "That is Adam's step beside the other's, the wrong way round.": (adam / velocity)[
                where
            ],
            "Before the spike both should step equally: a velocity adds steps up.": (
                10 * velocity / adam
            )[where],
            "You are one step late: count the gradients from 0.": (velocity / adam)[where + 1],
            "You are one step early: count the gradients from 0.": (velocity / adam)[where - 1],
            "RMSprop's v is corrected for its start too.": (uncorrected / adam)[where],
            "Adam's second decay is not its default here.": (velocity / usual)[where],
            "The second number belongs ten steps after the spike, not nine.": (velocity / adam)[
                where - [0, 1]
            ],
        },
        rtol=5e-3,  # two decimals are enough
    )
