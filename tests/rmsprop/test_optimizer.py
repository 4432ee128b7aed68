"""The step: input and its errors, dtypes and layouts, decay, schedules."""

import copy
import ctypes
import math
import re

import numpy as np
import pytest

from methods import ELEMENTWISE, METHODS, gradients, make, refuses, same
from rmsprop import _arrays, schedules
from rmsprop.optimizer import Optimizer
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
    Rprop,
)
from rmsprop.settings import Setting, number

# ---------------------------------------------------------------- what a step does


def test_a_step_changes_the_arrays_given_and_nothing_else():
    theta, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    optimizer = SGD(0.1)
    assert optimizer.step([theta], [g]) is None
    np.testing.assert_array_equal(theta, [0.95, 2.05])
    np.testing.assert_array_equal(g, [0.5, -0.5])
    assert optimizer.iterations == 1
    assert optimizer.skipped == 0


def test_lists_tuples_and_dicts():
    for pack in (list, tuple):
        theta = [np.ones(2), np.ones((1, 3))]
        SGD(0.5).step(pack(theta), pack([np.ones(2), -np.ones((1, 3))]))
        np.testing.assert_array_equal(theta[0], [0.5, 0.5])
        np.testing.assert_array_equal(theta[1], [[1.5, 1.5, 1.5]])
    theta = {"w": np.ones(2), "b": np.ones(1)}
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.step(theta, {"b": np.ones(1), "w": -np.ones(2)})
    optimizer.step({"b": theta["b"], "w": theta["w"]}, {"w": np.zeros(2), "b": np.zeros(1)})
    np.testing.assert_array_equal(theta["w"], [1.75, 1.75])
    np.testing.assert_array_equal(theta["b"], [0.25])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_in_dtype_out(method, dtype):
    theta = np.ones((3, 2), dtype)
    optimizer = make(method)
    for g in gradients(2, (3, 2), dtype):
        optimizer.step([theta], [g])
    assert theta.dtype == dtype
    wide = np.float32 if dtype == np.float16 else dtype
    slots = optimizer.state_dict()["parameters"][0]["slots"]
    assert {slot.dtype for slot in slots.values()} == {np.dtype(wide)}
    assert dtype == np.float16 or not np.array_equal(theta, np.ones((3, 2)))


@pytest.mark.parametrize("method", METHODS)
def test_float16_is_float32_rounded_at_the_end(method):
    half, single = np.full((4, 3), 2, np.float16), np.full((4, 3), 2, np.float32)
    ours, other = method(weight_decay=0.1, l2=0.2), method(weight_decay=0.1, l2=0.2)
    for g in gradients(3, (4, 3), np.float16):
        g *= np.float16(1000)
        ours.step([half], [g])
        other.step([single], [g.astype(np.float32)])
        np.testing.assert_array_equal(half, single.astype(np.float16))
    slots = ours.state_dict()["parameters"][0]["slots"]
    np.testing.assert_array_equal(slots.pop("master"), single)
    assert same(slots, other.state_dict()["parameters"][0]["slots"])


def test_float16_does_not_lose_steps_below_its_rounding():
    theta, optimizer = np.full(1, 4, np.float16), RMSprop()
    for _ in range(1000):
        optimizer.step([theta], [np.ones(1, np.float16)])
    assert theta[0] == np.float16(2.991)  # without a float32 copy 2.045


def test_what_is_changed_in_float16_parameters_from_outside_counts():
    theta, optimizer = np.full(2, 4, np.float16), SGD(2.0**-13)
    optimizer.step([theta], [np.ones(2, np.float16)])
    assert optimizer.slot("master")[0].tolist() == [4 - 2.0**-13] * 2
    assert theta.tolist() == [4, 4]
    theta[1] = 1
    optimizer.step([theta], [np.ones(2, np.float16)])
    assert optimizer.slot("master")[0].tolist() == [4 - 2.0**-12, 1 - 2.0**-13]


@pytest.mark.parametrize("method", METHODS)
def test_arrays_of_no_dimension(method):
    theta, vector = np.array(2.0), np.array([2.0])
    ours, other = make(method), make(method)
    for g in (0.5, -0.25, 0.5):
        ours.step([theta], [np.array(g)])
        other.step([vector], [np.array([g])])
    assert theta.shape == ()
    assert theta == vector[0] != 2.0
    assert {s.shape for s in ours.state_dict()["parameters"][0]["slots"].values()} <= {()}


@pytest.mark.parametrize("method", METHODS)
def test_several_parameters_do_not_mix(method):
    together, apart = [np.ones(3), np.full((2, 2), 2.0)], [np.ones(3), np.full((2, 2), 2.0)]
    ours, first, second = make(method), make(method), make(method)
    for g, h in zip(gradients(3, 3), gradients(3, (2, 2), seed=1), strict=True):
        ours.step(together, [g, h])
        first.step(apart[:1], [g])
        second.step(apart[1:], [h])
    assert same(together, apart)


