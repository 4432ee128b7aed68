"""What the tests of the Keras optimizers share: gradients, and training on them.

On each backend of Keras, eagerly and in the ways that backend compiles a step.
"""

import keras
import numpy as np

BACKEND = keras.backend.backend()
COMPILED = {"tensorflow": ["graph", "xla"], "jax": ["jit"], "torch": []}[BACKEND]
MODES = ["eager", *COMPILED]

SHAPE = (3, 4)
START = np.linspace(-1, 1, 12).reshape(SHAPE)


def gradients(steps, dtype="float64", seed=0):
    """Return random gradients of many sizes, with zeros, sign flips, a spike, dead coordinates."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(steps, *SHAPE)) * np.array([1.0, 1e-4, 10.0, 0.1])
    g[::3, 0] = 0
    g[:, 1, 0] = 0
    g[:, 2, 1] = 0.3
    g[5, :, 2] = 1e4
    g[6:, 0, 3] *= -1
    return g.astype(dtype)


def stepper(optimizer, variables, mode):
    """Return a function that applies gradients eagerly or compiled."""
    optimizer.build(variables)

    def step(*grads):
        optimizer.apply(list(grads), variables)

    if mode == "eager":
        return step
    if mode == "jit":
        return stateless_stepper(optimizer, variables)
    import tensorflow as tf

    return tf.function(step, jit_compile=mode == "xla")


def stateless_stepper(optimizer, variables):
    """Return a function that applies gradients by ``stateless_apply``, compiled by JAX."""
    import jax

    apply = jax.jit(optimizer.stateless_apply)

    def step(*grads):
        state = [v.value for v in optimizer.variables]
        new, state = apply(state, list(grads), [v.value for v in variables])
        for variable, value in zip(variables + optimizer.variables, new + state, strict=True):
            variable.assign(value)

    return step


def numpy_of(variable):
    """Return a copy of a variable's value."""
    return np.array(keras.ops.convert_to_numpy(variable))


def state(optimizer):
    """Return the values of an optimizer's variables."""
    return [numpy_of(variable) for variable in optimizer.variables]


def train(optimizer, grads, mode="eager", dtype="float64", rates=None):
    """Return the parameters after each step."""
    theta = keras.Variable(START.copy(), dtype=dtype)  # torch would share it
    step = stepper(optimizer, [theta], mode)
    trajectory = []
    for t, g in enumerate(grads):
        if rates and t in rates:
            optimizer.learning_rate = rates[t]
        step(keras.ops.convert_to_tensor(g, dtype))
        trajectory.append(numpy_of(theta))
    return np.array(trajectory)


def train_numpy(optimizer, grads, dtype="float64", rates=None):
    """Return the parameters after each step of a NumPy optimizer."""
    theta = START.astype(dtype)
    trajectory = []
    for t, g in enumerate(grads):
        if rates and t in rates:
            optimizer.learning_rate = rates[t]
        optimizer.step([theta], [g.astype(dtype)])
        trajectory.append(theta.copy())
    return np.array(trajectory)
