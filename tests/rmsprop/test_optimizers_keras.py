"""The NumPy rules beside Keras's optimizers, over trajectories with everything that goes wrong.

Keras holds the learning rate and some decays as float32 for float64 variables too. The settings
here are exact in float32, so that the paths must agree to the last digits; only `test_defaults`
has the round numbers of the documentation, and a tolerance for them.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from rmsprop import schedules
from rmsprop.optimizers import (
    SGD,
    AdaDelta,
    Adafactor,
    AdaGrad,
    Adam,
    AdaMax,
    Lion,
    Nadam,
    RMSprop,
)

# Keras's own variables do not know NumPy's `copy` argument yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DECAY = {"weight_decay": 0.125}
HEAVY = {"momentum": 0.875}
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-10}
AMSGRAD = BETAS | {"amsgrad": True}
HAT = {"epsilon_hat": True}
START = {"initial_accumulator_value": 0.125}
KERAS_NADAM = {"momentum_decay": 1.0}

# our method and settings, Keras's class and settings
PAIRS = [
    (SGD, {}, "SGD", {}),
    (SGD, HEAVY, "SGD", HEAVY),
    (SGD, HEAVY | {"nesterov": True}, "SGD", HEAVY | {"nesterov": True}),
    (SGD, HEAVY | DECAY, "SGD", HEAVY | DECAY),
    (RMSprop, {}, "RMSprop", {}),
    (RMSprop, {"rho": 0.5, "epsilon": 1e-3}, "RMSprop", {"rho": 0.5, "epsilon": 1e-3}),
    (RMSprop, HEAVY, "RMSprop", HEAVY),
    (RMSprop, {"centered": True}, "RMSprop", {"centered": True}),
    (RMSprop, {"centered": True} | HEAVY, "RMSprop", {"centered": True} | HEAVY),
    (RMSprop, DECAY, "RMSprop", DECAY),
    (AdaGrad, START, "Adagrad", START),
    (AdaGrad, START | {"epsilon": 1e-2}, "Adagrad", START | {"epsilon": 1e-2}),
    (AdaDelta, {"epsilon": 1e-2}, "Adadelta", {"epsilon": 1e-2}),
    (AdaDelta, {"rho": 0.5, "epsilon": 0.1}, "Adadelta", {"rho": 0.5, "epsilon": 0.1}),
    (Adam, HAT | BETAS, "Adam", BETAS),
    (Adam, HAT | BETAS | {"epsilon": 0.1}, "Adam", BETAS | {"epsilon": 0.1}),
    (Adam, HAT | AMSGRAD, "Adam", AMSGRAD),
    (Adam, HAT | BETAS | DECAY, "AdamW", BETAS | DECAY),
    (AdaMax, BETAS, "Adamax", BETAS),
    (Lion, BETAS, "Lion", BETAS),
    (Lion, BETAS | DECAY, "Lion", BETAS | DECAY),
    (Adafactor, {}, "Adafactor", {}),
    (Adafactor, {"clip_threshold": 0.5}, "Adafactor", {"clip_threshold": 0.5}),
]
SHAPES = [(2, 2, 3), (5,)]
RATES = [2**-7] * 6 + [2**-10] * 4 + [2**-4] * 4


def rough():
    """Return gradients with zeros, flips of sign, spikes, tiny values and dead coordinates."""
    rng = np.random.default_rng(1)
    for t in range(len(RATES)):
        gs = [rng.normal(size=shape) for shape in SHAPES]
        for g in gs:
            g *= 10.0 ** rng.integers(-4, 3, size=g.shape)
            g.flat[0] = 0.0
            g.flat[1] = 0.3 * (-1) ** t
            g.flat[2] *= t % 2
            g *= 1e4 if t == 7 else 1
        yield gs


def paths(method, settings, name, arguments):
    """Return the last parameters of ours and of Keras's."""
    theta = [np.full(shape, 0.5) for shape in SHAPES]
    variables = [keras.Variable(t.copy(), dtype="float64") for t in theta]
    ours = method(learning_rate=1.0, **settings)
    theirs = getattr(keras.optimizers, name)(learning_rate=1.0, **arguments)
    for rate, gs in zip(RATES, rough(), strict=True):
        ours.learning_rate = theirs.learning_rate = rate
        ours.step(theta, gs)
        theirs.apply([keras.ops.convert_to_tensor(g, dtype="float64") for g in gs], variables)
    ends = [keras.ops.convert_to_numpy(variable) for variable in variables]
    return [np.concatenate([a.ravel() for a in arrays]) for arrays in (theta, ends)]


@pytest.mark.parametrize(
    ("method", "settings", "name", "arguments"),
    PAIRS,
    ids=[f"{name}-{arguments}" for _, _, name, arguments in PAIRS],
)
def test_the_steps_of_keras(method, settings, name, arguments):
    ours, theirs = paths(method, settings, name, arguments)
    assert not np.allclose(ours, 0.5, rtol=1e-3)
    # Elsewhere than on TensorFlow Keras's Adafactor has some float32 in it (found: 6e-9).
    rounded = name == "Adafactor" and keras.backend.backend() != "tensorflow"
    tolerance = 2e-8 if rounded else 1e-12
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("method", "settings", "name"),
    [
        (AdaGrad, {}, "Adagrad"),
        (AdaDelta, {}, "Adadelta"),
        (Adam, HAT, "Adam"),
        (AdaMax, {}, "Adamax"),
        (Nadam, KERAS_NADAM, "Nadam"),
        (Lion, {}, "Lion"),
    ],
)
def test_defaults(method, settings, name):
    ours, theirs = paths(method, settings, name, {})
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_float32_keeps_pace_with_keras():
    theta = np.full(1000, 0.5, np.float32)
    variable = keras.Variable(theta.copy(), dtype="float32")
    ours, theirs = RMSprop(momentum=0.9), keras.optimizers.RMSprop(momentum=0.9)
    rng = np.random.default_rng(0)
    for _ in range(20):
        g = rng.normal(size=1000).astype(np.float32)
        ours.step([theta], [g])
        theirs.apply([keras.ops.convert_to_tensor(g)], [variable])
    np.testing.assert_allclose(theta, variable.numpy(), rtol=1e-5)


def test_nadam_of_keras_is_not_dozats():
    theta, variable = np.zeros(1), keras.Variable(np.zeros(1), dtype="float64")
    ours, theirs = Nadam(0.01), keras.optimizers.Nadam(0.01)
    for value in (0.1, -0.2, 0.3):
        ours.step([theta], [np.array([value])])
        theirs.apply([keras.ops.convert_to_tensor([value], dtype="float64")], [variable])
    assert abs(theta[0] - variable.numpy()[0]) > 1e-4


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            schedules.InverseTimeDecay(0.1, 7, 0.5),
            keras.optimizers.schedules.InverseTimeDecay(0.1, 7, 0.5),
        ),
        (
            schedules.StepDecay(0.1, 7, 0.5),
            keras.optimizers.schedules.ExponentialDecay(0.1, 7, 0.5, staircase=True),
        ),
        (
            schedules.LinearDecay(0.1, 7, 0.01),
            keras.optimizers.schedules.PolynomialDecay(0.1, 7, 0.01),
        ),
        (schedules.CosineDecay(0.1, 7, 0.2), keras.optimizers.schedules.CosineDecay(0.1, 7, 0.2)),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_the_schedules_of_keras(ours, theirs):
    steps = range(20)
    np.testing.assert_allclose(
        [ours(t) for t in steps], [float(theirs(t)) for t in steps], rtol=1e-6
    )