def test_gradients_that_share_memory_with_parameters_count_as_they_were():
    x, y = np.array([1.0]), np.array([2.0])
    SGD(0.1).step([x, y], [y, x])  # the gradients of f(x, y) = xy
    np.testing.assert_allclose([x[0], y[0]], [0.8, 1.9], rtol=1e-15)
    whole = np.array([1.0, 2.0])
    SGD(0.1).step([whole[:1], whole[1:]], [whole[1:], whole[:1]])
    np.testing.assert_allclose(whole, [0.8, 1.9], rtol=1e-15)
    z = np.array([1.0, 4.0])
    Lion(1.0, beta_2=0.5).step([z], [z])
    np.testing.assert_array_equal(z, [0.0, 3.0])
    z = np.array([1.0, 2.0])
    SGD(0.1).step([z], [z[::-1]])
    np.testing.assert_allclose(z, [0.8, 1.9], rtol=1e-15)


def test_a_gradient_that_is_a_view_of_memory_mapped_parameters(tmp_path):
    theta = np.memmap(tmp_path / "theta", np.float64, "w+", shape=(2,))
    theta[:] = 1, 2
    SGD(0.1).step([theta], [np.asarray(theta)[::-1]])
    np.testing.assert_allclose(theta, [0.8, 1.9], rtol=1e-15)


def test_memory_mapped_parameters(tmp_path):
    theta = np.memmap(tmp_path / "theta", np.float32, "w+", shape=(4,))
    optimizer = RMSprop(0.1, rho=0.0, epsilon=0.0)
    optimizer.step([theta], [np.ones(4, np.float32)])
    np.testing.assert_allclose(theta, -0.1, rtol=1e-6)
    assert type(optimizer.state_dict()["parameters"][0]["slots"]["v"]) is np.ndarray


def test_a_small_array_goes_to_the_rule_as_it_is():
    seen = []

    class Spy(SGD):
        def rule(self, theta, g, **numbers):
            seen.append((theta, g))

        def _wrapped_rule(self, theta, g, **numbers):
            raise AssertionError

    theta, g = np.ones(3), np.ones(3)
    Spy().step([theta], [g])
    assert seen[0][0] is theta
    assert seen[0][1] is g


class Looking(SGD):
    """SGD that says whether it looked over the arrays one by one."""

    looked = False

    def _looked_over(self, *arrays):
        self.looked = True
        return super()._looked_over(*arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [[1], [3, 4], [1, 2, 3], [10_000]])
def test_a_few_ordinary_numbers_are_not_looked_over(sizes, dtype):
    optimizer = Looking()
    for _ in range(2):
        optimizer.step([np.ones(n, dtype) for n in sizes], [np.ones(n, dtype) for n in sizes])
    assert not optimizer.looked


def test_whatever_else_comes_is_looked_over(tmp_path):
    mapped = np.memmap(tmp_path / "theta", np.float64, "w+", shape=(2,))
    one, large, half = np.ones(2), np.ones(10_001), np.ones(2, np.float16)
    for theta, g in (
        (one, one),
        (one, one[:]),
        (one[:], np.ones(2)),
        (large, large.copy()),
        (half, half.copy()),
        (mapped, np.ones(2)),
        (np.ones(2), mapped),
        (np.ones(2), np.full(2, 1e300)),
    ):
        optimizer = Looking()
        optimizer.step([theta], [g])
        assert optimizer.looked
    optimizer = Looking()
    optimizer.step([np.ones(2), np.ones(2)], [one, one])
    assert optimizer.looked


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_must_not_vanish_is_the_smallest_number_instead_of_0(dtype):
    tiny = np.finfo(dtype).tiny
    for inside, least in ((True, tiny), (False, tiny**0.5)):
        # as a ratio: approx takes all numbers below 1e-12 for equal
        assert _arrays.Positive(0.0, inside).above_zero(dtype) / least == pytest.approx(1)
        assert _arrays.Positive(0.5, inside).above_zero(dtype) == 0.5


# ---------------------------------------------------------------- learning rate


def test_the_learning_rate_may_change_between_steps():
    theta, optimizer = np.array([0.0]), SGD(0.1)
    optimizer.step([theta], [np.ones(1)])
    optimizer.learning_rate = 0.25
    optimizer.step([theta], [np.ones(1)])
    optimizer.learning_rate = np.array([0.5])
    optimizer.step([theta], [np.ones(1)])
    np.testing.assert_allclose(theta, -0.85, rtol=1e-15)


def test_a_schedule_is_asked_once_a_step_from_zero():
    asked = []

    def schedule(t):
        asked.append(t)
        return np.float32(2.0) ** -t if t else 1

    theta, optimizer = [np.zeros(1), np.zeros(2)], SGD(schedule)
    for _ in range(3):
        optimizer.step(theta, [np.ones(1), np.ones(2)])
    assert asked == [0, 1, 2]
    assert theta[1][1] == -1.75


def test_a_schedule_may_end_at_zero():
    theta, optimizer = np.zeros(1), SGD(schedules.LinearDecay(1.0, 1))
    optimizer.step([theta], [np.ones(1)])
    optimizer.step([theta], [np.ones(1)])
    assert theta[0] == -1


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "0.1", None])
def test_a_schedule_that_returns_nonsense_is_refused(bad):
    optimizer = RMSprop(lambda t: 0.1 if t < 1 else bad)
    theta = np.ones(2)
    optimizer.step([theta], [np.ones(2)])
    message = re.escape(
        f"learning_rate(1) must be a number in [0, inf) or an array of such, not {bad!r}"
    )
    refuses(optimizer, [theta], [np.ones(2)], ValueError, message)


