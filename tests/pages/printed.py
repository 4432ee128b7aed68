"""Run the code that the translator prints, and record where it leads in torch and optax.

Keras and TensorFlow 1 are at hand in the tests. For the others, after a change of `RECIPES` or of
what the translator prints for them:

    python tests/pages/printed.py code      (in .venv: writes down what the translator prints)
    python tests/pages/printed.py torch     (where torch is installed: torch 2.13.0)
    python tests/pages/printed.py optax     (where optax is installed: optax 0.2.8, jax 0.10.2)

They fill `printed.json` beside this file. Everything is float64 and starts at 1.
"""

import json
import sys
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

FILE = Path(__file__).with_name("printed.json")
GRADIENTS = [0.1, -0.2, 0.3, 0, 30, 0.02, -0.1]  # with a zero and a spike
PLAIN = {"centered": False, "nesterov": False, "bias_correction": False, "gradients": GRADIENTS}
FALLING = {"momentum": 0.9, "schedule": "linear"}
RECIPES = [
    PLAIN
    | {"source": "tf1", "learning_rate": 0.016, "rho": 0.9, "epsilon": 0.001, "initial": 1}
    | {"inside": True}
    | FALLING,
    PLAIN
    | {"source": "optax", "learning_rate": 0.01, "rho": 0.95, "epsilon": 0.01, "initial": 0.5}
    | {"inside": False, "nesterov": True, "bias_correction": True, "momentum": 0.5}
    | {"schedule": "constant"},
    PLAIN
    | {"source": "torch", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-4, "initial": 0}
    | {"inside": False, "centered": True, "momentum": 0, "schedule": "constant"},
    PLAIN
    | {"source": "torch", "learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8, "initial": 0}
    | {"inside": False}
    | FALLING,
]


@contextmanager
def translator():
    """Yield a function that returns what the translator says of recipes: by target, of each."""
    import gates  # of `tools`: not where torch or optax is installed
    from project import ROOT

    with gates.served(ROOT / "book" / "_static") as host, gates.chromium() as chromium:
        page = chromium.new_page()
        page.goto(f"{host}/figures/figures.css")

        def translations(recipes):
            said = page.evaluate(
                """async (recipes) => {
                  const { paths } = await import("/figures/translator.mjs");
                  return recipes.map((recipe) => paths(recipe).translations);
                }""",
                recipes,
            )
            return [{one["target"]: one for one in ones} for ones in said]

        yield translations


def torch_path(code, gradients):
    """Return the parameter at first and after each step, of code that makes a torch optimizer."""
    import torch

    theta = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    names = {"torch": torch, "model": SimpleNamespace(parameters=lambda: [theta])}
    exec(code, names)
    path = [1.0]
    for g in gradients:
        theta.grad = torch.tensor([g], dtype=torch.float64)
        names["optimizer"].step()
        if "scheduler" in names:
            names["scheduler"].step()
        path.append(theta.item())
    return path


def optax_path(code, gradients):
    """Return the same of code that makes an optimizer of optax."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    names = {"optax": optax}
    exec(code, names)
    theta = jax.numpy.ones(1)
    state = names["optimizer"].init(theta)
    path = [1.0]
    for g in gradients:
        updates, state = names["optimizer"].update(jax.numpy.array([g]), state, theta)
        theta = optax.apply_updates(theta, updates)
        path.append(theta.item())
    return path


def keras_path(code, gradients):
    """Return the same of code that makes an optimizer of Keras."""
    import keras
    import numpy as np

    names = {"keras": keras}
    exec(code, names)
    theta = keras.Variable(np.ones(1), dtype="float64")
    path = [1.0]
    for g in gradients:
        names["optimizer"].apply([keras.ops.convert_to_tensor([g], "float64")], [theta])
        path.append(theta.numpy().item())
    return path


def tf1_path(code, gradients):
    """Return the same of code that makes an optimizer of TensorFlow 1."""
    import tensorflow as tf

    names = {"tf": tf}
    exec(code, names)
    theta, step = tf.Variable(tf.ones(1, tf.float64)), names.get("step")
    if step is not None:
        step.assign(0)  # there is one in the whole program
    path = [1.0]
    for g in gradients:
        gradient = tf.constant([g], tf.float64)
        names["optimizer"].apply_gradients([(gradient, theta)], global_step=step)
        path.append(theta.numpy().item())
    return path


def rmsprop_path(code, gradients):
    """Return the same of code that makes an optimizer of this package."""
    import numpy as np

    import rmsprop

    names = vars(rmsprop).copy()
    exec(code, names)
    theta, path = np.ones(1), [1.0]
    for g in gradients:
        names["optimizer"].step([theta], [np.array([float(g)])])
        path.append(theta.item())
    return path


def record(what):
    """Write down the code of all recipes, or where that of a library leads."""
    if what == "code":
        with translator() as translations:
            said = translations(RECIPES)
        content = {
            library: {"runs": [{"code": one[library]["lines"]} for one in said]}
            for library in ("torch", "optax")
        }
    else:
        content = json.loads(FILE.read_text())
        content[what]["version"] = version(what)
        walk = {"torch": torch_path, "optax": optax_path}[what]
        for run in content[what]["runs"]:
            run["path"] = walk(run["code"], GRADIENTS)
    FILE.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
