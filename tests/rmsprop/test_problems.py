import dataclasses
import re

import numpy as np
import pytest

from project import ROOT
from rmsprop.problems import (
    Beale,
    Himmelblau,
    HintonMinibatches,
    MonkeySaddle,
    Noisy,
    OnlineReddi,
    Problem,
    Quadratic,
    Rosenbrock,
    Saddle,
    TwoWells,
    plane_rotation,
    random_rotation,
)

EXACT = [  # problems whose gradient is the derivative of their loss
    Quadratic(),
    Quadratic(
        curvatures=(0.2, 4.0, 30.0),
        rotation=random_rotation(3, np.random.default_rng(1)),
        center=(1.0, -2.0, 0.5),
    ),
    Saddle(),
    Saddle(curvatures=(2.0, -0.5, 1.0), rotation=random_rotation(3, np.random.default_rng(2))),
    MonkeySaddle(),
    Rosenbrock(),
    Beale(),
    Himmelblau(),
    TwoWells(),
    TwoWells(tilt=-0.7, curvature=3.0),
    TwoWells(tilt=0.0),
]
ALL = [*EXACT, Noisy(Quadratic()), HintonMinibatches(), OnlineReddi()]


def label(problem):
    return f"{problem.name}-{problem.start.size}d"


def points(problem, *shape, seed=0):
    low, high = np.array(problem.window).T
    return np.random.default_rng(seed).uniform(low, high, (*shape, low.size))


def differences(function, theta, h=1e-6):
    """Central differences of ``function`` along each coordinate of ``theta``."""
    steps = h * np.eye(theta.shape[-1])
    return np.stack([(function(theta + s) - function(theta - s)) / (2 * h) for s in steps], -1)


@pytest.mark.parametrize("problem", EXACT, ids=label)
def test_gradient_is_the_derivative_of_the_loss(problem):
    theta = points(problem, 20)
    expected = differences(problem.loss, theta)
    np.testing.assert_allclose(problem.gradient(theta), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("problem", EXACT, ids=label)
def test_minima_are_minima_the_lowest_first(problem):
    assert problem.minimum.ndim == 2
    assert problem.minimum.shape[1] == problem.start.size
    for point in problem.minimum:
        np.testing.assert_allclose(problem.gradient(point), 0, atol=1e-12)
        hessian = differences(problem.gradient, point, h=1e-4)
        assert np.linalg.eigvalsh(hessian).min() > 0
    assert (np.diff(problem.loss(problem.minimum)) >= -1e-12).all()


@pytest.mark.parametrize("problem", ALL, ids=label)
def test_leading_axes_are_a_batch(problem):
    theta = points(problem, 4, 3)
    losses, gradients = problem.loss(theta), problem.gradient(theta)
    assert losses.shape == (4, 3)
    assert gradients.shape == theta.shape
    assert np.shape(problem.loss(theta[1, 2])) == ()
    assert losses[1, 2] == pytest.approx(problem.loss(theta[1, 2]), rel=1e-13)
    if not isinstance(problem, Noisy):  # noise is drawn for each run of a batch
        np.testing.assert_allclose(gradients[1, 2], problem.gradient(theta[1, 2]), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("problem", ALL, ids=label)
def test_gradient_and_projection_keep_the_dtype(problem, dtype):
    theta = (0.3 * points(problem, 5)).astype(dtype)  # the walls of Beale overflow float16
    before = theta.copy()
    assert problem.gradient(theta, 9).dtype == dtype
    assert problem.project(theta).dtype == dtype
    assert np.isfinite(problem.loss(theta)).all()
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize("problem", ALL, ids=label)
def test_whole_numbers_are_points(problem):
    ones = [1] * problem.start.size
    assert problem.gradient(ones).dtype == np.float64
    expected = problem.loss(np.ones(problem.start.size))
    assert problem.loss(ones) == pytest.approx(expected, rel=1e-13, abs=1e-13)  # sums, by BLAS


@pytest.mark.parametrize("problem", ALL, ids=label)
def test_start_and_minima_lie_in_the_window(problem):
    low, high = np.array(problem.window).T
    assert problem.start.shape == low.shape
    assert ((low < problem.start) & (problem.start < high)).all()
    assert ((low <= problem.minimum) & (problem.minimum <= high)).all()


@pytest.mark.parametrize("problem", ALL, ids=label)
def test_constants_cannot_be_changed(problem):
    with pytest.raises(ValueError, match="read-only"):
        problem.start[0] = 7.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.name = "mine"


def test_arguments_cannot_be_changed():
    bowl = Quadratic()
    for array in (bowl.curvatures, bowl.rotation, bowl.center, bowl.start, OnlineReddi().c):
        assert not array.flags.writeable


@pytest.mark.parametrize("problem", ALL, ids=label)
def test_wrong_points_are_refused(problem):
    d = problem.start.size
    for theta in [1.0, np.zeros(d + 1), np.zeros((d, d + 2))]:
        for method in (problem.loss, problem.gradient, problem.project):
            with pytest.raises(ValueError, match=r"theta must have shape \(\d,\) or .*, got"):
                method(theta)
    for theta in [["a"] * d, np.zeros(d, complex), np.zeros(d, bool)]:
        with pytest.raises(TypeError, match="theta must hold real numbers, got dtype"):
            problem.gradient(theta)


def test_sources_are_in_the_bibliography():
    bibliography = ROOT / "book" / "references.bib"
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography.read_text("utf-8"), re.MULTILINE))
    sources = {problem.source for problem in ALL} - {""}
    assert len(sources) == 8
    assert sources <= keys


