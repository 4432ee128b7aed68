"""A sweep brings every run into the store, once, whoever is killed and whenever."""

import importlib
import os
import random
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import pretend
import psutil
import pytest
from pretend import files, wait_until

from rmsbook.experiments import Store, SweepError, sweep
from rmsbook.experiments.executors import executor


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(importlib.import_module("rmsbook.experiments.sweep"), "LOOK_AGAIN", 0.01)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The files that the records of 40 runs must be."""
    store = Store(tmp_path_factory.mktemp("expected"))
    for run in pretend.runs(40):
        store.write(pretend.record(run))
    return files(store.folder)


class TestHere:
    def test_every_run_is_done_once_and_reported(self, store, pool, log, expected):
        done = []
        runs = pretend.runs(40)
        sweep(runs + runs[:5], store, pool, 2, done.append, pretend.work)
        assert sorted(run.key for run in done) == sorted(run.key for run in runs)
        assert sorted(log.started()) == sorted(run.key for run in runs)
        assert files(store.folder) == expected

    def test_what_is_recorded_is_not_done_again(self, store, pool, log):
        done = []
        sweep(pretend.runs(3), store, pool, 1, work=pretend.work)
        sweep(pretend.runs(5), store, pool, 1, done.append, pretend.work)
        assert log.started() == [run.key for run in pretend.runs(5)]
        assert done == pretend.runs(5)

    def test_gives_the_executor_no_more_than_it_takes(self, store, log):
        running, most = set(), []

        def work(run):
            running.add(run)
            most.append(len(running))
            record = pretend.work(run)
            running.remove(run)
            return record

        with ThreadPoolExecutor(8) as pool:
            sweep(pretend.runs(20), store, pool, 3, work=work)
        assert max(most) <= 3

    def test_at_least_one_at_once(self, store, pool):
        with pytest.raises(ValueError, match="at_once must be 1 or more, not 0"):
            sweep([], store, pool, 0)

    def test_a_run_that_raises_is_named_and_those_under_way_are_kept(
        self, store, pool, log, monkeypatch
    ):
        monkeypatch.setenv("PRETEND_SECONDS", "0.3")
        bad = pretend.run(1, "raise")
        done = []
        with pytest.raises(SweepError) as caught:
            sweep(
                [pretend.run(0), bad, *pretend.runs(9)[2:]],
                store,
                pool,
                2,
                done.append,
                pretend.work,
            )
        assert str(bad) in str(caught.value)
        assert "ArithmeticError: no number is that large" in str(caught.value)
        assert "line" in str(caught.value)  # and where
        assert log.started()[:2] in ([pretend.run(0).key, bad.key], [bad.key, pretend.run(0).key])
        assert len(log.started()) == 2  # no other was begun
        assert done == [pretend.run(0)]
        assert store.read(pretend.run(0)).run == pretend.run(0)
        sweep(pretend.runs(9), store, pool, 2, work=pretend.work)  # the claims were given back
        assert len(files(store.folder)) == 9

    def test_an_executor_that_broke_while_idle_is_a_dead_worker(self, store):
        class Broken:
            def submit(self, work, run):
                raise BrokenExecutor("a child process terminated abruptly")

        with pytest.raises(SweepError) as caught:
            sweep(pretend.runs(2), store, Broken(), 1)
        assert str(caught.value).startswith("the worker died")
        assert str(caught.value).endswith(str(pretend.run(0)))

    def test_a_record_made_elsewhere_meanwhile_is_taken(self, tmp_path, pool, log):
        """The other process has claimed run 0, records it, and gives the claim back."""

        class Shared(Store):
            looks = 0

            def claim(self, run):
                if run != pretend.run(0):
                    return super().claim(run)
                self.looks += 1
                if self.looks == 3:
                    self.write(pretend.record(run))
                return self.looks > 3 and super().claim(run)

        store = Shared(tmp_path)
        sweep(pretend.runs(2), store, pool, 2, work=pretend.work)
        assert log.started() == [pretend.run(1).key]
        assert store.looks == 4
        assert set(files(tmp_path)) == {f"{run.key}.csv" for run in pretend.runs(2)}


class TestKilled:
    def test_at_random_moments_nothing_is_lost_and_nothing_done_twice(
        self, start, store, log, expected
    ):
        rng = random.Random(1)
        store.folder.mkdir()
        (store.folder / "go").touch()
        kept = {}
        for _ in range(4):
            process = start("-m", "pretend", store.folder, 40, PRETEND_SECONDS="0.02")
            goal = len(kept) + rng.randint(1, 6)
            wait_until(lambda goal=goal: len(files(store.folder)) >= min(goal, 40))
            process.kill()
            process.wait()
            begun = len(log.lines())
            now = files(store.folder)
            assert kept.items() <= now.items()
            kept = now
            assert now.items() <= expected.items()  # whole records only
        process = start("-m", "pretend", store.folder, 40)
        assert process.wait() == 0
        assert files(store.folder) == expected
        assert not {f"{key}.csv" for key in log.started(since=begun)} & set(kept)
        assert len(log.started()) <= 40 + 4 * 2  # only what was under way when it was killed

    def test_during_a_run_its_worker_ends_too_and_the_run_is_done_again(
        self, start, store, log, expected
    ):
        script = (
            "import pretend, sys\n"
            "from rmsbook.experiments import Store, sweep\n"
            "from rmsbook.experiments.executors import executor\n"
            "with executor('processes:2') as (pool, at_once):\n"
            "    sweep(pretend.runs(40), Store(sys.argv[1]), pool, at_once, work=pretend.work)\n"
        )
        process = start("-c", script, store.folder, PRETEND_SECONDS="600")
        wait_until(lambda: len(log.started()) == 2)
        workers = {int(line.split()[2]) for line in log.lines()}
        process.kill()
        process.wait()
        wait_until(lambda: not any(psutil.pid_exists(worker) for worker in workers))
        assert not files(store.folder)
        assert start("-c", script, store.folder).wait() == 0
        assert files(store.folder) == expected
        assert len(log.started()) == 42


class TestTwoProcesses:
    @pytest.fixture
    def both(self, start, store, log):
        """Two sweeps of one store, let go at the same time."""
        store.folder.mkdir()
        processes = [
            start("-m", "pretend", store.folder, 40, PRETEND_SECONDS="0.05") for _ in range(2)
        ]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
        (store.folder / "go").touch()
        return processes

    def test_share_the_runs(self, both, store, log, expected):
        assert [process.wait() for process in both] == [0, 0]
        assert files(store.folder) == expected
        assert sorted(log.started()) == sorted(run.key for run in pretend.runs(40))
        assert len({line.split()[2] for line in log.lines()}) == 2  # both had some

    def test_one_does_what_the_other_was_at_when_killed(self, both, store, log, expected):
        first, second = both
        wait_until(lambda: f"{first.pid}" in "".join(log.lines()))
        first.kill()
        assert second.wait() == 0
        assert files(store.folder) == expected
        assert len(log.started()) <= 42


class TestProcesses:
    def test_give_the_records_that_threads_give(self, store, log, expected):
        with executor("processes:2") as (pool, at_once):
            sweep(pretend.runs(40), store, pool, at_once, work=pretend.work)
        assert files(store.folder) == expected
        assert f"{os.getpid()}" not in {line.split()[2] for line in log.lines()}

    def test_a_worker_that_dies_is_told_plainly(self, store, log):
        dies = pretend.run(0, "die")
        with (
            executor("processes:1") as (pool, at_once),
            pytest.raises(SweepError, match=r"^the worker died.*and with it the run") as caught,
        ):
            sweep([dies, pretend.run(1)], store, pool, at_once, work=pretend.work)
        assert str(dies) in str(caught.value)
        assert log.started() == [dies.key]
