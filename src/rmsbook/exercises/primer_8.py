"""Page 8 of the primer, questions and answers: its exercises."""

import numpy as np

from rmsbook.exercises import Task, exercise

DISTANCE = 2.0  # of the start from the minimum, along the ravine


@exercise("ex-p08-1", wants="a learning rate", minutes=10, points=2)
def budget(rng=None):
    """Find a learning rate for a given number of steps."""
    steps = 500 if rng is None else 20 * int(rng.integers(10, 50))
    least = DISTANCE / steps
    sign = "A learning rate is positive; the rule has the minus already."
    inverted = "Steps over distance? That is upside down."
    arrives = "At D/N the run only just arrives; the best rate is a small multiple of it."
    short = "Too small: at this rate the run does not cover the distance."
    long = "Too large: the run arrives early, and is then kept jumping."

    def accepts(answer):
        # Sweeps for 200 to 1000 steps find their best rate between 1.8 and 3.3 times D/N; where in
        # between is a matter of the noise.
        times = float(answer) / least
        if times <= 0:
            return sign
        if float(answer) > 1:
            return inverted
        if 1.6 < times < 4.2:
            return None
        if 0.8 < times <= 1.6:
            return arrives
        return short if times < 1 else long

    return Task(
        given={"steps": steps},
        accepts=accepts,
        example=2.5 * least,
        mistakes={
            sign: -least,
            inverted: steps / DISTANCE,
            arrives: least,
            short: least / 10,
            long: 10 * least,
        },
    )


@exercise(
    "ex-p08-2", wants="a function that returns a dictionary of four settings", minutes=8, points=2
)
def move_a_recipe():
    """From TensorFlow 1's settings to PyTorch's."""

    def to_torch(learning_rate, decay, momentum, epsilon):
        return {
            "lr": learning_rate,
            "alpha": decay,
            "momentum": momentum,
            "eps": np.sqrt(epsilon),
        }

    def but(**changed):
        return lambda *recipe: to_torch(*recipe) | {k: f(*recipe) for k, f in changed.items()}

    return Task(
        answer=to_torch,
        mistakes={
            "ε stands outside the root in PyTorch, and was meant for the inside.": but(
                eps=lambda lr, decay, mu, epsilon: epsilon
            ),
            "From the inside of a root to the outside: you squared ε.": but(
                eps=lambda lr, decay, mu, epsilon: epsilon**2
            ),
            "decay and momentum are mixed up: one is of v, one of the steps.": but(
                alpha=lambda lr, decay, mu, epsilon: mu,
                momentum=lambda lr, decay, mu, epsilon: decay,
            ),
            "alpha is what v keeps, as decay is, and not what it takes in.": but(
                alpha=lambda lr, decay, mu, epsilon: 1 - decay
            ),
            "Both libraries add up whole steps: momentum asks for no other learning rate.": but(
                lr=lambda lr, decay, mu, epsilon: lr * (1 - mu)
            ),
            "momentum is left out: the recipe has it.": but(
                momentum=lambda lr, decay, mu, epsilon: 0.0
            ),
        },
        on=[(0.01, 0.95, 0.8, 0.01), (0.001, 0.9, 0.5, 1e-6)],
        also=[lambda *recipe: dict(sorted(to_torch(*recipe).items()))],
    )
