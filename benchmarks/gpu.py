"""Check and time a step of `rmsprop.keras.RMSprop` on a GPU, beside other libraries there.

    KERAS_BACKEND=jax python benchmarks/gpu.py            # writes book/records/gpu-speed.csv
    KERAS_BACKEND=torch python benchmarks/gpu.py --output torch.csv
    KERAS_BACKEND=jax python benchmarks/gpu.py --small --output small.csv    # to try it, on a CPU

It needs NumPy, Keras and its backend, JAX or torch. What else of JAX with Optax and torch is there,
and uses the same kind of device, is timed too; what is not is named. It takes one to two minutes.

First every flavor of RMSprop, with and without momentum, makes a few steps on the device and must
end where the NumPy rule ends in float64. If one does not, nothing is timed and the status is 1.

Then all subjects take turns in rounds, in a new random order each, on normal random numbers. A turn
is as many steps as fill it, handed over without waiting, and over when the device has done them
all: so short steps show what the host needs to hand one over. A ratio to
``keras.optimizers.RMSprop`` is formed within a round; the table has median and quartiles.

How close a step comes to what the device can do is told by its memory traffic. RMSprop must read
θ, v and g and write θ and v, 20 bytes a value; Adam 28. That, over the time, is compared with what
a large copy on the device reads and writes in its time.
"""

import argparse
import csv
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch needs memory, too

import keras
import numpy as np

from rmsprop import optimizers
from rmsprop.keras import RMSprop

RECORD = Path(__file__).resolve().parent.parent / "book" / "records" / "gpu-speed.csv"
PACKAGES = ("numpy", "keras", "jax", "optax", "torch")
BACKENDS = ("jax", "torch")

OURS = "ours, Keras"
REFERENCE = "keras.optimizers"
BYTES = {"RMSprop": 20, "Adam": 28, "copy": 8}  # read and written for each value

LR, RHO, EPSILON = 0.001, 0.9, 1e-7
EXACT_LR = 2**-7  # in float32 as in float64
STEPS = 6


class Effort(NamedTuple):
    """How much to measure.

    Attributes
    ----------
    sizes : tuple of int
        Numbers of values.
    copy : int
        How many values the copy has.
    checked : int
        How many values the steps have that are compared with the NumPy rule.
    rounds : int
        How often each subject has its turn.
    turn : float
        Seconds that a turn lasts at least.
    """

    sizes: tuple
    copy: int
    checked: int
    rounds: int
    turn: float


FULL = Effort((10**7, 10**8), 10**8, 10**5, 31, 0.05)
SMALL = Effort((10**5,), 10**6, 10**3, 5, 0.002)


class Row(NamedTuple):
    """A row of the table; what its columns mean stands in benchmarks/README.md."""

    experiment: str
    method: str
    size: int
    subject: str
    ratio_median: float | str = ""
    ratio_q1: float | str = ""
    ratio_q3: float | str = ""
    microseconds: float | str = ""
    gigabytes_per_second: float | str = ""
    part_of_copy: float | str = ""
    part_of_tolerance: float | str = ""
    repetitions: int = 1
    device: str = ""
    backend: str = ""
    versions: str = ""


class Subject(NamedTuple):
    """What is timed: `step` starts a step, `wait` returns once all that were started are done."""

    name: str
    method: str
    step: Callable
    wait: Callable


# ---------------------------------------------------------------- the libraries and the device


class AbsentError(Exception):
    """A library that cannot take part."""