def test_only_the_online_problem_is_constrained():
    for problem in ALL:
        theta = np.full(problem.start.size, 5.0)
        expected = np.ones(1) if isinstance(problem, OnlineReddi) else theta
        np.testing.assert_array_equal(problem.project(theta), expected)
        np.testing.assert_array_equal(problem.project(-theta), -expected)


def test_a_problem_needs_its_loss_and_gradient():
    with pytest.raises(NotImplementedError):
        Problem().loss([0.0])
    with pytest.raises(NotImplementedError):
        Problem().gradient([0.0])


# Rotations


def test_plane_rotation_turns_counter_clockwise():
    turned = plane_rotation(np.pi / 6) @ [1.0, 0.0]
    np.testing.assert_allclose(turned, [np.sqrt(3) / 2, 0.5])
    assert np.linalg.det(plane_rotation(0.3)) == pytest.approx(1)


def test_random_rotation_is_orthogonal_seeded_and_centred():
    q = random_rotation(5, np.random.default_rng(3))
    np.testing.assert_allclose(q @ q.T, np.eye(5), atol=1e-12)
    again = random_rotation(5, np.random.default_rng(3))
    np.testing.assert_allclose(q, again, atol=1e-14)  # LAPACK's sums, in memory elsewhere
    # Without the sign correction LAPACK's Q has a diagonal of one sign, far from a mean of 0.
    rng = np.random.default_rng(4)
    diagonal = [np.diag(random_rotation(3, rng)) for _ in range(400)]
    assert np.abs(np.mean(diagonal, axis=0)).max() < 0.1
    assert random_rotation(1, rng).shape == (1, 1)
    with pytest.raises(ValueError, match="dimension must be at least 1, got 0"):
        random_rotation(0, rng)


# Quadratics and saddles


def test_quadratic_by_hand():
    bowl = Quadratic(curvatures=(0.2, 4.0))  # the example of d2l.ai: 0.1 x² + 2 y²
    assert bowl.loss([-5.0, -2.0]) == pytest.approx(0.1 * 25 + 2 * 4)
    np.testing.assert_allclose(bowl.gradient([-5.0, -2.0]), [-1.0, -8.0])
    np.testing.assert_array_equal(bowl.start, [1.0, 1.0])
    assert bowl.window == ((-1.25, 1.25), (-1.25, 1.25))
    assert bowl.condition == pytest.approx(20)
    np.testing.assert_array_equal(bowl.minimum, [[0.0, 0.0]])


