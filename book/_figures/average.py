"""Gradients as bars, the root of their average square, the rate that follows.

Above, the root of v jumps up at a large gradient and sinks back slowly; below,
the effective rate falls at that gradient and takes many steps to return.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsprop.optimizers import RMSprop

rho = 0.9
corrected = False
gradients = [
    1, 1, 1, 1, 1, 1, 1, 1, 1, 8,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
]  # fmt: skip

theta, optimizer, v = np.zeros(1), RMSprop(1.0, rho), []
for t, g in enumerate(gradients, 1):
    optimizer.step([theta], [np.array([float(g)])])
    v.append(optimizer.slot("v")[0].item() / (1 - rho**t if corrected else 1))

figure, (above, below) = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
t = np.arange(1, len(gradients) + 1)
above.bar(t, gradients, color="#b8b8b8", label="gradient g")
above.plot(t, np.sqrt(v), color="C0", label="√v")
above.set(ylabel="g and √v")
above.legend()
below.semilogy(t, 1 / np.sqrt(np.add(v, 1e-7)), color="C0")
below.set(xlabel="step", ylabel="rate / η")
plt.show()
