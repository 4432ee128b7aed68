"""The arithmetic of the figures that move, in a browser: that of the package, to 12 digits."""

import numpy as np
import pytest

import gates
from project import ROOT
from rmsprop.descent import minimize
from rmsprop.optimizers import FLAVORS, SGD, Adam, Nadam, RMSprop
from rmsprop.problems import Noisy, OnlineReddi, Quadratic, plane_rotation
from rmsprop.schedules import Constant, CosineDecay, InverseTimeDecay, LinearDecay, StepDecay

METHODS = {"SGD": SGD, "RMSprop": RMSprop, "Adam": Adam, "Nadam": Nadam}
DIGITS = 1e-12


@pytest.fixture(scope="module")
def compute():
    """Run JavaScript with the modules `optimizers`, `problems` and `noise` at hand."""
    with gates.served(ROOT / "book" / "_static") as host, gates.chromium() as chromium:
        page = chromium.new_page()
        page.goto(f"{host}/figures/figures.css")

        def compute(script, argument=None):
            return page.evaluate(
                f"""async (argument) => {{
                  const load = (name) => import(`/figures/${{name}}.mjs`);
                  const [optimizers, problems, noise] =
                    await Promise.all(["optimizers", "problems", "noise"].map(load));
                  {script}
                }}""",
                argument,
            )

        yield compute


def random_settings(rng, name, decays=(0, 0.5, 0.9, 0.99, 0.999)):
    """Return random settings of a method of the figures."""
    yes = rng.integers(2, size=6).astype(bool).tolist()
    epsilon = float(rng.choice([0, 1e-8, 1e-7, 1e-3, 0.1]))
    decays = [float(x) for x in rng.choice(decays, 2)]
    momentum = float(rng.choice([0, 0.5, 0.9]))
    averages = {"beta_1": decays[0], "beta_2": decays[1], "epsilon": epsilon}
    settings = {
        "SGD": {"momentum": momentum, "nesterov": yes[0]},
        "RMSprop": {"rho": decays[0], "momentum": momentum, "epsilon": epsilon}
        | {"centered": yes[0], "nesterov": yes[1], "epsilon_inside": yes[2]}
        | {"learning_rate_inside": yes[3]}
        | {"bias_correction": yes[4], "initial_accumulator_value": float(yes[5])},
        "Adam": averages | {"epsilon_hat": yes[0]},
        "Nadam": averages | {"momentum_decay": float(rng.choice([0.004, 1.0]))},
    }
    chosen = settings[name]
    if chosen.get("centered") and (chosen["rho"] == 0 or chosen["bias_correction"]):
        # v − m² is g² − g², at first or always: ε must hide its rounding
        chosen |= {"epsilon": 0.1, "epsilon_inside": True}
    return chosen


