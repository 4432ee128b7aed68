"""Linear regression and a multilayer perceptron in NumPy, with backpropagation written out.

A model keeps its arrays in the list ``parameters``, and ``gradients(x, y)`` returns a list of the
same shapes.  One training step, with any optimizer of this package, is
``optimizer.step(model.parameters, model.gradients(x, y))``.  Everything is float64.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.settings import whole

__all__ = ["MLP", "LinearRegression"]


def _finite_floats(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value`` as a float64 array of finite numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got nan or inf")
    return array


def _samples(x: ArrayLike, n_features: int) -> np.ndarray:
    """Return ``x`` as a float64 array of shape (n, n_features), n ≥ 1."""
    x = _finite_floats("x", x)
    if x.ndim != 2 or x.shape[1] != n_features or len(x) == 0:
        raise ValueError(f"x must have shape (n, {n_features}) with n ≥ 1, got {x.shape}")
    return x


def _targets(y: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``y`` as a float64 array of exactly that shape: nothing is broadcast."""
    y = _finite_floats("y", y)
    if y.shape != shape:
        raise ValueError(f"y must have shape {shape}, like the predictions, got {y.shape}")
    return y


def _labels(y: ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    """Return ``y`` as integer labels, shape (n,), for predictions of shape (n, classes)."""
    n, classes = shape
    y = np.asarray(y)
    one_hot = "for one-hot rows pass y.argmax(axis=1)"
    if y.dtype.kind not in "iu":
        raise TypeError(f"y must hold integer labels, got dtype {y.dtype}; {one_hot}")
    if y.shape != (n,):
        raise ValueError(f"y must hold a label a sample, shape ({n},), got {y.shape}; {one_hot}")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"y must hold labels 0 … {classes - 1}, got {y.min()} … {y.max()}")
    return y


def _generator(rng: np.random.Generator) -> np.random.Generator:
    """Return ``rng``, which must be a generator: nothing here draws from global state."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a Generator, such as np.random.default_rng(0), got {rng!r}")
    return rng


class LinearRegression:
    """ŷ = x·w + b, with the mean squared error as loss.

    Parameters
    ----------
    n_features : int
        Length of w.
    intercept : bool
        True (the default) fits b; without it the line goes through the origin.
    rng : numpy.random.Generator, optional
        Draws the first w from N(0, 1).  Default: w starts at zero.  b always does.

    Attributes
    ----------
    parameters : list of arrays
        [w, shape (n_features,); b, shape (1,)], or [w] without intercept.

    Raises
    ------
    TypeError
        If ``rng`` is no generator.
    ValueError
        If ``n_features`` is no whole number or less than 1.

    Examples
    --------
    >>> model = LinearRegression(1)
    >>> x, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> model.loss(x, y)
    11.666666666666666
    >>> from rmsprop.optimizers import RMSprop
    >>> optimizer = RMSprop(learning_rate=lambda t: 0.1 * (1 - t / 500))
    >>> for _ in range(500):
    ...     optimizer.step(model.parameters, model.gradients(x, y))
    >>> [p.round(2) for p in model.parameters]
    [array([2.]), array([1.])]
    """

    def __init__(
        self, n_features: int, intercept: bool = True, rng: np.random.Generator | None = None
    ):
        n_features = whole(1)("n_features", n_features)
        w = np.zeros(n_features) if rng is None else _generator(rng).standard_normal(n_features)
        self.parameters = [w, np.zeros(1)] if intercept else [w]

    def forward(self, x: ArrayLike) -> np.ndarray:
        """Predictions ŷ, shape (n,), for ``x`` of shape (n, n_features)."""
        w = self.parameters[0]
        prediction = _samples(x, w.size) @ w  # (n,) = (n, m) (m,)
        if len(self.parameters) == 2:
            prediction += self.parameters[1]
        return prediction

    predict = forward

    def loss(self, x: ArrayLike, y: ArrayLike) -> float:
        """Mean squared error (1/n) Σ (ŷ − y)² against ``y`` of shape (n,)."""
        prediction = self.forward(x)
        return float(np.mean((prediction - _targets(y, prediction.shape)) ** 2))

    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[np.ndarray]:
        """Return the derivatives of the loss, in the order and shapes of ``parameters``."""
        prediction = self.forward(x)
        delta = 2 * (prediction - _targets(y, prediction.shape)) / prediction.size  # ∂L/∂ŷ  (n,)
        grads = [np.asarray(x).T @ delta]  # ∂L/∂w = xᵀ δ  (m,) = (m, n) (n,)
        if len(self.parameters) == 2:
            grads.append(delta.sum(keepdims=True))  # ∂L/∂b = Σ δ  (1,)
        return grads


class Activation(NamedTuple):
    """A hidden unit's function a = f(z), and its derivative f′(z) written in terms of a."""

    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


ACTIVATIONS = {
    "identity": Activation(lambda z: z, lambda a: np.ones_like(a)),
    "relu": Activation(lambda z: np.maximum(z, 0), lambda a: a > 0),
    "sigmoid": Activation(lambda z: (1 + np.tanh(z / 2)) / 2, lambda a: a * (1 - a)),
    "tanh": Activation(np.tanh, lambda a: 1 - a**2),
}


