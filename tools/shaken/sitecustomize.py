"""With this folder in PYTHONPATH, chance decides the last bit of a rotated valley's gradient.

Sums and products of numbers are the same on every processor. The product of a matrix and a vector
is not: one processor adds its terms in another order than the next. What a page prints must not
depend on it, whatever processor comes: `tools/cpus.py` runs the notebooks so.
"""

import numpy as np

from rmsprop.problems import Quadratic

rng = np.random.default_rng()


def gradient(self, theta, t=0, plain=Quadratic.gradient):
    """Return the gradient, moved by a rounding of its largest number where it is such a product."""
    g = plain(self, theta, t)
    if np.count_nonzero(self.rotation) == len(self.rotation):  # no direction but the axes
        return g
    size = np.spacing(np.abs(g).max(axis=-1, keepdims=True))
    return g + (size * rng.integers(-1, 2, g.shape)).astype(g.dtype)


Quadratic.gradient = gradient