def random_schedule(rng, steps):
    """Return a schedule of the figures by name, its first rate, and the package's."""
    rate = float(10 ** rng.uniform(-2, -0.5))
    schedules = {
        "constant": Constant(rate),
        "linear": LinearDecay(rate, steps),
        "cosine": CosineDecay(rate, steps),
        "stairs": StepDecay(rate, steps // 5, 0.5),
        "inverse": InverseTimeDecay(rate, 10, 1.0),
        "root": lambda t: rate / np.sqrt(t + 1),
    }
    name = str(rng.choice(list(schedules)))
    return name, rate, schedules[name]


def slowed(schedule, factor):
    return lambda t: schedule(t) / factor


def test_two_hundred_random_settings_take_the_packages_steps(compute):
    rng, cases, expected, steps = np.random.default_rng(0), [], [], 60
    for method in 200 * list(METHODS):
        settings = random_settings(rng, method)
        schedule, rate, ours = random_schedule(rng, steps)
        gradients = 10 ** rng.uniform(-4, 1) * rng.standard_normal(steps)
        gradients[rng.integers(steps)] *= 100
        optimizer, theta, path = METHODS[method](ours, **settings), np.ones(1), []
        for g in gradients:
            optimizer.step([theta], [np.array([g])])
            path.append(theta.item())
        expected.append(path)
        cases.append([method, settings, schedule, rate, gradients.tolist()])
    found = compute(
        """return argument.map(([method, settings, schedule, rate, gradients]) =>
             optimizers.walk(new optimizers[method](settings), gradients,
               optimizers.SCHEDULES[schedule](rate, gradients.length)));""",
        cases,
    )
    np.testing.assert_allclose(found, expected, rtol=DIGITS, atol=DIGITS)


def test_two_hundred_random_paths_down_a_ravine_are_the_packages(compute):
    """Feedback makes last digits grow: by η κ/ε a step without memory, less fast with one."""
    rng, cases, expected, steps = np.random.default_rng(1), [], [], 20
    for method in 200 * list(METHODS):
        settings = random_settings(rng, method, decays=(0.5, 0.9, 0.99, 0.999))
        schedule, rate, ours = random_schedule(rng, steps)
        kappa = float(10 ** rng.uniform(0, 2))
        ravine = {"kappa": kappa, "angle": float(rng.choice([0, 30, 45, 75]))}
        ravine |= {"noise": float(rng.choice([0, 0.3])), "seed": int(rng.integers(9))}
        if method == "SGD":
            rate = rate / kappa
            ours = slowed(ours, kappa)
        turn = plane_rotation(np.radians(ravine["angle"]))
        problem = Quadratic((1, kappa), turn, start=turn @ (2, 1))
        noisy = Noisy(problem, ravine["noise"], seed=ravine["seed"])
        expected.append(minimize(noisy, METHODS[method](ours, **settings), steps))
        cases.append([method, settings, schedule, rate, steps, ravine])
    found = compute(
        """return argument.map(([method, settings, schedule, rate, steps, ravine]) =>
             optimizers.minimize(new problems.Ravine(ravine), new optimizers[method](settings),
               optimizers.SCHEDULES[schedule](rate, steps), steps));""",
        cases,
    )
    for case, run, ours in zip(cases, found, expected, strict=True):
        where, length = str(case), len(run["points"])
        alive = np.isfinite(ours.losses)
        assert run["diverged"] == ours.diverged
        assert alive.sum() <= length
        points, losses = np.array(run["points"])[: alive.sum()], run["losses"][: alive.sum()]
        np.testing.assert_allclose(points, ours.parameters[alive], DIGITS, DIGITS, err_msg=where)
        np.testing.assert_allclose(losses, ours.losses[alive], 1e-11, DIGITS, err_msg=where)


def test_the_noise_is_numpys(compute):
    expected = [np.random.default_rng((7, t)).standard_normal(2) for t in range(3000)]
    found = compute("return argument.map((t) => noise.normals(7, t, 2));", list(range(3000)))
    np.testing.assert_allclose(found, expected, rtol=DIGITS)
    assert np.abs(expected).max() > 3.6542  # the tail of the normal distribution was met


def test_reddis_example_is_the_packages(compute):
    rng = np.random.default_rng(2)
    cases = [
        [c, rho] for c, rho in zip(rng.uniform(2.1, 10, 40), rng.uniform(0, 0.99, 40), strict=False)
    ]
    found = compute(
        """return argument.map(([c, rho]) => optimizers.minimize(new problems.Reddi({ c }),
             new optimizers.RMSprop({ rho, epsilon: 0 }), optimizers.SCHEDULES.root(0.5),
             300).points);""",
        cases,
    )
    for (c, rho), points in zip(cases, found, strict=True):
        method = RMSprop(lambda t: 0.5 / np.sqrt(t + 1), rho=rho, epsilon=0.0)
        np.testing.assert_allclose(
            points, minimize(OnlineReddi(c), method, 300).parameters, DIGITS, DIGITS
        )


def test_a_run_that_diverges_ends_where_the_packages_does(compute):
    ours = minimize(Quadratic((1, 25), start=(2, 1)), SGD(1.0), 400)
    assert ours.diverged
    found = compute(
        """return optimizers.minimize(new problems.Ravine(argument), new optimizers.SGD(),
             () => 1, 400);""",
        {"kappa": 25},
    )
    assert found["diverged"]
    assert len(found["losses"]) == np.isfinite(ours.parameters).all(axis=1).sum()


def test_the_flavors_are_the_packages(compute):
    assert compute("return optimizers.FLAVORS;") == FLAVORS
