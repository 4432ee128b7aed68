"""Page 6 of the primer, four small tasks: its exercises."""

import numpy as np

from rmsbook.exercises import Task, exercise


def _said(higher, lower):
    return "ahead" if higher else "behind" if lower else "tie"


@exercise("ex-p06-1", wants='a function that returns "ahead", "behind" or "tie"', minutes=6)
def ahead_or_a_tie():
    """Judge two sets of seeds by their ranges."""

    def verdict(ours, others):
        return _said(min(ours) > max(others), max(ours) < min(others))

    def by_one_number(of):
        return lambda ours, others: _said(of(ours) > of(others), of(ours) < of(others))

    def by_pairs(ours, others):
        wins = sum(a > b for a, b in zip(ours, others, strict=True))
        return _said(2 * wins > len(ours), 2 * wins < len(ours))

    def written_otherwise(ours, others):
        if max(ours) >= min(others) and max(others) >= min(ours):
            return "tie"
        return "ahead" if np.mean(ours) > np.mean(others) else "behind"

    examples = (
        ([0.94, 0.95, 0.96], [0.91, 0.92, 0.93]),
        ([0.60, 0.61, 0.62], [0.70, 0.69, 0.68]),
        ([0.97, 0.90, 0.91], [0.92, 0.92, 0.93]),  # by means ahead, by pairs behind
        ([0.80, 0.85, 0.90], [0.78, 0.84, 0.95]),  # by means behind, by pairs ahead
        ([0.50, 0.70, 0.71], [0.60, 0.65, 0.66]),
        ([0.90, 0.91, 0.92], [0.88, 0.89, 0.90]),  # the ranges touch
    )
    return Task(
        answer=verdict,
        mistakes={
            "You compare means; ranges that overlap are a tie, whatever the means.": (
                by_one_number(np.mean)
            ),
            "You compare the best seeds alone.": by_one_number(max),
            "You compare the worst seeds alone.": by_one_number(min),
            "You count which seed beats which; the ranges are to be compared.": by_pairs,
            "Ahead and behind are swapped.": lambda ours, others: verdict(others, ours),
            "Ranges that only touch overlap too.": lambda ours, others: _said(
                min(ours) >= max(others), max(ours) <= min(others)
            ),
        },
        on=examples,
        also=[written_otherwise],
    )


@exercise("ex-p06-2", wants="a number of test names for each network", minutes=8, points=2)
def names_for_a_point(rng=None):
    """How many test items a difference takes to be twice its standard error."""
    first, second = 75, 76
    if rng is not None:
        first = int(rng.integers(60, 93))
        second = first + int(rng.integers(1, 3))
    p, q = first / 100, second / 100
    one, other, apart = p * (1 - p), q * (1 - q), q - p
    return Task(
        given={"percent": first, "of the other": second},
        answer=(one + other) * (2 / apart) ** 2,
        mistakes={
            "That is for one standard error; the difference is to be two of them.": (
                (one + other) / apart**2
            ),
            "You took the variance of one network; both are measured, and variances add.": (
                one * (2 / apart) ** 2
            ),
            "You added the standard errors; it is the variances that add.": (
                (np.sqrt(one) + np.sqrt(other)) ** 2 * (2 / apart) ** 2
            ),
            "You took percent for shares: a point is a hundredth.": (
                (one + other) * (2 / (100 * apart)) ** 2
            ),
            "A standard error falls with the root of n: something is not squared.": (
                (one + other) * 2 / apart
            ),
            "The variance of a yes or no is p(1 − p), not p.": (p + q) * (2 / apart) ** 2,
        },
        rtol=0.03,  # one p for both changes it by about two percent
    )
