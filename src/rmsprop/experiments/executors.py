"""Where runs are done: processes of this machine, or a Dask cluster."""

import contextlib
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

__all__ = ["executor"]


@contextlib.contextmanager
def executor(text):
    """Yield the executor that ``processes:N`` or ``dask:ADDRESS`` names, and how much it takes."""
    kind, _, where = text.partition(":")
    if kind == "processes" and where.isdigit() and int(where) > 0:
        count = int(where)
        threads = max(1, (os.cpu_count() or 1) // count)
        pool = ProcessPoolExecutor(count, get_context("spawn"), _limit_threads, (threads,))
        with pool:
            yield pool, count
    elif kind == "dask" and where:
        from distributed import Client

        with Client(where) as client:
            yield client.get_executor(pure=False), sum(client.nthreads().values())
    else:
        raise SystemExit(f"--executor must be processes:N or dask:ADDRESS, not {text!r}")


def _limit_threads(threads):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
