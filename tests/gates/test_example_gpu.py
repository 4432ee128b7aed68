"""The clockwork of the study of Keras's example, without a GPU: its order, its record, its time."""

import sys

import pytest

from project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import example_gpu as study

PLACE = {"device": "none", "versions": "numpy 2", "data": "CIFAR-10", "commit": "abc"}


class Example:
    """Has trained at once; ten seconds a run pass on the clock."""

    def __init__(self, clock, loss=1.0):
        self.clock, self.loss, self.runs = clock, loss, []

    def run(self, epsilon, seed, epochs):
        self.runs.append((epsilon, seed))
        for epoch in range(1, epochs + 1):
            self.clock[0] += 10 / epochs
            yield epoch, self.loss, 0.5


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(study.time, "monotonic", lambda: now[0])
    return now


def test_both_places_of_epsilon_take_turns_and_nothing_is_repeated(clock, tmp_path):
    path = tmp_path / "r.csv"
    first, second = Example(clock), Example(clock)
    study.study(first, path, 2, 35, PLACE)
    assert first.runs == [("inside", 1), ("outside", 1), ("inside", 2)]
    before = study.read(path)
    assert [(row.epoch, row.seconds) for row in before] == [(1, 5.0), (2, 10.0)] * 3
    study.study(second, path, 2, 1000, PLACE)
    assert second.runs[0] == ("outside", 2)
    assert study.read(path)[:6] == before
    assert len(study.read(path)) == 2 * 2 * len(study.SEEDS)


def test_a_loss_that_is_not_finite_ends_a_run(clock, tmp_path):
    path = tmp_path / "r.csv"
    study.study(Example(clock, loss=float("nan")), path, 50, 1000, PLACE)
    assert [row.epoch for row in study.read(path)] == [1] * 2 * len(study.SEEDS)
