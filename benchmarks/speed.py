"""Time a step of our optimizers beside those of torch, Keras and optax.

    python benchmarks/speed.py                # a quarter of an hour; writes book/records/speed.csv
    python benchmarks/speed.py --quick        # a try-out; writes a temporary file
    python benchmarks/speed.py --targets      # judge the file that is there, measure nothing

What a timing means on a shared machine is its ratio to another taken a moment later. So in every
case (a method, a size, a number of threads, a treatment of memory) all subjects live in one
process, with all libraries loaded, and take turns in rounds, in a new random order each. A ratio
is formed within a round; the table has the median and the quartiles of these ratios.

Threads: each number has a process of its own, for TensorFlow and JAX fix theirs once they have
started. The process is bound to as many cores before anything is imported: every library sizes
its thread pools by that, and none can use more than it says, which no setting of its own assures.
A process for each library was the alternative; its ratios would be formed across processes, where
memory layout and moment differ, and one process turned out to hold all of them.

Memory: by default the C library gives a large array back to the system when it is freed, and the
system hands out the next one page by page, each cleared. That can take longer than the arithmetic,
and whom it meets depends on the system: NumPy asks for huge pages, torch and TensorFlow do not.
So all is measured twice: with memory "returned", as a user meets it, and with memory "kept" by the
process, where the arithmetic alone counts. A target is met only where it is met in both.

The pause before each turn lets the threads of the subject before go to sleep. Each subject first
makes one step without a clock, which also compiles it, and after it must hold the parameters that
the reference holds: all do the same work.
"""

import argparse
import csv
import gc
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rmsbook.speed import Row, read
from rmsprop import optimizers
from rmsprop.problems import Quadratic

RECORD = Path(__file__).resolve().parent.parent / "book" / "records" / "speed.csv"
PACKAGES = ("numpy", "numba", "torch", "jax", "optax", "tensorflow", "keras")

METHODS = ("RMSprop", "Adam")
SIZES = (2, 10**3, 10**5, 10**7)
THREADS = (1, 2)
MEMORY = {  # the settings of the GNU C library
    "returned": "",
    "kept": f"glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold={2**40}",
}
LR, RHO, BETA_1, BETA_2, EPSILON = 0.001, 0.9, 0.9, 0.999, 1e-7

OURS = "ours, NumPy"
COMPILED = "ours, Numba"
EXPRESSION = "NumPy expression"
FLOOR = "memory floor"
LOOP = "loop over settings"
GRID = "one array program"


class Subject(NamedTuple):
    """What is timed.

    Attributes
    ----------
    name : str
        Its name in the table.
    step : callable
        Makes one step.
    read : callable or None
        Returns the parameters as NumPy arrays; None for what is no optimizer.
    wait : callable
        Returns once the steps are done: JAX only hands them to its threads.
    scale : float
        How many times the work of `step` the table speaks of.
    """

    name: str
    step: Callable
    read: Callable | None
    wait: Callable = lambda: None
    scale: float = 1.0


class Effort(NamedTuple):
    """How long to measure.

    Attributes
    ----------
    sizes : tuple of int
        Numbers of values.
    rounds : int
        How often each subject has its turn.
    batch : float
        Seconds that a turn lasts at least; short steps are repeated.
    pause : float
        Seconds of rest before a turn.
    settings, steps, sample, grid_rounds : int
        The grid: its settings, steps, how many settings the loop runs, and its rounds.
    """

    sizes: tuple
    rounds: int
    batch: float
    pause: float
    settings: int
    steps: int
    sample: int
    grid_rounds: int


FULL = Effort(SIZES, 41, 0.02, 0.005, 10**4, 10**3, 20, 11)
QUICK = Effort(SIZES[:3], 5, 0.001, 0.001, 10**4, 20, 20, 3)


class Target(NamedTuple):
    """An aim: the ratio of a subject to a reference is at most `limit`."""

    experiment: str
    methods: tuple
    sizes: tuple
    subject: str
    reference: str
    limit: float


