"""Chapter 9 of the course: the gates of a GRU, how far a gate remembers, clipping, a spike in v."""

import numpy as np

from rmsbook.exercises.task import Task, exercise
from rmsprop.optimizers import RMSprop


def _sigma(z):
    return 1 / (1 + np.exp(-z))


def _gru(first="z", swap=False, reset="before", bias=True, gate=_sigma, bend=np.tanh, blend=True):
    """Return a GRU's step; the arguments are the ways to get it wrong."""

    def step(x, h, W, U, b):  # noqa: N803 – the page's names
        (wz, wr, wp), (uz, ur, up) = np.split(W, 3, axis=1), np.split(U, 3, axis=1)
        bz, br, bp = np.split(b if bias else 0 * b, 3)
        z, r = gate(x @ wz + h @ uz + bz), gate(x @ wr + h @ ur + br)
        if first == "r":
            z, r = r, z
        inside = {"before": (r * h) @ up, "after": r * (h @ up), "never": h @ up}[reset]
        proposal = bend(x @ wp + inside + bp)
        if not blend:
            return proposal
        return (1 - z) * h + z * proposal if swap else z * h + (1 - z) * proposal

    return step


@exercise("ex-09-1", wants="a function that returns the state after the step", minutes=15, points=4)
def gru_step():
    """Write one step of a GRU."""
    rng = np.random.default_rng(9)
    return Task(
        answer=_gru(),
        mistakes={
            "z and 1 − z have changed places: which of them keeps the old state?": _gru(swap=True),
            "The parts stand side by side in the order z, r, proposal.": _gru(first="r"),
            "The reset gate acts on the state, before the product with U.": _gru(reset="after"),
            "The proposal sees the whole old state: where is the reset gate?": _gru(reset="never"),
            "The biases are missing.": _gru(bias=False),
            "A gate lies between 0 and 1: tanh does not.": _gru(gate=np.tanh),
            "The proposal is bent by tanh, not by σ.": _gru(bend=_sigma),
            "That is the proposal alone; the update gate blends it with the old state.": _gru(
                blend=False
            ),
        },
        rtol=1e-6,  # a formula, in double precision
        on=[
            tuple(rng.standard_normal(shape) for shape in ((n, 3), (n, 2), (3, 6), (2, 6), (6,)))
            for n in (1, 4)
        ],
    )


@exercise("ex-09-2", wants="the bias, a number with two decimals", minutes=6, points=2)
def forget_bias(rng=None):
    """Keep a part of the cell for so many steps."""
    steps = 100 if rng is None else int(rng.integers(20, 300))
    kept = 0.5 if rng is None else round(float(rng.choice([0.2, 0.25, 0.3, 0.6, 0.7, 0.8])), 2)
    gate = kept ** (1 / steps)

    def bias(f):
        return float(np.log(f / (1 - f)))

    return Task(
        given={"steps": steps, "kept": kept},
        answer=bias(gate),
        mistakes={
            "That is the gate itself. Which bias puts σ there?": gate,
            "The sign: with a bias below 0 a gate is more than half shut.": -bias(gate),
            "A gate multiplies at each step: what is lost does not add up.": bias(
                1 - (1 - kept) / steps
            ),
            "That gate keeps this part for one step; the gates of all steps multiply.": bias(kept),
            "tanh does not make the gate: solve σ(b) = f.": float(np.arctanh(gate)),
            "That undoes exp alone; σ has a denominator too.": float(np.log(gate)),
        },
        rtol=3e-3,  # two decimals are asked for, of a number above 2
    )


def _clipped(length, always=False):
    def clip(gradients, limit):
        norm = length(gradients)
        return [g * (limit / norm if always else min(1, limit / norm)) for g in gradients]

    return clip


def _norm(gradients):
    return np.sqrt(sum(np.sum(np.square(g)) for g in gradients))


