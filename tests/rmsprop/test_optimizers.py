"""The rules: by hand, beside recorded paths of other libraries, and where these differ."""

import json
import math

import numpy as np
import pytest

from project import ROOT
from rmsprop import optimizers
from rmsprop._arrays import decay
from rmsprop.optimizers import (
    FLAVORS,
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

PEERS = ROOT / "book" / "peers"


def walk(optimizer, gradients, rates=None, start=1.0):
    """Return the parameters after each step, from `start` in all coordinates."""
    theta = np.full(np.shape(gradients[0]), start)
    path = []
    for t, g in enumerate(gradients):
        if rates is not None and optimizer.learning_rate != rates[t]:
            optimizer.learning_rate = rates[t]
        optimizer.step([theta], [np.array(g, dtype=float)])
        path.append(theta.copy())
    return np.array(path)


def slots(optimizer):
    return optimizer.state_dict()["parameters"][0]["slots"]


# ---------------------------------------------------------------- recorded paths


def recorded():
    for peer in ("torch", "optax", "tf1"):
        content = json.loads((PEERS / f"{peer}.json").read_text())
        for run in content["runs"]:
            name = f"{peer}-{run['peer']}-{run['arguments']}-{run['gradients']}-{run['rates'][-1]}"
            yield pytest.param(peer, content["gradients"][run["gradients"]], run, id=name)


def our(run):
    settings = {"learning_rate": run["rates"][0], **run["settings"]}
    if run["ours"] in FLAVORS:
        return RMSprop.flavor(run["ours"], **settings)
    return getattr(optimizers, run["ours"])(**settings)


def remembers_steps_without_rate(run):
    """Whether the peer multiplies its momentum by the rate of the day, where ours has SGD's."""
    return run["ours"] == "SGD" and "momentum" in run["settings"] and len(set(run["rates"])) > 1


@pytest.mark.parametrize(("peer", "gradients", "run"), list(recorded()))
def test_beside_other_libraries(peer, gradients, run):
    # TF1 keeps its settings as float32; torch's Nadam its product of μ; AdaMax's ε is in the max
    rtol = {"tf1": 2e-7, "torch": 1e-9, "optax": 1e-9}[peer]
    rates = run["rates"] if run["ours"] != "Rprop" else None
    path = walk(our(run), gradients, rates)
    if remembers_steps_without_rate(run):
        np.testing.assert_allclose(path[:2], run["path"][:2], rtol=rtol)
        assert not np.allclose(path[2], run["path"][2], rtol=1e-3)
    else:
        np.testing.assert_allclose(path, run["path"], rtol=rtol, atol=1e-9)


# TF1 and Keras hold the learning rate as float32, hence the eighth digit
TABLE = [[0.1, 1e-4, 1.0], [-0.2, 1e-4, 10.0], [0.3, 1e-4, 0.1]]


@pytest.mark.parametrize(
    ("settings", "coordinate", "expected"),
    [
        ({}, 0, (0.997680259, 0.971043651, 0.909181928, 0.971042403)),
        ({}, 1, (0.999996664, 0.990600478, 0.771270736, 0.972428316)),
        ({"rho": 0.9, "epsilon": 1e-8}, 0, (0.997680259, 0.971042403, 0.971042272, 0.971042403)),
        ({"rho": 0.9, "epsilon": 1e-8}, 1, (0.999996664, 0.972428316, 0.926245129, 0.972428316)),
        ({"rho": 0.9, "epsilon": 1e-2}, 0, (0.997695802, 0.987242588, 0.977127611, 0.987242588)),
    ],
)
def test_the_table_of_the_variants_page(settings, coordinate, expected):
    for name, value in zip(("tf1", "keras", "torch", "optax"), expected, strict=True):
        path = walk(RMSprop.flavor(name, learning_rate=0.01, **settings), TABLE)
        assert path[-1, coordinate] == pytest.approx(value, abs=2e-8)


@pytest.mark.parametrize(
    ("settings", "rates", "coordinate", "expected"),
    [
        ({"momentum": 0.9}, [0.01] * 3, 2, (0.915031410, 0.854155746, 0.854155741, 0.854155742)),
        (
            {"momentum": 0.9},
            [0.01, 0.01, 0.001],
            2,
            (0.915318743, 0.854454388, 0.903007343, 0.854454385),
        ),
        ({"centered": True}, [0.01] * 3, 1, (0.999996664, 0.971974453, 0.918700296, 0.971974453)),
    ],
)
def test_the_table_with_momentum_and_centering(settings, rates, coordinate, expected):
    settings = {"learning_rate": rates[0], "rho": 0.9, "epsilon": 1e-8} | settings
    for name, value in zip(("tf1", "keras", "torch", "optax"), expected, strict=True):
        path = walk(RMSprop.flavor(name, **settings), TABLE, rates)
        assert path[-1, coordinate] == pytest.approx(value, abs=2e-8)


# ---------------------------------------------------------------- by hand


def test_average_and_square():
    v = np.array([1.0, 2.0])
    optimizers.average(v, decay(0.75), np.array([5.0, -2.0]))
    np.testing.assert_array_equal(v, [2.0, 1.0])
    optimizers.average_square(v, decay(0.75), np.array([2.0, -4.0]))
    np.testing.assert_array_equal(v, [2.5, 4.75])


def test_root_and_ratio():
    v = np.array([3.0, 8.0])
    np.testing.assert_array_equal(optimizers.root(v, 1.0, inside=True), [2.0, 3.0])
    np.testing.assert_allclose(optimizers.root(v, 1.0, inside=False), np.sqrt([3, 8]) + 1)
    np.testing.assert_array_equal(v, [3.0, 8.0])
    divisor = np.array([2.0, 4.0])
    assert optimizers.ratio(0.5, np.array([2.0, -4.0]), divisor) is divisor
    np.testing.assert_array_equal(divisor, [0.5, -0.5])


def test_heavy_ball():
    b = np.array([2.0])
    assert optimizers.heavy_ball(b, np.array([1.0]), 0.5, nesterov=False) is b
    assert b == 2.0
    assert optimizers.heavy_ball(b, np.array([1.0]), 0.5, nesterov=True) == 2.0
    assert b == 2.0
    assert optimizers.heavy_ball(b, np.array([3.0]), 0.5, nesterov=True) == 5.0
    assert b == 4.0


def test_sgd():
    gs = [[1.0], [2.0], [-1.0]]
    np.testing.assert_allclose(walk(SGD(0.1), gs).ravel(), [0.9, 0.7, 0.8])
    b1, b2, b3 = 0.1, 0.25, 0.025
    path = walk(SGD(0.1, momentum=0.5), gs)
    np.testing.assert_allclose(path.ravel(), 1 - np.cumsum([b1, b2, b3]))
    path = walk(SGD(0.1, momentum=0.5, nesterov=True), gs)
    steps = [0.5 * b1 + 0.1, 0.5 * b2 + 0.2, 0.5 * b3 - 0.1]
    np.testing.assert_allclose(path.ravel(), 1 - np.cumsum(steps))


def test_rprop():
    gs = [[1.0], [0.1], [-5.0], [-1.0], [-1.0], [0.0], [-1.0]]
    path = walk(Rprop(0.1, factors=(0.5, 1.2), step_sizes=(0.01, 0.13)), gs)
    # the first step, growth up to the largest, a flip that halves and rests, a step that is
    # neither, growth, a gradient of zero, and again neither
    steps = [0.1, 0.12, 0.0, -0.06, -0.072, 0.0, -0.072]
    np.testing.assert_allclose(path.ravel(), 1 - np.cumsum(steps), rtol=1e-14)
    path = walk(Rprop(0.1, step_sizes=(0.08, 0.11)), [[1.0], [1.0], [-1.0], [1.0]])
    np.testing.assert_allclose(path.ravel(), 1 - np.cumsum([0.1, 0.11, 0, 0.08]), rtol=1e-14)


def test_rprop_does_not_see_the_size_of_gradients():
    gs = np.random.default_rng(0).normal(size=(10, 4))
    for scale in (1e-200, 1e200):
        np.testing.assert_array_equal(walk(Rprop(), gs), walk(Rprop(), gs * scale))


def test_rprop_starts_each_coordinate_with_its_own_learning_rate():
    path = walk(Rprop(np.array([0.1, 0.2])), [[1.0, -1.0]])
    np.testing.assert_allclose(path[0], [0.9, 1.2])


def test_the_learning_rate_of_rprop_is_a_start_and_cannot_change():
    with pytest.raises(ValueError, match=r"^learning_rate must be a number in .*, not <function"):
        Rprop(lambda t: 0.1)
    optimizer = Rprop()
    optimizer.learning_rate = 0.5
    np.testing.assert_allclose(walk(optimizer, [[1.0]]), 0.5)
    with pytest.raises(AttributeError, match=r"^learning_rate is fixed once training has begun"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": (0, 1.2)}, r"factors\[0\] must be a number in \(0, 1\)"),
        ({"factors": (1, 1.2)}, r"factors\[0\] must be a number in \(0, 1\)"),
        ({"factors": (0.5, 1)}, r"factors\[1\] must be a number in \(1, inf\)"),
        ({"step_sizes": (0, 1)}, r"step_sizes\[0\] must be a number in \(0, inf\)"),
        (
            {"step_sizes": (2, 1)},
            r"step_sizes must be two numbers, the smaller first, not \(2, 1\)",
        ),
        ({"step_sizes": 1}, "step_sizes must be a pair of numbers, not 1"),
        ({"step_sizes": (1, math.inf)}, r"step_sizes\[1\]"),
    ],
)
def test_bad_settings_of_rprop(settings, message):
    with pytest.raises(ValueError, match=message):
        Rprop(**settings)