LARGEST = SIZES[-1:]
KERAS_WAYS = ("eager", "tf.function", "XLA")
TARGETS = (
    Target("step", METHODS, LARGEST, OURS, FLOOR, 2.4),
    Target("step", METHODS, LARGEST, OURS, "torch", 0.75),
    Target("step", METHODS, LARGEST, OURS, "torch foreach", 0.75),
    Target("step", METHODS, LARGEST, COMPILED, FLOOR, 1.1),
    Target("step", METHODS, SIZES[:2], OURS, EXPRESSION, 1.3),
    Target("step", METHODS, SIZES[2:], OURS, EXPRESSION, 1.0),
    Target("step", METHODS, (2,), OURS, "torch", 0.5),
    Target("two arrays", METHODS, (2,), OURS, "torch", 0.5),
    Target("grid", ("RMSprop",), (FULL.settings,), GRID, LOOP, 0.01),
    *(
        Target("step", ("RMSprop",), LARGEST, f"ours, Keras {way}", f"Keras {way}", limit)
        for way, limit in zip(KERAS_WAYS, (0.6, 0.6, 1.05), strict=True)
    ),
)


# ---------------------------------------------------------------- the subjects


def expression(method, thetas, gs):
    """Yield the plain whole-array NumPy expression of a method, as a textbook writes it."""
    ms = [np.zeros_like(theta) for theta in thetas]
    vs = [np.zeros_like(theta) for theta in thetas]
    iterations = itertools.count(1)

    def rmsprop():
        for i, (theta, g) in enumerate(zip(thetas, gs, strict=True)):
            vs[i] = RHO * vs[i] + (1 - RHO) * g**2
            theta -= LR * g / np.sqrt(vs[i] + EPSILON)

    def adam():
        t = next(iterations)
        for i, (theta, g) in enumerate(zip(thetas, gs, strict=True)):
            ms[i] = BETA_1 * ms[i] + (1 - BETA_1) * g
            vs[i] = BETA_2 * vs[i] + (1 - BETA_2) * g**2
            m_hat = ms[i] / (1 - BETA_1**t)
            v_hat = vs[i] / (1 - BETA_2**t)
            theta -= LR * m_hat / (np.sqrt(v_hat) + EPSILON)

    yield Subject(EXPRESSION, rmsprop if method == "RMSprop" else adam, lambda: thetas)


def numpy_step(name, module, method, thetas, gs):
    """Return a subject from a module with the classes of `rmsprop.optimizers`."""
    optimizer = getattr(module, method)(LR, epsilon=EPSILON)
    return Subject(name, lambda: optimizer.step(thetas, gs), lambda: thetas)


def ours(method, thetas, gs):
    """Yield our NumPy optimizer."""
    yield numpy_step(OURS, optimizers, method, thetas, gs)


def compiled(method, thetas, gs):
    """Yield our compiled optimizer."""
    from rmsprop import fast

    yield numpy_step(COMPILED, fast, method, thetas, gs)


def torch_step(name, way, method, thetas, gs):
    """Return an optimizer of torch."""
    import torch

    settings = {"alpha": RHO} if method == "RMSprop" else {"betas": (BETA_1, BETA_2)}
    params = [torch.tensor(theta) for theta in thetas]
    for param, g in zip(params, gs, strict=True):
        param.grad = torch.tensor(g)
    optimizer = getattr(torch.optim, method)(params, LR, eps=EPSILON, **settings, **way)
    return Subject(name, optimizer.step, lambda: [param.numpy() for param in params])


def torch(method, thetas, gs):
    """Yield torch's loop over the parameters, its foreach and its fused form."""
    yield torch_step("torch", {}, method, thetas, gs)
    yield torch_step("torch foreach", {"foreach": True}, method, thetas, gs)
    if method == "Adam":  # torch has no fused RMSprop on the CPU
        yield torch_step("torch fused", {"fused": True}, method, thetas, gs)


