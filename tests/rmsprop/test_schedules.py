"""Schedules: exact values at the ends and between, arrays, errors, and the way through JSON."""

import json
import math

import numpy as np
import pytest

from rmsprop import schedules
from rmsprop.schedules import (
    SCHEDULES,
    Constant,
    CosineDecay,
    InverseTimeDecay,
    LinearDecay,
    StepDecay,
)

EXAMPLES = [
    Constant(0.1),
    InverseTimeDecay(0.1, 10, 0.5),
    StepDecay(0.1, 10, 0.5),
    LinearDecay(0.1, 10, 0.02),
    CosineDecay(0.1, 10, 0.2),
    Constant([[0.1], [0.2]]),
]


def values(schedule, steps):
    return [schedule(t) for t in steps]


def test_constant():
    assert values(Constant(0.3), (0, 1, 10**9)) == [0.3] * 3


def test_inverse_time():
    decay = InverseTimeDecay(0.6, decay_steps=5, decay_rate=2.0)
    expected = [0.6, 0.6 / 1.4, 0.6 / 3, 0.6 / 5]
    np.testing.assert_allclose(values(decay, (0, 1, 5, 10)), expected, rtol=1e-15)


def test_steps_change_at_multiples_of_decay_steps():
    stairs = StepDecay(1.0, decay_steps=3, decay_rate=0.1)
    expected = [1, 1, 1, 0.1, 0.1, 0.1, 0.01]
    np.testing.assert_allclose(values(stairs, range(7)), expected, rtol=1e-15)


def test_linear_reaches_its_end_and_stays():
    line = LinearDecay(1.0, decay_steps=4, end_learning_rate=0.2)
    expected = [1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(values(line, range(7)), expected, rtol=1e-15)
    assert LinearDecay(1.0, 4)(4) == 0.0
    assert LinearDecay(4.0, 4)(1) == 3.0


def test_cosine_reaches_its_end_and_stays():
    cosine = CosineDecay(2.0, decay_steps=4, alpha=0.1)
    half = math.sqrt(0.5)
    expected = [2.0, 2 * (0.9 * (1 + half) / 2 + 0.1), 1.1, 2 * (0.9 * (1 - half) / 2 + 0.1)]
    np.testing.assert_allclose(values(cosine, range(4)), expected, rtol=1e-15)
    np.testing.assert_allclose(values(cosine, (4, 5, 99)), [0.2] * 3, rtol=1e-15)
    assert CosineDecay(2.0, decay_steps=4)(4) == 0.0


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)
def test_a_grid_of_rates_follows_each_of_its_schedules(schedule):
    config = schedule.get_config()
    first = next(iter(config))
    grid = type(schedule).from_config(config | {first: [0.1, 0.3]})
    alone = [type(schedule).from_config(config | {first: rate}) for rate in (0.1, 0.3)]
    for t in (0, 3, 12):  # NumPy's powers of arrays are not those of Python's numbers
        np.testing.assert_allclose(grid(t), [one(t) for one in alone], rtol=1e-14)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)
def test_a_schedule_survives_json(schedule):
    description = json.loads(json.dumps(schedules.serialize(schedule)))
    again = schedules.deserialize(description)
    assert again == schedule
    assert repr(again) == repr(schedule)
    np.testing.assert_array_equal(again(7), schedule(7))


def test_all_schedules_can_be_written_down():
    assert {type(schedule) for schedule in EXAMPLES} == set(SCHEDULES)


def test_equality_is_of_class_and_settings():
    assert StepDecay(0.1, 10, 0.5) != StepDecay(0.1, 10, 0.6)
    assert StepDecay(0.1, 10, 0.5) != InverseTimeDecay(0.1, 10, 0.5)
    assert Constant(0.1) != 0.1


def test_repr_shows_how_to_make_it():
    assert repr(StepDecay(0.1, 10, 0.5)) == (
        "StepDecay(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5)"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0), r"^learning_rate must be a number in \(0, inf\) .* not 0"),
        (lambda: InverseTimeDecay(-1, 1, 1), "^initial_learning_rate .* not -1"),
        (lambda: InverseTimeDecay(1, 0, 1), "^decay_steps must be a whole number of at least 1"),
        (lambda: InverseTimeDecay(1, 1, -1), r"^decay_rate must be a number in \[0, inf\)"),
        (lambda: StepDecay(math.nan, 1, 1), "^initial_learning_rate .* not nan"),
        (lambda: StepDecay(1, 2.5, 1), "^decay_steps .* not 2.5"),
        (lambda: StepDecay(1, 1, 0), r"^decay_rate must be a number in \(0, inf\)"),
        (lambda: LinearDecay(0, 1), "^initial_learning_rate"),
        (lambda: LinearDecay(1, 0), "^decay_steps"),
        (lambda: LinearDecay(1, 1, -0.1), r"^end_learning_rate must be a number in \[0, inf\)"),
        (lambda: CosineDecay(0, 1), "^initial_learning_rate"),
        (lambda: CosineDecay(1, 0), "^decay_steps"),
        (lambda: CosineDecay(1, 1, -0.1), r"^alpha must be a number in \[0, inf\)"),
    ],
)
def test_errors_name_the_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_zero_ends_are_allowed():
    assert InverseTimeDecay(1, 1, 0)(5) == 1.0
    assert CosineDecay(1, 1, 0)(1) == 0.0


def test_another_callable_cannot_be_saved():
    def warm_up(t):
        return 0.1

    with pytest.raises(TypeError, match=r"warm_up.* cannot be saved; .*: Constant, InverseTime"):
        schedules.serialize(warm_up)


def test_an_unknown_name_cannot_be_read():
    with pytest.raises(ValueError, match="no schedule is called 'Warp'; there are: Constant, Inv"):
        schedules.deserialize({"class_name": "Warp", "config": {}})


@pytest.mark.parametrize(
    "config",
    [
        *({}, None, [1], {"class_name": "Constant"}, {"class_name": [], "config": {}}),
        {"class_name": "Constant", "config": {"rate": 0.1}},
        {"class_name": "Constant", "config": 0.1},
    ],
)
def test_what_is_no_description_cannot_be_read(config):
    with pytest.raises(ValueError, match=r"^schedule is not one that serialize\(\) returned: "):
        schedules.deserialize(config)
