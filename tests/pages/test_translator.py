"""The code that the translator prints, run in the libraries, takes the steps that it draws."""

import json
import math

import numpy as np
import printed
import pytest

SOURCES = ["torch", "tf1", "keras", "optax", "hinton", "graves"]
WALKS = {"keras": printed.keras_path, "tf1": printed.tf1_path, "rmsprop": printed.rmsprop_path}


@pytest.fixture(scope="module")
def translations():
    """Return what the translator says of recipes."""
    with printed.translator() as translations:
        yield translations


def random_recipe(rng, source):
    """Return a recipe that a library can have, far from where rounding decides."""
    yes = rng.integers(2, size=5).astype(bool).tolist()
    gradients = 10 ** rng.uniform(-2, 1) * rng.standard_normal(12)
    gradients[rng.integers(12)] *= 100
    recipe = {
        "source": source,
        "learning_rate": float(rng.choice([0.1, 0.01, 3e-4])),
        "rho": float(rng.choice([0.5, 0.9, 0.99])),
        "epsilon": float(rng.choice([1e-10, 1e-7, 0.001, 0.0316])),
        "momentum": float(rng.choice([0, 0.5, 0.9])),
        "schedule": ["constant", "linear"][yes[0]],
        "centered": yes[1],
        "initial": float(source == "tf1"),
        "inside": source != "torch",
        "nesterov": False,
        "bias_correction": False,
        "gradients": gradients.round(6).tolist(),
    }
    if source == "optax":
        recipe |= {"initial": float(rng.choice([0, 0.5, 2])), "inside": yes[2], "nesterov": yes[3]}
        recipe |= {"bias_correction": yes[4] and not yes[1]}
    return recipe


def test_keras_tensorflow_1_and_the_package_take_the_drawn_steps(translations):
    rng = np.random.default_rng(3)
    recipes = [random_recipe(rng, source) for source in 2 * SOURCES]
    for recipe, said in zip(recipes, translations(recipes), strict=True):
        for target, walk in WALKS.items():
            drawn = np.array(said[target]["path"])
            path = walk(said[target]["lines"], recipe["gradients"])
            # Keras and TensorFlow hold η and ρ as float32: 1 − ρ is off by up to 6e-8/(1 − ρ)
            digits = 1e-12 if target == "rmsprop" else 1e-7 / (1 - recipe["rho"])
            way = np.abs(np.diff(drawn)).sum()
            where = f"{target} {recipe}\n{said[target]['lines']}"
            np.testing.assert_allclose(path, drawn, rtol=0, atol=digits * way, err_msg=where)


@pytest.mark.parametrize(("library", "digits"), [("torch", 1e-12), ("optax", 1e-7)])
def test_torch_and_optax_took_the_drawn_steps(translations, library, digits):
    runs = json.loads(printed.FILE.read_text())[library]["runs"]
    said = translations(printed.RECIPES)  # optax computes a falling rate in float32
    for run, one in zip(runs, said, strict=True):
        assert run["code"] == one[library]["lines"], "record it anew: see printed.py"
        np.testing.assert_allclose(run["path"], one[library]["path"], rtol=digits)


@pytest.mark.parametrize(
    ("changed", "verdict", "first"),
    [
        ({"epsilon": 0, "gradients": [0, 1, 2]}, "0/0 at step 1", 1),
        ({"epsilon": 0, "rho": 0, "gradients": [1, 0, 2]}, "0/0 at step 2", 2),
        ({"epsilon": 0, "gradients": [1, 0, 2]}, "✓ same steps", None),
    ],
)
def test_where_keras_divides_zero_by_zero_is_said(translations, changed, verdict, first):
    recipe = printed.RECIPES[0] | {"source": "keras", "initial": 0} | changed
    [said] = translations([recipe])
    assert said["keras"]["verdict"] == verdict
    path = printed.keras_path(said["keras"]["lines"], recipe["gradients"])
    bad = [math.isnan(theta) for theta in path]
    assert bad == [first is not None and i >= first for i in range(len(path))]
    assert [math.isnan(theta) for theta in said["keras"]["path"]] == bad
    assert said["rmsprop"]["verdict"] == "✓ same steps"


def test_where_rounding_decides_is_said(translations):
    """With ρ = 0 v − m² is g² − g²: the sign of what is left is the processor's."""
    recipe = printed.RECIPES[2] | {"rho": 0}
    [said] = translations([recipe])
    assert said["torch"]["verdict"] == "left to rounding from step 1"
    assert said["optax"]["verdict"] == "left to rounding from step 1"
    assert said["rmsprop"]["verdict"] == "✓ same steps"


@pytest.mark.parametrize(
    ("source", "changed", "target", "note"),
    [
        ("tf1", {"initial": 1}, "torch", "v starts at 0, and cannot at 1: the first steps are lo"),
        ("keras", {"initial": 0}, "tf1", "v starts at 1, and cannot at 0: the first steps are sh"),
        (
            "optax",
            {"initial": 0, "bias_correction": True},
            "keras",
            "v starts at 0, and cannot be corrected: the first steps are longer.",
        ),
        (
            "optax",
            {"initial": 0, "bias_correction": True},
            "tf1",
            "v starts at 1, and cannot at 0 or be corrected: the first steps differ.",
        ),
    ],
)
def test_what_becomes_of_the_start_is_said(translations, source, changed, target, note):
    [said] = translations([printed.RECIPES[0] | {"source": source} | changed])
    assert [text for text in said[target]["notes"] if text.startswith(note)]