def library(name):
    """Return JAX or torch, and whether it computes on a GPU.

    Raises
    ------
    AbsentError
        If it is not installed.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise AbsentError(f"{name}: {error}") from error
    if name == "jax":
        return module, module.default_backend() == "gpu"
    return module, module.cuda.is_available()


def beside(name):
    """Return a library that computes on the same kind of device as Keras's backend.

    Raises
    ------
    AbsentError
        If it is not installed, or computes on the other kind.
    """
    module, gpu = library(name)
    if gpu != on_gpu():
        raise AbsentError(f"{name}: computes on {'a GPU' if gpu else 'the CPU'}, Keras does not")
    return module


def on_gpu():
    """Say whether Keras computes on a GPU."""
    backend = keras.backend.backend()
    return backend in BACKENDS and library(backend)[1]


def device():
    """Return the name of the device that Keras computes on."""
    if not on_gpu():
        return f"CPU, {os.cpu_count()} cores"
    module, _ = library(keras.backend.backend())
    if keras.backend.backend() == "jax":
        return module.devices()[0].device_kind
    return module.cuda.get_device_name()


def versions():
    """Return the versions of Python and of the libraries that are loaded."""
    loaded = [f"{name} {version(name)}" for name in PACKAGES if name in sys.modules]
    return "; ".join([f"python {'.'.join(map(str, sys.version_info[:3]))}", *loaded])


# ---------------------------------------------------------------- a step in each library


def keras_step(optimizer, theta, g):
    """Return functions that start a step, wait, and give the parameters, for a Keras optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        What makes the steps; on JAX compiled, with donated buffers.
    theta : ndarray
        Where it starts.
    g : ndarray
        The gradient, unless `step` is given another.
    """
    variable = keras.Variable(theta.copy(), dtype="float32")
    optimizer.build([variable])
    gradient = keras.ops.convert_to_tensor(g)
    if keras.backend.backend() == "jax":
        return stateless_step(optimizer, variable, gradient)

    def step(gradient=gradient):
        optimizer.apply([gradient], [variable])

    return step, waiting(lambda: variable.value), lambda: keras.ops.convert_to_numpy(variable)


def stateless_step(optimizer, variable, gradient):
    """Return what `keras_step` does, on JAX."""
    import jax

    apply = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
    state, parameters = [v.value for v in optimizer.variables], [variable.value]

    def step(gradient=gradient):
        nonlocal state, parameters
        parameters, state = apply(state, [gradient], parameters)

    return step, waiting(lambda: parameters), lambda: np.asarray(parameters[0])


def waiting(read):
    """Return a function that waits for what `read` returns, in whatever library it is."""

    def wait():
        if "jax" in sys.modules:
            sys.modules["jax"].block_until_ready(read())
        if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
            sys.modules["torch"].cuda.synchronize()

    return wait


def keras_subjects(theta, g):
    """Return the steps of Keras's own optimizers and of ours."""
    for name, method, optimizer in (
        (REFERENCE, "RMSprop", keras.optimizers.RMSprop(LR, rho=RHO, epsilon=EPSILON)),
        (OURS, "RMSprop", RMSprop(LR, rho=RHO, epsilon=EPSILON)),
        (REFERENCE, "Adam", keras.optimizers.Adam(LR, epsilon=EPSILON)),
    ):
        step, wait, _ = keras_step(optimizer, theta, g)
        yield Subject(name, method, step, wait)


def optax_subjects(theta, g):
    """Return the steps of Optax, compiled, with donated buffers."""
    jax = beside("jax")
    try:
        import optax
    except ImportError as error:
        raise AbsentError(f"optax: {error}") from error
    gradient = jax.numpy.array(g)
    for method, rule in (
        ("RMSprop", optax.rmsprop(LR, decay=RHO, eps=EPSILON)),
        ("Adam", optax.adam(LR, eps=EPSILON)),
    ):
        yield Subject("optax", method, *optax_step(jax, optax, rule, theta, gradient))


def optax_step(jax, optax, rule, theta, gradient):
    """Return functions that start a step of an Optax rule, and wait."""

    def update(parameters, state, gradient):
        change, state = rule.update(gradient, state, parameters)
        return optax.apply_updates(parameters, change), state

    update = jax.jit(update, donate_argnums=(0, 1))
    parameters = jax.numpy.array(theta)
    state = rule.init(parameters)

    def step():
        nonlocal parameters, state
        parameters, state = update(parameters, state, gradient)

    return step, waiting(lambda: parameters)


def torch_subjects(theta, g):
    """Return the steps of torch's fastest kinds of RMSprop and Adam."""
    torch = beside("torch")
    place = "cuda" if on_gpu() else "cpu"
    gradient = torch.tensor(g, device=place)
    for name, method, make in (
        (
            "torch foreach",
            "RMSprop",
            lambda p: torch.optim.RMSprop([p], LR, alpha=RHO, eps=EPSILON, foreach=True),
        ),
        ("torch fused", "Adam", lambda p: torch.optim.Adam([p], LR, eps=EPSILON, fused=True)),
    ):
        parameter = torch.nn.Parameter(torch.tensor(theta, device=place))
        parameter.grad = gradient
        yield Subject(name, method, make(parameter).step, waiting(lambda: ()))


