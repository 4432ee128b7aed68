"""Record what other libraries' optimizers do, for the tests and the page on variants.

Run it where the library is installed, once per library:

    python book/peers/record.py torch     (torch 2.13.0)
    python book/peers/record.py optax     (optax 0.2.8, jax 0.10.2)
    python book/peers/record.py tf1       (tensorflow 2.21.0: its tf.compat.v1 optimizers)

It writes torch.json, optax.json or tf1.json beside itself: the gradients, and for each case the
peer's optimizer, our optimizer that must take the same steps, the learning rates, and the
parameters after each step. Everything is float64 and starts at 1.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

CENTERED = {"centered": True}
CORRECTED = {"bias_correction": True}
LOOK = {"nesterov": True}
DUCHI = {"initial_accumulator_value": 0.0, "epsilon_inside": False}

# the peer's optimizer and arguments, our optimizer or flavor of RMSprop and its settings
TORCH = [
    ("RMSprop", {}, "torch", {}),
    ("RMSprop", {"alpha": 0.9}, "torch", {"rho": 0.9}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-2}, "torch", {"rho": 0.9, "epsilon": 1e-2}),
    ("RMSprop", {"alpha": 0.9, "momentum": 0.9}, "torch", {"rho": 0.9, "momentum": 0.9}),
    ("RMSprop", {"alpha": 0.9, "centered": True}, "torch", {"rho": 0.9, "centered": True}),
    ("RMSprop", {"momentum": 0.5, "weight_decay": 0.1}, "torch", {"momentum": 0.5, "l2": 0.1}),
    ("SGD", {}, "SGD", {}),
    ("SGD", {"weight_decay": 0.1}, "SGD", {"l2": 0.1}),
    ("SGD", {"momentum": 0.9}, "SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}, "SGD", {"momentum": 0.9, "nesterov": True}),
    ("Rprop", {}, "Rprop", {}),
    ("Rprop", {"etas": [0.3, 2.0]}, "Rprop", {"factors": [0.3, 2.0]}),
    ("Rprop", {"step_sizes": [0.005, 0.013]}, "Rprop", {"step_sizes": [0.005, 0.013]}),
    ("Adagrad", {"eps": 1e-3}, "AdaGrad", {"epsilon": 1e-3} | DUCHI),
    ("Adadelta", {}, "AdaDelta", {"rho": 0.9, "epsilon": 1e-6}),
    ("Adam", {}, "Adam", {"epsilon": 1e-8}),
    ("Adam", {"eps": 0.1}, "Adam", {"epsilon": 0.1}),
    ("Adam", {"betas": [0.5, 0.8]}, "Adam", {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 1e-8}),
    ("Adam", {"amsgrad": True}, "Adam", {"amsgrad": True, "epsilon": 1e-8}),
    ("Adam", {"weight_decay": 0.1}, "Adam", {"l2": 0.1, "epsilon": 1e-8}),
    ("AdamW", {"weight_decay": 0.1}, "Adam", {"weight_decay": 0.1, "epsilon": 1e-8}),
    ("Adamax", {"eps": 1e-300}, "AdaMax", {"epsilon": 0.0}),
    ("NAdam", {}, "Nadam", {"epsilon": 1e-8}),
    ("NAdam", {"momentum_decay": 1.0}, "Nadam", {"momentum_decay": 1.0, "epsilon": 1e-8}),
]
OPTAX = [
    ("rmsprop", {}, "optax", {}),
    ("rmsprop", {"decay": 0.8, "eps": 1e-2}, "optax", {"rho": 0.8, "epsilon": 1e-2}),
    ("rmsprop", {"eps_in_sqrt": False}, "optax", {"epsilon_inside": False}),
    ("rmsprop", {"initial_scale": 1.0}, "optax", {"initial_accumulator_value": 1.0}),
    ("rmsprop", {"momentum": 0.9}, "optax", {"momentum": 0.9}),
    ("rmsprop", {"momentum": 0.9} | LOOK, "optax", {"momentum": 0.9} | LOOK),
    ("rmsprop", CENTERED, "optax", CENTERED),
    ("rmsprop", CORRECTED, "optax", CORRECTED),
    ("rmsprop", CENTERED | CORRECTED, "optax", CENTERED | CORRECTED),
    ("sgd", {"momentum": 0.9} | LOOK, "SGD", {"momentum": 0.9} | LOOK),
    ("adam", {}, "Adam", {"epsilon": 1e-8}),
    ("adamw", {"weight_decay": 0.1}, "Adam", {"weight_decay": 0.1, "epsilon": 1e-8}),
    ("adamax", {}, "AdaMax", {"epsilon": 1e-8}),
    ("lion", {"weight_decay": 0.0}, "Lion", {}),
    ("sign_sgd", {}, "Lion", {"beta_1": 0.0, "beta_2": 0.0}),
]
TF1 = [
    ("RMSPropOptimizer", {}, "tf1", {}),
    ("RMSPropOptimizer", {"decay": 0.8, "epsilon": 1e-2}, "tf1", {"rho": 0.8, "epsilon": 1e-2}),
    ("RMSPropOptimizer", {"momentum": 0.9}, "tf1", {"momentum": 0.9}),
    ("RMSPropOptimizer", CENTERED, "tf1", CENTERED),
    ("RMSPropOptimizer", {"momentum": 0.9} | CENTERED, "tf1", {"momentum": 0.9} | CENTERED),
    ("GradientDescentOptimizer", {}, "SGD", {}),
    ("AdagradOptimizer", {}, "AdaGrad", {"epsilon": 0.0}),
    ("AdadeltaOptimizer", {"epsilon": 1e-6}, "AdaDelta", {"epsilon": 1e-6}),
    ("AdamOptimizer", {"epsilon": 1e-3}, "Adam", {"epsilon": 1e-3, "epsilon_hat": True}),
]


def gradients():
    """Return the gradients of two runs: three steps of three parameters, twelve of 2 × 3.

    The first is the table of the page on variants: an ordinary, a tiny and a spiking gradient. The
    second has sign flips, zeros, a spike, a late start and a dead coordinate.
    """
    table = [[0.1, 1e-4, 1.0], [-0.2, 1e-4, 10.0], [0.3, 1e-4, 0.1]]
    rough = np.random.default_rng(6).normal(size=(12, 2, 3)) * [[1, 1e-3, 10], [1, 1, 1]]
    rough[4] *= 1e3
    rough[:, 1, 0] = 0
    rough[::2, 1, 1] = 0
    rough[:6, 1, 2] = 0
    return {"table": table, "rough": rough.round(6).tolist()}


def torch_path(name, arguments, rates, gs):
    """Return the parameters after each step of an optimizer of torch."""
    import torch

    theta = torch.nn.Parameter(torch.ones(np.shape(gs[0]), dtype=torch.float64))
    optimizer = getattr(torch.optim, name)([theta], lr=rates[0], **arguments)
    for rate, g in zip(rates, gs, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        theta.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        yield theta.tolist()


def optax_path(name, arguments, rates, gs):
    """Return the parameters after each step of an optimizer of optax."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    theta = jax.numpy.ones(np.shape(gs[0]))
    schedule = jax.numpy.array(rates)
    optimizer = getattr(optax, name)(lambda count: schedule[count], **arguments)
    state = optimizer.init(theta)
    for g in gs:
        updates, state = optimizer.update(jax.numpy.array(g), state, theta)
        theta = theta + updates
        yield theta.tolist()


