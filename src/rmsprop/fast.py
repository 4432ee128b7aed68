"""RMSprop and Adam compiled by Numba: one pass over memory, on all cores.

The classes are those of `rmsprop.optimizers`, with the same arguments, checks, state and, bit for
bit, the same steps; each loads the other's files. In place of the rule, which reads and writes
every array several times, runs a compiled loop that reads and writes each once. What has no
compiled form runs as in NumPy: float16, settings that are arrays, arrays that are not contiguous.

Numba is an extra, ``pip install rmsprop[fast]``. The first step compiles, which takes a second or
two. ``numba.set_num_threads`` says how many cores a large array takes. It is one where Numba's
threads would abort the process: if they are of its "workqueue", which only one thread may enter,
or of a process that has forked this one.

Examples
--------
>>> import numpy as np
>>> from rmsprop import fast, optimizers
>>> ends = []
>>> for library in (fast, optimizers):
...     theta, optimizer = np.ones(3), library.RMSprop(0.1, momentum=0.9)
...     for _ in range(3):
...         optimizer.step([theta], [theta**2])
...     ends.append(theta)
>>> bool((ends[0] == ends[1]).all())
True
"""

import functools
import math
import os
import threading

import numpy as np

from rmsprop import optimizers

try:
    from numba import njit, prange, threading_layer
except ImportError as error:
    raise ImportError("rmsprop.fast needs Numba: pip install rmsprop[fast]") from error

__all__ = ["Adam", "RMSprop"]

PARALLEL = 65_536  # elements from which on waking a second core pays
starting = threading.Lock()


def parallel(size):
    """Return whether an array of some size is shared among cores."""
    if size < PARALLEL:
        return False
    with starting:
        home, layer = threads()
    return layer != "workqueue" and home == os.getpid()


@functools.cache
def threads():
    """Start Numba's threads; return the process that they belong to, and of which kind they are."""
    larger(np.zeros(1), 1.0)
    return os.getpid(), threading_layer()


@functools.cache
def rmsprop_loop(parallel, corrected, centered, momentum, nesterov, inside, rate_inside):
    """Return the rule of RMSprop as a compiled loop, for one choice of switches."""

    def loop(theta, g, v, m, velocity, lr, decay, l2, keep, take, epsilon, mu, correction):
        zero = theta.dtype.type(0)
        for i in prange(theta.size):
            x = theta[i]
            d = g[i] + l2 * x if l2 > zero else g[i]
            square = keep * v[i] + take * (d * d)
            v[i] = square
            if corrected:
                square = square / correction
            if centered:
                mean = keep * m[i] + take * d
                m[i] = mean
                if corrected:
                    mean = mean / correction
                square = max(square - mean * mean, zero)
            step = d / (math.sqrt(square + epsilon) if inside else math.sqrt(square) + epsilon)
            if rate_inside:
                step = lr * step
            if momentum:
                b = mu * velocity[i] + step
                velocity[i] = b
                step = mu * b + step if nesterov else b
            if not rate_inside:
                step = lr * step
            theta[i] = (x - decay * x if decay > zero else x) - step

    return njit(loop, parallel=parallel, error_model="numpy")


@functools.cache
def adam_loop(parallel, amsgrad):
    """Return the rule of Adam as a compiled loop, for one choice of switches."""

    def loop(
        theta, g, m, v, v_max, lr, decay, l2, keep_1, take_1, keep_2, take_2, epsilon, correction
    ):
        zero = theta.dtype.type(0)
        for i in prange(theta.size):
            x = theta[i]
            d = g[i] + l2 * x if l2 > zero else g[i]
            mean = keep_1 * m[i] + take_1 * d
            m[i] = mean
            square = keep_2 * v[i] + take_2 * (d * d)
            v[i] = square
            if amsgrad:
                square = max(v_max[i], square)
                v_max[i] = square
            step = lr * (mean / (math.sqrt(square / correction) + epsilon))
            theta[i] = (x - decay * x if decay > zero else x) - step

    return njit(loop, parallel=parallel, error_model="numpy")


@njit(parallel=True, error_model="numpy")
def larger(g, limit):
    """Count the elements whose size is above a limit, or NaN."""
    count = 0
    for i in prange(g.size):
        count += not abs(g[i]) <= limit
    return count


class Compiled:
    """What the two methods share: when the loop can run, and on what."""

    def _usable(self, parameter, theta, g):
        """Return whether the rule can take a gradient; large ones are searched on all cores."""
        if g.flags.c_contiguous and parameter.plain and parallel(g.size):
            limit = g.dtype.type(0.99 * parameter.limit)
            if larger(g.reshape(-1), limit) == 0:
                return True
        return super()._usable(parameter, theta, g)

    def _update(self, parameter, theta, g):
        """Run the loop over one array, or leave the array to NumPy."""
        slots = parameter.slots  # θ stands in for those that the loop does not touch
        arrays = [theta, g, *(slots.get(name, theta) for name in self.loop_slots)]
        contiguous = all(array.flags.c_contiguous for array in arrays)
        if parameter.is_grid() or not contiguous or theta.dtype == np.float16:
            super()._update(parameter, theta, g)
            return
        if theta.ndim != 1:
            arrays = [array.reshape(-1) for array in arrays]
        zero = np.zeros((), theta.dtype)
        numbers = {"weight_decay": zero, "l2": zero} | parameter.operands
        loop = self.loop(parallel=parallel(theta.size))
        loop(*arrays, *[number[()] for number in self.scalars(**numbers)])


class RMSprop(Compiled, optimizers.RMSprop):
    """RMSprop in one pass; arguments and steps are those of `rmsprop.optimizers.RMSprop`."""

    loop_slots = ("v", "m", "velocity")

    def loop(self, parallel):
        """Return the compiled rule."""
        switches = (self.bias_correction, self.centered, bool(self.momentum), self.nesterov)
        return rmsprop_loop(parallel, *switches, self.epsilon_inside, self.learning_rate_inside)

    def scalars(self, lr, weight_decay, l2, rho, epsilon, momentum, correction=None, **slots):
        """Return the numbers in the order of the loop's arguments."""
        if correction is None:
            correction = lr  # any number: a loop without bias correction does not look at it
        return lr, lr * weight_decay, l2, *rho, epsilon, momentum, correction


class Adam(Compiled, optimizers.Adam):
    """Adam in one pass; arguments and steps are those of `rmsprop.optimizers.Adam`."""

    loop_slots = ("m", "v", "v_max")

    def loop(self, parallel):
        """Return the compiled rule."""
        return adam_loop(parallel, self.amsgrad)

    def scalars(
        self, lr, weight_decay, l2, beta_1, beta_2, epsilon, correction_1, correction_2, **slots
    ):
        """Return the numbers in the order of the loop's arguments."""
        if self.epsilon_hat:
            epsilon = epsilon / np.sqrt(correction_2)
        rate = lr / correction_1
        return rate, lr * weight_decay, l2, *beta_1, *beta_2, epsilon, correction_2
