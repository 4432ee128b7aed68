"""The exercises of course chapter 7: a multilayer perceptron."""

import numpy as np

from rmsbook.data import load_digits
from rmsbook.exercises.task import Task, exercise
from rmsbook.networks import MLP

DEEP = (64, 50, 50, 50, 50, 10)


def first_gradients(sizes, activation):
    """Return each weight matrix's gradient on the first 32 digits, before any step."""
    digits = load_digits()
    x = digits.x_train[:32].reshape(32, 64).astype("float32") / 16
    model = MLP(sizes, activation, rng=np.random.default_rng(0))
    return model.gradients(x, digits.y_train[:32].astype(int))[::2]


def median(g):
    """Return the median of |g| without the zeros."""
    return np.median(np.abs(g[g != 0]))


def back(slope=lambda a: 1 - a**2, delta_below=None, weights=None, bias=None):
    """Return backpropagation through a layer of tanh, with a part replaced."""

    def layer_back(delta, w, a):
        below = delta @ w.T if delta_below is None else delta_below(delta, w)
        return (
            a.T @ delta if weights is None else weights(delta, a),
            delta.sum(axis=0) if bias is None else bias(delta),
            below * slope(a),
        )

    return layer_back


def layers(seed):
    """Draw δ, W and a: as many units above as below, so that a transposed product has a shape."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.uniform(-0.9, 0.9, size=(5, 3))


@exercise(
    "ex-07-1",
    wants="a function of δ, W and a that returns ∂L/∂W, ∂L/∂b and the δ of the layer below",
    minutes=12,
    points=3,
)
def layer():
    """Take one layer of tanh backwards."""
    return Task(
        answer=back(),
        mistakes={
            "a (1 − a) is the slope of a sigmoid; these units are tanh.": back(
                lambda a: a * (1 - a)
            ),
            "The error below lacks the slope of its own units.": back(np.ones_like),
            "The slope of tanh holds the square of something; yours does not.": back(
                lambda a: 1 - a
            ),
            "You took the slope at a, as if a were z: the slope is wanted in terms of a.": back(
                lambda a: 1 - np.tanh(a) ** 2
            ),
            "W carries the error back the way that it was not built for: think of its shape.": back(
                delta_below=lambda delta, w: delta @ w
            ),
            "The gradient of W is transposed.": back(weights=lambda delta, a: delta.T @ a),
            "δ alone is not the gradient of W: where is the activation below?": back(
                weights=lambda delta, a: np.broadcast_to(delta.sum(axis=0), (3, 3))
            ),
            "The gradient of W is averaged over the samples; δ holds the 1/n already.": back(
                weights=lambda delta, a: a.T @ delta / len(a)
            ),
            "The gradient of b is averaged over the samples; δ holds the 1/n already.": back(
                bias=lambda delta: delta.mean(axis=0)
            ),
            "b is a row of m numbers; the shape of yours is not (m,).": back(
                bias=lambda delta: delta.sum(axis=0, keepdims=True)
            ),
        },
        on=[layers(0), layers(1)],
        also=[lambda delta, w, a: [a.T @ delta, sum(delta), (1 - a * a) * (w @ delta.T).T]],
    )


def wrong_counts(n, at):
    """Return the right number of wrong arrays first, then what people say."""
    return (
        2 * at,  # W and b of the layers 1 to `at`
        {
            "That counts layers, and each of them has a W and a b.": at,
            "You stopped a layer too early: which arrays are made from the faulty δ itself?": 2 * at
            - 2,
            "You counted from the wrong end: the error comes from above.": 2 * (n - at),
            "The layers above are done before the fault happens.": 2 * n,
            "The fault does not stay in its layer.": 2,
        },
    )


@exercise("ex-07-2", wants="a number of arrays", minutes=4)
def report(rng=None):
    """Say which arrays a forgotten factor spoils."""
    n, at = 9, 4
    while rng is not None:
        n, at = int(rng.integers(6, 13)), int(rng.integers(3, 11))
        right, wrong = wrong_counts(n, at)
        if n > at + 1 and len({right, *wrong.values()}) == 6:
            break
    right, wrong = wrong_counts(n, at)
    return Task(given={"layers": n, "at": at}, answer=right, mistakes=wrong)


@exercise("ex-07-3", wants="a ratio: the median |g| of W₅ over that of W₁", minutes=8, points=2)
def activation():
    """Compare the layers' gradients in a deep network of tanh."""
    g = first_gradients(DEEP, "tanh")
    sigmoids = first_gradients(DEEP, "sigmoid")
    below, above = np.abs(g[0]), np.abs(g[4])
    means = below[below > 0].mean(), above[above > 0].mean()
    return Task(
        answer=median(above) / median(below),
        mistakes={
            "That is the network of sigmoids.": median(sigmoids[4]) / median(sigmoids[0]),
            "Upside down: that is the lowest layer's over the highest's.": median(below)
            / median(above),
            "The zeros are still in: a pixel that is never dark has no gradient.": np.median(above)
            / np.median(below),
            "A ratio of means: a few large gradients make most of a mean.": means[1] / means[0],
            "That is the hidden layer next to the output.": median(g[3]) / median(below),
            "Layer 1 is the one next to the pixels.": median(above) / median(g[1]),
            "A ratio of norms: W₁ and W₅ differ in their number of weights.": np.sqrt(
                (above**2).sum() / (below**2).sum()
            ),
        },
        rtol=1e-2,  # in single precision, or two digits written down
    )


@exercise("ex-07-4", wants="one number: ε", minutes=10, points=2)
def smallest_gradient(rng=None):
    """Find the ε that holds the lowest layer of a deep network back."""
    # Well below ½: there 1/share − 1 is 1, and two of the mistakes are one.
    share = 0.25 if rng is None else round(rng.uniform(0.2, 0.45), 3)
    g = first_gradients((64, *[50] * 6, 10), "sigmoid")
    size = median(g[0])
    v = 0.1 * size**2
    shrinks = 1 / share**2 - 1
    return Task(
        given={"share": share},
        answer=shrinks * v,
        mistakes={
            "ε stands inside the root in this book; yours stands outside.": (1 / share - 1)
            * np.sqrt(v),
            "The first v is not g²: what part of g² is it?": shrinks * size**2,
            "The first v is not ρ g²: v was zero before, and ρ belongs to that.": shrinks
            * 0.9
            * size**2,
            "The step is divided by the root of v + ε; you divided by v + ε.": (1 / share - 1) * v,
            "What you found still has v in it.": v / share**2,
            "An ε as large as v does not shorten the step by that much.": v,
            "That is the layer at the top.": shrinks * 0.1 * median(g[-1]) ** 2,
            "The zeros are still in.": shrinks * 0.1 * np.median(np.abs(g[0])) ** 2,
        },
        rtol=1e-2,  # in single precision, or two digits written down
        atol=0,
    )
