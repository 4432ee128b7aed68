"""Settings: what the checks let through, what they refuse, and in which words."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from rmsprop.settings import Setting, choice, flag, number, pair, whole


def owner_of_a_setting():
    class Owner:
        has_begun = False
        rho = Setting(number(0, 1))

    return Owner()


def test_a_setting_that_was_never_set_says_so():
    with pytest.raises(
        AttributeError, match=r"^rho is a setting of Owner that was never set: set it first$"
    ):
        owner_of_a_setting().rho  # noqa: B018


def test_number_returns_a_python_float():
    for value in (0.25, np.float32(0.25), np.array(0.25), np.float16(0.25)):
        checked = number(0, 1)("rho", value)
        assert type(checked) is float
        assert checked == 0.25


def test_number_copies_an_array_and_locks_the_copy():
    given = np.array([0.1, 0.2], dtype=np.float32)
    checked = number(0, 1)("rho", given)
    assert checked.dtype == np.float64
    assert checked.shape == (2,)
    assert not checked.flags.writeable
    given[0] = 0.9
    assert checked[0] == np.float32(0.1)
    assert number(0, 1)("rho", [[0.5]]).shape == (1, 1)


@pytest.mark.parametrize("value", [-1e-300, 1, 1.5, math.nan, math.inf, [0.5, 1.0], [math.nan]])
def test_number_refuses_what_lies_outside(value):
    with pytest.raises(ValueError, match=r"^rho must be a number in \[0, 1\) or an array of such"):
        number(0, 1)("rho", value)


def test_number_takes_what_python_counts_as_one():
    for value in (Fraction(1, 4), Decimal("0.25"), [Fraction(1, 4)]):
        assert number(0, 1)("rho", value) == 0.25
    for value in (3, np.int8(3), np.uint64(3)):
        assert number(0)("rho", value) == 3.0


@pytest.mark.parametrize(
    "value",
    [
        *("0.5", True, None, [], {}, "a", [[0.1], [0.1, 0.2]], 1j, len),
        *(b"0.5", ["0.5"], [True], np.True_, [0.5 + 0j], 10**400, np.datetime64(0, "D")),
    ],
)
def test_number_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match=re.escape(f"such, not {value!r}") + "$"):
        number(0, 1)("rho", value)


def test_number_knows_whether_the_low_end_belongs():
    assert number(0, 1)("rho", 0) == 0.0
    with pytest.raises(ValueError, match=r"learning_rate must be a number in \(0, inf\) .* not 0"):
        number(0, above=True)("learning_rate", 0)
    assert number(0, above=True)("learning_rate", 5e-324) == 5e-324
    with pytest.raises(ValueError, match="inf"):
        number(0)("epsilon", math.inf)


def test_whole():
    assert whole(1)("steps", 1) == 1
    assert type(whole(1)("steps", np.int64(3))) is int
    for value in (0, -1, 1.0, True, "1", None):
        expected = f"steps must be a whole number of at least 1, not {value!r}"
        with pytest.raises(ValueError, match=re.escape(expected)):
            whole(1)("steps", value)


def test_pair():
    check = pair(number(0, 1), number(0, 2))
    assert check("factors", (0.5, 1)) == (0.5, 1.0)
    assert check("factors", [0.5, 0.5]) == (0.5, 0.5)
    for value in (0.5, (0.5,), (0.1, 0.2, 0.3), "ab", {0.1, 0.2}):
        with pytest.raises(ValueError, match=r"^factors must be a pair of numbers, not "):
            check("factors", value)
    for value in ((0.5, 0.4), ([0.1, 0.2], 1), (0.1, np.array([0.3, 0.4]))):
        expected = f"factors must be two numbers, the smaller first, not {value!r}"
        with pytest.raises(ValueError, match=re.escape(expected)):
            check("factors", value)
    with pytest.raises(ValueError, match=re.escape("factors[0] must be a number in [0, 1)")):
        check("factors", (1.0, 1.5))
    with pytest.raises(ValueError, match=re.escape("factors[1] must be a number in [0, 2)")):
        check("factors", (0.5, 2.0))


def test_flag():
    assert flag("centered", np.True_) is True
    assert flag("centered", False) is False
    for value in (1, 0, "yes", None):
        with pytest.raises(TypeError, match=f"^centered must be True or False, not {value!r}$"):
            flag("centered", value)


def test_choice():
    assert choice("raise", "skip")("nonfinite", "skip") == "skip"
    for value in ("ignore", None, ["raise"]):
        expected = f"nonfinite must be one of raise, skip, not {value!r}"
        with pytest.raises(ValueError, match=re.escape(expected)):
            choice("raise", "skip")("nonfinite", value)


def test_a_setting_is_checked_when_set_and_keeps_its_value_on_error():
    owner = owner_of_a_setting()
    owner.rho = 0.5
    with pytest.raises(ValueError, match="rho"):
        owner.rho = 2
    assert owner.rho == 0.5


def test_a_setting_is_fixed_once_training_has_begun():
    owner = owner_of_a_setting()
    owner.rho = 0.5
    owner.has_begun = True
    expected = "rho is fixed once training has begun: make a new Owner with rho=0.9"
    with pytest.raises(AttributeError, match=f"^{expected}$"):
        owner.rho = 0.9
    assert owner.rho == 0.5