class Output(NamedTuple):
    """What stands on the last layer's z: the output, the mean loss, and ∂loss/∂z."""

    check: Callable[[ArrayLike, tuple[int, int]], np.ndarray]
    function: Callable[[np.ndarray], np.ndarray]
    loss: Callable[[np.ndarray, np.ndarray], float]
    delta: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _log_softmax(z: np.ndarray) -> np.ndarray:
    """Logarithm of softmax; shifted by the largest z, so that exp cannot overflow."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


OUTPUTS = {
    "softmax": Output(  # loss: mean cross-entropy −(1/n) Σ log p[label]
        check=_labels,
        function=lambda z: np.exp(_log_softmax(z)),
        loss=lambda z, y: -np.mean(_log_softmax(z)[np.arange(len(y)), y]),
        delta=lambda z, y: (np.exp(_log_softmax(z)) - np.eye(z.shape[1])[y]) / len(y),
    ),
    "identity": Output(  # loss: mean squared error (1/(n·k)) Σ (z − y)² over samples and outputs
        check=_targets,
        function=lambda z: z,
        loss=lambda z, y: np.mean((z - y) ** 2),
        delta=lambda z, y: 2 * (z - y) / y.size,
    ),
}


class MLP:
    """Multilayer perceptron: fully connected layers, trained by backpropagation.

    Parameters
    ----------
    sizes : sequence of int
        Width of each layer from the input to the output, at least two: (784, 128, 10).
    activation : "relu", "tanh", "sigmoid" or "identity"
        Of all hidden layers.
    output : "softmax" or "identity"
        "softmax" (the default): class probabilities, integer labels, mean cross-entropy.
        "identity": real outputs, targets of shape (n, outputs), mean squared error over samples
        and outputs.
    rng : numpy.random.Generator
        Draws the weights, uniform in ±√(6/(fan_in + fan_out)) (Glorot & Bengio 2010,
        ``glorot2010``; Keras's default).  Biases start at zero.

    Attributes
    ----------
    parameters : list of arrays
        [W₁, b₁, W₂, b₂, …], W of shape (fan_in, fan_out), b of shape (fan_out,), as in Keras.

    Raises
    ------
    TypeError
        If ``rng`` is no generator.
    ValueError
        If there are fewer than two ``sizes``, one is no whole number or less than 1, or the
        activation or the output is unknown.

    Examples
    --------
    >>> model = MLP((2, 8, 2), activation="tanh", rng=np.random.default_rng(0))
    >>> [p.shape for p in model.parameters]
    [(2, 8), (8,), (8, 2), (2,)]
    >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> from rmsprop.optimizers import RMSprop
    >>> optimizer = RMSprop(learning_rate=0.05)
    >>> for _ in range(200):
    ...     optimizer.step(model.parameters, model.gradients(x, y))
    >>> model.predict(x), model.accuracy(x, y)
    (array([0, 1, 1, 0]), 1.0)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        output: str = "softmax",
        *,
        rng: np.random.Generator,
    ):
        if len(sizes) < 2:
            raise ValueError(f"sizes must name the input and the output at least, got {sizes}")
        for name, value, known in [
            ("activation", activation, ACTIVATIONS),
            ("output", output, OUTPUTS),
        ]:
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        rng = _generator(rng)
        self.sizes = tuple(whole(1)("sizes", size) for size in sizes)
        self.activation = activation
        self.output = output
        self.parameters = []
        for fan_in, fan_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            limit = np.sqrt(6 / (fan_in + fan_out))
            self.parameters += [rng.uniform(-limit, limit, (fan_in, fan_out)), np.zeros(fan_out)]

    def _layers(self, x: ArrayLike) -> list[np.ndarray]:
        """Return [x, a₁, …, z]: the input of every layer, and the last layer's z."""
        layers = [_samples(x, self.sizes[0])]
        weights, biases = self.parameters[::2], self.parameters[1::2]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            z = layers[-1] @ w + b  # (n, fan_out) = (n, fan_in) (fan_in, fan_out) + (fan_out,)
            layers.append(ACTIVATIONS[self.activation].function(z))
        return [*layers, layers[-1] @ weights[-1] + biases[-1]]

    def forward(self, x: ArrayLike) -> np.ndarray:
        """Class probabilities or real outputs, shape (n, outputs), for ``x`` (n, features)."""
        return OUTPUTS[self.output].function(self._layers(x)[-1])

    def loss(self, x: ArrayLike, y: ArrayLike) -> float:
        """Mean loss; see ``output`` for which, and for the shape of ``y``."""
        output = OUTPUTS[self.output]
        z = self._layers(x)[-1]
        return float(output.loss(z, output.check(y, z.shape)))

    def gradients(self, x: ArrayLike, y: ArrayLike) -> list[np.ndarray]:
        """Backpropagation: derivatives of the loss, in the order and shapes of ``parameters``."""
        output, activation = OUTPUTS[self.output], ACTIVATIONS[self.activation]
        *inputs, z = self._layers(x)
        delta = output.delta(z, output.check(y, z.shape))  # δ = ∂L/∂z, shape (n, fan_out)
        grads = []
        for layer in reversed(range(len(inputs))):
            a, w = inputs[layer], self.parameters[2 * layer]
            grads += [
                delta.sum(axis=0),  # ∂L/∂b = Σ δ over samples  (fan_out,)
                a.T @ delta,  # ∂L/∂W = aᵀ δ  (fan_in, fan_out) = (fan_in, n) (n, fan_out)
            ]
            if layer > 0:
                # ∂L/∂z of the layer below = (δ Wᵀ) · f′, shape (n, fan_in)
                delta = delta @ w.T * activation.derivative(a)
        return grads[::-1]

    def predict(self, x: ArrayLike) -> np.ndarray:
        """Most probable class, shape (n,); for an identity output the outputs themselves."""
        out = self.forward(x)
        return out.argmax(axis=1) if self.output == "softmax" else out

    def accuracy(self, x: ArrayLike, y: ArrayLike) -> float:
        """Share of samples whose predicted class is the label; for a softmax output only."""
        if self.output != "softmax":
            raise ValueError(f"accuracy needs a softmax output, this model's is {self.output!r}")
        predicted = self.predict(x)
        return float(np.mean(predicted == _labels(y, (len(predicted), self.sizes[-1]))))