@pytest.mark.parametrize("bad", [0, -0.1, math.nan, math.inf, "0.1", None, [0.1, 0.0]])
def test_bad_learning_rates(bad):
    for method in METHODS:
        with pytest.raises(ValueError, match=r"^learning_rate must be a number in \(0, inf\)"):
            method(learning_rate=bad)
    optimizer = SGD(0.1)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = bad
    assert optimizer.learning_rate == 0.1


def test_the_learning_rate_is_rounded_only_when_it_changes(monkeypatch):
    rounded = []
    plain = _arrays.Parameter.rounded
    monkeypatch.setattr(
        _arrays.Parameter,
        "rounded",
        lambda self, name, value: rounded.append(name) or plain(self, name, value),
    )
    theta, optimizer = np.ones(2), SGD(0.5)
    for rate in (0.5, 0.5, 0.25, 0.25):
        if rate != optimizer.learning_rate:
            optimizer.learning_rate = rate
        optimizer.step([theta], [np.ones(2)])
    assert rounded.count("learning_rate") == 2


# ---------------------------------------------------------------- grids of settings


def grid_of(method):
    """Return settings of three runs, as arrays for all and as numbers for each."""
    settings = {
        "learning_rate": [0.1, 0.01, 0.001],
        "weight_decay": [0, 0.1, 0.2],
        "l2": [0.3, 0, 0],
    }
    more = {
        SGD: {"momentum": [0.9, 0.5, 0.1]},
        AdaGrad: {"epsilon": [1e-3, 1e-5, 0], "initial_accumulator_value": [0.1, 0, 1]},
        RMSprop: {"rho": [0.9, 0, 0.99], "momentum": [0.5, 0, 0.9], "epsilon": [1e-3, 1e-5, 0]},
        AdaDelta: {"rho": [0.9, 0, 0.99], "epsilon": [1e-3, 1e-5, 0.1]},
        Lion: {"beta_1": [0.9, 0.5, 0], "beta_2": [0.99, 0, 0.9]},
    }
    betas = {"beta_1": [0.9, 0.5, 0], "beta_2": [0.999, 0.9, 0.5], "epsilon": [1e-3, 1e-5, 0]}
    settings |= more.get(method, betas if issubclass(method, (Adam, AdaMax, Nadam)) else {})
    if method is Nadam:
        settings["momentum_decay"] = [0.004, 1, 0]
    together = {name: np.array(values)[:, None] for name, values in settings.items()}
    alone = [{name: float(values[i]) for name, values in settings.items()} for i in range(3)]
    return together, alone