def test_adagrad():
    path = walk(AdaGrad(0.1, initial_accumulator_value=7.0, epsilon=0.0), [[3.0], [0.0], [3.0]])
    np.testing.assert_allclose(path.ravel(), 1 - np.cumsum([0.3 / 4, 0, 0.3 / 5]))
    inside = walk(AdaGrad(0.1, 0.0, epsilon=7.0), [[3.0]])
    np.testing.assert_allclose(inside, 1 - 0.3 / 4)
    outside = walk(AdaGrad(0.1, 0.0, epsilon=7.0, epsilon_inside=False), [[3.0]])
    np.testing.assert_allclose(outside, 1 - 0.3 / 10)


def test_adagrads_steps_shrink_as_one_over_root_t():
    path = walk(AdaGrad(1.0, 0.0, epsilon=0.0), [[5.0]] * 9, start=0.0)
    np.testing.assert_allclose(np.diff(path.ravel()), -1 / np.sqrt(np.arange(2, 10)))


def test_adagrads_sum_stops_short_of_infinity():
    theta, optimizer = np.zeros(1, np.float32), AdaGrad(1.0)
    g = np.full(1, 9e18, np.float32)
    for _ in range(8):
        optimizer.step([theta], [g])
    assert slots(optimizer)["a"] == np.finfo(np.float32).max / 4
    before = theta.copy()
    optimizer.step([theta], [g])
    assert before - theta == pytest.approx(9e18 / math.sqrt(np.finfo(np.float32).max / 4), rel=1e-3)


