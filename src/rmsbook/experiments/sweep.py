"""Run what is missing, on any executor, and keep each record as soon as it is there."""

import collections
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from rmsbook.experiments.run import Record, Run, execute
from rmsbook.experiments.store import Store

__all__ = ["SweepError", "sweep"]

LOOK_AGAIN = 0.5  # seconds between looks at the runs that another process has claimed


class SweepError(Exception):
    """A run failed, or the worker that did it died; the message names the run."""


def sweep(
    runs: Iterable[Run],
    store: Store,
    executor: Executor,
    at_once: int,
    done: Callable[[Run], None] = lambda run: None,
    work: Callable[[Run], Record] = execute,
) -> None:
    """Bring every run into the store.

    It may be killed at any moment and started again; several processes may sweep one store. No
    run is done twice: each is claimed first, and a run that another process has claimed is waited
    for, and done here if that process dies.

    Parameters
    ----------
    runs : iterable of Run
        What the store shall have at the end; what it has already is not done again.
    store : Store
    executor : concurrent.futures.Executor
        Where the runs are done: local processes, a Dask cluster's workers, …
    at_once : int
        How many runs the executor gets at a time.
    done : callable, optional
        Called with each run once its record is there.
    work : callable, optional
        What is done with a run; must be importable by the executor's workers.

    Raises
    ------
    ValueError
        If `at_once` is less than 1.
    SweepError
        If a run failed. No other is begun then, and those under way are recorded first.
    """
    if at_once < 1:
        raise ValueError(f"at_once must be 1 or more, not {at_once!r}")
    waiting = collections.deque(dict.fromkeys(runs))
    under_way, failed = {}, {}
    with store:
        while under_way or (waiting and not failed):
            for _ in range(len(waiting)):  # each once: what others have claimed goes to the end
                if failed or len(under_way) == at_once:
                    break
                run = waiting.popleft()
                if not store.claim(run):
                    waiting.append(run)
                elif run in store:
                    store.release(run)
                    done(run)
                else:
                    under_way[_submit(executor, work, run)] = run
            if not under_way and waiting:
                time.sleep(LOOK_AGAIN)
            for future in wait(under_way, LOOK_AGAIN, FIRST_COMPLETED).done:
                run = under_way.pop(future)
                try:
                    store.write(future.result())
                except Exception as error:  # whatever it was, the message below says so
                    failed[run] = error
                else:
                    done(run)
                store.release(run)
    if failed:
        raise SweepError("\n".join(_explain(run, error) for run, error in failed.items()))


def _submit(executor, work, run):
    try:
        return executor.submit(work, run)
    except BrokenExecutor as error:  # a worker died while it had nothing to do
        future = Future()
        future.set_exception(error)
        return future


def _explain(run, error):
    if isinstance(error, BrokenExecutor):
        return f"the worker died (killed, or out of memory), and with it the run {run}"
    return f"the run {run} failed:\n{''.join(traceback.format_exception(error))}"
