import numpy as np
import pytest

from rmsbook.networks import ACTIVATIONS, MLP, OUTPUTS, LinearRegression

ARTICLE_X = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
ARTICLE_Y = np.array([2.0, 3.0, 4.0, 5.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def data(n, n_features, output, n_outputs, seed=1):
    """Random inputs, and labels or real targets to match the output."""
    x = rng(seed).standard_normal((n, n_features))
    if output == "softmax":
        return x, rng(seed + 1).integers(n_outputs, size=n)
    return x, rng(seed + 1).standard_normal((n, n_outputs))


def central_differences(model, x, y, h=1e-6):
    """Derivative of the loss by every number in ``model.parameters``."""
    grads = [np.empty_like(p) for p in model.parameters]
    for parameter, grad in zip(model.parameters, grads, strict=True):
        for i in np.ndindex(parameter.shape):
            value = parameter[i]
            parameter[i] = value + h
            above = model.loss(x, y)
            parameter[i] = value - h
            below = model.loss(x, y)
            parameter[i] = value
            grad[i] = (above - below) / (2 * h)
    return grads


def assert_gradients_are_right(model, x, y):
    before = [p.copy() for p in model.parameters]
    grads = model.gradients(x, y)
    assert isinstance(grads, list)
    for grad, expected in zip(grads, central_differences(model, x, y), strict=True):
        assert grad.shape == expected.shape
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-8)
    for parameter, old in zip(model.parameters, before, strict=True):
        np.testing.assert_array_equal(parameter, old)


# Linear regression


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("n_features", [1, 3])
def test_linear_gradients(n_features, intercept):
    model = LinearRegression(n_features, intercept, rng())
    x, y = data(5, n_features, "identity", 1)
    assert_gradients_are_right(model, x, y[:, 0])


def test_linear_parameters_start_at_zero_or_at_random():
    w, b = LinearRegression(3).parameters
    np.testing.assert_array_equal(w, np.zeros(3))
    np.testing.assert_array_equal(b, np.zeros(1))
    w, b = LinearRegression(3, rng=rng()).parameters
    np.testing.assert_array_equal(w, rng().standard_normal(3))
    np.testing.assert_array_equal(b, np.zeros(1))
    (w,) = LinearRegression(3, intercept=False).parameters
    assert w.shape == (3,)


def test_linear_predictions_and_loss_by_hand():
    model = LinearRegression(2)
    model.parameters[0][:] = 2.0, -1.0
    model.parameters[1][:] = 0.5
    x = [[1, 1], [3, 0]]
    np.testing.assert_array_equal(model.forward(x), [1.5, 6.5])
    np.testing.assert_array_equal(model.predict(x), [1.5, 6.5])
    assert model.loss(x, [1.5, 5.5]) == 0.5
    for same in (x, np.array(x, np.uint8), np.array(x, np.float32)):
        w, b = model.gradients(same, [1.5, 5.5])
        np.testing.assert_array_equal(w, [3.0, 0.0])
        np.testing.assert_array_equal(b, [1.0])
        assert w.dtype == b.dtype == np.float64


def test_linear_loss_at_the_parameters_that_article_a_prints():
    model = LinearRegression(2, intercept=False)
    model.parameters[0][:] = 1.9819717317727903, 0.9937423298259766
    assert model.loss(ARTICLE_X, ARTICLE_Y) == pytest.approx(29.2141, abs=5e-5)
    model.parameters[0][:] = 0.0, 1.0
    assert model.loss(ARTICLE_X, ARTICLE_Y) == 0
    np.testing.assert_array_equal(model.gradients(ARTICLE_X, ARTICLE_Y)[0], [0.0, 0.0])


def test_linear_regression_is_the_smallest_perceptron():
    linear, mlp = LinearRegression(3, rng=rng()), MLP((3, 1), output="identity", rng=rng())
    mlp.parameters[0][:, 0] = linear.parameters[0]
    x, y = data(6, 3, "identity", 1)
    assert linear.loss(x, y[:, 0]) == pytest.approx(mlp.loss(x, y), rel=1e-14)
    for a, b in zip(linear.gradients(x, y[:, 0]), mlp.gradients(x, y), strict=True):
        np.testing.assert_allclose(a, b.ravel(), rtol=1e-12)


@pytest.mark.parametrize("n_features", [0, -1, 1.5, True, "2"])
def test_linear_refuses_n_features(n_features):
    with pytest.raises(ValueError, match=r"^n_features must be a whole number of at least 1, not"):
        LinearRegression(n_features)


def test_models_refuse_anything_but_a_generator():
    for bad in [0, np.random, np.random.RandomState(0)]:
        with pytest.raises(TypeError, match=r"rng must be a Generator, such as .*, got"):
            LinearRegression(2, rng=bad)
        with pytest.raises(TypeError, match=r"rng must be a Generator, such as .*, got"):
            MLP((2, 2), rng=bad)
    with pytest.raises(TypeError, match="rng must be a Generator"):
        MLP((2, 2), rng=None)


# The perceptron's parts


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_derivatives(name):
    function, derivative = ACTIVATIONS[name]
    z = np.linspace(-3, 3, 20)  # never 0, where relu has no derivative
    expected = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(function(z)), expected, rtol=1e-7, atol=1e-9)


