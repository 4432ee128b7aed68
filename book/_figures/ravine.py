"""A ravine and two paths down it, and the losses against the step.

Left, gradient descent and RMSprop in the plane, with the level lines of the
ravine and a square of half a learning rate to each side of the minimum; right,
both losses on a logarithmic scale.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.descent import minimize
from rmsprop.optimizers import SGD, RMSprop
from rmsprop.problems import Noisy, Quadratic, plane_rotation
from rmsprop.schedules import (
    Constant,
    CosineDecay,
    InverseTimeDecay,
    LinearDecay,
    StepDecay,
)

kappa = 25
angle = 0
noise = 0
seed = 0
steps = 200
eta = 0.1
rho = 0.9
epsilon = 1e-07
schedule = "constant"
share = 0.95

turn = plane_rotation(np.radians(angle))
ravine = Quadratic((1, kappa), turn, start=turn @ (2, 1))
rate = {
    "constant": Constant(eta),
    "linear": LinearDecay(eta, steps),
    "cosine": CosineDecay(eta, steps),
    "stairs": StepDecay(eta, steps // 5, 0.5),
    "inverse": InverseTimeDecay(eta, 10, 1.0),
}[schedule]
methods = {
    "gradient descent": (SGD(share * 2 / kappa), "black"),
    "RMSprop": (RMSprop(rate, rho, epsilon=epsilon), "C0"),
}

figure, (plane, losses) = plt.subplots(1, 2, figsize=(8.4, 4.2))
window = np.linspace(-2.5, 2.5, 61)
grid = np.stack(np.meshgrid(window, window), axis=-1)
levels = (0.003, 0.03, 0.3, 3, 30, 300, 3000)
plane.contour(
    window, window, ravine.loss(grid), levels, colors="#8c8c8c", linewidths=0.8
)
for name, (optimizer, color) in methods.items():
    path = minimize(Noisy(ravine, noise, seed=seed), optimizer, steps)
    plane.plot(*path.parameters.T, ".-", color=color, label=name)
    losses.semilogy(path.losses, color=color, label=name)
plane.add_patch(
    plt.Rectangle((-eta / 2, -eta / 2), eta, eta, fill=False, linestyle=":")
)
plane.set(
    xlabel="θ₁",
    ylabel="θ₂",
    xlim=(-2.5, 2.5),
    ylim=(-2.5, 2.5),
    aspect="equal",
)
if schedule == "constant" and angle == noise == 0:
    losses.axhline(
        eta**2 / 8 * (1 + kappa),
        color="#555555",
        linestyle=":",
        label="cycle ±η/2",
    )
losses.set(xlabel="step", ylabel="loss", ylim=(1e-10, None))
losses.legend()
plt.show()
