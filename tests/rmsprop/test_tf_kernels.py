"""TensorFlow's kernels under the Keras optimizers, and what only TensorFlow has."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import rmsprop.keras
from keras_training import SHAPE, START, gradients, state, stepper, train, train_numpy
from rmsprop import optimizers
from rmsprop.keras import RMSprop

# Keras's own variables do not know NumPy's `copy` argument yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def kernels(optimizer, dtype="float32", mode="graph"):
    """Return the names of TensorFlow's training kernels in a step, in order."""
    step = stepper(optimizer, [keras.Variable(START, dtype=dtype)], mode)
    graph = step.get_concrete_function(tf.TensorSpec(SHAPE, dtype)).graph
    names = [op.type for op in graph.get_operations()]
    return [name[13:] for name in names if name.startswith("ResourceApply")]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["RMSProp"]),
        ({"rho": 0.1}, ["RMSProp"]),
        ({"momentum": 0.5}, ["RMSProp"]),
        ({"bias_correction": True, "l2": 0.1, "initial_accumulator_value": 1.0}, ["RMSProp"]),
        ({"nesterov": True, "learning_rate_inside": False}, ["RMSProp"]),
        ({"epsilon_inside": False}, ["Adam"]),
        ({"centered": True}, ["Adam", "RMSProp"]),
        ({"centered": True, "momentum": 0.5}, ["Adam", "RMSProp"]),
        ({"centered": True, "epsilon_inside": False}, ["Adam", "Adam"]),
        ({"centered": True, "momentum": 0.5, "nesterov": True}, ["Adam"]),
        ({"momentum": 0.5, "nesterov": True}, []),
        ({"momentum": 0.5, "learning_rate_inside": False}, []),
        ({"momentum": 0.5, "epsilon_inside": False}, []),
        ({"rho": 0.09}, []),
        ({"rho": 0.09, "centered": True}, []),
    ],
    ids=str,
)
def test_kernel_where_the_variant_allows(settings, expected):
    assert kernels(RMSprop(**settings)) == expected


@pytest.mark.parametrize("epsilon_inside", [True, False])
@pytest.mark.parametrize("centered", [True, False])
def test_kernels_take_the_step_of_the_rule(centered, epsilon_inside):
    settings = {"centered": centered, "epsilon_inside": epsilon_inside}
    assert kernels(RMSprop(**settings), "float64")
    rate = 2**-10  # Keras keeps it as a float32
    expected = train_numpy(optimizers.RMSprop(rate, **settings), gradients(6))
    actual = train(RMSprop(rate, **settings), gradients(6))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_tensorflow_alone_has_kernels():
    assert rmsprop.keras._kernels_of("tensorflow") is rmsprop._tf_kernels
    for backend in ("jax", "torch"):
        assert rmsprop.keras._kernels_of(backend) is None


def test_no_kernel_under_xla_nor_for_16_bits_nor_on_another_backend(monkeypatch):
    for settings in ({}, {"centered": True}):
        assert kernels(RMSprop(**settings), "float64")
        assert not kernels(RMSprop(**settings), "float16")
        assert not kernels(RMSprop(**settings), mode="xla")
    monkeypatch.setattr(rmsprop.keras, "_kernels", None)
    for settings in ({}, {"centered": True}):
        assert not kernels(RMSprop(**settings))
        expected = train_numpy(optimizers.RMSprop(**settings), gradients(6))
        a = train(RMSprop(**settings), gradients(6))
        np.testing.assert_allclose(a, expected, rtol=1e-7)


def test_kernels_compile_where_xla_meets_a_finished_graph():
    theta = keras.Variable(START)
    step = stepper(RMSprop(0.125), [theta], "graph")
    grads = gradients(6)
    for t, g in enumerate(grads):
        call = step if t < 3 else tf.function(step, jit_compile=True)
        call(tf.constant(g))
    np.testing.assert_allclose(theta.numpy(), train(RMSprop(0.125), grads)[-1], rtol=1e-12)


def test_scratch_has_the_name_of_its_purpose():  # a profile shows it
    made = rmsprop._tf_kernels.scratch((3,), "float32", "CPU:0", "moment")
    assert made.name == "moment:0"
    np.testing.assert_array_equal(made.numpy(), np.zeros(3))


