"""What must hold for any gradients: scale, order, bounds, identities between the methods."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from methods import ELEMENTWISE, METHODS
from rmsprop.optimizers import (
    AdaGrad,
    Adam,
    AdaMax,
    Lion,
    Nadam,
    RMSprop,
    Rprop,
)

SCALE_FREE = {
    Rprop: {},
    AdaGrad: {"initial_accumulator_value": 0.0, "epsilon": 0.0},
    RMSprop: {"epsilon": 0.0},
    Adam: {"epsilon": 0.0},
    AdaMax: {"epsilon": 0.0},
    Nadam: {"epsilon": 0.0},
    Lion: {},
}

sizes = st.floats(1e-6, 1e6) | st.just(0.0)
values = st.builds(lambda size, sign: sign * size, sizes, st.sampled_from([-1.0, 1.0]))
shapes = st.tuples(st.integers(1, 8), st.integers(1, 4))
paths = shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=values))
fractions = st.floats(0, 0.999)
rates = st.floats(1e-6, 10)

steady = settings(deadline=None, max_examples=40, derandomize=True, database=None)
few = settings(steady, max_examples=15)


def walk(optimizer, gs, start=0.0):
    """Return the parameters before and after each step."""
    theta = np.full(gs.shape[1:], start)
    path = [theta.copy()]
    for g in gs:
        optimizer.step([theta], [g.copy()])
        path.append(theta.copy())
    return np.array(path)


@pytest.mark.parametrize("method", SCALE_FREE)
@steady
@given(gs=paths, exponent=st.integers(-60, 60))
def test_gradients_of_another_scale_make_the_same_steps(method, gs, exponent):
    other = walk(method(**SCALE_FREE[method]), gs * 2.0**exponent)
    np.testing.assert_array_equal(walk(method(**SCALE_FREE[method]), gs), other)


@pytest.mark.parametrize("method", ELEMENTWISE)
@steady
@given(gs=paths, seed=st.integers(0, 1000))
def test_the_order_of_coordinates_does_not_matter(method, gs, seed):
    order = np.random.default_rng(seed).permutation(gs.shape[1])
    np.testing.assert_array_equal(walk(method(), gs)[:, order], walk(method(), gs[:, order]))


@pytest.mark.parametrize("method", ELEMENTWISE)
@steady
@given(gs=paths)
def test_turning_all_gradients_round_turns_the_path_round(method, gs):
    np.testing.assert_array_equal(walk(method(), gs), -walk(method(), -gs))


@steady
@given(gs=paths, rho=fractions, lr=rates, inside=st.booleans(), epsilon=st.floats(0, 1))
def test_no_step_of_rmsprop_is_longer_than_its_bound(gs, rho, lr, inside, epsilon):
    optimizer = RMSprop(lr, rho=rho, epsilon=epsilon, epsilon_inside=inside)
    bound = lr / math.sqrt(1 - rho)
    assert np.abs(np.diff(walk(optimizer, gs), axis=0)).max() <= bound * (1 + 1e-9)


def test_the_bound_is_reached_by_a_first_step_and_nearly_by_a_spike():
    first = walk(RMSprop(1.0, rho=0.99, epsilon=0.0), np.array([[5.0]]))
    np.testing.assert_allclose(first[-1], -10.0, rtol=1e-12)
    spike = walk(RMSprop(1.0, rho=0.99, epsilon=0.0), np.array([[1.0]] * 50 + [[1e9]]))
    np.testing.assert_allclose(spike[-1] - spike[-2], -10.0, rtol=1e-12)


@steady
@given(gs=paths, lr=rates)
def test_rmsprop_without_memory_is_sign_descent(gs, lr):
    rmsprop = walk(RMSprop(lr, rho=0.0, epsilon=0.0), gs)
    lion = walk(Lion(lr, beta_1=0.0, beta_2=0.0), gs)
    np.testing.assert_allclose(rmsprop, lion, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(lion[1:], -lr * np.sign(gs).cumsum(axis=0), rtol=1e-13, atol=1e-13)


@steady
@given(gs=paths, rho=fractions, lr=rates, epsilon=st.floats(1e-12, 1))
def test_adam_without_m_is_rmsprop_with_bias_correction_and_epsilon_outside(gs, rho, lr, epsilon):
    adam = Adam(lr, beta_1=0.0, beta_2=rho, epsilon=epsilon)
    rmsprop = RMSprop(lr, rho=rho, epsilon=epsilon, epsilon_inside=False, bias_correction=True)
    # Two rules, and a rounding in each step.
    np.testing.assert_allclose(walk(adam, gs), walk(rmsprop, gs), rtol=1e-12, atol=1e-12 * lr)


@steady
@given(gs=paths, rho=st.floats(0.01, 0.999), lr=rates)
def test_centered_steps_are_at_least_as_long(gs, rho, lr):
    plain = np.diff(walk(RMSprop(lr, rho=rho), gs), axis=0)
    centered = np.diff(walk(RMSprop(lr, rho=rho, centered=True), gs), axis=0)
    assert (np.abs(centered) >= np.abs(plain) * (1 - 1e-7) - 1e-12).all()
    assert np.isfinite(centered).all()


@steady
@given(gs=paths, momentum=fractions, lr=rates)
def test_at_a_constant_rate_the_order_of_rate_and_momentum_does_not_matter(gs, momentum, lr):
    inside = walk(RMSprop(lr, momentum=momentum), gs)
    outside = walk(RMSprop(lr, momentum=momentum, learning_rate_inside=False), gs)
    np.testing.assert_allclose(inside, outside, rtol=1e-9, atol=1e-12 * lr)


@steady
@given(gs=paths)
def test_steps_of_adagrad_along_one_sign_shrink(gs):
    gs = np.abs(gs[:1]).repeat(5, axis=0)
    steps = np.abs(np.diff(walk(AdaGrad(), gs), axis=0))
    assert (np.diff(steps, axis=0) <= 1e-18).all()


@steady
@given(gs=paths, lr=rates)
def test_steps_of_lion_and_rprop_have_the_lengths_they_say(gs, lr):
    lion = np.abs(np.diff(walk(Lion(lr), gs), axis=0))
    assert ((lion < 1e-12 * lr) | np.isclose(lion, lr, rtol=1e-9)).all()
    rprop = np.abs(np.diff(walk(Rprop(step_sizes=(0.01, 0.02)), gs), axis=0))
    assert ((rprop == 0) | ((rprop >= 0.01 - 1e-12) & (rprop <= 0.02 + 1e-12))).all()


@pytest.mark.parametrize("method", METHODS)
@few
@given(gs=paths, cut=st.integers(0, 8), block_size=st.integers(1, 40))
def test_a_run_cut_anywhere_and_resumed_in_other_blocks_is_the_run(method, gs, cut, block_size):
    whole = walk(method(), gs, start=1.0)
    first = method()
    theta = walk(first, gs[:cut], start=1.0)[-1].copy()
    second = method.from_config(first.get_config())
    second.load_state_dict(first.state_dict())
    second.block_size = block_size
    for g in gs[cut:]:
        second.step([theta], [g])
    np.testing.assert_array_equal(theta, whole[-1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@few
@given(gs=paths, bad=st.sampled_from([math.nan, math.inf]), where=st.integers(0, 31))
def test_finite_gradients_keep_parameters_finite_and_others_change_nothing(
    method, dtype, gs, bad, where
):
    theta, optimizer = np.ones(gs.shape[1:], dtype), method(nonfinite="skip")
    for t, g in enumerate(np.clip(gs, -6e4, 6e4).astype(dtype)):
        optimizer.step([theta], [g])
        assert np.isfinite(theta).all()
        before, poor = theta.copy(), g.copy()
        poor[where % len(g)] = bad
        optimizer.step([theta], [poor])
        np.testing.assert_array_equal(theta, before)
        assert (optimizer.iterations, optimizer.skipped) == (t + 1, t + 1)