def optax(method, thetas, gs):
    """Yield Optax's optimizer in one compiled function that may reuse its arguments' memory."""
    import jax
    import optax

    rule = (
        optax.rmsprop(LR, decay=RHO, eps=EPSILON)
        if method == "RMSprop"
        else optax.adam(LR, b1=BETA_1, b2=BETA_2, eps=EPSILON)
    )
    params = [jax.numpy.array(theta) for theta in thetas]
    grads = [jax.numpy.array(g) for g in gs]
    state = rule.init(params)

    def update(params, state, grads):
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    update = jax.jit(update, donate_argnums=(0, 1))

    def step():
        nonlocal params, state
        params, state = update(params, state, grads)

    yield Subject(
        "optax jit",
        step,
        lambda: [np.asarray(p) for p in params],
        lambda: jax.block_until_ready(params),
    )


def keras_step(name, way, optimizer, thetas, gs):
    """Return a Keras optimizer run eagerly, in a graph, or compiled by XLA."""
    import keras
    import tensorflow as tf

    variables = [keras.Variable(theta) for theta in thetas]
    grads = [tf.constant(g) for g in gs]
    optimizer.build(variables)
    tf.get_logger().setLevel("ERROR")  # it warns of each case's new graph

    def apply(*grads):
        optimizer.apply(list(grads), variables)

    if way != "eager":
        apply = tf.function(apply, autograph=False, jit_compile=way == "XLA")
    return Subject(f"{name} {way}", lambda: apply(*grads), lambda: [v.numpy() for v in variables])


def keras(method, thetas, gs):
    """Yield the optimizer of Keras."""
    import keras

    for way in KERAS_WAYS:
        optimizer = getattr(keras.optimizers, method)(LR, epsilon=EPSILON)
        yield keras_step("Keras", way, optimizer, thetas, gs)


def our_keras(method, thetas, gs):
    """Yield our Keras optimizer; there is none of Adam."""
    from rmsprop.keras import RMSprop

    for way in KERAS_WAYS if method == "RMSprop" else ():
        yield keras_step("ours, Keras", way, RMSprop(LR, epsilon=EPSILON), thetas, gs)


def floor(method, thetas, gs):
    """Yield a pass over memory with next to no arithmetic: no step can be quicker.

    RMSprop must read θ, v and g and write θ and v: 5 × 4 bytes an element; Adam m as well, 28.
    As every array is written where it was read, no more than these bytes move.
    """
    import numba

    @numba.njit(parallel=True)
    def rmsprop(theta, g, v):
        for i in numba.prange(theta.size):
            theta[i] += g[i]
            v[i] = -v[i]

    @numba.njit(parallel=True)
    def adam(theta, g, v, m):
        for i in numba.prange(theta.size):
            theta[i] += g[i]
            v[i] = -v[i]
            m[i] = -m[i]

    kernel, slots = (rmsprop, 1) if method == "RMSprop" else (adam, 2)
    operands = [
        (theta, g, *(np.ones_like(g) for _ in range(slots)))
        for theta, g in zip(thetas, gs, strict=True)
    ]

    def step():
        for arrays in operands:
            kernel(*arrays)

    yield Subject(FLOOR, step, None)


LIBRARIES = (expression, ours, compiled, torch, optax, keras, our_keras, floor)


def subjects_of(libraries, method, shapes):
    """Return the subjects, each with parameters of its own, and what is absent: name and reason."""
    rng = np.random.default_rng(0)
    # No gradient near 0: there alone the libraries differ, by their places of ε.
    gs = [(rng.uniform(0.5, 1.5, n) * rng.choice((-1, 1), n)).astype(np.float32) for n in shapes]
    starts = [rng.standard_normal(n).astype(np.float32) for n in shapes]
    subjects, absent = [], {}
    for library in libraries:
        try:
            subjects += library(method, [start.copy() for start in starts], gs)
        except ImportError as error:
            absent[library.__name__] = str(error)
    return subjects, absent