def test_rmsprop():
    gs = [[2.0, 0.0], [4.0, -1.0]]
    v1, v2 = 0.25 * 4, 0.75 * 0.25 * 4 + 0.25 * 16
    w2 = 0.25
    steps = [
        [0.2 / math.sqrt(v1 + 0.5), 0.0],
        [0.4 / math.sqrt(v2 + 0.5), -0.1 / math.sqrt(w2 + 0.5)],
    ]
    path = walk(RMSprop(0.1, rho=0.75, epsilon=0.5), gs)
    np.testing.assert_allclose(path, 1 - np.cumsum(steps, axis=0), rtol=1e-14)


def test_rmsprop_with_every_switch():
    g1, g2 = 2.0, -3.0
    optimizer = RMSprop(
        0.1,
        rho=0.75,
        momentum=0.5,
        epsilon=0.5,
        centered=True,
        nesterov=True,
        epsilon_inside=False,
        learning_rate_inside=False,
        initial_accumulator_value=16.0,
        bias_correction=True,
    )
    v1, m1 = 0.75 * 16 + 0.25 * g1**2, 0.25 * g1
    v2, m2 = 0.75 * v1 + 0.25 * g2**2, 0.75 * m1 + 0.25 * g2
    c1, c2 = 0.25, 1 - 0.75**2
    u1 = g1 / (math.sqrt(v1 / c1 - (m1 / c1) ** 2) + 0.5)
    u2 = g2 / (math.sqrt(v2 / c2 - (m2 / c2) ** 2) + 0.5)
    b2 = 0.5 * u1 + u2
    expected = [1 - 0.1 * (0.5 * u1 + u1), 1 - 0.1 * 1.5 * u1 - 0.2 * (0.5 * b2 + u2)]
    path = walk(optimizer, [[g1], [g2]], rates=[0.1, 0.2])
    np.testing.assert_allclose(path.ravel(), expected, rtol=1e-14)
    kept = slots(optimizer)
    np.testing.assert_allclose([kept["v"], kept["m"], kept["velocity"]], [[v2], [m2], [b2]])