@pytest.mark.parametrize("method", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block_size", [4, 1000])
def test_a_grid_of_settings_trains_as_its_runs_alone(method, dtype, block_size):
    together, alone = grid_of(method)
    switches = {RMSprop: {"bias_correction": True, "centered": True}, Adam: {"epsilon_hat": True}}
    theta = np.ones((3, 5), dtype)
    optimizer = method(**together, **switches.get(method, {}))
    optimizer.block_size = block_size
    runs = [(np.ones(5, dtype), method(**one, **switches.get(method, {}))) for one in alone]
    for g in gradients(4, (3, 5), dtype):
        optimizer.step([theta], [g])
        for i, (own, own_optimizer) in enumerate(runs):
            own_optimizer.step([own], [g[i]])
    rtol = 4e-7 if dtype == np.float32 else 1e-14  # β ** t of arrays may differ in the last bit
    np.testing.assert_allclose(theta, [own for own, _ in runs], rtol=rtol)


def test_a_schedule_of_arrays():
    theta = np.zeros((2, 3), np.float32)
    optimizer = SGD(schedules.StepDecay([[1.0], [2.0]], 1, 0.5))
    for _ in range(2):
        optimizer.step([theta], [np.ones((2, 3), np.float32)])
    np.testing.assert_array_equal(theta, [[-1.5] * 3, [-3.0] * 3])


@pytest.mark.parametrize(
    "name",
    ["learning_rate", "rho", "epsilon", "weight_decay", "l2", "initial_accumulator_value"],
)
def test_a_setting_that_does_not_broadcast_is_refused(name):
    optimizer = RMSprop(**{name: [0.1, 0.2, 0.3]})
    end = r"which does not broadcast to params\['w'\] of shape \(2, 2\)$"
    message = rf"^{name} has the shape \(3,\), {end}"
    refuses(optimizer, {"w": np.ones((2, 2))}, {"w": np.ones((2, 2))}, ValueError, message)
    larger = RMSprop(**{name: np.full((4, 2, 2), 0.1)})
    refuses(larger, [np.ones((2, 2))], [np.ones((2, 2))], ValueError, r"params\[0\]")


# ---------------------------------------------------------------- weight decay


def test_decoupled_weight_decay_comes_before_the_rule_and_not_into_it():
    theta, optimizer = np.array([2.0]), RMSprop(0.1, rho=0.0, epsilon=0.0, weight_decay=0.5)
    optimizer.step([theta], [np.array([3.0])])
    np.testing.assert_allclose(theta, 2 - 0.1 * 0.5 * 2 - 0.1, rtol=1e-15)
    assert optimizer.state_dict()["parameters"][0]["slots"]["v"] == 9.0


def test_l2_goes_into_the_gradient_and_leaves_the_array_given_alone():
    theta, g = np.array([2.0]), np.array([3.0])
    optimizer = RMSprop(0.1, rho=0.0, epsilon=0.0, l2=0.5)
    optimizer.step([theta], [g])
    np.testing.assert_allclose(theta, 1.9, rtol=1e-15)
    assert optimizer.state_dict()["parameters"][0]["slots"]["v"] == 16.0
    assert g == 3.0


def test_l2_sees_the_parameters_before_decoupled_decay():
    theta = np.array([2.0])
    SGD(0.1, l2=0.5, weight_decay=1.0).step([theta], [np.array([3.0])])
    np.testing.assert_allclose(theta, 2 - 0.2 - 0.1 * 4, rtol=1e-15)


def test_a_row_of_settings_is_written_out_in_the_order_of_the_rows():
    seen = []

    class Spy(SGD):
        def rule(self, theta, g, *, lr, momentum):
            seen.append((lr.shape, lr.strides))

    Spy([0.1, 0.2, 0.3]).step([np.ones((2, 3))], [np.ones((2, 3))])
    assert seen == [((2, 3), (24, 8))]


def test_the_first_step_of_rprop_must_broadcast_too():
    message = r"^learning_rate has the shape \(3,\)"
    refuses(Rprop([0.1, 0.2, 0.3]), [np.ones(2)], [np.ones(2)], ValueError, message)


@pytest.mark.parametrize("name", ["weight_decay", "l2"])
@pytest.mark.parametrize("bad", [-0.1, math.nan, "a"])
def test_bad_decays(name, bad):
    with pytest.raises(ValueError, match=rf"^{name} must be a number in \[0, inf\)"):
        SGD(**{name: bad})


# ---------------------------------------------------------------- gradients that are not finite


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite(method, dtype, bad):
    theta = [np.ones(2, dtype), np.ones((2, 3), dtype)]
    good = [np.ones(2, dtype), np.ones((2, 3), dtype)]
    poor = [np.ones(2, dtype), np.ones((2, 3), dtype)]
    poor[1][1, 2] = bad
    optimizer = make(method)
    message = rf"^grads\[1\] has {bad} at \(1, 2\), which is not finite or too large to be squared"
    refuses(optimizer, theta, poor, FloatingPointError, message)
    assert not optimizer.has_begun
    optimizer.step(theta, good)
    refuses(optimizer, theta, poor, FloatingPointError, message)
    optimizer.step(theta, good)
    assert optimizer.iterations == 2


def test_the_message_names_the_remedies():
    message = "in float32: scale the loss, clip the gradient, or pass nonfinite='skip'$"
    with pytest.raises(FloatingPointError, match=message):
        RMSprop().step([np.ones(2, np.float32)], [np.array([0, math.nan], np.float32)])


def test_a_bad_step_can_be_skipped():
    theta, optimizer = [np.ones(2), np.ones(1)], RMSprop(nonfinite="skip")
    bad = [np.array([1.0, math.nan]), np.ones(1)]
    optimizer.step(theta, bad)
    assert optimizer.skipped == 1
    assert optimizer.iterations == 0
    assert not optimizer.has_begun
    optimizer.step(theta, [np.ones(2), np.ones(1)])
    before = [t.copy() for t in theta], optimizer.state_dict()["parameters"]
    optimizer.step(theta, bad)
    optimizer.step(theta, [np.ones(2), np.array([math.inf])])
    assert same(before, ([t.copy() for t in theta], optimizer.state_dict()["parameters"]))
    assert (optimizer.iterations, optimizer.skipped) == (1, 3)


def test_a_skipped_step_still_checks_the_rest():
    optimizer = RMSprop(nonfinite="skip")
    theta = [np.ones(1), np.ones(2)]
    refuses(optimizer, theta, [np.array([math.nan]), np.ones(3)], ValueError, r"grads\[1\]")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_too_large_to_be_squared(dtype):
    limit = np.sqrt(np.finfo(dtype).max) / 2
    squaring = [m for m in METHODS if not m().takes(theta := np.zeros(1, dtype), theta + 2 * limit)]
    assert set(METHODS) - set(squaring) == {SGD, Rprop, AdaMax, Lion}
    for method in squaring:
        theta = np.zeros((1, 2), dtype)
        optimizer = make(method)
        fine = np.array([[limit * dtype(0.999), 1]], dtype)
        optimizer.step([theta], [fine])
        assert np.isfinite(theta).all()
        assert theta[0, 0] != 0
        large = np.array([[1, -limit * dtype(1.001)]], dtype)
        refuses(optimizer, [theta], [large], FloatingPointError, r"grads\[0\] has -.* at \(0, 1\)")


@pytest.mark.parametrize("method", [SGD, Rprop, AdaMax, Lion])
def test_methods_that_do_not_square_take_any_finite_gradient(method):
    theta = np.zeros(3, np.float32)
    optimizer = method(1e-30)
    optimizer.step([theta], [np.array([3e38, -3e38, 0], np.float32)])
    assert theta[0] < 0 < theta[1]
    assert theta[2] == 0


def test_many_large_gradients_are_no_overflow():
    theta = np.zeros(100, np.float32)
    RMSprop(0.1, rho=0.0, epsilon=0.0).step([theta], [np.full(100, 5e18, np.float32)])
    np.testing.assert_allclose(theta, -0.1, rtol=1e-6)


def test_adafactor_needs_room_for_the_sum_of_its_squares():
    theta = np.zeros((1, 100), np.float32)
    g = np.full((1, 100), 5e18, np.float32)
    refuses(Adafactor(), [theta], [g], FloatingPointError, "too large to be squared")
    Adafactor().step([theta], [g / np.float32(5)])
    assert np.isfinite(theta).all()


@pytest.mark.parametrize(
    ("optimizer", "size", "room"), [(RMSprop(), 1, 4), (Adafactor(), 3, 4), (Adafactor(), 9, 9)]
)
def test_squares_need_room_to_be_added_up(optimizer, size, room):
    limit = np.sqrt(np.finfo(np.float64).max / room)
    theta = np.zeros(size)
    assert optimizer.takes(theta, np.full(size, limit * (1 - 1e-9))).all()
    assert not optimizer.takes(theta, np.full(size, limit * (1 + 1e-9))).any()


def test_float16_gradients_may_be_as_large_as_float16():
    theta = np.zeros(2, np.float16)
    RMSprop(0.1, rho=0.0).step([theta], [np.array([65504, -300], np.float16)])
    np.testing.assert_allclose(theta, [-0.1, 0.1], rtol=1e-3)


def test_l2_counts_in_the_check():
    theta = np.full(2, 1e20, np.float32)
    optimizer = RMSprop(l2=1.0)
    refuses(
        optimizer, [theta], [np.ones(2, np.float32)], FloatingPointError, r"has 1\.0+2\d+e\+20 at"
    )


@pytest.mark.parametrize("size", [1, 10_000, 10_001, 16_384, 40_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_of_squares(size, dtype):
    g = np.random.default_rng(size).integers(-3, 4, size).astype(dtype)
    assert _arrays.sum_of_squares(g) == np.sum(g.astype(int) ** 2)
    assert _arrays.sum_of_squares(g[::-1][: size // 2]) == np.sum(
        g[::-1][: size // 2].astype(int) ** 2
    )
    for bad in (math.inf, math.nan, np.finfo(dtype).max):
        for where in (0, -1):
            g[where] = bad
            with np.errstate(over="ignore"):
                assert not _arrays.sum_of_squares(g) < math.inf
            g[where] = 0


# ---------------------------------------------------------------- input that does not fit


@pytest.mark.parametrize(
    ("params", "grads", "kinds"),
    [
        (np.ones(2), np.ones(2), "ndarray and ndarray"),
        ([np.ones(2)], {"w": np.ones(2)}, "list and dict"),
        ({"w": np.ones(2)}, [np.ones(2)], "dict and list"),
        ([np.ones(2)], np.ones((1, 2)), "list and ndarray"),
        (iter([np.ones(2)]), [np.ones(2)], "list_iterator and list"),
    ],
)
def test_structures_other_than_two_lists_or_two_dicts(params, grads, kinds):
    message = f"^params and grads must be two lists or two dicts of arrays, not {kinds}$"
    with pytest.raises(TypeError, match=message):
        RMSprop().step(params, grads)


def test_lengths_and_keys_must_agree():
    a = np.ones(2)
    refuses(RMSprop(), [a, a.copy()], [a], ValueError, "^params has 2 arrays, grads has 1$")
    message = re.escape("params has the keys ['w', 'b'], grads has ['w']")
    refuses(RMSprop(), {"w": a, "b": a.copy()}, {"w": a}, ValueError, message)


def test_there_must_be_parameters():
    for empty in ([], {}):
        with pytest.raises(ValueError, match=r"^params is empty: pass the arrays to train$"):
            RMSprop().step(empty, empty)
    message = r"^params\[0\] has no elements, its shape is \(0, 3\)$"
    refuses(RMSprop(), [np.ones((0, 3))], [np.ones((0, 3))], ValueError, message)


TWICE = "^params holds the same memory twice: pass each array once$"


def test_memory_must_not_come_twice():
    a, w, flat = np.ones(2), np.ones((2, 2)), np.ones(8)
    for first, second in ((a, a), (w, w.T), (flat[:5], flat[4:]), (flat[::2], flat[1:3][1:])):
        grads = [np.ones(first.shape), np.ones(second.shape)]
        refuses(RMSprop(), [np.ones(1), first, second], [np.ones(1), *grads], ValueError, TWICE)


def test_parameters_may_be_parts_of_one_array():
    flat = np.zeros(8)
    parts = [flat[:3], flat[3:4], flat[4::2], flat[5::2]]
    SGD(1.0).step(parts, [np.full(part.shape, i + 1.0) for i, part in enumerate(parts)])
    np.testing.assert_array_equal(flat, [-1, -1, -1, -2, -3, -4, -3, -4])


def test_keys_must_be_strings():
    a = np.ones(2)
    message = re.escape("params has the key ('w', 1): use strings, which can be saved")
    refuses(RMSprop(), {("w", 1): a, "b": a.copy()}, {("w", 1): a, "b": a}, TypeError, message)


@pytest.mark.parametrize("bad", [[1.0, 2.0], 1.0, np.float64(1.0), np.ma.array([1.0]), None])
def test_parameters_and_gradients_must_be_arrays(bad):
    kind = type(bad).__name__
    message = rf"^params\[0\] must be a NumPy array, not {kind}$"
    with pytest.raises(TypeError, match=message):
        RMSprop().step([bad], [np.ones(2)])
    optimizer, theta = RMSprop(), np.ones(2)
    message = rf"^grads\[0\] must be a NumPy array, not {kind}$"
    refuses(optimizer, [theta], [bad], TypeError, message)
    optimizer.step([theta], [np.ones(2)])
    refuses(optimizer, [theta], [bad], TypeError, message)
    with pytest.raises(TypeError, match=r"^params\[0\] must be a NumPy array"):
        optimizer.step([bad], [np.ones(2)])


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", ">f4", "O", "longdouble"])
def test_parameters_must_be_floats(dtype):
    theta = np.ones(2, dtype)
    expected = f"params['w'] must be float16, float32 or float64, not {theta.dtype}"
    refuses(RMSprop(), {"w": theta}, {"w": theta.copy()}, TypeError, f"^{re.escape(expected)}$")


@pytest.mark.parametrize(
    ("g", "what"),
    [
        (np.ones(3), "float64 of shape (3,)"),
        (np.ones((1, 2)), "float64 of shape (1, 2)"),
        (np.ones(2, np.float32), "float32 of shape (2,)"),
        (np.ones(2, np.int64), "int64 of shape (2,)"),
    ],
)
def test_a_gradient_must_have_the_shape_and_dtype_of_its_parameter(g, what):
    expected = f"grads[1] is {what}, it must be float64 of shape (2,), as its parameter"
    theta = [np.ones(1), np.ones(2)]
    refuses(RMSprop(), theta, [np.ones(1), g], ValueError, f"^{re.escape(expected)}$")


def test_parameters_must_stay_what_they_were():
    theta, optimizer = np.ones(2), RMSprop()
    optimizer.step([theta], [np.ones(2)])
    expected = "params[0] is float32 of shape (2,), it must be float64 of shape (2,)"
    other = np.ones(2, np.float32)
    refuses(optimizer, [other], [other], ValueError, f"^{re.escape(expected)}")
    refuses(optimizer, [np.ones(3)], [np.ones(3)], ValueError, r"params\[0\] is float64 .*\(3,\)")
    message = "^params has 2 arrays, in the steps before it had 1: make a new optimizer"
    refuses(optimizer, [theta, other], [theta, other], ValueError, message)
    expected = "params['w'] stands where params[0] was in the steps before: make a new optimizer"
    refuses(optimizer, {"w": theta}, {"w": np.ones(2)}, ValueError, f"^{re.escape(expected)}")


def test_read_only_parameters():
    theta = np.ones(2)
    theta.flags.writeable = False
    message = r"^params\[0\] is read-only and is to be updated: pass a copy$"
    refuses(RMSprop(), [theta], [np.ones(2)], ValueError, message)
    g = np.ones(2)
    g.flags.writeable = False
    RMSprop().step([np.ones(2)], [g])


def test_a_second_parameter_that_does_not_fit_stops_the_first():
    locked = np.ones(1)
    locked.flags.writeable = False
    refuses(SGD(0.1), [np.ones(2), locked], [np.ones(2), np.ones(1)], ValueError, r"params\[1\]")


def test_settings_are_fixed_once_training_has_begun():
    optimizer = RMSprop()
    optimizer.rho = 0.5
    optimizer.weight_decay = 0.1
    theta = np.array([1.0])
    optimizer.step([theta], [np.ones(1)])
    np.testing.assert_allclose(theta, 1 - 1e-4 - 0.001 / math.sqrt(0.5), rtol=1e-7)
    for name in ("rho", "momentum", "centered", "weight_decay", "l2", "nonfinite"):
        with pytest.raises(AttributeError, match=f"^{name} is fixed once training has begun"):
            setattr(optimizer, name, 0.5)


def test_nonfinite_must_be_a_known_policy():
    with pytest.raises(ValueError, match=r"^nonfinite must be one of raise, skip, not 'ignore'$"):
        SGD(nonfinite="ignore")


def test_the_base_class_has_no_rule():
    with pytest.raises(NotImplementedError, match=r"^Optimizer has no rule$"):
        Optimizer(0.1).step([np.ones(1)], [np.ones(1)])


def test_unknown_arguments_are_refused():
    for method in METHODS:
        with pytest.raises(TypeError, match="lr"):
            method(lr=0.1)


# ---------------------------------------------------------------- an honest step


class Stopped(RMSprop):
    """RMSprop that Ctrl-C meets while a parameter of two elements is updated."""

    def rule(self, theta, g, v, **operands):
        super().rule(theta, g, v, **operands)
        if len(theta) == 2 and self.stopping:
            raise KeyboardInterrupt


def stopped_step():
    """Return an optimizer whose second step was interrupted, and what belongs to its first."""
    optimizer, thetas, gs = Stopped(0.1), [np.ones(1), np.ones(2)], [np.ones(1), np.ones(2)]
    optimizer.stopping = False
    optimizer.step(thetas, gs)
    before = [theta.copy() for theta in thetas], optimizer.state_dict()
    optimizer.stopping = True
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(thetas, gs)
    optimizer.stopping = False
    return optimizer, thetas, gs, before


INTERRUPTED = (
    "^the last step was interrupted, and parameters and state may be half updated: restore the "
    "parameters, and load the state that belongs to them$"
)


@pytest.mark.parametrize("way", [lambda o: o, copy.copy, copy.deepcopy])
def test_a_step_that_was_interrupted_is_not_repeated(way):
    optimizer, thetas, gs, _ = stopped_step()
    optimizer = way(optimizer)
    half = [theta.copy() for theta in thetas]
    for _ in range(2):
        with pytest.raises(RuntimeError, match=INTERRUPTED):
            optimizer.step(thetas, gs)
    with pytest.raises(RuntimeError, match=INTERRUPTED):
        optimizer.state_dict()
    assert same(half, thetas)
    assert optimizer.iterations == 1


def test_a_state_that_is_loaded_mends_an_interrupted_step():
    optimizer, _, gs, (thetas, state) = stopped_step()
    with pytest.raises(ValueError, match="state is one of Adam"):
        optimizer.load_state_dict(Adam().state_dict())
    with pytest.raises(RuntimeError, match=INTERRUPTED):
        optimizer.step(thetas, gs)
    optimizer.load_state_dict(state)
    expected, other = [np.ones(1), np.ones(2)], RMSprop(0.1)
    for _ in range(2):
        other.step(expected, gs)
    optimizer.step(thetas, gs)
    assert same(expected, thetas)


def test_an_interrupted_first_step_says_so_too():
    optimizer = Stopped(0.1)
    optimizer.stopping = True
    with pytest.raises(KeyboardInterrupt):
        optimizer.step([np.ones(2)], [np.ones(2)])
    with pytest.raises(RuntimeError, match=INTERRUPTED):
        optimizer.step([np.ones(2)], [np.ones(2)])
    optimizer.load_state_dict(Stopped(0.1).state_dict())
    optimizer.step([np.ones(1)], [np.ones(1)])


def test_an_interrupt_before_the_rules_leaves_the_step_to_be_done():
    def schedule(t):
        if stop:
            raise KeyboardInterrupt
        return 0.5

    theta, optimizer, stop = np.ones(1), SGD(schedule), True
    with pytest.raises(KeyboardInterrupt):
        optimizer.step([theta], [np.ones(1)])
    stop = False
    optimizer.step([theta], [np.ones(1)])
    assert theta == 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_no_error_state_stops_a_rule_half_way(method, dtype):
    info = np.finfo(dtype)
    gs = [np.ones(2, dtype), np.array([info.smallest_subnormal, 4 * info.tiny], dtype)]
    results = []
    for state in ("ignore", "raise"):
        thetas, optimizer = [np.ones(2, dtype), np.ones(2, dtype)], make(method)
        with np.errstate(all=state):
            for _ in range(3):
                optimizer.step(thetas, gs)
        results.append([*thetas, optimizer.state_dict()])
    assert same(*results)


def test_the_error_state_of_a_schedule_is_the_callers():
    def schedule(t):
        return np.exp(np.float64(-1000)) + 1

    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="underflow"):
        SGD(schedule).step([np.ones(1)], [np.ones(1)])


def test_an_overflow_warns_nobody(recwarn):
    theta = np.full(1, 1e38, np.float32)
    SGD(1e10).step([theta], [np.full(1, 1e37, np.float32)])
    assert theta == -math.inf
    assert not recwarn.list


# ---------------------------------------------------------------- shared memory

WAYS_TO_SEE = [
    lambda a: a[:],
    lambda a: np.frombuffer(a, a.dtype),
    lambda a: np.asarray(memoryview(a)),
    lambda a: np.ctypeslib.as_array((ctypes.c_double * a.size).from_address(a.ctypes.data)),
    lambda a: np.ndarray(a.shape, a.dtype, memoryview(a).cast("B")),
]


@pytest.mark.parametrize("see", WAYS_TO_SEE)
def test_shared_memory_is_found_however_it_is_seen(see):
    x, y = np.array([1.0]), np.array([2.0])
    for _ in range(2):
        SGD(0.1).step([x, y], [see(y), see(x)])
    np.testing.assert_allclose([x[0], y[0]], [0.61, 1.82], rtol=1e-15)
    optimizer = SGD(0.1)
    optimizer.step([x, y], [np.ones(1), np.ones(1)])
    refuses(optimizer, [x, see(x)], [np.ones(1), np.ones(1)], ValueError, TWICE)
    g = np.array([1.0])
    SGD(0.1).step([see(g)], [g])
    np.testing.assert_allclose(g, 0.9, rtol=1e-15)


def test_memory_must_not_come_twice_in_any_step():
    a, b = np.ones(2), np.ones(2)
    optimizer = RMSprop(nonfinite="skip")
    optimizer.step([a, b], [np.ones(2), np.ones(2)])
    refuses(optimizer, [a, a], [np.ones(2), np.ones(2)], ValueError, TWICE)
    refuses(optimizer, [a, a], [np.ones(2), np.full(2, math.nan)], ValueError, TWICE)
    optimizer.step([a, b], [np.ones(2)] * 2)  # the same gradient twice is none of that


def test_an_array_must_not_show_an_element_twice():
    strided = np.lib.stride_tricks.as_strided
    message = "^params shows the same memory twice within one array: pass a copy$"
    flat = np.ones(8)
    seen_twice = (((3,), (0,)), ((3, 3), (8, 8)), ((2, 2), (16, -16)), ((3, 2), (8, 16)))
    for shape, strides in seen_twice:
        theta = strided(flat[4:], shape, strides)
        refuses(SGD(), [theta], [np.ones(shape)], ValueError, message)
    SGD(1.0).step(
        [strided(flat, (1, 4), (0, 16)), flat[1:6:2][::-1]], [np.ones((1, 4)), np.ones(3)]
    )
    np.testing.assert_array_equal(flat, [0, 0, 0, 0, 0, 0, 0, 1])


def copied(thetas, gs):
    """Return which gradients a step copies."""
    return [ours is not g for ours, g in zip(_arrays.apart(thetas, gs), gs, strict=True)]


def test_only_gradients_that_share_memory_are_copied():
    theta, g, flat = np.ones(3), np.ones(3), np.ones(12)
    assert copied([theta, np.ones(3)], [g, theta]) == [False, True]
    assert copied([theta, np.ones(3)], [g, g]) == [False, False]
    assert copied([flat[:3]], [flat[3:6]]) == [False]
    assert copied([flat[:6:2]], [flat[1:6:2]]) == [False]
    assert copied([flat[:3], flat[6:9]], [flat[3:6], flat[8:11]]) == [False, True]
    assert copied([flat[6:9], flat[:3]], [flat[3:6], flat[2:5]]) == [False, True]
    assert copied([flat[:6:2], flat[6:9]], [flat[1:6:2], flat[8:11]]) == [False, True]


def test_arrays_side_by_side_do_not_overlap():
    flat = np.ones(12)
    found = _arrays.overlapping([flat[3:6], flat[:3], flat[5:9], flat[6:8]])
    assert sorted(found) == [(0, 2), (2, 3)]


# ---------------------------------------------------------------- what a method fills in


class Signs(Optimizer):
    """The least that a method fills in, with a setting that it never sets."""

    scale = Setting(number(0))

    def slots(self):
        return {"v": 0}

    def rule(self, theta, g, v, *, lr):
        self.seen.append(theta.size)
        theta -= lr * np.sign(g)


def test_a_setting_that_was_never_set_says_so():
    optimizer = Signs(0.1)
    for read in (lambda: optimizer.scale, optimizer.state_dict, optimizer.get_config):
        with pytest.raises(
            AttributeError, match=r"^scale is a setting of Signs that was never set: set it first$"
        ):
            read()
    with pytest.raises(AttributeError, match=r"^'Signs' object has no attribute 'speed'$"):
        optimizer.speed  # noqa: B018
    optimizer.scale = 2
    assert optimizer.scale == 2


def test_the_first_value_of_a_slot_may_be_a_whole_number():
    optimizer, theta = Signs(0.1), np.ones(12)
    optimizer.block_size, optimizer.seen = 5, []
    optimizer.step([theta], [np.ones(12)])
    assert optimizer.seen == [5, 5, 2]
    assert optimizer.slot("v")[0].tolist() == [0] * 12


def test_blocks_come_back_after_a_learning_rate_that_is_an_array():
    optimizer, theta = Signs(0.1), np.ones(12)
    optimizer.block_size, optimizer.seen = 5, []
    optimizer.learning_rate = [0.1, 0.2, 0.3]
    refuses_shape = r"^learning_rate has the shape \(3,\)"
    with pytest.raises(ValueError, match=refuses_shape):
        optimizer.step([theta], [np.ones(12)])
    for rate in (0.1, np.full(12, 0.1), 0.1):
        optimizer.learning_rate = rate
        optimizer.step([theta], [np.ones(12)])
    assert optimizer.seen == [5, 5, 2, 12, 5, 5, 2]
    np.testing.assert_allclose(theta, 0.7, rtol=1e-14)


def test_what_a_method_takes_counts_l2():
    theta, g = np.array([1.0, 1e3], np.float32), np.array([1.0, -1.0], np.float32)
    assert RMSprop(l2=1e17).takes(theta, g).tolist() == [True, False]
    theta, g = np.ones(2), np.array([5e153, -5e153])  # the limit is at 6.7e153
    assert RMSprop(l2=5e153).takes(theta, g).tolist() == [False, True]
    with np.errstate(all="raise"):
        assert SGD(l2=1e300).takes(np.array([1e300, 1]), np.ones(2)).tolist() == [False, True]
    message = r"^l2 has the shape \(3,\), which does not broadcast to params\[0\] of shape \(2,\)$"
    with pytest.raises(ValueError, match=message):
        SGD(l2=[0.1, 0.2, 0.3]).takes(theta, g)


def test_what_a_method_takes_is_the_same_before_and_after_a_step():
    shapes = ((5,), np.float32), ((5,), np.float64), ((500,), np.float64)
    arrays = [np.ones(shape, dtype) for shape, dtype in shapes]
    for cls in (RMSprop, Adafactor):  # Adafactor's limit falls with the size
        stepped = cls()
        stepped.step(arrays, [array / 2 for array in arrays])
        for theta in arrays:
            limit = cls().largest_gradient(theta.dtype, theta.size)
            for optimizer in (cls(), stepped):
                assert optimizer.takes(theta, np.full_like(theta, 0.99 * limit)).all()
                assert not optimizer.takes(theta, np.full_like(theta, 1.01 * limit)).any()


def test_a_method_may_say_what_it_takes():
    class Small(SGD):
        def largest_gradient(self, dtype, size):
            assert (dtype, size) == (np.float32, 2)
            return 3.0

    optimizer, theta = Small(), np.ones(2, np.float32)
    optimizer.step([theta], [np.array([3, 1], np.float32)])
    message = r"^grads\[0\] has -4\.0 at \(1,\), which is not finite or too large"
    refuses(optimizer, [theta], [np.array([3, -4], np.float32)], FloatingPointError, message)
