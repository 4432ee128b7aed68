"""An optimizer in any order of events, beside a plain model that does the same with lists.

Steps, refused, skipped and interrupted ones, states saved and loaded in every way, copies, other
learning rates: after each the parameters are those of the model, or the optimizer says why not.
"""

import copy
import math
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rmsprop import optimizers

RHO, MU, EPSILON = 0.75, 0.5, 1e-3
numbers = st.integers(-8, 8).map(float)
gradients = st.tuples(numbers, numbers, numbers)


class RMSprop(optimizers.RMSprop):
    """RMSprop that can be stopped in the second of its parameters, which has one element."""

    stopping = False

    def rule(self, theta, *slots, **operands):
        super().rule(theta, *slots, **operands)
        if self.stopping and len(theta) == 1:
            raise KeyboardInterrupt


class Model:
    """RMSprop with momentum on three numbers."""

    def __init__(self):
        self.theta, self.v, self.b = [1.0, 2.0, 3.0], [0.0] * 3, [0.0] * 3
        self.rate, self.iterations, self.skipped = 0.5, 0, 0

    def step(self, gs):
        self.iterations += 1
        for i, g in enumerate(gs):
            self.v[i] = RHO * self.v[i] + (1 - RHO) * g * g
            self.b[i] = MU * self.b[i] + self.rate * g / math.sqrt(self.v[i] + EPSILON)
            self.theta[i] -= self.b[i]


def arrays(values):
    """Return three numbers as the two arrays that the optimizer gets."""
    return [np.array(values[:2]), np.array(values[2:])]


def to_file(optimizer):
    with tempfile.TemporaryDirectory() as folder:
        optimizer.save(path := Path(folder) / "state.npz")
        return path.read_bytes()


def from_file(optimizer, content):
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "state.npz").write_bytes(content)
        return RMSprop.load(path)


def from_state(optimizer, state):
    optimizer.load_state_dict(state)
    return optimizer


WAYS = {
    "state": (lambda optimizer: optimizer.state_dict(), from_state),
    "file": (to_file, from_file),
    "pickle": (pickle.dumps, lambda optimizer, content: pickle.loads(content)),
}
REFUSED = {
    "shape": lambda thetas: (thetas, arrays([1.0, 2.0, 3.0, 4.0])),
    "dtype": lambda thetas: (thetas, [np.ones(2), np.ones(1, np.float32)]),
    "number": lambda thetas: (thetas[:1], [np.ones(2)]),
    "name": lambda thetas: ({"a": thetas[0], "b": thetas[1]}, {"a": np.ones(2), "b": np.ones(1)}),
    "memory": lambda thetas: ([thetas[0], thetas[0][1:]], arrays([1.0, 2.0, 3.0])),
}


class Machine(RuleBasedStateMachine):
    """What may happen to an optimizer, to its model alike."""

    def __init__(self):
        super().__init__()
        self.model = Model()
        self.thetas = arrays(self.model.theta)
        self.optimizer = RMSprop(0.5, RHO, MU, EPSILON, nonfinite="skip")
        self.optimizer.step(self.thetas, arrays([1.0, 1.0, 1.0]))
        self.model.step([1.0, 1.0, 1.0])
        self.interrupted = False
        self.saved = []
        self.save("state")

    @rule(gs=gradients)
    def step(self, gs):
        if self.interrupted:
            before = [theta.copy() for theta in self.thetas]
            with pytest.raises(RuntimeError, match=r"^the last step was interrupted"):
                self.optimizer.step(self.thetas, arrays(gs))
            np.testing.assert_array_equal(np.concatenate(before), np.concatenate(self.thetas))
        else:
            self.optimizer.step(self.thetas, arrays(gs))
            self.model.step(gs)

    @precondition(lambda self: not self.interrupted)
    @rule(gs=gradients)
    def step_by_gradients_that_are_parameters(self, gs):
        flat = np.concatenate(self.thetas)
        values = flat[::-1].tolist()
        self.optimizer.step([flat[:2], flat[2:]], [flat[:0:-1], flat[:1]])
        self.thetas = [flat[:2], flat[2:]]
        self.model.step(values)

    @rule(kind=st.sampled_from(sorted(REFUSED)))
    def refused(self, kind):
        with pytest.raises((ValueError, RuntimeError)):
            self.optimizer.step(*REFUSED[kind](self.thetas))

    @precondition(lambda self: not self.interrupted)
    @rule(bad=st.sampled_from([math.nan, math.inf, 1e200]))
    def skip(self, bad):
        self.optimizer.step(self.thetas, arrays([1.0, 2.0, bad]))
        self.model.skipped += 1

    @precondition(lambda self: not self.interrupted)
    @rule(gs=gradients)
    def interrupt(self, gs):
        self.optimizer.stopping = True
        with pytest.raises(KeyboardInterrupt):
            self.optimizer.step(self.thetas, arrays(gs))
        self.optimizer.stopping = False
        self.interrupted = True

    @rule(way=st.sampled_from(sorted(WAYS)))
    def save(self, way):
        if not self.interrupted:
            content = WAYS[way][0](self.optimizer)
            thetas = [theta.copy() for theta in self.thetas]
            self.saved.append((way, content, thetas, copy.deepcopy(self.model)))
        elif way != "pickle":
            with pytest.raises(RuntimeError, match=r"^the last step was interrupted"):
                WAYS[way][0](self.optimizer)

    @rule(data=st.data())
    def load(self, data):
        way, content, thetas, model = data.draw(st.sampled_from(self.saved))
        self.optimizer = WAYS[way][1](self.optimizer, content)
        self.thetas = [theta.copy() for theta in thetas]
        self.model = copy.deepcopy(model)
        self.interrupted = False

    @rule(way=st.sampled_from([copy.copy, copy.deepcopy]))
    def go_on_with_a_copy(self, way):
        old, self.optimizer = self.optimizer, way(self.optimizer)
        if not self.interrupted:
            old.learning_rate = 2.0
            old.step(arrays([0.0, 0.0, 0.0]), arrays([9.0, 9.0, 9.0]))

    @rule(rate=st.sampled_from([0.5, 0.25, 0.125]), as_array=st.booleans())
    def change_the_rate(self, rate, as_array):
        self.optimizer.learning_rate = np.full(1, rate) if as_array else rate
        self.model.rate = rate

    @invariant()
    def all_is_as_in_the_model(self):
        done = self.optimizer.iterations, self.optimizer.skipped
        assert done == (self.model.iterations, self.model.skipped)
        if not self.interrupted:
            for name, values in (("v", self.model.v), ("velocity", self.model.b)):
                kept = np.concatenate(self.optimizer.slot(name))
                np.testing.assert_allclose(kept, values, rtol=1e-12, atol=1e-14)
            theta = np.concatenate(self.thetas)
            np.testing.assert_allclose(theta, self.model.theta, rtol=1e-12, atol=1e-12)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, derandomize=True, database=None
)
