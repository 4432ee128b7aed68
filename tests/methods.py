"""What the tests of the optimizers share: every method, with as much state as it can have."""

import numpy as np
import pytest

from rmsprop import optimizers
from rmsprop.optimizer import Optimizer
from rmsprop.optimizers import SGD, Adam, RMSprop

METHODS = [
    method
    for method in vars(optimizers).values()
    if isinstance(method, type) and issubclass(method, Optimizer) and "rule" in vars(method)
]
METHODS.remove(Optimizer)
ELEMENTWISE = [method for method in METHODS if method.elementwise]


def make(method):
    """Return an optimizer with as much state as its method can have."""
    extra = {
        SGD: {"momentum": 0.9, "nesterov": True},
        RMSprop: {"momentum": 0.9, "centered": True, "bias_correction": True},
        Adam: {"amsgrad": True, "epsilon_hat": True},
    }
    return method(learning_rate=0.01, **extra.get(method, {}))


def gradients(count, shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for _ in range(count)]


def same(a, b):
    """Return whether two states are equal, bit for bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b) and getattr(a, "dtype", None) == getattr(b, "dtype", None)


def refuses(optimizer, params, grads, error, message):
    """Assert that a step raises and changes nothing."""
    arrays = list(params.values() if isinstance(params, dict) else params)
    before = [np.array(a, copy=True) for a in arrays], optimizer.state_dict()
    with pytest.raises(error, match=message):
        optimizer.step(params, grads)
    after = [np.array(a, copy=True) for a in arrays], optimizer.state_dict()
    assert same(before, after)