def grid_subjects(effort):
    """Return RMSprop on a grid of learning rates and ρ: as arrays, and a loop over a sample.

    The loop runs `effort.sample` settings and its time is scaled to all: all its turns are alike.
    """
    problem = Quadratic((100.0, 1.0))
    side = round(effort.settings**0.5)
    rates, rhos = np.meshgrid(np.geomspace(1e-4, 1e-1, side), np.linspace(0, 0.99, side))
    rates, rhos = rates.reshape(-1, 1), rhos.reshape(-1, 1)
    sample = np.random.default_rng(0).choice(rates.size, effort.sample, replace=False)
    ends = {}

    def descend(rate, rho, theta):
        optimizer = optimizers.RMSprop(rate, rho)
        for _ in range(effort.steps):
            optimizer.step([theta], [problem.gradient(theta)])
        return theta

    def arrays():
        ends[GRID] = descend(rates, rhos, np.tile(problem.start, (rates.size, 1)))[sample]

    def loop():
        settings = zip(rates[sample, 0].tolist(), rhos[sample, 0].tolist(), strict=True)
        ends[LOOP] = np.array([descend(*one, problem.start.copy()) for one in settings])

    return [
        Subject(LOOP, loop, lambda: [ends[LOOP]], scale=rates.size / effort.sample),
        Subject(GRID, arrays, lambda: [ends[GRID]]),
    ]


# ---------------------------------------------------------------- the clock


def check_same_work(subjects):
    """Raise if an optimizer does not hold what the first one holds."""
    first = subjects[0]
    expected = first.read()
    for subject in subjects[1:]:
        if subject.read is None:
            continue
        for a, b in zip(subject.read(), expected, strict=True):
            if not np.allclose(a, b, rtol=0, atol=1e-6):
                raise ValueError(
                    f"{subject.name} is {np.abs(a - b).max():g} away from {first.name}: "
                    "they do not do the same work"
                )


def seconds(subject, steps):
    """Return the seconds that a step takes, the mean of some."""
    start = time.perf_counter()
    for _ in range(steps):
        subject.step()
    subject.wait()
    return (time.perf_counter() - start) * subject.scale / steps


def repetitions(subject, batch):
    """Return how many steps fill a turn."""
    quickest = min(seconds(subject, 1) for _ in range(3)) / subject.scale
    return max(1, round(batch / quickest))


def take_turns(subjects, rounds, batch, pause):
    """Return the seconds of a step by subject, one for each round, after a check of their work."""
    for subject in subjects:
        subject.step()
    check_same_work(subjects)
    steps = {s.name: repetitions(s, batch) for s in subjects}
    times = {s.name: [] for s in subjects}
    rng = np.random.default_rng(0)
    gc.collect()
    gc.freeze()  # the libraries' million objects: they would be searched in somebody's turn
    for _ in range(rounds):
        for i in rng.permutation(len(subjects)):
            subject = subjects[i]
            time.sleep(pause)
            times[subject.name].append(seconds(subject, steps[subject.name]))
    gc.unfreeze()
    return times


def spread_of_ratios(times, reference):
    """Return median and quartiles of the ratios of two lists of times, round by round."""
    ratios = [a / b for a, b in zip(times, reference, strict=True)]
    q1, median, q3 = statistics.quantiles(ratios, n=4, method="inclusive")
    return median, q1, q3


def rows_of(times, *case):
    """Return the rows of a case, whose columns come before the subject's.

    The ratios are those of all subjects to the first, and those that are aimed at.
    """
    first = next(iter(times))
    pairs = [(name, first) for name in times]
    pairs += [
        (target.subject, target.reference)
        for target in TARGETS
        if target.experiment == case[0] and {target.subject, target.reference} <= times.keys()
    ]
    return [
        Row(
            *(*case, subject, reference),
            *(float(f"{r:.4g}") for r in spread_of_ratios(times[subject], times[reference])),
            microseconds=float(f"{statistics.median(times[subject]) * 1e6:.4g}"),
            repetitions=len(times[subject]),
            cpus=os.cpu_count(),
            versions=versions(),
        )
        for subject, reference in dict.fromkeys(pairs)
    ]


