"""Where runs are done: processes of this machine, or the workers of a Dask cluster."""

import asyncio
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

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
    with _event_loop() as loop:
        starting = asyncio.run_coroutine_threadsafe(_start_client(Client, address), loop)
        try:
            client = starting.result()
        except (OSError, ValueError, TypeError, ImportError) as error:  # no keys; another version
            why = str(error) or "it took too long"
            raise ExecutorError(f"no Dask scheduler answers at {address}: {why}") from error
        with contextlib.closing(client):
            threads = client.nthreads().values()
            if not threads or max(threads) > 1:
                raise ExecutorError(
                    f"the cluster at {address} has {len(threads)} workers, "
                    f"{max(threads, default=0)} threads in each; needed is at least one worker, "
                    f"of one thread: dask worker {address} --nthreads 1"
                )
            client.register_worker_callbacks(_one_thread)  # the workers that join later, too
            yield client


async def _start_client(kind, address):
    """Return a client that has started; one that cannot start is closed here.

    ``Client(address)`` would raise in its constructor: nobody could close what it had opened, and
    the garbage collector did, in the middle of the start of the next client.
    """
    import dask

    client = kind(address, asynchronous=True, set_as_default=False)
    seconds = dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
    try:
        # It bounds each of its three steps itself, but not the handshake with a mute stranger.
        return await asyncio.wait_for(client, 3 * seconds)
    except BaseException:
        await client.close()
        raise


@contextlib.contextmanager
def _event_loop():
    """Yield an event loop that runs in a thread, and ends with the context."""
    loop, end = Future(), asyncio.Event()

    async def run():
        loop.set_result(asyncio.get_running_loop())
        await end.wait()

    with ThreadPoolExecutor(1, "Dask") as pool:
        running = pool.submit(asyncio.run, run())
        try:
            yield loop.result()
        finally:
            loop.result().call_soon_threadsafe(end.set)
            running.result()


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
