import dataclasses
import math

import numpy as np
import pytest

from rmsprop.descent import Trajectory, minimize
from rmsprop.optimizers import SGD, Adafactor, AdaGrad, Adam, RMSprop
from rmsprop.problems import (
    Himmelblau,
    HintonMinibatches,
    Noisy,
    OnlineReddi,
    Quadratic,
    Rosenbrock,
    TwoWells,
    plane_rotation,
)


class GradientDescent:
    """The least that minimize() asks of an optimizer; it writes down what it was given."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self.gradients = []

    def step(self, params, grads):
        ((theta,), (g,)) = params, grads
        self.gradients.append(g.copy())
        theta -= self.learning_rate * g


# One run


def test_path_by_hand():
    bowl = Quadratic(curvatures=(1.0, 2.0), start=(4.0, 4.0))
    optimizer = GradientDescent(0.5)
    path = minimize(bowl, optimizer, steps=2)
    np.testing.assert_array_equal(path.parameters, [[4, 4], [2, 0], [1, 0]])
    np.testing.assert_array_equal(path.losses, [24, 2, 0.5])
    np.testing.assert_allclose(path.gradient_norms, [math.sqrt(80), 2, 1], rtol=1e-15)
    np.testing.assert_array_equal(optimizer.gradients, [[4, 8], [2, 0]])
    assert path.diverged.shape == ()
    assert not path.diverged
    with pytest.raises(dataclasses.FrozenInstanceError):
        path.losses = None


def test_no_steps_give_the_start():
    path = minimize(Rosenbrock(), GradientDescent(0.1), steps=0)
    np.testing.assert_array_equal(path.parameters, [Rosenbrock().start])
    assert path.losses == [pytest.approx(24.2)]


def test_start_is_not_changed_and_gives_the_dtype():
    start = np.array([1.0, 2.0], np.float32)
    path = minimize(Himmelblau(), RMSprop(0.1), steps=3, start=start)
    np.testing.assert_array_equal(start, np.array([1.0, 2.0], np.float32))
    assert path.parameters.dtype == np.float32
    assert path.losses.dtype == path.gradient_norms.dtype == np.float64
    assert (path.parameters[1:] != start).all()
    assert minimize(Himmelblau(), RMSprop(0.1), 1, start=[1, 2]).parameters.dtype == np.float64


def test_float16_runs_although_its_squares_overflow():
    bowl = Quadratic(curvatures=(100.0, 100.0), start=(30.0, 30.0))  # ‖g‖ = 4243, 4243² > 65504
    path = minimize(bowl, RMSprop(0.1), 5, start=bowl.start.astype(np.float16))
    assert path.parameters.dtype == np.float16
    assert not path.diverged
    assert path.gradient_norms[0] == pytest.approx(3000 * math.sqrt(2))


def test_an_optimizer_continues_where_it_stands():
    whole, halves = RMSprop(0.1), RMSprop(0.1)
    path = minimize(Rosenbrock(), whole, steps=10)
    first = minimize(Rosenbrock(), halves, steps=4)
    second = minimize(Rosenbrock(), halves, steps=6, start=first.parameters[-1])
    np.testing.assert_array_equal(second.parameters, path.parameters[4:])


# Agreement with published numbers


def test_trace_of_d2l():
    bowl = Quadratic(curvatures=(0.2, 4.0), start=(-5.0, -2.0))
    path = minimize(bowl, RMSprop(0.4, rho=0.9, epsilon=1e-6), steps=500)
    assert path.parameters[20, 0] == pytest.approx(-0.010599, abs=5e-7)
    # The page stops after 20 steps; run on, both coordinates jump between ±η/2 for ever.
    np.testing.assert_allclose(np.abs(path.parameters[-10:]), 0.2, atol=1e-4)
    assert (path.parameters[-9:] * path.parameters[-10:-1] < 0).all()


def test_gradient_descent_contracts_as_theory_says():
    curvatures = np.array([1.0, 100.0])
    bowl = Quadratic(curvatures, plane_rotation(0.7), start=plane_rotation(0.7) @ [100.0, 1.0])
    path = minimize(bowl, SGD(2 / curvatures.sum()), steps=50)
    distance = np.linalg.norm(path.parameters, axis=-1)
    np.testing.assert_allclose(distance[1:] / distance[:-1], 99 / 101, rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "settings", "end"),
    [
        (RMSprop, {"rho": 0.1}, 1.0),  # ρ = 1/(1 + C²): the worst point
        (RMSprop, {"rho": 0.9}, -1.0),
        (Adam, {"beta_1": 0.0, "beta_2": 0.1, "amsgrad": True}, -1.0),
        (AdaGrad, {"learning_rate": 0.1}, -1.0),  # brings its own decay
    ],
)
def test_online_problem_of_reddi(method, settings, end):
    optimizer = method(**{"learning_rate": lambda t: 0.3 / np.sqrt(t + 1), **settings})
    path = minimize(OnlineReddi(c=3.0), optimizer, steps=1200)
    assert path.parameters[-1] == pytest.approx(end, abs=0.02)
    assert (np.abs(path.parameters) <= 1).all()


@pytest.mark.parametrize(("period", "end"), [(2, -1), (3, 1), (5, 1)])
def test_the_online_problem_leads_rmsprop_astray_from_a_period_of_three_on(period, end):
    optimizer = RMSprop(lambda t: 0.3 / np.sqrt(t + 1), rho=1 / (1 + period**2), epsilon=0.0)
    path = minimize(OnlineReddi(c=period, period=period), optimizer, steps=1200)
    assert path.parameters[-1] == pytest.approx(end, abs=0.02)


def test_drift_in_hintons_example():
    rho = np.array([[0.0], [0.9], [0.99]])
    path = minimize(HintonMinibatches(), RMSprop(0.01, rho=rho), steps=1000, start=np.zeros((3, 1)))
    drift = (path.parameters[-1] - path.parameters[-11]) / 0.01  # in one cycle
    np.testing.assert_allclose(drift, [[-8.0], [-0.68], [-0.067]], rtol=0.01)


def test_noise_of_step_t_is_met_in_step_t():
    noisy = Noisy(Quadratic(), seed=2)
    optimizer = GradientDescent(0.01)
    path = minimize(noisy, optimizer, steps=3)
    for t in range(3):
        expected = noisy.gradient(path.parameters[t], t)
        np.testing.assert_array_equal(optimizer.gradients[t], expected)
    # A norm along an axis and the norm of a vector round their sums differently.
    norms = [np.linalg.norm(noisy.gradient(path.parameters[t], t)) for t in range(4)]
    np.testing.assert_allclose(path.gradient_norms, norms, rtol=1e-14)


# Batches


def test_a_batch_is_its_runs():
    start = np.random.default_rng(0).uniform(-2, 2, (3, 4, 2))
    rates = np.array([0.01, 0.1, 0.5])
    path = minimize(TwoWells(), RMSprop(rates[:, None, None]), steps=30, start=start)
    assert path.parameters.shape == (31, 3, 4, 2)
    assert path.losses.shape == path.gradient_norms.shape == (31, 3, 4)
    assert path.diverged.shape == (3, 4)
    for i, j in np.ndindex(3, 4):
        alone = minimize(TwoWells(), RMSprop(rates[i]), steps=30, start=start[i, j])
        np.testing.assert_allclose(path.parameters[:, i, j], alone.parameters, rtol=1e-12)
        np.testing.assert_allclose(path.losses[:, i, j], alone.losses, rtol=1e-12)
        np.testing.assert_allclose(path.gradient_norms[:, i, j], alone.gradient_norms, rtol=1e-11)


# Divergence


def test_a_diverging_run_ends_and_says_so():
    bowl = Quadratic(curvatures=(1.0, 1.0), start=(1.0, 1.0))
    path = minimize(bowl, GradientDescent(1e100), steps=10)
    assert path.diverged
    assert path.parameters.shape == (11, 2)
    assert np.isfinite(path.losses).tolist() == [True, True] + [False] * 9
    np.testing.assert_allclose(path.parameters[1], -1e100)
    np.testing.assert_allclose(path.parameters[2], 1e200)  # kept, though its loss is inf
    assert path.losses[2] == path.gradient_norms[2] == np.inf
    assert np.isnan(path.parameters[3:]).all()
    assert np.isnan(path.losses[3:]).all()
    assert np.isnan(path.gradient_norms[3:]).all()
    assert path.steps_to(1e300) == 0


def test_the_other_runs_go_on():
    rates = np.array([[0.1], [1e100], [0.2]])
    start = np.ones((3, 2))
    bowl = Quadratic(curvatures=(1.0, 1.0))
    path = minimize(bowl, SGD(rates, momentum=0.5), steps=40, start=start)
    assert path.diverged.tolist() == [False, True, False]
    for i in (0, 2):
        alone = minimize(bowl, SGD(rates[i], momentum=0.5), steps=40)
        np.testing.assert_allclose(path.parameters[:, i], alone.parameters, rtol=1e-12)
    for column in (path.parameters, path.losses, path.gradient_norms):
        assert np.isnan(column[3:, 1]).all()


def test_runs_may_diverge_one_after_the_other():
    rates = np.array([[0.1], [1e100], [1e20]])
    bowl = Quadratic(curvatures=(1.0, 1.0))
    path = minimize(bowl, GradientDescent(rates), steps=40, start=np.ones((3, 2)))
    assert path.diverged.tolist() == [False, True, True]
    # θ is (1 − η)ᵗ, and its square the loss: inf from 1e100² and from 1e20⁸ on
    assert np.isfinite(path.losses).sum(axis=0).tolist() == [41, 2, 8]
    assert np.isfinite(path.parameters[..., 0]).sum(axis=0).tolist() == [41, 3, 9]


def test_divergence_in_the_last_step_counts():
    bowl = Quadratic(curvatures=(1.0, 1.0))
    assert not minimize(bowl, GradientDescent(1e100), steps=1).diverged
    assert minimize(bowl, GradientDescent(1e100), steps=2).diverged


class Linear(HintonMinibatches):
    """Constant gradient and a loss that is finite everywhere: only θ can overflow."""

    def gradient(self, theta, t=0):
        return np.ones_like(theta)


def test_parameters_may_overflow_before_the_loss():
    path = minimize(Linear(), GradientDescent(1.7e308), steps=4)
    assert path.diverged
    assert path.parameters[:3, 0].tolist() == [0.0, -1.7e308, -np.inf]
    assert np.isnan(path.parameters[3:]).all()
    rates = np.array([[1.7e308], [0.5]])
    path = minimize(Linear(), GradientDescent(rates), steps=4, start=np.zeros((2, 1)))
    assert path.diverged.tolist() == [True, False]
    assert path.parameters[:, 1, 0].tolist() == [0.0, -0.5, -1.0, -1.5, -2.0]


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1.2e19), (np.float64, 1e154)])
def test_gradients_that_cannot_be_squared_end_a_run(dtype, size):
    # g² is finite, but RMSprop refuses it for want of room for sums of squares
    bowl = Quadratic(curvatures=(1.0, 1.0))
    start = np.array([[size, 0.0], [1.0, 1.0], [size / 10, 0.0]], dtype)
    path = minimize(bowl, RMSprop(0.1), steps=3, start=start)
    assert path.diverged.tolist() == [True, False, False]
    assert path.parameters[0, 0, 0] == dtype(size)
    assert np.isnan(path.losses[1:, 0]).all()


@pytest.mark.parametrize(
    ("optimizer", "ends"),
    [
        (Adafactor(0.01), True),
        (RMSprop(0.01, l2=1e16), True),
        (SGD(1e-36, l2=1e35), True),
        (SGD(1e-30), False),
    ],
)
def test_the_method_says_what_it_can_take(optimizer, ends):
    start = np.full((100, 2), 1.5e5, np.float32)
    start[0] = 1
    path = minimize(Rosenbrock(), optimizer, 2, start=start)
    assert path.diverged.tolist() == [False] + [ends] * 99
    assert np.isfinite(path.parameters[1:, 0]).all()


def test_a_setting_that_does_not_fit_the_start_is_named():
    with pytest.raises(ValueError, match=r"^l2 has the shape \(3,\), which does not broadcast"):
        minimize(Rosenbrock(), SGD(0.1, l2=[0.1, 0.2, 0.3]), 3)


class Cliff(Quadratic):
    """A gradient that is not a number beyond x = 0, where the loss still is one."""

    def gradient(self, theta, t=0):
        return np.where(theta < 0, np.nan, super().gradient(theta, t))


def test_a_gradient_that_is_not_a_number_ends_a_run():
    path = minimize(Cliff(curvatures=(1.0, 1.0)), RMSprop(0.5), steps=5)
    assert path.diverged
    assert np.isfinite(path.losses).tolist() == [True, True] + [False] * 4


# Steps to a target


def test_steps_to():
    losses = np.array([[4.0, 4.0, 1.0, np.nan], [2.0, 4.0, 3.0, 1.0], [1.0, 4.0, 0.5, np.nan]])
    path = Trajectory(losses[..., None], losses, losses, np.zeros(4, bool))
    np.testing.assert_array_equal(path.steps_to(2.0), [1, np.inf, 0, 1])
    np.testing.assert_array_equal(path.steps_to(0.5), [np.inf, np.inf, 2, np.inf])
    single = Trajectory(losses[:, :1], losses[:, 0], losses[:, 0], np.array(False))
    assert single.steps_to(1.5) == 2
    assert np.ndim(single.steps_to(1.5)) == 0
    assert single.steps_to(-1.0) == np.inf
    with pytest.raises(ValueError, match=r"^target must be a number, got nan"):
        path.steps_to(np.nan)


# Errors


@pytest.mark.parametrize("optimizer", [RMSprop, None, 0.1, object()])
def test_an_optimizer_must_step(optimizer):
    with pytest.raises(TypeError, match=r"^optimizer must be .* such as RMSprop\(\), got"):
        minimize(Rosenbrock(), optimizer, steps=3)


@pytest.mark.parametrize("steps", [-1, 1.5, "3", None, True])
def test_steps_are_counted(steps):
    with pytest.raises(ValueError, match=r"^steps must be a whole number of at least 0, not"):
        minimize(Rosenbrock(), RMSprop(0.1), steps)


def test_start_must_fit_the_problem():
    for start in [[1.0], [[1.0, 2.0, 3.0]]]:
        with pytest.raises(ValueError, match=r"theta must have shape \(2,\) or \(..., 2\) for Ros"):
            minimize(Rosenbrock(), RMSprop(0.1), 3, start=start)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="start must be finite, got"):
            minimize(Rosenbrock(), RMSprop(0.1), 3, start=[1.0, bad])
    with pytest.raises(TypeError, match="theta must hold real numbers"):
        minimize(Rosenbrock(), RMSprop(0.1), 3, start=["a", "b"])


def test_a_start_outside_is_projected():
    path = minimize(OnlineReddi(), GradientDescent(0.1), 1, start=[4.0])
    assert path.parameters[0] == [1.0]
