"""The exercises' checks: each is held against right answers and against the usual wrong ones."""

import re

import numpy as np
import pytest

from rmsbook import exercises
from rmsbook.exercises import Task, check, exercise, find, givens, judge, task

WANTS = "two numbers: θ after a step"


def all_exercises():
    """Return every exercise of the book, those with variants under three seeds too."""
    for module in exercises.modules():
        __import__(f"rmsbook.exercises.{module}")
    return [
        pytest.param(registered, seed, id=f"{name}-{seed}")
        for name, registered in sorted(task.REGISTRY.items())
        for seed in ((None, 0, 1, 2) if registered.has_variants else (None,))
    ]


def in_other_forms(answer):
    """Return a right answer as other people may write it."""
    if callable(answer) or isinstance(answer, str | dict | bool):
        return [answer]
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return [answer, list(answer)]
    return [answer, array, array.astype(np.float32), array.tolist()]


@pytest.mark.parametrize(("registered", "seed"), all_exercises())
class TestEveryExercise:
    def test_the_right_answer_passes_in_every_form(self, registered, seed):
        made = registered.task(seed)
        for answer in [form for a in (made.right, *made.also) for form in in_other_forms(a)]:
            assert judge(registered.name, answer, seed).message == "right."

    def test_five_usual_mistakes_are_each_named(self, registered, seed):
        mistakes = registered.task(seed).mistakes
        assert len(mistakes) >= 5
        for said, wrong in mistakes.items():
            assert judge(registered.name, wrong, seed).mistake == said

    def test_nothing_is_told_but_the_kind_of_mistake(self, registered, seed):
        right = registered.task(seed).right
        if isinstance(right, int | float | np.number) and not isinstance(right, bool):
            told = re.findall(r"\d+\.\d+", " ".join(registered.task(seed).mistakes))
            assert not any(np.isclose(float(number), right, rtol=1e-2) for number in told)

    @pytest.mark.parametrize("dots", [..., None, (1.0, ...), [...]])
    def test_dots_are_no_answer(self, registered, seed, dots):
        verdict = judge(registered.name, dots, seed)
        assert not verdict.right
        assert verdict.message == f"not answered yet. Wanted: {registered.wants}."

    def test_a_student_knows_what_it_takes(self, registered, seed):
        assert registered.minutes > 0
        assert registered.points > 0
        assert registered.wants
        assert not registered.wants.endswith(".")


@pytest.mark.parametrize(
    "registered", [found.values[0] for found in all_exercises() if found.values[1] == 0]
)
def test_variants_differ(registered):
    different = set()
    for seed in range(60):
        different.add(str(givens(registered.name, seed)))
        if len(different) > 10:  # some are computed for seconds
            break
    assert len(different) > 10
    assert str(givens(registered.name, 7)) == str(givens(registered.name, 7))


@pytest.fixture
def toys():
    """Register three exercises for a test, and take them away again."""
    before = dict(task.REGISTRY)

    @exercise("ex-98-1", wants=WANTS, minutes=1)
    def pair():
        return Task(answer=(1.0, 2.0), mistakes={"The sign.": (-1.0, -2.0)}, rtol=1e-2)

    @exercise("ex-98-2", wants="a function of g", minutes=1)
    def square():
        return Task(
            answer=lambda g: g**2,
            mistakes={"That is a cube.": lambda g: g**3},
            on=[(np.array([2.0, 3.0]),), (np.array([-1.0]),)],
        )

    @exercise("ex-98-3", wants="an even number", minutes=1)
    def even(rng=None):
        least = 0 if rng is None else int(rng.integers(1000))
        return Task(
            accepts=lambda n: "Odd." if n % 2 else None,
            example=least * 2,
            mistakes={"Odd.": 3},
            given={"least": least},
        )

    yield
    task.REGISTRY.clear()
    task.REGISTRY.update(before)