def test_scratch_is_shared_and_no_state():
    optimizer = RMSprop()
    same = [keras.Variable(START, dtype="float32") for _ in range(2)]
    optimizer.apply([tf.ones(SHAPE)] * 2, same)
    assert optimizer._scratch.cache_info().currsize == 1
    assert len(optimizer.variables) == 4  # iteration, learning rate, a v each
    np.testing.assert_array_equal(same[0].numpy(), same[1].numpy())
    for settings, arrays in (
        ({"momentum": 0.5}, 0),
        ({"momentum": 0.5, "centered": True}, 1),
        ({"epsilon_inside": False}, 1),
        ({"epsilon_inside": False, "centered": True}, 2),
    ):
        optimizer = RMSprop(**settings)
        optimizer.apply([tf.ones(SHAPE)] * 2, same)
        assert optimizer._scratch.cache_info().currsize == arrays


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, "eager"),
        ({}, "graph"),
        ({"momentum": 0.5, "gradient_accumulation_steps": 2}, "graph"),
        ({"centered": True}, "eager"),
        ({"clipnorm": 0.5}, "eager"),
        ({"clipvalue": 0.5}, "eager"),
        ({"loss_scale_factor": 4.0}, "eager"),
        ({"l2": 0.1, "weight_decay": 0.1}, "eager"),
    ],
    ids=str,
)
def test_sparse_gradient_is_the_sum_of_its_rows(options, mode):
    results = []
    for sparse in (True, False):
        table = keras.Variable(START, dtype="float32")
        bias = keras.Variable(START[0], dtype="float32")
        optimizer = RMSprop(0.1, **options)
        step = stepper(optimizer, [table, bias], mode)
        for rows in ([0, 2, 2], [1, 1, 1], [2, 0, 1], [2, 2, 0]):
            values = np.arange(12.0, dtype="float32").reshape(3, 4) / 8
            slices = tf.IndexedSlices(tf.constant(values), tf.constant(rows), tf.constant(SHAPE))
            step(slices if sparse else tf.convert_to_tensor(slices), tf.ones(4))
        results.append([table.numpy(), *state(optimizer)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    assert abs(results[0][0] - START).max() > 0.1


TWO_DEVICES = """
import numpy as np, tensorflow as tf, keras
from rmsprop.keras import RMSprop, Rprop
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
"""
SCRATCH = """
from rmsprop import _tf_kernels

for device in ("CPU:0", "CPU:1"):
    made = _tf_kernels.scratch((3,), "float32", device, "step")
    assert made.device.endswith(device), made.device
optimizer, thetas = RMSprop(), []
for device in ("CPU:0", "CPU:1"):
    with tf.device(device):
        thetas.append(keras.Variable([1.0, -2.0, 0.0]))
optimizer.apply([tf.ones(3)] * 2, thetas)
assert optimizer._scratch.cache_info().currsize == 2
print("done")
"""
MIRRORED = """
mirrored, single = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.get_strategy()

def fit(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(RMSprop(0.01, bias_correction=True), "mse", jit_compile=False)
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    model.fit(x, x[:, :1], batch_size=8, epochs=1, shuffle=False, verbose=0)
    return model.get_weights()

def loop(strategy, make, dtype):
    with strategy.scope():
        optimizer, theta = make(), keras.Variable([1.0, -2.0, 0.0], dtype=dtype)
        optimizer.build([theta])
    g = tf.constant([0.5, -1.0, 0.25], dtype)
    share = 1 / strategy.num_replicas_in_sync  # the replicas' gradients are added up
    step = tf.function(lambda: strategy.run(lambda: optimizer.apply([g * share], [theta])))
    for _ in range(3):
        step()
    return [theta.numpy().astype("float32")]

def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)
        assert np.isfinite(x).all()

equal(fit(mirrored), fit(single))
for make, dtype in (
    (lambda: RMSprop(0.01, momentum=0.5, centered=True, l2=0.1, weight_decay=0.1), "float32"),
    (lambda: RMSprop(0.01), "float16"),
    (lambda: Rprop(0.01), "float32"),
):
    equal(loop(mirrored, make, dtype), loop(single, make, dtype))
print("done")
"""


@pytest.mark.parametrize("program", [SCRATCH, MIRRORED], ids=["scratch", "mirrored"])
def test_two_devices(program):
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES + program],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr[-3000:]
