"""Large arrays: how they are cut, and the threads that share the blocks."""

import contextvars
import os
import threading

import numpy as np
import pytest

from methods import METHODS, gradients, make, same
from rmsprop import _blocks
from rmsprop._blocks import cut
from rmsprop.optimizer import Optimizer
from rmsprop.optimizers import (
    SGD,
    Adafactor,
    RMSprop,
)


def test_cut_takes_contiguous_arrays_flat_and_others_by_rows():
    a, b = np.arange(12.0).reshape(3, 4), np.zeros((3, 4))
    assert [x.shape for x, _ in cut([a, b], 5)] == [(5,), (5,), (2,)]
    assert [x.tolist() for x, _ in cut([a, b], 8)] == [[*range(8)], [8, 9, 10, 11]]
    assert [x.shape for x, _ in cut([a, b.T.copy().T], 8)] == [(2, 4), (1, 4)]
    assert [x.shape for x, _ in cut([a[:, ::2], b[:, :2]], 1)] == [(1, 2)] * 3
    assert [x.shape for (x,) in cut([np.array(1.0)], 5)] == [(1,)]
    for x, y in cut([a, b], 5):
        y[...] = x
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("method", METHODS)
def test_the_size_of_blocks_does_not_matter(method):
    results = []
    for size in (1, 7, 24, 100):
        theta, optimizer = np.ones((6, 4)), make(method)
        optimizer.block_size = size
        for g in gradients(3, (6, 4)):
            optimizer.step([theta], [g])
        results.append((theta, optimizer.state_dict()))
    assert all(same(results[0], result) for result in results)


def test_large_arrays_are_cut_and_small_ones_are_not():
    seen = []

    class Spy(SGD):
        block_size = 10

        def rule(self, theta, g, *, lr, momentum):
            seen.append(theta.shape)

    Spy().step(
        [np.ones((2, 5)), np.ones(11), np.ones((4, 5)).T],
        [np.ones((2, 5)), np.ones(11), np.ones((5, 4))],
    )
    assert seen == [(2, 5), (10,), (1,), (2, 4), (2, 4), (1, 4)]
    assert Optimizer.block_size == 262_144


@pytest.mark.parametrize(
    ("blocks", "threads", "cores", "expected"),
    [
        (15, None, 4, 0),
        (16, None, 4, 1),
        (40, None, 4, 3),
        (40, None, 1, 0),
        (40, 1, 4, 0),
        (40, 3, 4, 2),
    ],
)
def test_large_arrays_take_several_cores(blocks, threads, cores, expected, monkeypatch):
    helpers = []

    class Pool(_blocks.ThreadPoolExecutor):
        def submit(self, *work):
            helpers.append(self._max_workers)
            return super().submit(*work)

    monkeypatch.setattr(_blocks, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(_blocks, "cores", lambda: cores)
    optimizer, theta = RMSprop(0.1, rho=0.0, epsilon=0.0), np.ones(blocks * 10)
    optimizer.block_size, optimizer.threads = 10, threads
    optimizer.step([theta], [np.ones(blocks * 10)])
    assert helpers == [expected + 1] * expected
    np.testing.assert_allclose(theta, 0.9, rtol=1e-15)


class Meeting(SGD):
    """SGD that waits at the first block of each thread until two threads are at work."""

    block_size = 1
    threads = 2

    def __init__(self):
        super().__init__()
        self.seen = []
        self.barrier = threading.Barrier(2, timeout=60)

    def rule(self, theta, g, *, lr, momentum):
        here = threading.get_ident()
        first = here not in [thread for thread, _ in self.seen]
        self.seen.append((here, theta[0]))
        if first:
            self.barrier.wait()


def test_the_blocks_are_shared_out_and_each_is_done_once():
    optimizer = Meeting()
    optimizer.step([np.arange(50.0)], [np.ones(50)])
    assert sorted(value for _, value in optimizer.seen) == list(range(50))
    assert len({thread for thread, _ in optimizer.seen}) == 2


def test_an_error_in_a_thread_is_an_error_of_the_step():
    class Broken(Meeting):
        def rule(self, theta, g, **numbers):
            super().rule(theta, g, **numbers)
            if threading.current_thread() is not threading.main_thread():
                raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        Broken().step([np.ones(50)], [np.ones(50)])


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_thread_can_be_started_the_others_do_the_work(started, monkeypatch):
    start, left = threading.Thread.start, [None] * started

    def refuse(thread):
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    theta, optimizer = np.arange(400.0), SGD(1.0)
    optimizer.block_size, optimizer.threads = 10, 4
    for _ in range(2):
        optimizer.step([theta], [np.ones(400)])
    np.testing.assert_array_equal(theta, np.arange(400.0) - 2)


word = contextvars.ContextVar("word", default="none")


def test_context_and_error_state_hold_in_every_thread():
    class Spy(Meeting):
        def rule(self, theta, g, **numbers):
            super().rule(theta, g, **numbers)
            found.add((threading.get_ident(), word.get(), *np.geterr().values()))

    found = set()
    token = word.set("given")
    Spy().step([np.ones(50)], [np.ones(50)])
    word.reset(token)
    assert len(found) == 2
    assert {entry[1:] for entry in found} == {("given", *["ignore"] * 4)}


def test_no_warning_escapes_a_thread(recwarn):
    theta, optimizer = np.full(170, 1e38, np.float32), SGD(1e10)
    optimizer.block_size, optimizer.threads = 10, 2
    optimizer.step([theta], [np.full(170, 1e37, np.float32)])
    assert (theta == -np.inf).all()
    assert not recwarn.list


def test_an_interrupt_among_the_blocks_is_noticed():
    class Broken(Meeting):
        def rule(self, theta, g, **numbers):
            super().rule(theta, g, **numbers)
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt

    optimizer = Broken()
    with pytest.raises(KeyboardInterrupt):
        optimizer.step([np.ones(50)], [np.ones(50)])
    with pytest.raises(RuntimeError, match=r"^the last step was interrupted"):
        optimizer.step([np.ones(50)], [np.ones(50)])


def test_cores_are_those_of_the_process_where_the_system_says(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert _blocks.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert _blocks.cores() == 12


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("block_size", [5, 1000])
def test_layout_in_memory_does_not_matter(method, block_size):
    start = np.arange(24.0).reshape(4, 6) + 1
    layouts = [
        start.copy(),
        np.asfortranarray(start),
        np.repeat(start, 2, axis=1)[:, ::2],
        np.repeat(start, 2, axis=0)[::2],
        start[::-1, ::-1].copy()[::-1, ::-1],
    ]
    results = []
    for theta in layouts:
        optimizer = make(method)
        optimizer.block_size = block_size
        for g in gradients(3, (4, 6)):
            optimizer.step([theta], [g if theta.flags.c_contiguous else np.asfortranarray(g)])
        results.append(theta)
    for theta in results:  # the means of Adafactor are summed in another order
        rtol = 1e-13 if method is Adafactor else 0
        np.testing.assert_allclose(theta, results[0], rtol=rtol)
