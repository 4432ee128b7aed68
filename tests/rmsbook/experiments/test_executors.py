"""Runs go to processes of this machine or to a Dask cluster, and give the same records."""

import gc
import os
import socket
import sys
import threading
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


@pytest.fixture
def stranger():
    """The address of a server that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "tcp://{}:{}".format(*server.getsockname())


def refusal(address, patience="30s"):
    """Return what is said about a cluster, and see that nothing stays behind."""
    threads = set(threading.enumerate())
    with (
        dask.config.set({"distributed.comm.timeouts.connect": patience}),
        pytest.raises(ExecutorError) as caught,
        executor(f"dask:{address}"),
    ):
        pass
    assert set(threading.enumerate()) == threads
    clients = [found for found in gc.get_objects() if issubclass(type(found), Client)]
    assert {client.status for client in clients} <= {"closed"}
    return str(caught.value)


class TestDask:
    @pytest.mark.parametrize(
        ("address", "why"),
        [
            ("tcp://127.0.0.1:1", "Timed out"),
            ("nowhere at all", "missing port number"),
            ("http://127.0.0.1:1", "unknown address scheme"),
            ("tls://127.0.0.1:1", "TLS configuration"),
        ],
    )
    def test_a_scheduler_that_does_not_answer_is_named(self, address, why):
        said = refusal(address, "0.3s")
        assert said.startswith(f"no Dask scheduler answers at {address}: ")
        assert why in said

    def test_a_stranger_that_never_speaks_is_not_waited_for(self, stranger):
        assert (
            refusal(stranger, "0.3s")
            == f"no Dask scheduler answers at {stranger}: it took too long"
        )

    def test_many_refusals_in_a_row_do_not_wait_for_each_other(self):
        """A client that the collector had to close stopped the start of the next one for ever."""
        for _ in range(10):
            assert "missing port number" in refusal("nowhere at all")
            gc.collect()

    def test_without_dask_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with (
            pytest.raises(ExecutorError, match="pip install distributed"),
            executor("dask:tcp://127.0.0.1:1"),
        ):
            pass

    def test_workers_of_one_thread_are_needed(self, scheduler):
        address, worker = scheduler
        assert "has 0 workers" in refusal(address)
        process = worker(threads=2)
        wait_until(lambda: "has 1 workers, 2 threads in each" in refusal(address))
        process.kill()
        wait_until(lambda: "has 0 workers" in refusal(address))

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