@exercise(
    "ex-09-3", wants="a function that returns the list of clipped gradients", minutes=10, points=3
)
def clip():
    """Clip a list of gradients by their common length."""
    return Task(
        answer=_clipped(_norm),
        mistakes={
            "Each array was clipped by its own length: the direction of all has changed.": (
                lambda gradients, limit: [_clipped(_norm)([g], limit)[0] for g in gradients]
            ),
            "Each number was clipped by itself: that changes the direction.": (
                lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients]
            ),
            "Gradients that are short enough are to stay as they are.": _clipped(_norm, True),
            "That divides by the square of the length: a root is missing.": _clipped(
                lambda gradients: _norm(gradients) ** 2
            ),
            "The length is the root of the sum of squares, not the sum of sizes.": _clipped(
                lambda gradients: sum(np.abs(g).sum() for g in gradients)
            ),
            "The largest entry is not the length.": _clipped(
                lambda gradients: max(np.abs(g).max() for g in gradients)
            ),
            "The lengths of the arrays do not add up; their squares do.": _clipped(
                lambda gradients: sum(_norm([g]) for g in gradients)
            ),
        },
        rtol=1e-6,  # a formula, in double precision
        also=[
            lambda gradients, limit: (
                list(gradients)
                if _norm(gradients) <= limit
                else [limit * (g / _norm(gradients)) for g in gradients]
            )
        ],
        on=[
            ([np.array([3.0, -4.0]), np.array([[12.0], [0.0]])], 6.5),
            ([np.array([0.3, -0.4]), np.array([[0.5], [0.1]])], 2.0),
            ([np.array([30.0, 40.0]), np.array([[0.5], [-0.1]])], 1.0),
        ],
    )


def _short(rho, size, limit=4.0, first=0):
    """Count the steps until the rest of a spike in v, `size` at first, is below limit - 1."""
    return int(np.floor(np.log(size / (limit - 1)) / -np.log(rho))) + first


def _short_by_running(rho, spike):
    optimizer, theta, count = RMSprop(1.0, rho=rho, epsilon=0.0), np.zeros(1), 0
    for g in [1.0] * int(40 / (1 - rho)) + [spike]:
        optimizer.step([theta], [np.array([g])])
    while True:
        before = theta.copy()
        optimizer.step([theta], [np.ones(1)])
        if abs(theta - before)[0] >= 0.5:
            return count
        count += 1


@exercise(
    "ex-09-4", wants="a function that returns the number of short steps", minutes=12, points=3
)
def short_steps():
    """Predict for how long RMSprop limps after a spike."""
    return Task(
        answer=lambda rho, spike: _short(rho, (1 - rho) * (spike**2 - 1)),
        mistakes={
            "A number of steps is whole: round down.": lambda rho, spike: (
                np.log((1 - rho) * (spike**2 - 1) / 3) / -np.log(rho)
            ),
            "A new square enters v with the weight 1 − ρ.": lambda rho, spike: _short(
                rho, spike**2 - 1
            ),
            "v holds squares: the spike enters squared.": lambda rho, spike: _short(
                rho, (1 - rho) * (spike - 1)
            ),
            "A step of half the length needs √v = 2, not v = 2.": lambda rho, spike: _short(
                rho, (1 - rho) * (spike**2 - 1), limit=2.0
            ),
            "One too many: the spike's own step does not count.": lambda rho, spike: _short(
                rho, (1 - rho) * (spike**2 - 1), first=1
            ),
            "1/(1 − ρ) is how far v looks back; the spike's size matters too.": lambda rho, spike: (
                round(1 / (1 - rho))
            ),
            "The gradients of 1 go on: v comes down to 1, not to 0.": lambda rho, spike: _short(
                rho, (1 - rho) * spike**2, limit=5.0
            ),
        },
        rtol=1e-9,  # whole numbers
        also=[_short_by_running],
        on=[(0.9, 3000.0), (0.99, 3000.0), (0.9, 100.0), (0.95, 50.0)],
    )
