"""The loss on the ravine by step: RMSprop, Adam, the switches' method.

All go down on a logarithmic scale; RMSprop comes back to the height of its
cycle, Adam falls on.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.descent import minimize
from rmsprop.optimizers import Adam, Nadam, RMSprop
from rmsprop.problems import Quadratic, plane_rotation

corrected = True
outside = True
place = "before"
nesterov = False
momentum = 0.9
rho = 0.9
eta = 0.1
angle = 0
steps = 400


def uncorrected(t):
    """Return the rate that takes Adam's two corrections back."""
    return eta * (1 - momentum ** (t + 1)) / np.sqrt(1 - rho ** (t + 1))


if place != "before":
    behind = {
        "momentum": momentum if place == "behind" else 0,
        "nesterov": nesterov,
    }
    switched = RMSprop(
        eta,
        rho,
        bias_correction=corrected,
        epsilon_inside=not outside,
        **behind,
    )
elif nesterov:
    switched = Nadam(eta, momentum, rho)
elif corrected:
    switched = Adam(eta, momentum, rho)
else:
    switched = Adam(uncorrected, momentum, rho, epsilon_hat=True)

turn = plane_rotation(np.radians(angle))
ravine = Quadratic((1, 25), turn, start=turn @ (2, 1))
figure, axes = plt.subplots(figsize=(7, 4.2))
runs = {"RMSprop": RMSprop(eta), "Adam": Adam(eta), "the switches": switched}
for name, optimizer in runs.items():
    axes.semilogy(minimize(ravine, optimizer, steps).losses, label=name)
axes.set(xlabel="step", ylabel="loss", ylim=(1e-12, 1e3))
axes.legend()
plt.show()
