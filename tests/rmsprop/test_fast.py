"""The compiled loops: the steps of the NumPy rules bit for bit, and what is left to NumPy."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from rmsprop import fast, optimizers

EVERY = {
    "momentum": 0.9,
    "centered": True,
    "nesterov": True,
    "epsilon_inside": False,
    "learning_rate_inside": False,
    "bias_correction": True,
    "weight_decay": 0.1,
    "l2": 0.01,
}


def gradients(size, dtype, steps=4):
    rng = np.random.default_rng(size)
    for t in range(steps):
        g = rng.normal(size=size) * 10.0 ** rng.integers(-4, 4, size=size)
        g[0] = 0
        g[-1] *= 1e4 if t == 2 else 1
        yield g.astype(dtype)


def both(method, settings, size, dtype=np.float32):
    """Return parameters and state after the compiled and after the NumPy steps."""
    results = []
    for library in (fast, optimizers):
        theta = np.linspace(-2, 2, size, dtype=dtype)
        optimizer = getattr(library, method)(0.01, **settings)
        for g in gradients(size, dtype):
            optimizer.step([theta], [g])
        slots = optimizer.state_dict()["parameters"][0]["slots"]
        results.append([theta, *slots.values()])
    return results


def assert_bit_equal(pair):
    for ours, other in zip(*pair, strict=True):
        assert ours.dtype == other.dtype
        np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("RMSprop", {}),
        ("RMSprop", {"momentum": 0.5}),
        ("RMSprop", EVERY),
        ("Adam", {"epsilon_hat": True}),
        ("Adam", {"amsgrad": True, "weight_decay": 0.1, "l2": 0.01}),
    ],
)
def test_compiled_steps_are_those_of_numpy_bit_for_bit(method, settings):
    assert_bit_equal(both(method, settings, 1001))


@pytest.mark.parametrize("method", ["RMSprop", "Adam"])
def test_large_arrays_run_in_parallel(method, monkeypatch):
    asked = []
    loop = getattr(fast, method).loop
    monkeypatch.setattr(
        getattr(fast, method),
        "loop",
        lambda self, parallel: asked.append(parallel) or loop(self, parallel),
    )
    assert_bit_equal(both(method, {}, fast.PARALLEL))
    assert asked == [True] * 4


SWITCHES = ("centered", "nesterov", "epsilon_inside", "learning_rate_inside", "bias_correction")


@pytest.fixture
def uncompiled(monkeypatch):
    """Let Python run the loops."""
    monkeypatch.setattr(fast, "njit", lambda loop, **options: loop)
    for factory in (fast.rmsprop_loop, fast.adam_loop):
        factory.cache_clear()
    yield
    for factory in (fast.rmsprop_loop, fast.adam_loop):
        factory.cache_clear()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("values", [*itertools.product([False, True], repeat=5)])
@pytest.mark.parametrize("decays", [{}, {"weight_decay": 0.1, "l2": 0.01}])
def test_the_loop_of_rmsprop_under_every_switch(momentum, values, decays, uncompiled):
    settings = dict(zip(SWITCHES, values, strict=True)) | {"momentum": momentum} | decays
    assert_bit_equal(both("RMSprop", settings, 7, np.float64))


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("epsilon_hat", [False, True])
@pytest.mark.parametrize("decays", [{}, {"weight_decay": 0.1, "l2": 0.01}])
def test_the_loop_of_adam_under_every_switch(amsgrad, epsilon_hat, decays, uncompiled):
    settings = {"amsgrad": amsgrad, "epsilon_hat": epsilon_hat, "epsilon": 0.01} | decays
    assert_bit_equal(both("Adam", settings, 7, np.float64))


def test_centered_on_a_constant_gradient_is_clamped(uncompiled):
    theta, optimizer = np.zeros(1), fast.RMSprop(1e-3, centered=True, epsilon=1e-8)
    for _ in range(400):
        optimizer.step([theta], [np.full(1, 3.0)])
    assert np.isfinite(theta).all()


@pytest.mark.parametrize(
    ("theta", "settings"),
    [
        (np.ones(6, np.float16), {}),
        (np.ones((3, 2), order="F"), {}),
        (np.ones(12)[::2], {}),
        (np.ones((3, 2)), {"rho": np.array([[0.9], [0.5], [0.1]])}),
    ],
)
def test_what_has_no_loop_runs_in_numpy(theta, settings, monkeypatch):
    monkeypatch.setattr(fast, "rmsprop_loop", None)
    other = theta.copy(order="K")
    ours, numpy_optimizer = fast.RMSprop(0.1, **settings), optimizers.RMSprop(0.1, **settings)
    for _ in range(2):
        g = (np.arange(6) - 2.5).astype(theta.dtype).reshape(theta.shape)
        ours.step([theta], [g])
        numpy_optimizer.step([other], [g])
    np.testing.assert_array_equal(theta, other)


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_any_shape(shape, uncompiled):
    theta = np.ones(shape)
    fast.RMSprop(0.1, rho=0.0, epsilon=0.0).step([theta], [np.full(shape, 5.0)])
    np.testing.assert_allclose(theta, 0.9, rtol=1e-15)


def test_larger_counts_what_is_above_the_limit_or_no_number():
    g = np.array([1, -2, 3, np.nan, -np.inf, 2], np.float32)
    for count in (fast.larger, fast.larger.py_func):
        assert count(g, np.float32(2)) == 3
        assert count(g[:2], np.float32(2)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2e19])
def test_bad_gradients_are_refused_in_large_arrays_too(bad):
    theta, g = np.ones((2, fast.PARALLEL), np.float32), np.ones((2, fast.PARALLEL), np.float32)
    g[1, 5] = bad
    optimizer = fast.RMSprop()
    with pytest.raises(FloatingPointError, match=r"^grads\[0\] has .* at \(1, 5\)"):
        optimizer.step([theta], [g])
    assert (theta == 1).all()
    assert not optimizer.has_begun
    g[1, 5] = 9e18  # as large as its square allows, and above the limit of the search
    optimizer.step([theta], [g])


def test_files_are_interchangeable(tmp_path, uncompiled):
    theta = np.ones(3)
    ours = fast.Adam(0.1, amsgrad=True)
    ours.step([theta], [np.ones(3)])
    ours.save(tmp_path / "adam.npz")
    other = optimizers.Adam.load(tmp_path / "adam.npz")
    assert type(other) is optimizers.Adam
    other.save(tmp_path / "adam.npz")
    again = fast.Adam.load(tmp_path / "adam.npz")
    assert type(again) is fast.Adam
    assert again.iterations == 1
    assert fast.RMSprop.flavor("torch").rho == 0.99


def test_without_numba_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "rmsprop.fast")
    with pytest.raises(ImportError, match=r"needs Numba: pip install rmsprop\[fast\]$"):
        import rmsprop.fast  # noqa: F401


def run(code, **environ):
    """Run Python code in a process of its own; return its exit status."""
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | environ, timeout=300)
    return done.returncode


STEPS = """
import os, threading
import numpy as np
from rmsprop import fast

def steps():
    theta, optimizer = np.ones(fast.PARALLEL, np.float32), fast.RMSprop(0.1, rho=0.0, epsilon=0.0)
    for _ in range(20):
        optimizer.step([theta], [np.ones(fast.PARALLEL, np.float32)])
    assert np.allclose(theta, -1)

"""


def test_threads_that_numbas_workqueue_would_abort_run():
    code = STEPS + (
        "threads = [threading.Thread(target=steps) for _ in range(3)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "assert fast.threads() == (os.getpid(), 'workqueue')\n"
        "assert not fast.parallel(fast.PARALLEL)\n"
    )
    assert run(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2") == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_was_forked_after_a_large_step_runs():
    code = STEPS + (
        "steps()\n"
        "assert fast.parallel(fast.PARALLEL) == (fast.threads()[1] != 'workqueue')\n"
        "child = os.fork()\n"
        "steps()\n"
        "if not child: os._exit(0)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert run(code, PYTHONWARNINGS="ignore") == 0
