"""Hold an answer against an exercise: right, a mistake with a name, or not yet."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rmsbook.exercises.task import find

__all__ = ["Verdict", "check", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What `judge` found: ``right``, the ``message``, and the ``mistake`` if it has a name."""

    right: bool
    message: str
    mistake: str | None = None


class _RaisedError(Exception):
    """An answer made an error; the text says what."""


def check(name, answer, seed=None):
    """Say whether ``answer`` is right, or what kind of mistake it is. The answer stays untold.

    Parameters
    ----------
    name : str
        The exercise's label, as in ``check("ex-p03-1", answer)``.
    answer : number, sequence, mapping or callable
        Yours. A function is called with arguments of the check's own.
    seed : int, optional
        The seed of your variant, if you work on one.

    Raises
    ------
    ValueError
        If there is no such exercise, or no such variant.
    """
    print(f"{name}: {judge(name, answer, seed).message}")


def judge(name, answer, seed=None):
    """Return the `Verdict` on ``answer``; the parameters are those of `check`."""
    exercise = find(name)
    return _judge(exercise.task(seed), exercise.wants, answer)


def _judge(task, wants, answer):
    wanted = f"Wanted: {wants}."
    if _is_open(answer):
        return Verdict(False, f"not answered yet. {wanted}")
    if callable(task.right) != callable(answer):
        kind = "its value" if callable(answer) else "the function itself"
        return Verdict(False, f"not yet. Hand over {kind}. {wanted}")
    try:
        given = _results(task, answer)
        if callable(answer) and any(map(_is_open, given)):
            return Verdict(False, f"not answered yet. {wanted}")
        said = _accepted(task, answer) if task.accepts else _mistake(task, given)
    except _RaisedError as error:
        return Verdict(False, f"not yet. {error}")
    if said is None:
        return Verdict(True, "right.")
    return Verdict(False, f"not yet. {said or _outward(task, given) + wanted}", said or None)


def _accepted(task, answer):
    """Return what a task with many right answers says to this one, None if it is right."""
    try:
        return task.accepts(answer)
    except Exception as error:
        raise _RaisedError(f"With your answer comes {_named(error)}") from error


def _named(error):
    return f"{type(error).__name__}: {error}"


def _mistake(task, given):
    """Return None for the right answer, what to say to a known wrong one, "" to another."""
    if _same(given, _results(task, task.answer), task):
        return None
    for said, wrong in task.mistakes.items():
        if _same(given, _results(task, wrong), task):
            return said
    return ""


def _is_open(answer):
    """Whether there are still dots where an answer belongs."""
    if isinstance(answer, Mapping):
        return _is_open(tuple(answer.values()))
    if isinstance(answer, tuple | list):
        return any(map(_is_open, answer))
    return answer is None or answer is ...


def _results(task, answer):
    """Return what is compared: the value itself, or what a function returns for each of `on`."""
    if not callable(answer) or not task.on:
        return [answer]
    results = []
    for arguments in task.on:
        try:
            results.append(answer(*copy.deepcopy(arguments)))  # it may change them
        except Exception as error:
            raise _RaisedError(f"Your function raised {_named(error)}") from error
    return results


def _same(one, other, task):
    """Whether two answers are equal to within the task's tolerance, whatever holds the numbers."""
    if isinstance(other, Mapping):
        return (
            isinstance(one, Mapping)
            and one.keys() == other.keys()
            and all(_same(one[key], other[key], task) for key in other)
        )
    if isinstance(other, str):
        return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()
    if isinstance(other, tuple | list) and _is_ragged(other):
        return (
            isinstance(one, tuple | list)
            and len(one) == len(other)
            and all(_same(a, b, task) for a, b in zip(one, other, strict=True))
        )
    numbers, right = _numbers(one), np.asarray(other, dtype=float)
    if numbers is None or (numbers.shape != right.shape and not numbers.size == right.size == 1):
        return False
    return bool(
        np.allclose(
            numbers.reshape(right.shape), right, rtol=task.rtol, atol=task.atol, equal_nan=True
        )
    )


def _is_ragged(values):
    """Whether a sequence holds arrays of several shapes, texts or mappings: not one array."""
    if any(isinstance(value, str | Mapping) for value in values):
        return True
    try:
        return len({np.shape(value) for value in values}) > 1
    except ValueError:  # ragged further in
        return True


def _numbers(value):
    """Return a value as an array of floats, or None if it is not made of numbers."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None


def _outward(task, given):
    """Say what is wrong with an answer's outward form, if that is what is wrong."""
    right = _results(task, task.answer)
    for one, other in zip(given, right, strict=True):
        if isinstance(other, str | Mapping) or (isinstance(other, tuple) and _is_ragged(other)):
            continue
        numbers, wanted = _numbers(one), np.shape(other)
        if numbers is None:
            return f"{type(one).__name__} is no number and no array of numbers. "
        if numbers.shape != wanted and not numbers.size == np.size(other) == 1:
            return f"The shape is {numbers.shape} where {wanted} is wanted. "
        if not np.isfinite(numbers).all() and np.isfinite(np.asarray(other, float)).all():
            return "There is a number that is not finite. "
    return ""
