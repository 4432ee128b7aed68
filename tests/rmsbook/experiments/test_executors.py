"""Runs go to processes of this machine or to a Dask cluster, and give the same records."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import dask
import pretend
import pytest
from distributed import Client
from pretend import files, wait_until
from threadpoolctl import threadpool_info, threadpool_limits

from rmsbook.experiments import Store, executors, sweep
from rmsbook.experiments.executors import ExecutorError, executor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "processes",
        "processes:",
        "processes:0",
        "processes:-1",
        "processes:two",
        "dask:",
        "threads:2",
        "processes:²",
    ],
)
def test_anything_else_is_refused(text):
    with (
        pytest.raises(ExecutorError, match="must be processes:N or dask:ADDRESS, not"),
        executor(text),
    ):
        pass


THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def test_every_process_has_one_thread_for_a_run(monkeypatch):
    for name in THREADS:
        monkeypatch.setenv(name, "7")
    with executor("processes:2") as (pool, at_once):
        found = [pool.submit(os.getenv, name).result() for name in THREADS]
        libraries = pool.submit(threadpool_info).result()
    assert (found, at_once) == (["1"] * 3, 2)
    assert {library["num_threads"] for library in libraries} == {1}  # NumPy's, at least


def test_a_process_ends_with_the_one_that_started_it(monkeypatch):
    """In-process; test_sweep.py kills a real one."""
    happened = []

    class Parent:
        def join(self):
            happened.append("the parent ended")

    class Thread:
        def __init__(self, target, daemon):
            assert daemon
            self.start = target

    for name in THREADS:
        monkeypatch.setenv(name, "7")
    monkeypatch.setattr(executors.multiprocessing, "parent_process", Parent)
    monkeypatch.setattr(executors.threading, "Thread", Thread)
    monkeypatch.setattr(executors.os, "_exit", lambda code: happened.append(code))
    with threadpool_limits(1):  # gives this process its threads back
        executors._start_process()
    assert happened == ["the parent ended", 1]
    assert [os.environ[name] for name in THREADS] == ["1"] * 3


class TestDask:
    @pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere at all"])
    def test_a_scheduler_that_does_not_answer_is_named(self, address):
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(ExecutorError, match=f"no Dask scheduler answers at {address}"),
            executor(f"dask:{address}"),
        ):
            pass

    def test_without_dask_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with (
            pytest.raises(ExecutorError, match="pip install distributed"),
            executor("dask:tcp://127.0.0.1:1"),
        ):
            pass

    def test_workers_of_one_thread_are_needed(self, scheduler):
        address, worker = scheduler

        def refusal():
            with pytest.raises(ExecutorError) as caught, executor(f"dask:{address}"):
                pass
            return str(caught.value)

        assert "has 0 workers" in refusal()
        process = worker(threads=2)
        wait_until(lambda: "has 1 workers, 2 threads in each" in refusal())
        process.kill()
        wait_until(lambda: "has 0 workers" in refusal())

    def test_loses_a_worker_in_the_middle_and_gives_the_records_of_threads(
        self, scheduler, tmp_path, log
    ):
        address, worker = scheduler
        first, second = (worker(PRETEND_SECONDS="0.05") for _ in range(2))
        with Client(address) as client:
            client.wait_for_workers(2, timeout=120)
        here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
        runs, done = pretend.runs(30), []

        def lose_one(run):
            done.append(run)
            if len(done) == 10:
                first.kill()

        with executor(f"dask:{address}") as (pool, at_once):
            assert at_once == 2
            assert pool.submit(os.getenv, "TF_NUM_INTRAOP_THREADS").result() == "1"
            assert len({pool.submit(os.urandom, 8).result() for _ in range(2)}) == 2  # no cache
            sweep(runs, there, pool, at_once, lose_one, pretend.work)
        assert {line.split()[2] for line in log.lines()} == {f"{first.pid}", f"{second.pid}"}
        assert set(log.started()) == {run.key for run in runs}
        # Again is done what the lost worker was at, and what nobody had fetched from it yet.
        assert len(log.started()) < 40
        with ThreadPoolExecutor(1) as pool:
            sweep(runs, here, pool, 1, work=pretend.work)
        assert files(there.folder) == files(here.folder)
        second.kill()
