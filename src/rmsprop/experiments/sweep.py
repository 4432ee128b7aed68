"""Run what is missing, on any executor, and keep each record as soon as it is there."""

import collections
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, wait

from rmsprop.experiments.run import Record, Run, execute
from rmsprop.experiments.store import Store

__all__ = ["sweep"]

LOOK_AGAIN = 0.5  # seconds between looks at the runs that another process has claimed


def sweep(
    runs: Iterable[Run],
    store: Store,
    executor: Executor,
    at_once: int,
    done: Callable[[Run], None] = lambda run: None,
    work: Callable[[Run], Record] = execute,
) -> None:
    """Bring every run into the store.

    It may be killed at any moment and started again; several sweeps may share a store. No run is
    done twice: each is claimed first, and a run that another process has claimed is waited for.

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
    Exception
        What a run raised, with a note that names the run. The runs under way are recorded first.
    """
    waiting, elsewhere = collections.deque(dict.fromkeys(runs)), collections.deque()
    under_way, failure = {}, None
    with store.open():
        while waiting or elsewhere or under_way:
            while (waiting or elsewhere) and len(under_way) < at_once and failure is None:
                run = (waiting or elsewhere).popleft()
                if run in store:
                    done(run)
                elif not store.claim(run):
                    elsewhere.append(run)
                    if not waiting:
                        break
                elif run in store:  # recorded between the first look and the claim
                    store.release(run)
                    done(run)
                else:
                    under_way[executor.submit(work, run)] = run
            if failure and not under_way:
                raise failure
            if not under_way:
                time.sleep(LOOK_AGAIN)
                continue
            for future in wait(under_way, LOOK_AGAIN, FIRST_COMPLETED).done:
                run = under_way.pop(future)
                if future.exception():
                    failure = future.exception()
                    failure.add_note(f"in the run {run.to_json()}")
                    store.release(run)
                    continue
                store.write(future.result())
                store.release(run)
                done(run)