def test_activations_by_hand():
    z = np.array([-800.0, -1.0, 0.0, 1.0, 800.0])
    expected = {
        "identity": z,
        "relu": [0, 0, 0, 1, 800],
        "sigmoid": [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1],
        "tanh": [-1, -np.tanh(1), 0, np.tanh(1), 1],
    }
    assert set(expected) == set(ACTIVATIONS)
    for name, values in expected.items():
        np.testing.assert_allclose(ACTIVATIONS[name].function(z), values, rtol=1e-15)
    np.testing.assert_array_equal(ACTIVATIONS["relu"].derivative(np.array([0.0, 2.0])), [0, 1])


def test_softmax_is_stable():
    softmax = OUTPUTS["softmax"]
    z = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]])
    np.testing.assert_array_equal(softmax.function(z)[0], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(softmax.function(z)[1], np.full(3, 1 / 3))
    assert softmax.loss(z, np.array([2, 0])) == pytest.approx((2e4 + np.log(3)) / 2)
    z = np.log([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(softmax.function(z), [[0.125, 0.25, 0.625]])
    assert softmax.loss(z, np.array([1])) == pytest.approx(np.log(4))
    np.testing.assert_allclose(softmax.delta(z, np.array([1])), [[0.125, -0.75, 0.625]])


# The perceptron


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (3, 5, 4, 2)])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagation_agrees_with_differences(activation, output, sizes):
    model = MLP(sizes, activation, output, rng=rng(4))
    for bias in model.parameters[1::2]:  # zero biases would hide a wrong bias
        bias[:] = rng(5).standard_normal(bias.size) / 2
    assert_gradients_are_right(model, *data(6, sizes[0], output, sizes[-1]))


def test_forward_by_hand():
    model = MLP((2, 2, 1), output="identity", rng=rng())
    for parameter, value in zip(
        model.parameters, [[[1, 2], [3, -4]], [0.5, 1.0], [[1], [10]], [-1]], strict=True
    ):
        parameter[...] = value
    # hidden z = (1 + 3 + .5, 2 − 4 + 1) = (4.5, −1) → relu (4.5, 0) → 4.5 − 1
    np.testing.assert_array_equal(model.forward([[1.0, 1.0]]), [[3.5]])
    np.testing.assert_array_equal(model.predict([[1.0, 1.0]]), [[3.5]])
    assert model.loss([[1.0, 1.0]], [[1.5]]) == 4
    assert model.sizes == (2, 2, 1)


def test_first_weights_are_glorots():
    model = MLP([300, 200, 10], rng=rng())
    assert [p.shape for p in model.parameters] == [(300, 200), (200,), (200, 10), (10,)]
    w, b = model.parameters[:2]
    limit = np.sqrt(6 / 500)
    assert -limit <= w.min() < -0.99 * limit
    assert 0.99 * limit < w.max() <= limit
    assert w.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)
    np.testing.assert_array_equal(b, np.zeros(200))
    for a, b in zip(model.parameters, MLP([300, 200, 10], rng=rng()).parameters, strict=True):
        np.testing.assert_array_equal(a, b)