def tf1_path(name, arguments, rates, gs):
    """Return the parameters after each step of an optimizer of TensorFlow 1."""
    import tensorflow as tf

    theta = tf.Variable(tf.ones(np.shape(gs[0]), tf.float64))
    rate = tf.Variable(rates[0], dtype=tf.float64)
    optimizer = getattr(tf.compat.v1.train, name)(rate.value, **arguments)
    for value, g in zip(rates, gs, strict=True):
        rate.assign(value)
        optimizer.apply_gradients([(tf.constant(g, tf.float64), theta)])
        yield theta.numpy().tolist()


PEERS = {
    "torch": ("torch", TORCH, torch_path),
    "optax": ("optax", OPTAX, optax_path),
    "tf1": ("tensorflow", TF1, tf1_path),
}


def record(peer):
    """Run all cases of a peer and write its file."""
    package, cases, path = PEERS[peer]
    gs = gradients()
    runs = [
        {
            "peer": name,
            "arguments": arguments,
            "ours": ours,
            "settings": settings,
            "gradients": key,
            "rates": rates,
            "path": list(path(name, arguments, rates, gs[key])),
        }
        for name, arguments, ours, settings in cases
        for key, rates in (
            ("table", [0.01, 0.01, 0.01]),
            ("table", [0.01, 0.01, 0.001]),
            ("rough", [0.01] * 12),
        )
    ]
    content = {"library": package, "version": version(package), "gradients": gs, "runs": runs}
    file = Path(__file__).with_name(f"{peer}.json")
    file.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