def test_quadratic_rotates_with_its_start():
    q = random_rotation(4, np.random.default_rng(5))
    curvatures = np.geomspace(1, 1e6, 4)
    center = np.array([1.0, 2.0, 3.0, 4.0])
    straight, turned = Quadratic(curvatures), Quadratic(curvatures, q, center)
    assert turned.condition == pytest.approx(1e6)
    np.testing.assert_allclose(turned.hessian, q @ np.diag(curvatures) @ q.T)
    np.testing.assert_allclose(turned.start, center + q.sum(axis=1))
    assert turned.loss(turned.start) == pytest.approx(straight.loss(straight.start))
    np.testing.assert_allclose(
        turned.gradient(turned.start), q @ straight.gradient(straight.start), rtol=1e-9
    )
    np.testing.assert_allclose(turned.gradient(turned.start), turned.hessian @ q.sum(axis=1))


def test_quadratic_window_holds_a_given_start():
    bowl = Quadratic(center=(1.0, 0.0), start=(-3.0, 2.0))
    assert bowl.window == ((-4.0, 6.0), (-5.0, 5.0))
    at_the_minimum = Quadratic(center=(1.0, 0.0), start=(1.0, 0.0))
    assert at_the_minimum.window == ((1 - 0.00125, 1 + 0.00125), (-0.00125, 0.00125))


def test_quadratic_may_be_flat_in_a_direction():
    gutter = Quadratic(curvatures=(1.0, 0.0))
    assert gutter.condition == np.inf
    np.testing.assert_array_equal(gutter.gradient([2.0, 9.0]), [2.0, 0.0])


def test_quadratic_copies_what_it_is_given():
    curvatures = np.array([1.0, 2.0])
    bowl = Quadratic(curvatures)
    curvatures[0] = 50.0
    assert bowl.loss([1.0, 1.0]) == 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"curvatures": (1.0, -1.0)},
            "^curvatures must not be negative.* for a Quadratic .*Saddle",
        ),
        ({"curvatures": (0.0, 0.0)}, "curvatures must not be negative, and not all zero"),
        ({"curvatures": 1.0}, r"curvatures must have shape \(d,\), got \(\)"),
        ({"curvatures": ()}, r"curvatures must have shape \(d,\), got \(0,\)"),
        ({"curvatures": (1.0, np.nan)}, "curvatures must be finite"),
        ({"rotation": np.ones((2, 2))}, r"rotation must be an orthogonal \(2, 2\) matrix"),
        ({"rotation": np.eye(3)}, r"rotation must be an orthogonal \(2, 2\) matrix"),
        ({"rotation": np.full((2, 2), np.nan)}, "^rotation must be finite"),
        ({"center": (1.0,)}, r"center must have shape \(2,\), got \(1,\)"),
        ({"start": (1.0, 2.0, 3.0)}, r"start must have shape \(2,\), got \(3,\)"),
        ({"start": (1.0, np.inf)}, "start must be finite"),
    ],
)
def test_quadratic_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Quadratic(**arguments)


def test_quadratic_refuses_what_is_not_a_number():
    with pytest.raises(TypeError, match=r"^curvatures must hold real numbers, got dtype <U1"):
        Quadratic(curvatures=("a", "b"))


def test_saddle_starts_on_the_ridge_and_has_no_minimum():
    q = plane_rotation(0.4)
    saddle = Saddle(curvatures=(-3.0, 2.0), rotation=q, center=(1.0, 1.0))
    np.testing.assert_allclose(saddle.start, [1.0, 1.0] + q @ [0.001, 1.0])
    assert saddle.minimum.shape == (0, 2)
    assert saddle.condition == pytest.approx(1.5)
    assert saddle.loss([1.0, 1.0]) == 0
    assert saddle.loss(saddle.center + q[:, 0]) == pytest.approx(-1.5)
    gentle = Saddle(curvatures=(0.5, -0.5, 0.0))
    np.testing.assert_array_equal(gentle.start, [1.0, 0.001, 1.0])


@pytest.mark.parametrize("curvatures", [(1.0, 2.0), (-1.0, 0.0), (1.0, 0.0)])
def test_saddle_needs_both_signs(curvatures):
    with pytest.raises(ValueError, match="curvatures of a Saddle must have both signs"):
        Saddle(curvatures)