def test_probabilities_predictions_and_accuracy():
    model = MLP((3, 4, 5), rng=rng())
    x, y = data(50, 3, "softmax", 5)
    p = model.forward(x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert model.loss(x, y) == pytest.approx(-np.mean(np.log(p[np.arange(50), y])))
    np.testing.assert_array_equal(model.predict(x), p.argmax(axis=1))
    assert model.accuracy(x, model.predict(x)) == 1.0
    assert model.accuracy(x, y) == np.mean(y == p.argmax(axis=1))
    assert 0 < model.accuracy(x, y) < 1


def test_descent_on_the_gradients_learns():
    model = MLP((2, 8, 2), "tanh", rng=rng())
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    first = model.loss(x, y)
    for _ in range(500):
        for parameter, grad in zip(model.parameters, model.gradients(x, y), strict=True):
            parameter -= 0.5 * grad
    assert model.loss(x, y) < 0.05 < first
    assert model.accuracy(x, y) == 1.0


def test_whole_numbers_float32_and_lists_are_samples():
    model = MLP((2, 3, 2), rng=rng())
    x = np.array([[1, 0], [2, 5]], np.uint8)
    expected = model.forward(x.astype(float))
    # BLAS may add in another order where an array begins at another place in memory.
    for same in (x, x.tolist(), x.astype(np.float32)):
        np.testing.assert_allclose(model.forward(same), expected, rtol=1e-13)
    for label_type in (np.uint8, np.int64):
        labels = np.array([1, 0], label_type)
        assert model.loss(x, labels) == pytest.approx(model.loss(x, [1, 0]), rel=1e-13)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0, 3.0], ValueError, r"x must have shape \(n, 3\) with n ≥ 1, got \(3,\)"),
        (np.zeros((4, 2)), ValueError, r"x must have shape \(n, 3\) with n ≥ 1, got \(4, 2\)"),
        (np.zeros((0, 3)), ValueError, r"x must have shape \(n, 3\) with n ≥ 1, got \(0, 3\)"),
        (np.zeros((4, 3, 1)), ValueError, r"x must have shape \(n, 3\)"),
        ([[1.0, np.nan, 2.0]], ValueError, "x must be finite"),
        ([["a", "b", "c"]], TypeError, "x must hold real numbers"),
        (np.zeros((4, 3), complex), TypeError, "x must hold real numbers, got dtype complex128"),
    ],
)
def test_wrong_samples_are_refused(x, error, message):
    for model in (LinearRegression(3), MLP((3, 2), rng=rng())):
        for call in (
            lambda m: m.forward(x),
            lambda m: m.predict(x),
            lambda m: m.loss(x, [0]),
            lambda m: m.gradients(x, [0]),
        ):
            with pytest.raises(error, match=message):
                call(model)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0, 1], ValueError, r"y must hold a label a sample, shape \(3,\), got \(2,\)"),
        ([[0], [1], [0]], ValueError, r"got \(3, 1\)"),
        ([[0, 1], [1, 0], [1, 0]], ValueError, r"for one-hot rows pass y\.argmax\(axis=1\)"),
        ([0.0, 1.0, 0.0], TypeError, "y must hold integer labels, got dtype float64; for one-hot"),
        ([True, False, True], TypeError, "y must hold integer labels, got dtype bool"),
        ([0, 1, 2], ValueError, r"y must hold labels 0 … 1, got 0 … 2"),
        ([0, -1, 1], ValueError, r"y must hold labels 0 … 1, got -1 … 1"),
    ],
)
def test_wrong_labels_are_refused(y, error, message):
    model, x = MLP((2, 2), rng=rng()), np.zeros((3, 2))
    for method in (model.loss, model.gradients, model.accuracy):
        with pytest.raises(error, match=message):
            method(x, y)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.zeros((3, 1)), ValueError, r"y must have shape {shape}, like the predictions, got"),
        (np.zeros(2), ValueError, r"y must have shape {shape}, like the predictions, got \(2,\)"),
        (0.0, ValueError, r"y must have shape {shape}, like the predictions, got \(\)"),
        (np.full((3, 2), np.inf), ValueError, "y must be finite"),
        (["a", "b", "c"], TypeError, "y must hold real numbers"),
    ],
)
def test_targets_are_never_broadcast(y, error, message):
    x = np.zeros((3, 2))
    for model, shape in [
        (LinearRegression(2), r"\(3,\)"),
        (MLP((2, 2), output="identity", rng=rng()), r"\(3, 2\)"),
    ]:
        for method in (model.loss, model.gradients):
            with pytest.raises(error, match=message.format(shape=shape)):
                method(x, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (3,)}, r"sizes must name the input and the output at least, got \(3,\)"),
        ({"sizes": (3, 0, 2)}, "sizes must be a whole number of at least 1, not 0"),
        ({"activation": "gelu"}, "activation must be one of identity, relu, sigmoid, tanh, got 'g"),
        ({"output": "sigmoid"}, "output must be one of softmax, identity, got 'sigmoid'"),
    ],
)
def test_perceptron_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**{"sizes": (3, 2), "rng": rng(), **arguments})


def test_accuracy_needs_classes():
    model = MLP((2, 2), output="identity", rng=rng())
    with pytest.raises(ValueError, match=r"accuracy needs a softmax output, .* 'identity'"):
        model.accuracy(np.zeros((3, 2)), [0, 1, 0])