@pytest.mark.usefixtures("toys")
class TestJudge:
    @pytest.mark.parametrize(
        ("name", "answer", "said"),
        [
            ("ex-98-1", (1.0, 2.0), "right."),
            ("ex-98-1", [1.004, 2], "right."),
            ("ex-98-1", np.float32([1, 2]), "right."),
            ("ex-98-1", (-1, -2), "not yet. The sign."),
            ("ex-98-1", (1.5, 2), f"not yet. Wanted: {WANTS}."),
            ("ex-98-1", 1.0, f"not yet. The shape is () where (2,) is wanted. Wanted: {WANTS}."),
            ("ex-98-1", (1.0, np.nan), "not yet. There is a number that is not finite. "),
            ("ex-98-1", "one", "not yet. str is no number and no array of numbers. "),
            ("ex-98-1", max, f"not yet. Hand over its value. Wanted: {WANTS}."),
            ("ex-98-2", lambda g: g * g, "right."),
            ("ex-98-2", lambda g: g * g * g, "not yet. That is a cube."),
            ("ex-98-2", lambda g: None, "not answered yet. Wanted: a function of g."),
            ("ex-98-2", lambda g: g[5], "not yet. Your function raised IndexError: "),
            ("ex-98-2", lambda: 1, "not yet. Your function raised TypeError: "),
            ("ex-98-2", 4.0, "not yet. Hand over the function itself. Wanted: a function of g."),
            ("ex-98-2", lambda g: g.sum(), "not yet. The shape is () where (2,) is wanted. "),
            ("ex-98-3", 4, "right."),
            ("ex-98-3", 5, "not yet. Odd."),
            ("ex-98-3", "four", "not yet. With your answer comes TypeError: "),
        ],
    )
    def test_says(self, name, answer, said):
        assert judge(name, answer).message.startswith(said)

    def test_a_function_that_changes_its_arguments_changes_only_copies(self):
        def in_place(g):
            g *= g
            return g

        assert judge("ex-98-2", in_place).right
        assert judge("ex-98-2", in_place).right

    def test_check_prints_under_the_label(self, capsys):
        check("ex-98-1", (1, 2))
        assert capsys.readouterr().out == "ex-98-1: right.\n"

    def test_a_variant_has_its_own_numbers(self):
        assert givens("ex-98-3") == {"least": 0}
        assert givens("ex-98-3", 5) != givens("ex-98-3", 6)
        assert judge("ex-98-3", 2, seed=5).right

    @pytest.mark.parametrize("seed", [-1, 1.0, True, "3"])
    def test_a_seed_is_a_whole_number(self, seed):
        with pytest.raises(ValueError, match=r"seed must be a whole number from 0 up, not"):
            check("ex-98-3", 2, seed=seed)

    def test_an_exercise_without_variants_takes_no_seed(self):
        with pytest.raises(ValueError, match=r"ex-98-1 is the same for everyone"):
            check("ex-98-1", (1, 2), seed=3)


def test_words_and_tables_are_told_apart(toys):
    @exercise("ex-98-4", wants="a word and its number", minutes=1)
    def word():
        return Task(answer={"word": "rho", "number": 2.0}, mistakes={"The other.": {}})

    assert judge("ex-98-4", {"word": " Rho ", "number": 2}).right
    assert judge("ex-98-4", {}).mistake == "The other."
    assert judge("ex-98-4", {"word": "eta", "number": 2}).message == (
        "not yet. Wanted: a word and its number."
    )


def test_a_comparison_that_trains_nothing_is_no_fair_one():
    verdict = judge("ex-05-4", lambda train, first, second, budget: "first")
    assert not verdict.right
    assert verdict.mistake


def test_a_schedule_is_made_of_numbers():
    assert judge("ex-06-5", lambda t: np.nan).mistake == judge("ex-06-5", lambda t: "1e").mistake


@pytest.mark.parametrize("name", ["ex-99-1", "ex-1", "fig-01-x", 7, None])
def test_an_unknown_label_is_refused(name):
    with pytest.raises(ValueError, match=r"there is no exercise"):
        find(name)


def test_a_label_belongs_to_one_module(toys):
    def elsewhere():
        return Task(answer=1, mistakes={})

    elsewhere.__module__ = "another"
    with pytest.raises(ValueError, match=r"ex-98-1 stands in .*test_exercises already"):
        exercise("ex-98-1", wants="a number", minutes=1)(elsewhere)