def versions():
    """Return the versions of Python and the libraries, as one string."""
    found = [f"python {sys.version.split()[0]}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return "; ".join(found)


def cases(effort):
    """Yield experiment, method, and the sizes of its arrays."""
    for method in METHODS:
        for size in effort.sizes:
            yield "step", method, (size,)
        yield "two arrays", method, (1, 1)


def measure(effort, threads, memory, libraries=LIBRARIES):
    """Return the rows that a process measures, and what is absent; say on stderr what is done."""
    rows, absent = [], {}
    todo = list(cases(effort))
    for number, (experiment, method, shapes) in enumerate(todo, 1):
        start = time.perf_counter()
        subjects, missing = subjects_of(libraries, method, shapes)
        absent |= missing
        times = take_turns(subjects, effort.rounds, effort.batch, effort.pause)
        rows += rows_of(times, experiment, method, sum(shapes), threads, memory)
        say(
            f"{threads} thread(s), memory {memory}, {number}/{len(todo)}: {method}, {experiment}, "
            f"{sum(shapes)} values, {len(subjects)} subjects, "
            f"{time.perf_counter() - start:.0f} s"
        )
    times = take_turns(grid_subjects(effort), effort.grid_rounds, 0, effort.pause)
    rows += rows_of(times, "grid", "RMSprop", effort.settings, threads, memory)
    say(f"{threads} thread(s), memory {memory}: grid of {effort.settings} settings")
    return rows, absent


def measure_apart(effort, threads, memory):
    """Return what `measure` does, in a process that finds cores and memory as they shall be."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:threads])
    os.environ["GLIBC_TUNABLES"] = MEMORY[memory]
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            return process.submit(measure, effort, threads, memory).result()
    finally:
        os.sched_setaffinity(0, cores)


# ---------------------------------------------------------------- the record and the targets


def say(line):
    """Print a line on stderr at once."""
    print(line, file=sys.stderr, flush=True)


def write(rows, path):
    """Write the table, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "w", newline="", encoding="utf8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(Row._fields)
            table.writerows(rows)
        os.chmod(temporary, 0o644)  # mkstemp's is for its owner only
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def targets(path=RECORD):
    """Print for each target and case whether a table meets it; return how many are not met."""
    found = {row[:7]: row for row in read(path)}
    failures = 0
    for target in TARGETS:
        for case in itertools.product(target.methods, target.sizes, THREADS, MEMORY):
            row = found.get((target.experiment, *case, target.subject, target.reference))
            met = row is not None and row.ratio_median <= target.limit
            failures += not met
            verdict = "not measured" if row is None else "met" if met else "NOT MET"
            spread = row and f"{row.ratio_median:.3g} ({row.ratio_q1:.3g} to {row.ratio_q3:.3g})"
            method, size, threads, memory = case
            print(
                f"{verdict:12}  {target.subject} / {target.reference} at most {target.limit:g}: "
                f"{spread or '-'}  [{method}, {target.experiment}, {size}, {threads} thread(s), "
                f"{memory}]"
            )
    return failures


def main():
    """Measure, write the table, judge it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few repetitions")
    parser.add_argument("--targets", action="store_true", help="judge the table that is there")
    parser.add_argument("--out", type=Path, help=f"the table, by default {RECORD.name}")
    arguments = parser.parse_args()
    quick = Path(tempfile.gettempdir()) / "speed-quick.csv"
    out = arguments.out or (quick if arguments.quick else RECORD)
    if not arguments.targets:
        if not hasattr(os, "sched_setaffinity"):
            sys.exit("This system cannot bind a process to a core: run the benchmark on Linux.")
        # Its children inherit this: the processor only, TensorFlow under Keras, errors alone.
        os.environ |= {
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        rows = []
        for threads, memory in itertools.product(THREADS, MEMORY):
            if threads > len(os.sched_getaffinity(0)):
                say(f"absent: {threads} threads, as there are not so many cores")
                continue
            effort = QUICK if arguments.quick else FULL
            more, absent = measure_apart(effort, threads, memory)
            rows += more
        for name, reason in absent.items():
            say(f"absent: {name} ({reason})")
        write(rows, out)
        say(f"wrote {out}")
    targets(out)


if __name__ == "__main__":
    main()