def test_monkey_saddle_is_degenerate():
    monkey = MonkeySaddle()
    assert monkey.minimum.shape == (0, 2)
    np.testing.assert_allclose(differences(monkey.gradient, np.zeros(2)), 0, atol=1e-5)
    angles = np.arange(6) * np.pi / 3
    ridges_and_valleys = monkey.loss(np.stack([np.cos(angles), np.sin(angles)], -1))
    np.testing.assert_allclose(ridges_and_valleys, [1, -1, 1, -1, 1, -1])


# Classic functions, at points computed by hand


def test_classic_values():
    # Nobody promises that NumPy's powers are exact, not even those of whole numbers.
    for problem, theta, loss in (
        (Rosenbrock(), [2.0, 1.0], 1 + 100 * 9),
        (Beale(), [0.0, 0.0], 1.5**2 + 2.25**2 + 2.625**2),
        (Beale(), [1.0, 2.0], 2.5**2 + 5.25**2 + 9.625**2),
        (Himmelblau(), [0.0, 0.0], 121 + 49),
    ):
        assert problem.loss(theta) == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(Rosenbrock().gradient([2.0, 1.0]), [2 + 2400, -600], rtol=1e-14)
    np.testing.assert_allclose(Himmelblau().gradient([0.0, 0.0]), [-14, -22], rtol=1e-14)
    np.testing.assert_allclose(Himmelblau().loss(Himmelblau().minimum), 0, atol=1e-25)
    for problem in (Rosenbrock(), Beale(), Himmelblau()):
        assert (problem.loss(problem.minimum) < 1e-25).all()


def test_two_wells():
    wells = TwoWells(tilt=0.3)
    assert wells.loss([0.0, 2.0]) == pytest.approx(1 + 2, rel=1e-14)
    assert wells.loss([-1.0, 0.0]) == pytest.approx(-0.3, rel=1e-14)
    left, right = wells.minimum
    assert left[0] < -1 < 0 < right[0] < 1
    np.testing.assert_allclose(TwoWells(tilt=-0.3).minimum, -wells.minimum)
    np.testing.assert_allclose(TwoWells(tilt=0.0).minimum, [(-1, 0), (1, 0)])
    np.testing.assert_array_equal(TwoWells(tilt=0.0).gradient([0.0, 0.0]), [0.0, 0.0])


@pytest.mark.parametrize("tilt", [8 / (3 * np.sqrt(3)), -1.54, np.nan, np.inf])
def test_two_wells_need_a_small_tilt(tilt):
    with pytest.raises(ValueError, match=r"tilt must be below 1\.5396 in size"):
        TwoWells(tilt=tilt)
    assert TwoWells(tilt=1.53).minimum.shape == (2, 2)


@pytest.mark.parametrize("curvature", [0.0, -1.0, np.nan, np.inf])
def test_two_wells_need_a_positive_curvature(curvature):
    with pytest.raises(ValueError, match="curvature must be positive and finite"):
        TwoWells(curvature=curvature)


# Noise


def test_noise_has_the_size_it_says():
    bowl = Quadratic()
    theta = np.tile(bowl.start, (20000, 1))
    noise = Noisy(bowl, noise=(0.5, 2.0), batch_size=4).gradient(theta, 7) - bowl.gradient(theta)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(noise.std(axis=0), [0.25, 1.0], rtol=0.02)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.02


def test_noise_is_a_function_of_seed_and_step():
    theta = np.zeros(2)
    noisy = Noisy(Quadratic(), seed=3)
    np.testing.assert_array_equal(noisy.gradient(theta, 5), noisy.gradient(theta, 5))
    others = [
        noisy.gradient(theta, 6),
        noisy.gradient(theta),
        Noisy(Quadratic()).gradient(theta, 5),
    ]
    for other in others:
        assert (other != noisy.gradient(theta, 5)).all()


def test_noise_comes_from_a_generator_seeded_with_seed_and_step():
    sigma = np.array([0.5, 2.0])
    noisy = Noisy(Quadratic(), noise=sigma, seed=3)
    sigma[:] = 100.0  # the problem keeps a copy
    xi = np.random.default_rng((3, 5)).standard_normal(2)
    np.testing.assert_array_equal(noisy.gradient([0.0, 0.0], 5), [0.5, 2.0] * xi)