def test_rmsprop_momentum_adds_up_rates_or_steps():
    gs, rates = [[1.0], [1.0]], [0.1, 0.01]
    settings = {"rho": 0.0, "epsilon": 0.0, "momentum": 0.5}
    inside = walk(RMSprop(**settings), gs, rates)
    np.testing.assert_allclose(inside.ravel(), [0.9, 0.9 - 0.05 - 0.01], rtol=1e-14)
    outside = walk(RMSprop(**settings, learning_rate_inside=False), gs, rates)
    np.testing.assert_allclose(outside.ravel(), [0.9, 0.9 - 0.01 * 1.5], rtol=1e-14)


def test_the_first_steps_do_not_depend_on_the_size_of_a_constant_gradient():
    for g in (1e-3, 1.0, 1e3):
        path = walk(RMSprop(1.0, rho=0.9, epsilon=0.0), [[g]] * 4, start=0.0)
        steps = -np.diff(path.ravel(), prepend=0.0)
        np.testing.assert_allclose(steps, 1 / np.sqrt(1 - 0.9 ** np.arange(1, 5)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centered_on_a_constant_gradient_stays_finite(dtype):
    # v − m² rounds below zero here: torch returns NaN in float32 from step 133
    theta, optimizer = np.zeros(1, dtype), RMSprop(1e-3, centered=True, epsilon=1e-8)
    for _ in range(400):
        optimizer.step([theta], [np.full(1, 3, dtype)])
    assert np.isfinite(theta).all()
    m, v = slots(optimizer)["m"], slots(optimizer)["v"]
    np.testing.assert_allclose([v, m], [[9], [3]], rtol=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        RMSprop(epsilon=0.0),
        RMSprop(epsilon=0.0, epsilon_inside=False),
        RMSprop(epsilon=0.0, centered=True),
        AdaGrad(initial_accumulator_value=0.0, epsilon=0.0),
        AdaGrad(initial_accumulator_value=0.0, epsilon=0.0, epsilon_inside=False),
        AdaDelta(epsilon=0.0),
        Adam(epsilon=0.0),
        Adam(epsilon=0.0, epsilon_hat=True),
        AdaMax(epsilon=0.0),
        Nadam(epsilon=0.0),
        Adafactor(),
        Adafactor(epsilon_1=0.0),
        Adafactor(epsilon_1=1e-50),
    ],
    ids=lambda o: f"{type(o).__name__}-{o.get_config()}",
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_gradient_that_is_always_zero_moves_nothing_even_without_epsilon(optimizer, dtype):
    theta = np.ones(3, dtype)
    optimizer = optimizer.from_config(optimizer.get_config())
    tiny = np.finfo(dtype).smallest_subnormal
    for g in ([0, 1, tiny], [0, -1, -tiny], [0, 0, 0]):
        optimizer.step([theta], [np.array(g, dtype)])
    assert theta[0] == 1
    assert np.isfinite(theta).all()
    np.testing.assert_allclose(theta[2], 1, atol=0.05)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(("dtype", "g"), [(np.float32, 1e-30), (np.float64, 1e-200)])
def test_a_gradient_whose_square_vanishes_makes_no_long_step_without_epsilon(inside, dtype, g):
    theta = np.zeros(1, dtype)
    RMSprop(1.0, epsilon=0.0, epsilon_inside=inside).step([theta], [np.full(1, g, dtype)])
    assert -1e-9 < theta[0] < 0


@pytest.mark.parametrize("inside", [True, False])
def test_epsilon_zero_stands_for_the_smallest_normal_number_under_a_root(inside):
    root, g = float(np.finfo(float).tiny) ** 0.5, 1e-200
    settings = {"epsilon": 0.0, "epsilon_inside": inside}
    for optimizer in (RMSprop(1.0, **settings), AdaGrad(1.0, 0.0, **settings)):
        assert walk(optimizer, [[g]], start=0.0)[-1] * root / -g == pytest.approx(1)
    for cls in (Adam, AdaMax):  # theirs stands outside
        step = walk(cls(1.0, epsilon=0.0), [[g]], start=0.0)[-1]
        assert step * root / -g == pytest.approx(1)
    # of AdaDelta both roots have it: the first step is √ε/√(0.05 g²), here of g = 1
    step = walk(AdaDelta(1.0, epsilon=0.0), [[1.0]], start=0.0)[-1]
    assert -step / root == pytest.approx(0.05**-0.5)


def test_epsilon_zero_is_below_every_ordinary_square():
    for inside in (True, False):
        for g in (1e-18, 1.0, 1e18):
            theta = np.zeros(1, np.float32)
            settings = {"rho": 0.0, "epsilon": 0.0, "epsilon_inside": inside}
            RMSprop(1.0, **settings).step([theta], [np.full(1, g, np.float32)])
            np.testing.assert_allclose(theta, -1.0, rtol=0.2 if g == 1e-18 else 1e-6)


def test_adadelta():
    g1, g2, e = 2.0, -1.0, 0.25
    v1 = 0.5 * g1**2
    s1 = math.sqrt(e) / math.sqrt(v1 + e) * g1
    d1 = 0.5 * s1**2
    v2 = 0.5 * v1 + 0.5 * g2**2
    s2 = math.sqrt(d1 + e) / math.sqrt(v2 + e) * g2
    path = walk(AdaDelta(1.0, rho=0.5, epsilon=e), [[g1], [g2]])
    np.testing.assert_allclose(path.ravel(), [1 - s1, 1 - s1 - s2], rtol=1e-14)


def test_adam():
    g1, g2 = 2.0, -1.0
    m1, v1 = 0.5 * g1, 0.25 * g1**2
    m2, v2 = 0.5 * m1 + 0.5 * g2, 0.75 * v1 + 0.25 * g2**2
    first = (m1 / 0.5) / (math.sqrt(v1 / 0.25) + 0.1)
    second = (m2 / 0.75) / (math.sqrt(v2 / (1 - 0.75**2)) + 0.1)
    path = walk(Adam(0.1, 0.5, 0.75, epsilon=0.1), [[g1], [g2]])
    np.testing.assert_allclose(path.ravel(), 1 - 0.1 * np.cumsum([first, second]), rtol=1e-14)
    first = 0.1 * math.sqrt(0.25) / 0.5 * m1 / (math.sqrt(v1) + 0.1)
    path = walk(Adam(0.1, 0.5, 0.75, epsilon=0.1, epsilon_hat=True), [[g1]])
    np.testing.assert_allclose(path.ravel(), 1 - first, rtol=1e-14)


def test_the_articles_formula_of_adam_is_another_method():
    # alpha / (sqrt(1 − β₂ᵗ) (1 − β₁ᵗ)) · m has no v: its first step is proportional to g
    for g in (0.1, 10.0):
        article = 0.001 / (math.sqrt(1 - 0.999) * (1 - 0.9)) * (1 - 0.9) * g
        path = walk(Adam(epsilon=0.0), [[g]])
        np.testing.assert_allclose(1 - path, 0.001, rtol=1e-10)
        assert article / 0.001 == pytest.approx(31.6 * g, rel=1e-3)


def test_amsgrad_keeps_the_largest_v():
    optimizer = Adam(amsgrad=True, beta_2=0.5)
    walk(optimizer, [[4.0], [0.0], [1.0]])
    assert slots(optimizer)["v_max"] == 8.0
    assert slots(optimizer)["v"] == 2.5


def test_adamax():
    path = walk(AdaMax(0.1, 0.5, 0.75, epsilon=0.5), [[2.0], [-1.0], [-3.0]])
    m1, m2, m3 = 1.0, 0.0, -1.5
    u1, u2, u3 = 2.0, 1.5, 3.0
    steps = [m1 / 0.5 / (u1 + 0.5), m2 / 0.75 / (u2 + 0.5), m3 / 0.875 / (u3 + 0.5)]
    np.testing.assert_allclose(path.ravel(), 1 - 0.1 * np.cumsum(steps), rtol=1e-14)


def test_nadam():
    g1, g2, psi = 2.0, -1.0, 0.5
    mu = [0.8 * (1 - 0.5 * 0.96 ** (psi * t)) for t in (1, 2, 3)]
    m1, v1 = 0.2 * g1, 0.1 * g1**2
    m2, v2 = 0.8 * m1 + 0.2 * g2, 0.9 * v1 + 0.1 * g2**2
    p1, p2, p3 = mu[0], mu[0] * mu[1], mu[0] * mu[1] * mu[2]
    first = mu[1] * m1 / (1 - p2) + (1 - mu[0]) * g1 / (1 - p1)
    second = mu[2] * m2 / (1 - p3) + (1 - mu[1]) * g2 / (1 - p2)
    steps = [first / (math.sqrt(v1 / 0.1) + 0.1), second / (math.sqrt(v2 / 0.19) + 0.1)]
    path = walk(Nadam(0.1, 0.8, 0.9, epsilon=0.1, momentum_decay=psi), [[g1], [g2]])
    np.testing.assert_allclose(path.ravel(), 1 - 0.1 * np.cumsum(steps), rtol=1e-14)


def test_nadams_product_of_momenta_can_be_asked_in_any_order():
    optimizer = Nadam(0.1)
    expected = np.cumprod([0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in range(1, 8)])
    for t in (3, 3, 5, 1, 7, 2):
        assert optimizer._momentum_product(t) == expected[t - 1]


def test_nadams_product_goes_on_from_the_last_one(monkeypatch):
    asked = []
    monkeypatch.setattr(Nadam, "_momentum", lambda self, t: asked.append(t) or 0.5)
    optimizer = Nadam()
    for t in (3, 4, 4, 6):
        optimizer._momentum_product(t)
    assert asked == [1, 2, 3, 4, 5, 6]


def test_nadam_that_starts_again_with_another_decay_forgets_the_product():
    fresh = walk(Nadam(0.1, beta_1=0.5), [[1.0], [2.0]])
    for steps in (1, 2):
        optimizer = Nadam(0.1, beta_1=0.9)
        unused = optimizer.state_dict()
        walk(optimizer, [[1.0]] * steps)
        optimizer.load_state_dict(unused)
        optimizer.beta_1 = 0.5
        np.testing.assert_array_equal(walk(optimizer, [[1.0], [2.0]]), fresh)


def test_nadam_of_dozat_is_not_that_of_keras():
    gs = [[0.1], [-0.2], [0.3]]
    dozat = walk(Nadam(0.01, epsilon=1e-8), gs)[-1, 0]
    keras = walk(Nadam(0.01, epsilon=1e-8, momentum_decay=1.0), gs)[-1, 0]
    assert dozat == pytest.approx(0.98966539, abs=1e-8)
    assert keras == pytest.approx(0.98987155, abs=1e-8)


def test_lion():
    path = walk(Lion(0.1, 0.5, 0.75), [[4.0], [-1.5], [-0.2], [0.0]])
    # m: 1, .375, .23125; signs of ½ m + ½ g: +, −, +, +
    np.testing.assert_allclose(path.ravel(), [0.9, 1.0, 0.9, 0.8], rtol=1e-14)


def test_sign_descent_is_lion_without_memory():
    path = walk(Lion(0.1, 0.0, 0.0), [[3.0, -1e-300, 0.0]])
    np.testing.assert_allclose(path[0], [0.9, 1.1, 1.0])


def test_adafactor_of_a_vector():
    g, theta = np.array([3.0, -4.0]), np.array([3.0, 4.0])
    optimizer = Adafactor(0.5, epsilon_1=0.0)
    optimizer.step([theta], [g])
    np.testing.assert_allclose(theta, [3, 4] - math.sqrt(12.5) * 0.5 * np.array([1, -1]))
    before, second = theta.copy(), np.array([1.0, 1.0])
    optimizer.learning_rate = 0.9  # above 1/√2
    optimizer.step([theta], [second])
    rho = 1 - 2**-0.8
    v = rho * g**2 + (1 - rho)
    size = math.sqrt((before**2).mean()) / math.sqrt(2)
    np.testing.assert_allclose(theta, before - size * second / np.sqrt(v), rtol=1e-14)


def test_adafactor_of_a_matrix_of_rank_one_is_exact():
    g = np.outer([1.0, 2.0, -3.0], [2.0, -1.0])
    theta, optimizer = np.ones((3, 2)), Adafactor(0.01, epsilon_1=0.0)
    optimizer.step([theta], [g])
    np.testing.assert_allclose(theta, 1 - 0.01 * np.sign(g), rtol=1e-14)
    kept = slots(optimizer)
    np.testing.assert_allclose(kept["rows"], (g**2).mean(axis=1))
    np.testing.assert_allclose(kept["columns"], (g**2).mean(axis=0))


@pytest.mark.parametrize("epsilon_1", [1e-30, 1e-50, 0.0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_adafactor_of_a_row_and_a_column_without_gradient(dtype, epsilon_1):
    g = np.array([[[0, 0, 0], [0, 100, -200]], [[0, 0, 0], [0, 0, 0]]], dtype)
    theta, optimizer = np.ones((2, 2, 3), dtype), Adafactor(0.01, epsilon_1=epsilon_1)
    for _ in range(3):
        optimizer.step([theta], [g])
    np.testing.assert_array_equal(theta[g == 0], 1)
    assert (theta[g > 0] < 1).all()
    assert (theta[g < 0] > 1).all()


def test_adafactor_factors_the_last_two_axes_and_keeps_little():
    optimizer, theta = Adafactor(), np.ones((5, 40, 30))
    gs = np.random.default_rng(0).normal(size=(2, 5, 40, 30))
    for g in gs:
        optimizer.step([theta], [g])
    assert {name: slot.shape for name, slot in slots(optimizer).items()} == {
        "rows": (5, 40),
        "columns": (5, 30),
    }


def test_adafactor_takes_a_stack_of_matrices_one_by_one():
    gs = np.random.default_rng(0).normal(size=(3, 4, 5)) * [[[1.0]], [[10.0]], [[100.0]]]
    stack, alone = np.ones((3, 4, 5)), np.ones((3, 4, 5))
    Adafactor(0.01, clip_threshold=1e9).step([stack], [gs])
    for theta, g in zip(alone, gs, strict=True):
        Adafactor(0.01, clip_threshold=1e9).step([theta], [g])
    np.testing.assert_allclose(stack, alone, rtol=1e-14)


def test_adafactor_limits_its_steps():
    theta = np.ones(4)
    Adafactor(0.1, clip_threshold=0.5).step([theta], [np.ones(4)])
    np.testing.assert_allclose(theta, 1 - 0.1 * 0.5)
    theta = np.zeros(4)
    Adafactor(0.1, epsilon_2=0.25).step([theta], [np.ones(4)])
    np.testing.assert_allclose(theta, -0.1 * 0.25)
    theta = np.ones(4)
    Adafactor(5.0).step([theta], [np.ones(4)])
    np.testing.assert_allclose(theta, 0.0, atol=1e-15)


# ---------------------------------------------------------------- settings


DEFAULTS = {
    SGD: {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    Rprop: {"learning_rate": 0.01, "factors": (0.5, 1.2), "step_sizes": (1e-6, 50.0)},
    AdaGrad: {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}
    | {"epsilon_inside": True},
    RMSprop: {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": False,
        "nesterov": False,
        "epsilon_inside": True,
        "learning_rate_inside": True,
        "initial_accumulator_value": 0.0,
        "bias_correction": False,
    },
    AdaDelta: {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7},
    Adam: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    | {"amsgrad": False, "epsilon_hat": False},
    AdaMax: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    Nadam: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    | {"momentum_decay": 0.004},
    Lion: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99},
    Adafactor: {
        "learning_rate": 0.001,
        "beta_2_decay": -0.8,
        "epsilon_1": 1e-30,
        "epsilon_2": 1e-3,
        "clip_threshold": 1.0,
    },
}
COMMON = {"weight_decay": 0.0, "l2": 0.0, "nonfinite": "raise"}


@pytest.mark.parametrize("method", DEFAULTS)
def test_defaults(method):
    assert method().get_config() == DEFAULTS[method] | COMMON


FRACTION = r"must be a number in \[0, 1\)"
POSITIVE = r"must be a number in \[0, inf\)"


@pytest.mark.parametrize(
    ("method", "name", "bad", "message"),
    [
        (method, name, bad, message)
        for method, names, bads, message in [
            (SGD, ["momentum"], [-0.1, 1.0, math.nan], FRACTION),
            (RMSprop, ["rho", "momentum"], [-0.1, 1.0, math.nan], FRACTION),
            (RMSprop, ["epsilon", "initial_accumulator_value"], [-1e-9, math.inf], POSITIVE),
            (AdaGrad, ["epsilon", "initial_accumulator_value"], [-1e-9, math.nan], POSITIVE),
            (AdaDelta, ["rho"], [-0.1, 1.0], FRACTION),
            (AdaDelta, ["epsilon"], [-1e-9], POSITIVE),
            (Adam, ["beta_1", "beta_2"], [-0.1, 1.0, math.nan], FRACTION),
            (Adam, ["epsilon"], [-1e-9], POSITIVE),
            (AdaMax, ["beta_1", "beta_2"], [-0.1, 1.0], FRACTION),
            (Nadam, ["momentum_decay", "epsilon"], [-1e-9], POSITIVE),
            (Lion, ["beta_1", "beta_2"], [-0.1, 1.0], FRACTION),
            (Adafactor, ["beta_2_decay"], [-1.1, 0.0], r"must be a number in \[-1, 0\)"),
            (Adafactor, ["epsilon_1", "epsilon_2"], [-1e-9], POSITIVE),
            (Adafactor, ["clip_threshold"], [0.0, -1.0], r"must be a number in \(0, inf\)"),
        ]
        for name in names
        for bad in bads
    ],
)
def test_settings_out_of_range(method, name, bad, message):
    with pytest.raises(ValueError, match=rf"^{name} {message} or an array of such, not {bad}$"):
        method(**{name: bad})


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (SGD, "nesterov"),
        (AdaGrad, "epsilon_inside"),
        (RMSprop, "centered"),
        (RMSprop, "nesterov"),
        (RMSprop, "epsilon_inside"),
        (RMSprop, "learning_rate_inside"),
        (RMSprop, "bias_correction"),
        (Adam, "amsgrad"),
        (Adam, "epsilon_hat"),
    ],
)
def test_switches_must_be_booleans(method, name):
    with pytest.raises(TypeError, match=f"^{name} must be True or False, not 1$"):
        method(**{name: 1})


@pytest.mark.parametrize("name", FLAVORS)
def test_flavors(name):
    optimizer = RMSprop.flavor(name, learning_rate=0.5, rho=0.25)
    assert optimizer.learning_rate == 0.5
    assert optimizer.rho == 0.25


def test_flavors_have_the_defaults_of_their_library():
    base = RMSprop(0.01).get_config()

    def differs(name, **overrides):
        config = RMSprop.flavor(name, **overrides).get_config()
        return {key: value for key, value in config.items() if value != base[key]}

    assert differs("hinton", learning_rate=0.01) == {"epsilon": 0.0}
    assert differs("tf1", learning_rate=0.01) == {
        "epsilon": 1e-10,
        "initial_accumulator_value": 1.0,
    }
    assert differs("keras") == {"learning_rate": 0.001}
    assert differs("torch") == {
        "rho": 0.99,
        "epsilon": 1e-8,
        "epsilon_inside": False,
        "learning_rate_inside": False,
    }
    assert differs("optax", learning_rate=0.01) == {"epsilon": 1e-8}
    assert differs("graves") == {
        "learning_rate": 1e-4,
        "rho": 0.95,
        "momentum": 0.9,
        "epsilon": 1e-4,
        "centered": True,
    }


@pytest.mark.parametrize("name", ["hinton", "tf1", "optax"])
def test_flavors_without_a_default_learning_rate_want_one(name):
    expected = f"^flavor '{name}' has no default learning_rate: pass one$"
    with pytest.raises(TypeError, match=expected):
        RMSprop.flavor(name)


def test_an_unknown_flavor():
    message = "^name must be one of hinton, graves, tf1, keras, torch, optax, not 'chainer'$"
    with pytest.raises(ValueError, match=message):
        RMSprop.flavor("chainer")