def jax_copies(values):
    """Return a copy by JAX as a subject."""
    jax = beside("jax")
    source = jax.numpy.array(values)
    copy = jax.jit(jax.numpy.copy)
    target = None

    def step():
        nonlocal target
        target = copy(source)

    yield Subject("jax", "copy", step, waiting(lambda: target))


def torch_copies(values):
    """Return a copy by torch as a subject."""
    torch = beside("torch")
    source = torch.tensor(values, device="cuda" if on_gpu() else "cpu")
    target = torch.empty_like(source)
    yield Subject("torch", "copy", lambda: target.copy_(source), waiting(lambda: ()))


STEPPERS = (keras_subjects, optax_subjects, torch_subjects)
COPIERS = (jax_copies, torch_copies)


def subjects_of(makers, *arrays):
    """Return the subjects that some functions make, and a sentence for each that cannot."""
    subjects, absent = [], []
    for make in makers:
        try:
            subjects += make(*arrays)
        except AbsentError as error:
            absent.append(str(error))
    return subjects, absent


# ---------------------------------------------------------------- equality with the NumPy rule


def rough(steps, size):
    """Return gradients of many sizes, an eighth of the coordinates without any."""
    rng = np.random.default_rng(0)
    g = rng.standard_normal((steps, size)) * 10.0 ** rng.uniform(-4, 1, size)
    g[:, ::8] = 0
    return g.astype(np.float32)


def difference(name, settings, size):
    """Return how far a flavor ends from the NumPy rule, as a part of what rounding may do.

    The NumPy rule runs in float64 on the same gradients. In float32, of relative spacing u, each
    step rounds θ once, which moves it by at most u |θ|. The step itself comes of about eight
    roundings of u/2, and of a root and a quotient that a GPU gives to within two or three u; where
    v − m² stands for v, that is at least ρ⁶ v after six steps from 0, 0.73 v, so that little of it
    cancels. Together that is at most 16 u of the longest step. Both add up over the steps.
    """
    gradients = rough(STEPS, size)
    start = np.random.default_rng(1).standard_normal(size).astype(np.float32)
    theta = start.astype(np.float64)
    rule = optimizers.RMSprop.flavor(name, learning_rate=EXACT_LR, **settings)
    optimizer = RMSprop.flavor(name, learning_rate=EXACT_LR, **settings)
    step, _, read = keras_step(optimizer, start, gradients[0])
    lengths = 0.0
    for g in gradients:
        before = theta.copy()
        rule.step([theta], [g.astype(np.float64)])
        lengths += abs(theta - before).max()
        step(keras.ops.convert_to_tensor(g))
    spacing = np.finfo(np.float32).eps
    tolerance = spacing * (STEPS * abs(theta).max() + 16 * lengths)
    return float(abs(read() - theta).max() / tolerance)


def equality(effort, place):
    """Return a row for each flavor, with and without momentum, and say how each came out.

    Parameters
    ----------
    effort : Effort
        How many values.
    place : dict
        The columns that all rows share.
    """
    rows = []
    for name in optimizers.FLAVORS:
        for settings in ({}, {"momentum": 0.875}):
            part = difference(name, settings, effort.checked)
            method = ", ".join([name, *(f"{key} {value}" for key, value in settings.items())])
            say(f"{'equal' if part <= 1 else 'DIFFERS'}: {method}: {part:.2g} of the tolerance")
            size = effort.checked
            rows.append(Row("equality", method, size, OURS, part_of_tolerance=part, **place))
    return rows


# ---------------------------------------------------------------- the clock


def seconds(subject, steps):
    """Return the seconds that a step takes, the mean of some."""
    subject.wait()
    start = time.perf_counter()
    for _ in range(steps):
        subject.step()
    subject.wait()
    return (time.perf_counter() - start) / steps


def take_turns(subjects, rounds, turn):
    """Return the seconds of a step for each subject, one for each round."""
    for subject in subjects:  # compile
        seconds(subject, 2)
    steps = [max(1, round(turn / min(seconds(s, 5) for _ in range(3)))) for s in subjects]
    times = [[] for _ in subjects]
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        for i in rng.permutation(len(subjects)):
            times[i].append(seconds(subjects[i], steps[i]))
    return times


def spread(numbers):
    """Return median and quartiles."""
    q1, median, q3 = statistics.quantiles(numbers, n=4, method="inclusive")
    return median, q1, q3