def test_paired_noise_is_shared_by_the_batch():
    theta = np.zeros((3, 4, 2))
    own = Noisy(Quadratic()).gradient(theta)
    shared = Noisy(Quadratic(), paired=True).gradient(theta)
    assert len(np.unique(own)) == own.size
    assert len(np.unique(shared)) == 2
    np.testing.assert_array_equal(shared[2, 3], Noisy(Quadratic()).gradient(theta[2, 3]))


def test_noise_leaves_everything_else_alone():
    inner = OnlineReddi()
    noisy = Noisy(inner, noise=0.0)
    assert noisy.name == "noisy online problem of Reddi et al."
    assert (noisy.source, noisy.window) == (inner.source, inner.window)
    np.testing.assert_array_equal(noisy.minimum, inner.minimum)
    assert noisy.loss([0.5]) == inner.loss([0.5])
    for t in range(4):
        np.testing.assert_array_equal(noisy.gradient([0.5], t), inner.gradient([0.5], t))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": -1.0}, "noise must be a number or one for each coordinate"),
        ({"noise": (1.0, 2.0, 3.0)}, r"noise must be .*shape \(2,\)"),
        ({"noise": np.nan}, "noise must be finite"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": 1.5}, r"batch_size must be a whole number of at least 1, not 1\.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, not True"),
        ({"seed": None}, "seed must be a whole number of at least 0, not None"),
    ],
)
def test_noise_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Noisy(Quadratic(), **arguments)


# Online problems


def test_hintons_minibatches_sum_to_zero():
    problem = HintonMinibatches()
    gradients = [problem.gradient([2.0], t).item() for t in range(20)]
    assert gradients == ([0.1] * 9 + [-0.9]) * 2
    assert sum(gradients) == pytest.approx(0, abs=1e-15)
    np.testing.assert_array_equal(problem.loss([[2.0], [-5.0]]), [0.0, 0.0])


@pytest.mark.parametrize(("c", "period"), [(3.0, 3), (101.0, 101), (1.5, 2)])
def test_online_loss_is_the_mean_over_a_period(c, period):
    problem = OnlineReddi(c, period)
    theta = np.array([0.4])
    gradients = [problem.gradient(theta, t).item() for t in range(3 * period)]
    assert gradients[0] == gradients[period] == c == problem.gradient(theta)
    assert gradients.count(c) == 3
    assert gradients.count(-1.0) == 3 * period - 3
    assert problem.loss(theta) == pytest.approx(np.mean(gradients) * 0.4)
    assert problem.loss(problem.minimum[0]) < problem.loss(theta)


def test_online_problem_with_one_c_a_run():
    c = np.array([3.0, 5.0])
    problem = OnlineReddi(c)
    theta = np.full((2, 1), 0.5)
    np.testing.assert_array_equal(problem.gradient(theta, 3), [[3.0], [5.0]])
    np.testing.assert_array_equal(problem.gradient(theta, 4), [[-1.0], [-1.0]])
    np.testing.assert_allclose(problem.loss(theta), [0.5 / 3, 1.5 / 3])


@pytest.mark.parametrize("shape", [(1,), (3, 1), (2, 1, 1)])
def test_online_problem_with_one_c_a_run_needs_these_runs(shape):
    problem = OnlineReddi(np.array([3.0, 5.0]))
    message = rf"^theta must have shape \(2, 1\), a run for each c, got {re.escape(str(shape))}$"
    for method in (problem.loss, problem.gradient):
        with pytest.raises(ValueError, match=message):
            method(np.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"c": 2.0}, "c must be above period − 1 = 2"),
        ({"c": (3.0, 1.0)}, "c must be above period − 1 = 2"),
        ({"c": np.nan}, "c must be finite"),
        ({"period": 1}, "period must be a whole number of at least 2, not 1"),
        ({"period": 3.0}, r"period must be a whole number of at least 2, not 3\.0"),
    ],
)
def test_online_problem_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        OnlineReddi(**arguments)
