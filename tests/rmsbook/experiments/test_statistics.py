"""Intervals hold what they promise, ties are ties, a miss is infinite."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from rmsbook.experiments import Record, Run
from rmsbook.experiments.statistics import (
    agreement,
    bootstrap_interval,
    paired_difference,
    performance_profile,
    time_to_target,
)


class TestBootstrapInterval:
    @pytest.mark.parametrize("statistic", [np.mean, np.median])
    def test_is_scipys_percentile_interval(self, statistic):
        values = np.random.default_rng(0).normal(size=400)
        theirs = scipy.stats.bootstrap(
            (values,), statistic, method="percentile", confidence_level=0.9, rng=1
        ).confidence_interval
        ours = bootstrap_interval(values, statistic, 0.9)
        np.testing.assert_allclose(ours, theirs, atol=0.01)

    def test_the_median_of_five_lies_in_it_as_often_as_the_docstring_says(self):
        rng = np.random.default_rng(0)
        trials = 100
        held = 0
        for _ in range(trials):
            values = rng.normal(size=5)
            low, high = bootstrap_interval(values, rng=rng)
            assert (low, high) == (values.min(), values.max())
            held += low <= 0 <= high
        assert held / trials == pytest.approx(1 - 2 / 2**5, abs=0.08)

    def test_a_higher_level_is_wider(self):
        values = np.random.default_rng(0).normal(size=20)
        narrow, wide = (bootstrap_interval(values, np.mean, level) for level in (0.5, 0.99))
        assert wide[0] < narrow[0] < narrow[1] < wide[1]

    def test_the_generator_decides_the_samples(self):
        values = np.random.default_rng(0).normal(size=20)
        intervals = [
            bootstrap_interval(values, np.mean, rng=rng)
            for rng in (None, np.random.default_rng(0), np.random.default_rng(1))
        ]
        assert intervals[0] == intervals[1] != intervals[2]

    def test_a_miss_is_an_infinite_end_not_a_nan(self):
        assert bootstrap_interval([3, 4, 5, 6, np.inf]) == (3, np.inf)
        assert bootstrap_interval([np.inf, np.inf]) == (np.inf, np.inf)

    def test_equal_values_leave_no_doubt(self):
        assert bootstrap_interval([0.5] * 5) == (0.5, 0.5)

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [[1.0, 2.0]]])
    def test_refuses_what_has_no_interval(self, values):
        with pytest.raises(ValueError, match="values must be two or more numbers, not"):
            bootstrap_interval(values)

    @pytest.mark.parametrize("level", [0, 1, 95])
    def test_refuses_a_level_that_is_no_share(self, level):
        with pytest.raises(ValueError, match=f"level must lie between 0 and 1, not {level}"):
            bootstrap_interval([1, 2], level=level)


class TestPairedDifference:
    def test_pairs_by_seed_and_so_sees_what_the_seeds_hide(self):
        """Each seed is worth ten times the difference between the methods."""
        second = {seed: float(seed) for seed in range(5)}
        first = {seed: second[seed] + 0.1 for seed in reversed(range(5))}
        difference = paired_difference(first, second)
        assert difference == pytest.approx((0.1, 0.1, 0.1))
        assert not difference.tie
        assert paired_difference(second, first).median == pytest.approx(-0.1)

    def test_is_a_tie_if_a_seed_says_otherwise(self):
        first, second = dict.fromkeys(range(5), 1.0), dict.fromkeys(range(5), 0.9)
        assert not paired_difference(first, second).tie
        assert paired_difference(first | {4: 0.8}, second).tie
        assert paired_difference(first, first).tie

    def test_level_and_generator_go_to_the_bootstrap(self):
        values = dict(enumerate(np.random.default_rng(0).normal(size=20)))
        zero = dict.fromkeys(values, 0.0)
        difference = paired_difference(values, zero, 0.5, np.random.default_rng(3))
        expected = bootstrap_interval(
            list(values.values()), level=0.5, rng=np.random.default_rng(3)
        )
        assert (difference.low, difference.high) == expected

    def test_refuses_other_seeds(self):
        with pytest.raises(ValueError, match=r"the same seeds, not \[0, 1\] and \[0, 2\]"):
            paired_difference({0: 1.0, 1: 1.0}, {0: 1.0, 2: 1.0})

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_refuses_what_is_not_finite(self, value):
        good, bad = {0: 1.0, 1: 1.0}, {0: value, 1: 1.0}
        with pytest.raises(ValueError, match="first must be finite numbers"):
            paired_difference(bad, good)
        with pytest.raises(ValueError, match="second must be finite numbers"):
            paired_difference(good, bad)


@pytest.mark.parametrize(
    ("curve", "target", "epoch"),
    [
        ([0.5, 0.7, 0.6, 0.9], 0.7, 2),
        ([0.5, 0.7, 0.6, 0.9], 0.71, 4),
        ([0.5], 0.5, 1),
        ([0.5, np.nan], 0.6, np.inf),
        ([], 0.6, np.inf),
        (-np.array([2.0, 1.0, 0.5]), -1.0, 2),  # a loss
    ],
)
def test_time_to_target(curve, target, epoch):
    assert time_to_target(curve, target) == epoch


class TestPerformanceProfile:
    times = {"a": [1, 4, 2, np.inf, np.inf], "b": [2, 2, 2, 5, np.inf]}  # noqa: RUF012

    def test_counts_the_problems_solved_within_a_factor_of_the_fastest(self):
        profile = performance_profile(self.times, [1, 1.99, 2, 4])
        np.testing.assert_allclose(profile["a"], [0.4, 0.4, 0.6, 0.6])
        np.testing.assert_allclose(profile["b"], [0.6, 0.6, 0.8, 0.8])

    def test_by_default_goes_from_1_to_4(self):
        default = performance_profile(self.times)
        ends = performance_profile(self.times, [1, 4])
        for name in self.times:
            assert (np.diff(default[name]) >= 0).all()
            np.testing.assert_array_equal(default[name][[0, -1]], ends[name])
        late = performance_profile({"a": [1.0], "b": [4.0]})["b"]
        assert (late[-1], late[-2]) == (1, 0)

    @pytest.mark.parametrize("times", [{}, {"a": []}, {"a": [1], "b": [1, 2]}, {"a": [], "b": [1]}])
    def test_refuses_methods_with_different_problems(self, times):
        with pytest.raises(ValueError, match="times must have as many numbers for each method"):
            performance_profile(times)

    @pytest.mark.parametrize("time", [0, -1, np.nan])
    def test_refuses_a_time_that_is_none(self, time):
        with pytest.raises(ValueError, match="times must be positive"):
            performance_profile({"a": [1, time]})


def recorded(seed, accuracy, diverged=0.0, **settings):
    run = Run("fit", "digits", "small_mlp", "SGD", {"learning_rate": 0.1, **settings}, seed, 2, 8)
    return Record(run, {"val_accuracy": [0.1, accuracy]}, {"diverged": diverged}, {})


class TestAgreement:
    records = [  # noqa: RUF012
        recorded(0, 0.90),
        recorded(1, 0.94),
        recorded(0, 0.50, momentum=0.9),  # another setting
        dataclasses.replace(
            recorded(0, 0.99), run=dataclasses.replace(recorded(0, 0).run, epochs=9)
        ),
    ]

    @pytest.mark.parametrize("accuracy", [0.8801, 0.92, 0.9599])
    def test_within_the_spread_of_the_seeds(self, accuracy):
        assert agreement(recorded(0, accuracy), self.records) == ""

    @pytest.mark.parametrize("accuracy", [0.87, 0.97, np.nan])
    def test_outside_it(self, accuracy):
        differs = agreement(recorded(1, accuracy), self.records)
        assert differs == f"val_accuracy {accuracy:.4f}, recorded 0.9000 to 0.9400"

    def test_tolerance_and_metric_are_the_callers(self):
        assert agreement(recorded(0, 0.97), self.records, tolerance=0.04) == ""
        records = [
            dataclasses.replace(record, curve={"loss": [record.curve["val_accuracy"][-1]]})
            for record in self.records
        ]
        again = dataclasses.replace(recorded(0, 0), curve={"loss": [1.0]})
        assert agreement(again, records, metric="loss").startswith("loss 1.0000, recorded 0.9000")

    def test_a_run_that_diverges_although_none_did(self):
        assert agreement(recorded(0, 0.1, 1.0), self.records) == "diverged, as none of 2 recorded"

    def test_a_run_may_diverge_if_another_seed_did(self):
        records = [*self.records, recorded(2, 0.1, 1.0)]
        for seed in range(3):
            assert agreement(recorded(seed, np.nan, 1.0), records) == ""
            assert agreement(recorded(seed, 0.92), records) == ""

    def test_a_run_that_does_not_diverge_although_all_did(self):
        records = [recorded(0, 0.1, 1.0), recorded(1, 0.1, 1.0)]
        assert agreement(recorded(0, 0.9), records) == "did not diverge, as all 2 recorded did"

    def test_refuses_a_run_that_was_not_recorded(self):
        with pytest.raises(ValueError, match=r"records must hold the run .* seed 7"):
            agreement(recorded(7, 0.9), self.records)