def normal(size, seed):
    """Return normal random numbers."""
    return np.random.default_rng(seed).standard_normal(size, dtype=np.float32)


def copies(effort, place):
    """Return rows for each library's copy, and what is absent."""
    subjects, absent = subjects_of(COPIERS, normal(effort.copy, 0))
    rows = []
    for subject, times in zip(
        subjects, take_turns(subjects, effort.rounds, effort.turn), strict=True
    ):
        time_of = statistics.median(times)
        rows.append(
            Row(
                *("copy", "copy", effort.copy, subject.name),
                microseconds=1e6 * time_of,
                gigabytes_per_second=1e-9 * BYTES["copy"] * effort.copy / time_of,
                repetitions=effort.rounds,
                **place,
            )
        )
    return rows, absent


def steps(size, effort, fastest_copy, place):
    """Return rows for the steps of all subjects, and what is absent.

    Parameters
    ----------
    size : int
        Number of values.
    effort : Effort
        Rounds and length of a turn.
    fastest_copy : float
        What a large copy reads and writes, in gigabytes a second.
    place : dict
        The columns that all rows share.
    """
    subjects, absent = subjects_of(STEPPERS, normal(size, 1), normal(size, 2))
    times = take_turns(subjects, effort.rounds, effort.turn)
    rows = []
    for subject, own in zip(subjects, times, strict=True):
        median, q1, q3 = spread([a / b for a, b in zip(own, times[0], strict=True)])
        speed = 1e-9 * BYTES[subject.method] * size / statistics.median(own)
        rows.append(
            Row(
                *("step", subject.method, size, subject.name),
                ratio_median=median,
                ratio_q1=q1,
                ratio_q3=q3,
                microseconds=1e6 * statistics.median(own),
                gigabytes_per_second=speed,
                part_of_copy=speed / fastest_copy,
                repetitions=effort.rounds,
                **place,
            )
        )
    return rows, absent


# ---------------------------------------------------------------- the table


def say(line):
    """Print a line at once."""
    print(line, flush=True)


def write(rows, path):
    """Write the table, whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", newline="", encoding="utf8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(Row._fields)
        for row in rows:
            table.writerow(f"{x:.4g}" if isinstance(x, float) else x for x in row)
    temporary.replace(path)


def show(rows):
    """Print the times as a table."""
    say(f"{'method':8} {'size':>10} {'subject':17} {'ratio':>6} {'µs':>9} {'GB/s':>6} of copy")
    for row in rows:
        if row.experiment != "equality":
            ratio, part = (f"{x:.3f}" if x else "" for x in (row.ratio_median, row.part_of_copy))
            say(
                f"{row.method:8} {row.size:10} {row.subject:17} {ratio:>6} "
                f"{row.microseconds:9.1f} {row.gigabytes_per_second:6.0f} {part:>7}"
            )


def measure(effort):
    """Return the table's rows, and what is absent; without times if a flavor differs."""
    place = {"device": device(), "backend": keras.backend.backend()}
    rows = equality(effort, place)
    if any(row.part_of_tolerance > 1 for row in rows):
        return rows, []
    copied, absent = copies(effort, place)
    rows += copied
    fastest = max(row.gigabytes_per_second for row in copied)
    for size in effort.sizes:
        timed, missing = steps(size, effort, fastest, place)
        rows += timed
        absent += missing
    return rows, sorted(set(absent))


def main(arguments=None):
    """Check, measure, write and print; return the process's status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="try it out, on a CPU")
    parser.add_argument("--output", type=Path, default=RECORD, help="the table (CSV)")
    options = parser.parse_args(arguments)
    if keras.backend.backend() not in BACKENDS:
        parser.error(f"KERAS_BACKEND must be jax or torch, not {keras.backend.backend()}")
    start = time.perf_counter()
    rows, absent = measure(SMALL if options.small else FULL)
    if any(row.experiment == "step" for row in rows):
        write([row._replace(versions=versions()) for row in rows], options.output)
    show(rows)
    for line in absent:
        say(f"absent: {line}")
    say(f"{rows[0].device}, Keras on {rows[0].backend}; {versions()}")
    say(f"{time.perf_counter() - start:.0f} s")
    return int(any(row.experiment == "equality" and row.part_of_tolerance > 1 for row in rows))


if __name__ == "__main__":
    sys.exit(main())
