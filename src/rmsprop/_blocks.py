"""Large arrays, cut to the size of the processor's cache, and the threads that share the blocks.

That, and no clever formula, is what makes plain NumPy fast on large arrays.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context


def share_out(work, arrays, size, threads):
    """Call `work` with the blocks of the arrays, on several cores where there are many blocks.

    Parameters
    ----------
    work : callable
        Gets a block of each array; is called once for each.
    arrays : list of arrays
        Arrays of one shape.
    size : int
        Elements of a block.
    threads : int or None
        How many threads; None for all cores that the process has.
    """
    blocks = list(cut(arrays, size))
    left = iter(blocks)

    def run():
        for block in left:
            work(*block)

    threads = min(threads or cores(), len(blocks) // 8)  # below 8 each it does not pay
    with ThreadPoolExecutor(max(1, threads)) as pool:  # NumPy computes without the lock
        helpers = []
        try:
            for _ in range(threads - 1):
                # A context for each helper: NumPy's error state is one of its variables.
                helpers.append(pool.submit(copy_context().run, run))
        except RuntimeError:
            pass  # no thread can be started, as in a browser: those that run do the work
        run()
        for helper in helpers:
            helper.result()


def cores():
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows bind no process to cores
        return os.cpu_count()


def cut(arrays, size):
    """Yield the arrays of one shape in blocks, as tuples of views.

    Contiguous arrays are cut flat into `size` elements, others along their first axis.
    """
    if all(array.flags.c_contiguous for array in arrays):
        arrays = [array.ravel() for array in arrays]
    length = len(arrays[0])
    rows = max(1, size * length // arrays[0].size)
    for start in range(0, length, rows):
        yield tuple(array[start : start + rows] for array in arrays)
