"""A map of Reddi's example: where RMSprop ends, for each C and ρ.

C goes from 2 to 10 and ρ from 0 to 1. Below a curve that falls from ρ near 1
at C = 2 to ρ near 0.1 at C = 10 the runs end at the worst point, above it at
the best.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.descent import minimize
from rmsprop.optimizers import RMSprop
from rmsprop.problems import OnlineReddi

c = 3
rho = 0.1
eta = 0.5
steps = 3000


def rate(t):
    """Return η/√t, with t from 1."""
    return eta / np.sqrt(t + 1)


all_c, all_rho = np.meshgrid(
    np.linspace(2.05, 10, 36), np.linspace(0, 0.99, 36)
)
method = RMSprop(rate, rho=all_rho[..., np.newaxis], epsilon=0.0)
ends = minimize(
    OnlineReddi(all_c), method, steps, np.zeros((36, 36, 1))
).parameters[-1, ..., 0]
one = minimize(OnlineReddi(c), RMSprop(rate, rho=rho, epsilon=0.0), steps)

figure, (plane, path) = plt.subplots(1, 2, figsize=(8.4, 3.8))
plane.contourf(
    all_c,
    all_rho,
    ends,
    [-1.01, -0.99, 0.99, 1.01],
    colors=["C0", "#b8b8b8", "C1"],
)
plane.plot(c, rho, "o", color="black")
plane.set(xlabel="C", ylabel="ρ", title="best point: blue, worst: orange")
path.semilogx(one.parameters[:, 0])
path.set(
    xlabel="step", ylabel="θ", ylim=(-1.1, 1.1), title=f"C = {c}, ρ = {rho}"
)
plt.show()
