"""Where runs are done: processes of this machine, or the workers of a Dask cluster."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

__all__ = ["ExecutorError", "executor"]


class ExecutorError(Exception):
    """There is no such place to do runs, or it cannot be used; the message says why."""


@contextlib.contextmanager
def executor(text: str) -> Iterator[tuple[Executor, int]]:
    """Yield the executor that a text names, and how many runs it does at once.

    Each run has one thread, on every executor: how a sum is spread over threads decides its last
    digits, and a record shall not depend on where it was made.

    Parameters
    ----------
    text : str
        ``processes:N`` for N processes of this machine, or ``dask:ADDRESS`` for the workers of a
        Dask cluster, given the address of its scheduler.

    Raises
    ------
    ExecutorError
        If the text is neither, or the cluster does not answer, has no worker, or has workers with
        several threads (the runs in them would share TensorFlow's random state).

    Examples
    --------
    >>> with executor("processes:2") as (pool, at_once):
    ...     pool.submit(abs, -3).result(), at_once
    (3, 2)
    """
    kind, _, where = text.partition(":")
    if kind == "processes" and where.isdecimal() and int(where) > 0:
        spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        with ProcessPoolExecutor(int(where), spawn, _start_process) as pool:
            yield pool, int(where)
    elif kind == "dask" and where:
        with _connect(where) as client:
            yield client.get_executor(pure=False), len(client.nthreads())
    else:
        raise ExecutorError(f"the executor must be processes:N or dask:ADDRESS, not {text!r}")


@contextlib.contextmanager
def _connect(address):
    try:
        from distributed import Client
    except ImportError as error:
        raise ExecutorError("a cluster needs Dask: pip install distributed") from error
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise ExecutorError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        threads = client.nthreads().values()
        if not threads or max(threads) > 1:
            raise ExecutorError(
                f"the cluster at {address} has {len(threads)} workers, {max(threads, default=0)} "
                "threads in each; needed is at least one worker, of one thread: "
                f"dask worker {address} --nthreads 1"
            )
        client.register_worker_callbacks(_one_thread)  # the workers that join later, too
        yield client


def _start_process():
    _one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _one_thread():
    from threadpoolctl import threadpool_limits  # here, because reading the records does without it

    threadpool_limits(1)  # what is loaded already, such as NumPy, reads no variables any more
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"


def _end_with_parent():
    """End this process when the one that started it was killed: nobody would take its records."""
    multiprocessing.parent_process().join()
    os._exit(1)
