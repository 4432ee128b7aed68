"""What recorded runs show: intervals, ties, times to a target, and whether a run can be repeated.

The rules are those of the tuning playbook [1]_ and of AlgoPerf [2]_: a difference that the seeds
alone could have made is a tie, and a target that was missed counts as an infinite time.

References
----------
.. [1] Godbole et al. (2023), "Deep Learning Tuning Playbook",
   https://github.com/google-research/tuning_playbook
.. [2] Dahl et al. (2023), "Benchmarking Neural Network Training Algorithms", arXiv:2306.07179
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rmsbook.experiments.run import Record

__all__ = [
    "Difference",
    "agreement",
    "bootstrap_interval",
    "paired_difference",
    "performance_profile",
    "time_to_target",
]

RESAMPLES = 10_000


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable = np.median,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic.

    From so few values as five it is rough: it cannot reach beyond the smallest and the largest
    of them. For the median of five it nearly always is that range, which holds the true median in
    1 - 2 / 2⁵ ≈ 94 % of all samples; for a mean it is too narrow [2]_.

    Parameters
    ----------
    values : sequence of float
        One number a seed, two or more. Infinity is a number here, NaN is not.
    statistic : callable, optional
        Takes an array and ``axis``; by default the median.
    level : float, optional
        How often, of all samples, the interval shall hold the true value; between 0 and 1.
    rng : numpy.random.Generator, optional
        Draws the 10,000 samples; by default one with the seed 0.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are fewer than two values, one is NaN, or `level` is not between 0 and 1.

    References
    ----------
    .. [1] Efron (1979), "Bootstrap Methods: Another Look at the Jackknife",
       doi:10.1214/aos/1176344552
    .. [2] Hesterberg (2014), "What Teachers Should Know about the Bootstrap", arXiv:1411.5279

    Examples
    --------
    >>> bootstrap_interval([0.97, 0.98, 0.96, 0.98, 0.97])
    (0.96, 0.98)
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or np.isnan(values).any():
        raise ValueError(f"values must be two or more numbers, not {values!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")
    rng = rng or np.random.default_rng(0)
    samples = rng.choice(values, size=(RESAMPLES, len(values)))
    ends = (1 - level) / 2, (1 + level) / 2
    # Without interpolation, so that an infinite value makes no NaN.
    low, high = np.quantile(statistic(samples, axis=1), ends, method="inverted_cdf")
    return float(low), float(high)


class Difference(NamedTuple):
    """How far one method is from another, seed by seed: the median, and its interval."""

    median: float
    low: float
    high: float

    @property
    def tie(self) -> bool:
        """Whether the interval contains 0: the seeds alone could have made the difference."""
        return self.low <= 0 <= self.high


def paired_difference(
    first: Mapping[int, float],
    second: Mapping[int, float],
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Difference:
    """Compare two methods by the runs that share a seed, and so their data's order.

    Parameters
    ----------
    first, second : mapping of int to float
        From the seed to what was measured; both with the same seeds, two or more. A run that
        diverged counts with a number too, such as the accuracy of guessing.
    level : float, optional
        Of the interval (see `bootstrap_interval`).
    rng : numpy.random.Generator, optional

    Returns
    -------
    Difference
        The median of first - second, its interval, and whether it is a tie.

    Raises
    ------
    ValueError
        If the seeds differ, are fewer than two, or a number is not finite.

    Examples
    --------
    >>> sgd, adam = {0: 0.95, 1: 0.96, 2: 0.94}, {0: 0.96, 1: 0.99, 2: 0.97}
    >>> difference = paired_difference(adam, sgd)
    >>> print(f"{difference.median:.2f}, {difference.low:.2f} to {difference.high:.2f}")
    0.03, 0.01 to 0.03
    >>> difference.tie
    False
    """
    if first.keys() != second.keys():
        raise ValueError(
            f"first and second must have the same seeds, not {sorted(first)} and {sorted(second)}"
        )
    for name, values in (("first", first), ("second", second)):
        if not np.isfinite(list(values.values())).all():
            raise ValueError(f"{name} must be finite numbers, not {values!r}")
    differences = [first[seed] - second[seed] for seed in first]
    low, high = bootstrap_interval(differences, np.median, level, rng)
    return Difference(float(np.median(differences)), low, high)


def time_to_target(curve: Sequence[float], target: float) -> float:
    """Return the epoch at which a curve first reaches a target; infinity if it never does.

    Parameters
    ----------
    curve : sequence of float
        A value an epoch, the higher the better, such as the validation accuracy. For a loss, give
        the negatives of the curve and of the target.
    target : float

    Returns
    -------
    float
        From 1; times the seconds an epoch took it is the time.

    References
    ----------
    Dahl et al. (2023), "Benchmarking Neural Network Training Algorithms", arXiv:2306.07179

    Examples
    --------
    >>> time_to_target([0.91, 0.95, 0.94, 0.97], 0.95)
    2.0
    >>> time_to_target([0.91, 0.95, 0.94, 0.97], 0.99)
    inf
    """
    reached = np.flatnonzero(np.asarray(curve) >= target)
    return float(reached[0] + 1) if len(reached) else np.inf


def performance_profile(
    times: Mapping[str, Sequence[float]], ratios: Sequence[float] = np.linspace(1, 4, 301)
) -> dict[str, np.ndarray]:
    """Return, for each method, the share of problems it solves nearly as fast as the fastest.

    Parameters
    ----------
    times : mapping of str to sequence of float
        From the method to its time on each problem, in one order of problems for all; infinity
        where it did not solve the problem.
    ratios : sequence of float, optional
        The factors τ, 1 or more; by default from 1 to 4, where AlgoPerf ends.

    Returns
    -------
    dict of str to numpy.ndarray
        For each method and each τ the share of all problems that it solved within τ times the
        time of the fastest method on that problem. A problem that none solved stays in the count.

    Raises
    ------
    ValueError
        If the methods have different numbers of times or none, or a time is not positive.

    References
    ----------
    Dolan and Moré (2002), "Benchmarking Optimization Software with Performance Profiles",
    doi:10.1007/s101070100263; Dahl et al. (2023), arXiv:2306.07179

    Examples
    --------
    >>> times = {"SGD": [10, 8, np.inf], "RMSprop": [5, 10, np.inf]}
    >>> profile = performance_profile(times, ratios=[1, 1.5, 2])
    >>> profile["RMSprop"].round(2).tolist(), profile["SGD"].round(2).tolist()
    ([0.33, 0.67, 0.67], [0.33, 0.33, 0.67])
    """
    problems = {len(each) for each in times.values()}
    if len(problems) != 1 or problems == {0}:
        raise ValueError(f"times must have as many numbers for each method, not {dict(times)!r}")
    table = np.array([times[name] for name in times], dtype=float)
    if not (table > 0).all():
        raise ValueError(f"times must be positive, not {dict(times)!r}")
    solved = np.isfinite(table)
    limits = np.multiply.outer(np.asarray(ratios, dtype=float), table.min(axis=0))
    shares = (solved & (table <= limits[:, None])).mean(axis=2)
    return dict(zip(times, shares.T, strict=True))


def agreement(
    again: Record, records: Sequence[Record], metric: str = "val_accuracy", tolerance: float = 0.02
) -> str:
    """Say how a repeated run differs from what was recorded; "" if it agrees.

    The last value of its curve must lie within the range of the recorded runs that differ from it
    in nothing but the seed, widened by `tolerance` to both sides; it may diverge, or not, only if
    one of those did. Bit-equal numbers are not asked for: other devices add in another order.

    Parameters
    ----------
    again : Record
        What `execute` returned just now.
    records : sequence of Record
        What was recorded, the same run and its other seeds among it.
    metric : str, optional
        The column of the curve.
    tolerance : float, optional
        In the metric's unit; by default two hundredths, for an accuracy.

    Returns
    -------
    str
        Fit to be shown or asserted: ``assert not agreement(execute(run), load("digits-rates"))``.

    Raises
    ------
    ValueError
        If the run is not among the records.

    Examples
    --------
    >>> from rmsbook.experiments import Run
    >>> def finished(seed, accuracy):
    ...     run = Run("fit", "digits", "small_mlp", "SGD", {"learning_rate": 0.1}, seed, 1, 64)
    ...     return Record(run, {"val_accuracy": np.array([accuracy])}, {"diverged": 0}, {})
    >>> records = [finished(0, 0.91), finished(1, 0.94)]
    >>> agreement(finished(0, 0.95), records)
    ''
    >>> agreement(finished(0, 0.97), records)
    'val_accuracy 0.9700, recorded 0.9100 to 0.9400'
    """
    if again.run not in [record.run for record in records]:
        raise ValueError(f"records must hold the run {again.run}")
    alike = [
        record
        for record in records
        if dataclasses.replace(record.run, seed=again.run.seed) == again.run
    ]
    finished = [record for record in alike if not record.result["diverged"]]
    if again.result["diverged"]:
        return f"diverged, as none of {len(alike)} recorded" if len(finished) == len(alike) else ""
    if not finished:
        return f"did not diverge, as all {len(alike)} recorded did"
    last = [record.curve[metric][-1] for record in finished]
    value, low, high = again.curve[metric][-1], min(last), max(last)
    if low - tolerance <= value <= high + tolerance:
        return ""
    return f"{metric} {value:.4f}, recorded {low:.4f} to {high:.4f}"
