"""Run an optimizer on a test problem and keep its path.

One call runs one setting or ten thousand: leading axes of ``start`` are independent runs, and an
optimizer whose hyper-parameters have the same leading axes gives each run its own.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.problems import Problem
from rmsprop.settings import whole

__all__ = ["Trajectory", "minimize"]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Path of a run, or of a batch of runs.

    Row 0 is the start and row t the point after t steps.  ``...`` stands for the batch axes of
    the start; a single run has none.

    Attributes
    ----------
    parameters : shape (steps + 1, ..., d)
        The points.
    losses : shape (steps + 1, ...)
        ``problem.loss`` at the points.
    gradient_norms : shape (steps + 1, ...)
        Euclidean norm of the gradient that the optimizer met there (noise included).
    diverged : bool, shape (...)
        Whether the run came to a point where θ, the loss or g is not finite, or where g is too
        large for the method.  Such a run ends there: that row is kept as it was, all later rows
        are NaN.

    Examples
    --------
    >>> path = Trajectory(
    ...     parameters=np.array([[2.0], [1.0], [0.5]]),
    ...     losses=np.array([4.0, 1.0, 0.25]),
    ...     gradient_norms=np.array([4.0, 2.0, 1.0]),
    ...     diverged=np.array(False),
    ... )
    >>> float(path.steps_to(1.0)), float(path.steps_to(0.1))
    (1.0, inf)
    """

    parameters: np.ndarray
    losses: np.ndarray
    gradient_norms: np.ndarray
    diverged: np.ndarray

    def steps_to(self, target: float) -> np.ndarray:
        """Count the steps until the loss is at or below ``target``, shape (...); inf for never.

        A miss counts as infinity, so that a median or a performance profile over runs is right.

        Raises
        ------
        ValueError
            If ``target`` is NaN.
        """
        if math.isnan(target):
            raise ValueError("target must be a number, got nan")
        reached = self.losses <= target
        return np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)[()]


def minimize(problem: Problem, optimizer, steps: int, start: ArrayLike | None = None) -> Trajectory:
    """Take ``steps`` steps with ``optimizer`` from ``start`` and return the path.

    Step t = 0, 1, … evaluates ``problem.gradient(theta, t)``, calls
    ``optimizer.step([theta], [gradient])`` and projects the result with ``problem.project``.

    A run whose numbers stop being finite is marked in ``diverged`` and ends there; the other
    runs of its batch go on.  Nothing is raised for it: in a grid of settings some will diverge.

    Parameters
    ----------
    problem : Problem
        See `rmsprop.problems`.
    optimizer
        Any object whose ``step(params, grads)`` updates a list of arrays in place.  Its state
        is used as it is: pass a fresh one unless the run shall continue another.  Its method
        ``takes(theta, gradient)``, if it has one, says which elements it can take; without one,
        all finite numbers.
    steps : int
        Not negative.
    start : array of shape (..., d), optional
        Default: ``problem.start``.  Not changed.  Its float dtype is the dtype of the run.

    Raises
    ------
    TypeError
        If the optimizer cannot step, or ``start`` does not hold real numbers.
    ValueError
        If ``steps`` is no whole number or negative, or ``start`` is not finite or of a shape that
        does not fit the problem.

    Examples
    --------
    >>> from rmsprop.optimizers import RMSprop
    >>> from rmsprop.problems import Quadratic
    >>> bowl = Quadratic(curvatures=(0.2, 4.0))
    >>> path = minimize(bowl, RMSprop(learning_rate=0.4), steps=20, start=[-5.0, -2.0])
    >>> path.parameters.shape, path.parameters[-1].round(3)
    ((21, 2), array([-0.011,  0.   ]))

    Three learning rates in one call:

    >>> rates = np.array([[0.01], [0.1], [1.0]])
    >>> start = np.tile([-5.0, -2.0], (3, 1))
    >>> minimize(bowl, RMSprop(learning_rate=rates), steps=100, start=start).losses.shape
    (101, 3)
    """
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        raise TypeError(
            "optimizer must be an object with step(params, grads), such as RMSprop(), "
            f"got {optimizer!r}"
        )
    steps = whole(0)("steps", steps)
    # project() checks dtype and shape, as every method of a problem does
    theta = np.array(problem.project(problem.start if start is None else start))
    if not np.isfinite(theta).all():
        raise ValueError(f"start must be finite, got {start}")

    batch = theta.shape[:-1]
    safe = problem.project(np.zeros_like(theta))  # where a diverged run waits, and nobody reads it
    parameters = np.empty((steps + 1, *theta.shape), theta.dtype)
    losses = np.empty((steps + 1, *batch))
    squares = np.empty((steps + 1, *batch))
    last = np.full(batch, steps)  # the row in which a run ends
    diverged = np.zeros(batch, bool)
    takes = getattr(optimizer, "takes", lambda theta, gradient: np.isfinite(gradient))

    t = 0
    with np.errstate(all="ignore"):  # overflow is an outcome here, not a mistake
        while True:
            loss = problem.loss(theta)
            gradient = problem.gradient(theta, t)
            parameters[t], losses[t] = theta, loss
            squares[t] = np.vecdot(gradient, gradient, dtype=np.float64)
            usable = np.isfinite(theta) & takes(theta, gradient)
            if not (usable.all() and np.isfinite(loss).all()):
                fine = usable.all(axis=-1) & np.isfinite(loss)
                last[~fine & ~diverged] = t
                diverged |= ~fine
            if t == steps or diverged.all():
                break
            if not diverged.any():
                optimizer.step([theta], [gradient])
                theta[...] = problem.project(theta)
            else:
                alive = ~diverged[..., np.newaxis]
                theta[...] = np.where(alive, theta, safe)
                optimizer.step([theta], [np.where(alive, gradient, 0)])
                theta[...] = problem.project(np.where(alive, theta, safe))
            t += 1
        gradient_norms = np.sqrt(squares)
    ended = np.arange(steps + 1).reshape(-1, *[1] * len(batch)) > last
    for rows in (parameters, losses, gradient_norms):
        rows[ended] = np.nan
    return Trajectory(parameters, losses, gradient_norms, diverged[()])
