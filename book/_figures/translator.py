"""A parameter's path under one recipe, and as four libraries translate it.

The recipe is one of TensorFlow 1 with momentum and a learning rate that falls
to zero. Its first steps are shorter than those of PyTorch and Keras, whose
paths stay apart from it to the end.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.optimizers import RMSprop
from rmsprop.schedules import Constant, LinearDecay

source = "tf1"
learning_rate = 0.01
rho = 0.9
epsilon = 0.001
momentum = 0.9
initial = 1
centered = False
inside = True
nesterov = False
bias_correction = False
schedule = "linear"
gradients = [
    -0.043, -0.031, -0.032, -0.002, -0.06, 0.003, -0.02, 0.036, 0.038, 0.051,
    0.032, 0.007, 0.035, 0.054, -0.011, 0.027, 0.008, 0.052, -0.016, -0.0,
    0.02, 0.017, -0.04, 0.02, 0.005, 0.002, 0.004, 0.016, -0.045, 0.056,
    -0.017, -0.058, 0.007, 0.053, -0.007, 0.056, 0.056, -0.017, -0.065, -0.028,
]  # fmt: skip
original = {
    "rho": 0.9,
    "epsilon": 0.001,
    "momentum": 0.9,
    "centered": False,
    "nesterov": False,
    "bias_correction": False,
    "epsilon_inside": True,
    "learning_rate_inside": True,
    "initial_accumulator_value": 1,
}
translations = {
    "PyTorch": {
        "rho": 0.9,
        "epsilon": 0.0316,
        "momentum": 0.9,
        "centered": False,
        "nesterov": False,
        "bias_correction": False,
        "epsilon_inside": False,
        "learning_rate_inside": False,
        "initial_accumulator_value": 0,
    },
    "Keras": {
        "rho": 0.9,
        "epsilon": 0.001,
        "momentum": 0.9,
        "centered": False,
        "nesterov": False,
        "bias_correction": False,
        "epsilon_inside": True,
        "learning_rate_inside": True,
        "initial_accumulator_value": 0,
    },
    "TensorFlow 1": {
        "rho": 0.9,
        "epsilon": 0.001,
        "momentum": 0.9,
        "centered": False,
        "nesterov": False,
        "bias_correction": False,
        "epsilon_inside": True,
        "learning_rate_inside": True,
        "initial_accumulator_value": 1,
    },
    "Optax": {
        "rho": 0.9,
        "epsilon": 0.001,
        "momentum": 0.9,
        "centered": False,
        "nesterov": False,
        "bias_correction": False,
        "epsilon_inside": True,
        "learning_rate_inside": True,
        "initial_accumulator_value": 1,
    },
    "this package": {
        "rho": 0.9,
        "epsilon": 0.001,
        "momentum": 0.9,
        "centered": False,
        "nesterov": False,
        "bias_correction": False,
        "epsilon_inside": True,
        "learning_rate_inside": True,
        "initial_accumulator_value": 1,
    },
}

rate = {
    "constant": Constant(learning_rate),
    "linear": LinearDecay(learning_rate, len(gradients)),
}[schedule]
figure, axes = plt.subplots(figsize=(7, 4.2))
recipes = {"as typed": original, **translations}
for i, (name, settings) in enumerate(recipes.items()):
    theta, path, optimizer = np.ones(1), [1.0], RMSprop(rate, **settings)
    for g in gradients:
        optimizer.step([theta], [np.array([float(g)])])
        path.append(theta.item())
    axes.plot(path, label=name, marker="os^Dv*"[i], markevery=(i, 6))
axes.set(xlabel="step", ylabel="θ")
axes.legend()
plt.show()
