"""94 % on CIFAR-10: RMSprop, Adam and SGD with Nesterov momentum on a network of today, on a GPU.

The rules are those of the book's other comparisons: the same network, data, batches, schedule and
weight decay for every optimizer; the learning rate alone is tuned, by as many trials for each, on
5,000 images cut from the training set. Then come new seeds at the best rate, with all 50,000
training images, as published recipes have them, and the test set at the end. The wide network
starts from the small one's best rate and tries its two neighbours. A run's record is written as
soon as it ends; a run that the record holds is not repeated.

    KERAS_BACKEND=jax RMSPROP_DATA=data PYTHONPATH=src python benchmarks/cifar10_gpu.py

Needs JAX with a GPU, Keras and, in the folder RMSPROP_DATA, ``cifar10.npz``. ``--small`` does all
of it in miniature on a CPU.

The network is our own mixture of what two families of fast recipes have in common: the residual
networks of D. Page, "How to train your ResNet" (https://myrtle.ai/learn/how-to-train-your-resnet/),
and the airbench of K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (arXiv:2404.00498).
From there are the fixed whitening convolution, pooling before normalisation, label smoothing,
flips that alternate from epoch to epoch, and the six views of an image in the test.
"""

import argparse
import csv
import dataclasses
import functools
import hashlib
import json
import math
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

RECORD = Path(__file__).resolve().parents[1] / "book" / "records" / "cifar10-gpu-all.csv"
DIGEST = "80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660"  # of the four arrays
TARGET = 0.94
SEARCH_SEED, EXTRA_RATES = 0, 4
MARGIN = 1.1  # a run must fit this many times into the time left


@dataclasses.dataclass(frozen=True)
class Method:
    """An optimizer, its settings beside the learning rate, and its usual rate, as 10^(power/2)."""

    name: str
    settings: dict
    power: int


METHODS = (
    Method("RMSprop", {"rho": 0.9, "epsilon": 1e-7}, -6),
    Method("Adam", {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}, -6),
    Method("SGD", {"momentum": 0.9, "nesterov": True}, -1),
)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A network and how it is trained, the same for each optimizer.

    Attributes
    ----------
    widths : tuple of int
        Channels of the three stages.
    pad : int
        How far a crop may move, in pixels; the border is reflected.
    cut : int
        Side of the square that is greyed out; 0 for none.
    batch : int
        Images in a step; what is left of an epoch is dropped.
    decay : float
        The share by which a step at the schedule's peak shrinks the kernels, whatever the
        learning rate.
    smoothing : float
        Label smoothing.
    warm_up : float
        The share of the steps in which the learning rate rises.
    """

    widths: tuple[int, ...]
    pad: int = 2
    cut: int = 0
    batch: int = 512
    decay: float = 0.005
    smoothing: float = 0.2
    warm_up: float = 0.2


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of everything: the whole study, or the miniature."""

    recipe: Recipe
    wide: Recipe
    epochs: dict[str, int]  # of a run, by its phase
    rates: int
    seeds: range
    images: int
    validation: int
    test: int
    chunk: int  # images that are evaluated at once
    policy: str  # what Keras computes in


FULL = Size(
    recipe=Recipe((128, 256, 512)),
    wide=Recipe((128, 512, 512), pad=4, cut=12, decay=0.004),
    epochs={"search": 5, "final": 10, "wide search": 10, "wide final": 40},
    rates=7,
    seeds=range(1, 6),
    images=50_000,
    validation=5_000,
    test=10_000,
    chunk=1_000,
    policy="mixed_bfloat16",
)
SMALL = Size(
    recipe=Recipe((4, 4, 8), batch=16),
    wide=Recipe((4, 8, 8), pad=4, cut=12, batch=16),
    epochs={"search": 1, "final": 2, "wide search": 1, "wide final": 2},
    rates=2,
    seeds=range(1, 3),
    images=32 + 64,
    validation=64,
    test=64,
    chunk=64,
    policy="float32",  # bfloat16 is slow on a CPU
)


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run is: its record is found by it."""

    phase: str  # "search", "final", "wide search" or "wide final"
    optimizer: str
    learning_rate: float
    seed: int
    epochs: int

    @property
    def searches(self) -> bool:
        """Whether it is a trial of a learning rate, and leaves the validation images out."""
        return self.phase.endswith("search")


@dataclasses.dataclass(frozen=True)
class Row:
    """One epoch of a run. What is measured once, at the run's end, is empty before its last row."""

    phase: str
    optimizer: str
    settings: str
    learning_rate: float
    seed: int
    epochs: int
    epoch: int
    status: str  # "finished", "diverged" (a loss that is not finite) or "stopped" (out of time)
    train_loss: float
    validation_loss: float | None  # in a search
    validation_accuracy: float | None
    test_accuracy: float | None  # at the end of a final run
    test_accuracy_views: float | None  # of the mean of six views of an image
    seconds: float | None
    recipe: str
    multiply_adds: int
    device: str
    versions: str
    data: str
    commit: str

    @property
    def run(self) -> Run:
        """The run that this is an epoch of."""
        return Run(*(getattr(self, field.name) for field in dataclasses.fields(Run)))


class OutOfTimeError(Exception):
    """The next run does not fit into the time that is left."""


# ------------------------------------------------------------------------------------ the record


def read(path: Path) -> list[Row]:
    """Return the rows of a record, none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(texts) for texts in csv.DictReader(file)]


def _row(texts: dict[str, str]) -> Row:
    values = {}
    for field in dataclasses.fields(Row):
        text = texts[field.name]
        kind = float if field.type == float | None else field.type
        values[field.name] = None if text == "" and kind is float else kind(text)
    return Row(**values)


def append(rows: list[Row], path: Path):
    """Add rows to a record, and the head to a new one."""
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(field.name for field in dataclasses.fields(Row))
        writer.writerows(dataclasses.astuple(row) for row in rows)


# ---------------------------------------------------------------------------------- the protocol


def rates_from_the_middle(power: int, count: int) -> list[float]:
    """Return `count` rates in half decades around 10^(power/2), the middle one first."""
    offsets = sorted(range(count), key=lambda index: abs(index - count // 2))
    return [rate_of(power + index - count // 2) for index in offsets]


def rate_of(power: int) -> float:
    """Return 10^(power/2), rounded as it is printed."""
    return float(f"{10 ** (power / 2):.3g}")


def best_rate(scores: dict[float, float]) -> float:
    """Return the rate of the best score, the smallest of equals; NaN is the worst score."""
    return max(
        sorted(scores), key=lambda rate: -math.inf if math.isnan(scores[rate]) else scores[rate]
    )


def rate_beyond(scores: dict[float, float]) -> float | None:
    """Return the rate half a decade beyond the edge where the best one lies, or None."""
    best, rates = best_rate(scores), sorted(scores)
    power = round(2 * math.log10(best))
    if best == rates[-1]:
        return rate_of(power + 1)
    return rate_of(power - 1) if best == rates[0] else None


class Study:
    """The phases in their order: what matters most comes first.

    Parameters
    ----------
    size : Size
    trainer : Trainer
        ``train(run, deadline)`` returns the run's rows, ``seconds(run)`` guesses its duration.
    path : pathlib.Path
        The record.
    deadline : float
        When to stop, on ``time.monotonic``'s clock.
    """

    def __init__(self, size, trainer, path, deadline):
        self.size, self.trainer, self.path, self.deadline = size, trainer, path, deadline
        self.last = {row.run: row for row in read(path) if row.status != "stopped"}

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.deadline - time.monotonic()

    def do(self, run: Run) -> Row:
        """Return a run's last row, from the record or by training now."""
        if run not in self.last:
            if MARGIN * self.trainer.seconds(run) > self.left():
                raise OutOfTimeError(f"{self.left():.0f} s are left, too few for {run}")
            rows = self.trainer.train(run, self.deadline)
            append(rows, self.path)
            print(_line(rows[-1]), flush=True)
            if rows[-1].status == "stopped":
                raise OutOfTimeError(f"{run} was stopped after {rows[-1].epoch} epochs")
            self.last[run] = rows[-1]
        return self.last[run]

    def search(self) -> dict[str, float]:
        """Return the best learning rate of each optimizer, by its validation accuracy."""
        ranges = {m.name: rates_from_the_middle(m.power, self.size.rates) for m in METHODS}
        scores = self.scores("search", ranges)
        for _ in range(EXTRA_RATES):
            for name, own in scores.items():
                if (rate := rate_beyond(own)) is not None:
                    own[rate] = self.score("search", name, rate)
        return {name: best_rate(own) for name, own in scores.items()}

    def search_near(self, rates: dict[str, float]) -> dict[str, float]:
        """Return each optimizer's best rate for the wide network: that of the other, or near it."""
        powers = {name: round(2 * math.log10(rate)) for name, rate in rates.items()}
        ranges = {name: rates_from_the_middle(power, 3) for name, power in powers.items()}
        scores = self.scores("wide search", ranges)
        return {name: best_rate(own) for name, own in scores.items()}

    def scores(self, phase: str, ranges: dict[str, list[float]]) -> dict[str, dict[float, float]]:
        """Return each optimizer's score at each of its rates; the optimizers take turns."""
        scores = {name: {} for name in ranges}
        for rates in zip(*ranges.values(), strict=True):
            for name, rate in zip(ranges, rates, strict=True):
                scores[name][rate] = self.score(phase, name, rate)
        return scores

    def score(self, phase: str, name: str, rate: float) -> float:
        """Return the validation accuracy at a rate, NaN if the run diverged."""
        row = self.do(Run(phase, name, rate, SEARCH_SEED, self.size.epochs[phase]))
        return row.validation_accuracy if row.status == "finished" else math.nan

    def repeat(self, phase: str, rates: dict[str, float]):
        """Train each optimizer at its best rate from each seed."""
        for seed in self.size.seeds:
            for name, rate in rates.items():
                self.do(Run(phase, name, rate, seed, self.size.epochs[phase]))

    def run(self):
        """Do all that fits into the time."""
        try:
            rates = self.search()
            print("best rates:", rates, flush=True)
            self.repeat("final", rates)
            rates = self.search_near(rates)
            print("best rates, wide:", rates, flush=True)
            self.repeat("wide final", rates)
        except OutOfTimeError as reason:
            print(reason, flush=True)


def _line(row: Row) -> str:
    judged = ""
    if row.validation_accuracy is not None:
        judged = f", validation {row.validation_loss:.4f} {row.validation_accuracy:.4f}"
    if row.test_accuracy is not None:
        judged = f", test {row.test_accuracy:.4f} ({row.test_accuracy_views:.4f} of six views)"
    return (
        f"{row.phase:11} {row.optimizer:8} rate {row.learning_rate:<8g} seed {row.seed}, "
        f"epoch {row.epoch}/{row.epochs}: {row.status}, training loss {row.train_loss:.4f}"
        f"{judged}, {row.seconds:.1f} s"
    )


def summary(rows: list[Row]) -> list[str]:
    """Return the table of what a record says: for each phase and optimizer, over its seeds."""
    lines = [
        "phase       optimizer  rate      epochs  runs  diverged  "
        "test accuracy: mean [95 % bootstrap] min–max   six views  reach 94 %"
    ]
    last = {row.run: row for row in rows if row.status != "stopped"}
    groups = {}
    for run, row in last.items():
        if not run.searches:
            key = run.phase, run.optimizer, run.learning_rate, run.epochs
            groups.setdefault(key, []).append(row)
    for (phase, optimizer, rate, epochs), members in groups.items():
        ended = [row for row in members if row.status == "finished"]
        text = f"{phase:11} {optimizer:9} {rate:<8g} {epochs:6}  {len(members):4}  "
        text += f"{len(members) - len(ended):8}  "
        if ended:
            plain = [row.test_accuracy for row in ended]
            views = statistics.mean(row.test_accuracy_views for row in ended)
            low, high = bootstrap_interval(plain)
            reached = sum(accuracy >= TARGET for accuracy in plain)
            text += (
                f"{statistics.mean(plain):.4f} [{low:.4f}, {high:.4f}] {min(plain):.4f}"
                f"–{max(plain):.4f}   {views:.4f}      {reached}/{len(members)}"
            )
        lines.append(text)
    return lines


def bootstrap_interval(values: list[float]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the mean over 10,000 resamples."""
    draws = np.random.default_rng(0).choice(values, (10_000, len(values)))
    low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


# ------------------------------------------------------------------ data, schedule and randomness


def load(folder: str) -> dict[str, np.ndarray]:
    """Read CIFAR-10 and check that it is what it must be."""
    names = ("x_train", "y_train", "x_test", "y_test")
    path = Path(folder) / "cifar10.npz"
    if not path.is_file():
        raise SystemExit(f"{path} does not exist: set RMSPROP_DATA to the folder of cifar10.npz")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in names}
    digest = hashlib.sha256()
    for name in names:
        digest.update(np.ascontiguousarray(arrays[name]))
    if digest.hexdigest() != DIGEST:
        raise SystemExit(f"{path} is not CIFAR-10: its arrays' SHA-256 is {digest.hexdigest()}")
    return {name: array[:, 0] if name[0] == "y" else array for name, array in arrays.items()}


def split(arrays: dict[str, np.ndarray], size: Size) -> dict[str, np.ndarray]:
    """Return the training and test images, and which of the former a search trains on.

    Returns
    -------
    dict
        ``x_train``, ``y_train``, ``x_test``, ``y_test``; ``kept`` and ``held``, the places among
        the training images that a search trains on and is judged by, always the same.
    """
    order = np.random.default_rng(2026).permutation(size.images)
    return {
        "x_train": arrays["x_train"][: size.images],
        "y_train": arrays["y_train"][: size.images].astype(np.int32),
        "x_test": arrays["x_test"][: size.test],
        "y_test": arrays["y_test"][: size.test].astype(np.int32),
        "held": order[: size.validation],
        "kept": order[size.validation :],
    }


def multipliers(steps: int, warm_up: float) -> np.ndarray:
    """Return the schedule, a share of the peak for each step: up in a line, and down to 0."""
    done = np.arange(steps)
    rising = math.ceil(warm_up * steps)
    return np.minimum((done + 1) / rising, (steps - done) / (steps - rising)).astype(np.float32)


def draws(recipe: Recipe, images: np.ndarray, seed: int, epoch: int) -> dict[str, np.ndarray]:
    """Return what is random in an epoch, for each step and each image of its batch.

    `images` are the places of those to train on. They come in a new order; where a crop of the
    padded image begins; whether the crop is flipped: half of the images in the first epoch, the
    others in the next, and so on in turn; and the middle of the square that is cut out. The
    optimizer has no part in it.
    """
    rng = np.random.default_rng([seed, epoch])
    steps = len(images) // recipe.batch
    flipped = np.random.default_rng([seed]).random(images.max() + 1) < 0.5
    index = rng.permutation(images)[: steps * recipe.batch]
    drawn = {
        "index": index.astype(np.int32),
        "corner": rng.integers(0, 2 * recipe.pad + 1, (len(index), 2), np.int32),
        "flip": flipped[index] ^ (epoch % 2 == 0),
        "middle": rng.integers(0, 32, (len(index), 2), np.int32),
    }
    return {
        name: array.reshape(steps, recipe.batch, *array.shape[1:]) for name, array in drawn.items()
    }


def whitening_kernel(images: np.ndarray, filters: int = 24) -> np.ndarray:
    """Return a 3×3 convolution that decorrelates the patches of normalised images.

    The patches' principal directions, divided by the deviation along them, and the same with the
    opposite sign, for half of each is lost in the activation; shape (3, 3, 3, 2 · filters).
    """
    patches = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    patches = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 27)
    variances, directions = np.linalg.eigh(np.cov(patches, rowvar=False))
    largest = np.argsort(variances)[::-1][:filters]
    kernel = directions[:, largest] / np.sqrt(variances[largest] + 0.01)
    return np.concatenate([kernel, -kernel], axis=1).reshape(3, 3, 3, -1).astype(np.float32)


def views(images: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Return six views of images, and what each counts: mirrored, and moved by a pixel.

    The image and its mirror image count a quarter each, and an eighth each of the same moved up
    and left, and down and right.
    """
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    places = (0.25, images), (0.125, padded[:, :-2, :-2]), (0.125, padded[:, 2:, 2:])
    return [(share, x[:, :, ::step]) for share, x in places for step in (1, -1)]


def score(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return float(loss), float((logits.argmax(axis=1) == labels).mean())


# --------------------------------------------------------------------- the network and its training


def build_network(widths, whitening):
    """Return the network; its first convolution is fixed.

    Each of three stages convolves, pools, and adds to the result what two more convolutions make
    of it. The batch normalisation computes and keeps its averages in float32.
    """
    import keras
    from keras import layers

    def convolve(x, width, *, pool=False):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        if pool:
            x = layers.MaxPooling2D(2)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    def activate(x):
        return layers.Activation("gelu")(x)

    inputs = keras.Input((32, 32, 3))
    first = layers.Conv2D(
        whitening.shape[-1], 3, padding="same", use_bias=False, trainable=False, name="whitening"
    )
    x = activate(first(inputs))
    for width in widths:
        x = activate(convolve(x, width, pool=True))
        change = convolve(activate(convolve(x, width)), width)
        x = activate(layers.Add()([x, change]))
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Rescaling(1 / 8, dtype="float32")(x)
    network = keras.Model(inputs, layers.Dense(10, dtype="float32")(x))
    first.set_weights([whitening])
    return network


def multiply_adds(network) -> int:
    """Count the multiplications and additions, as pairs, that a network does for an image."""
    total = 0
    for layer in network.layers:
        for weight in layer.weights:
            if weight.path.endswith("kernel"):
                total += math.prod(weight.shape) * math.prod(layer.output.shape[1:-1])
    return total


def optimizer_of(method: Method):
    """Return a new optimizer; its learning rate is set in each step."""
    import keras

    from rmsprop.keras import RMSprop

    kinds = {"RMSprop": RMSprop, "Adam": keras.optimizers.Adam, "SGD": keras.optimizers.SGD}
    return kinds[method.name](learning_rate=1.0, **method.settings)


class Course:
    """A recipe on the device: its images, its network, and the programs that are compiled once."""

    def __init__(self, recipe: Recipe, data: dict, size: Size):
        import jax

        self.recipe, self.chunk = recipe, size.chunk
        x = data["x_train"]
        self.mean = x.mean(axis=(0, 1, 2), dtype=np.float64).astype(np.float32) / 255
        self.deviation = x.std(axis=(0, 1, 2), dtype=np.float64).astype(np.float32) / 255
        self.whitening = whitening_kernel(self.normalised(x[:5000]))
        self.network = self.new_network(0)
        self.multiply_adds = multiply_adds(self.network)
        around = [(0, 0), (recipe.pad, recipe.pad), (recipe.pad, recipe.pad), (0, 0)]
        self.padded = jax.device_put(np.pad(x, around, mode="reflect"))
        self.labels = jax.device_put(data["y_train"])
        self.predict = jax.jit(self._predict)
        self.programs = {}  # by the optimizer's name: the program, and the optimizer's first state
        self.compile_seconds = 0.0  # the last time
        self.epoch_seconds = None  # in the last run

    def new_network(self, seed: int):
        """Return a network whose weights are drawn by a seed."""
        import keras

        keras.utils.set_random_seed(seed)
        return build_network(self.recipe.widths, self.whitening)

    def normalised(self, images):
        """Return images as numbers around 0."""
        return (images.astype("float32") / 255 - self.mean) / self.deviation

    def start(self, method: Method, seed: int):
        """Return the state before the first step: weights, averages, the optimizer's variables."""
        from jax import numpy as jnp

        if method.name not in self.programs:
            self.programs[method.name] = self._compile(method)
        network = self.new_network(seed)
        variables = network.trainable_variables, network.non_trainable_variables
        slots = self.programs[method.name][1]
        # Copies: a step's result takes the memory of the state that it was given.
        weights, others = ([jnp.array(v.value) for v in group] for group in variables)
        return weights, others, [jnp.array(slot) for slot in slots]

    def train(self, method: Method, state, peak: float, shares: np.ndarray, drawn: dict):
        """Return the state after an epoch, and the mean loss."""
        program, _ = self.programs[method.name]
        steps = len(shares)
        now = self._filled((shares, drawn))
        state, loss = program(state, self.padded, self.labels, np.float32(peak), now, steps)
        return state, float(loss) / steps

    def logits(self, state, x: np.ndarray) -> np.ndarray:
        """Return the network's answers to images."""
        chunks = [x[i : i + self.chunk] for i in range(0, len(x), self.chunk)]
        answers = [self.predict(*state[:2], np.ascontiguousarray(chunk)) for chunk in chunks]
        return np.concatenate([np.asarray(answer) for answer in answers])

    def _filled(self, now):
        """Return the arrays of an epoch's steps, filled up to those of the longest epoch.

        So one program does epochs of any length.
        """
        import jax

        longest = len(self.labels) // self.recipe.batch

        def fill(array):
            return np.pad(array, [(0, longest - len(array)), *[(0, 0)] * (array.ndim - 1)])

        return jax.tree.map(fill, now)

    def _predict(self, trainable, other, images):
        return self.network.stateless_call(
            trainable, other, self.normalised(images), training=False
        )[0]

    def _augmented(self, padded, drawn):
        """Return a batch: crops, some of them flipped, with a square cut out."""
        import jax
        from jax import numpy as jnp

        def crop(index, corner):
            start = (index, corner[0], corner[1], 0)
            return jax.lax.dynamic_slice(padded, start, (1, 32, 32, 3))[0]

        x = self.normalised(jax.vmap(crop)(drawn["index"], drawn["corner"]))
        x = jnp.where(drawn["flip"][:, None, None, None], x[:, :, ::-1], x)
        if self.recipe.cut:
            near = jnp.abs(jnp.arange(32) + 0.5 - drawn["middle"][..., None]) < self.recipe.cut / 2
            hole = near[:, 0, :, None] & near[:, 1, None, :]
            x = jnp.where(hole[..., None], 0, x)
        return x

    def _loss(self, trainable, other, x, y):
        """Return the loss, and the averages of the batch normalisation."""
        import jax

        logits, other = self.network.stateless_call(trainable, other, x, training=True)
        smoothing = self.recipe.smoothing
        goal = (1 - smoothing) * jax.nn.one_hot(y, 10) + smoothing / 10
        return -(goal * jax.nn.log_softmax(logits)).sum(axis=-1).mean(), other

    def _epoch(self, optimizer, state, padded, labels, peak, now, steps):
        """Return the state after some steps, and the sum of their losses.

        The rate and the number of steps are no constants of the program.
        """
        import jax

        gradient = jax.value_and_grad(self._loss, has_aux=True)
        rate_at = next(
            i for i, v in enumerate(optimizer.variables) if v is optimizer._learning_rate
        )
        decays = [v.path.endswith("kernel") for v in self.network.trainable_variables]

        def step(number, carried):
            (trainable, other, slots), total = carried
            share, drawn = jax.tree.map(lambda array: array[number], now)
            x, y = self._augmented(padded, drawn), labels[drawn["index"]]
            (loss, other), gradients = gradient(trainable, other, x, y)
            shrink = 1 - self.recipe.decay * share
            trainable = [
                v * shrink if decay else v for v, decay in zip(trainable, decays, strict=True)
            ]
            slots = [*slots[:rate_at], peak * share, *slots[rate_at + 1 :]]
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            return (list(trainable), list(other), list(slots)), total + loss

        return jax.lax.fori_loop(0, steps, step, (state, np.float32(0)))

    def _compile(self, method: Method):
        """Return the program that trains for an epoch, and the optimizer's first state."""
        import jax

        start = time.perf_counter()
        optimizer = optimizer_of(method)
        optimizer.build(self.network.trainable_variables)
        slots = [np.array(v.value) for v in optimizer.variables]
        variables = self.network.trainable_variables, self.network.non_trainable_variables
        weights, others = ([np.array(v.value) for v in group] for group in variables)
        drawn = draws(self.recipe, np.arange(len(self.labels)), 0, 0)
        now = np.zeros(len(drawn["index"]), np.float32), drawn
        state = weights, others, slots
        program = (
            jax.jit(functools.partial(self._epoch, optimizer), donate_argnums=0)
            .lower(state, self.padded, self.labels, np.float32(0), now, 0)
            .compile()
        )
        self.logits(state, np.zeros((self.chunk, 32, 32, 3), np.uint8))
        self.compile_seconds = time.perf_counter() - start
        print(f"compiled {method.name} {self.recipe.widths}: {self.compile_seconds:.1f} s")
        return program, slots


class Trainer:
    """Trains runs and guesses how long they take."""

    def __init__(self, size: Size, data: dict, commit: str):
        import jax
        import keras

        keras.config.set_dtype_policy(size.policy)
        self.data, self.commit = data, commit
        small, wide = Course(size.recipe, data, size), Course(size.wide, data, size)
        self.courses = {"search": small, "final": small, "wide search": wide, "wide final": wide}
        self.device = jax.devices()[0].device_kind
        self.versions = versions()

    def seconds(self, run: Run) -> float:
        """Guess how long a run will take, by those before it; 0 before the first."""
        course, known = self.courses[run.phase], self.courses["search"]
        one = course.epoch_seconds
        if one is None:
            one = (known.epoch_seconds or 0.0) * course.multiply_adds / known.multiply_adds
        new = run.optimizer not in course.programs
        return run.epochs * one + new * (course.compile_seconds or known.compile_seconds)

    def train(self, run: Run, deadline: float) -> list[Row]:
        """Return the rows of a run, which ends early if its loss is not finite or time is up."""
        course = self.courses[run.phase]
        method = next(method for method in METHODS if method.name == run.optimizer)
        state = course.start(method, run.seed)
        images = self.data["kept"] if run.searches else np.arange(len(self.data["y_train"]))
        steps = len(images) // course.recipe.batch
        shares = multipliers(steps * run.epochs, course.recipe.warm_up).reshape(run.epochs, steps)
        rows, begun = [], time.perf_counter()
        for epoch in range(1, run.epochs + 1):
            drawn = draws(course.recipe, images, run.seed, epoch)
            state, loss = course.train(method, state, run.learning_rate, shares[epoch - 1], drawn)
            judged = self._validate(course, state) if run.searches else (None, None)
            rows.append(self._row(run, method, epoch, loss, *judged))
            status = "finished" if math.isfinite(loss) else "diverged"
            if status == "finished" and epoch < run.epochs and time.monotonic() > deadline:
                status = "stopped"
            if status != "finished":
                break
        tested = (None, None)
        if status == "finished" and not run.searches:
            tested = self._test(course, state)
        seconds = time.perf_counter() - begun
        course.epoch_seconds = seconds / len(rows)
        rows = [dataclasses.replace(row, status=status) for row in rows]
        rows[-1] = dataclasses.replace(
            rows[-1], test_accuracy=tested[0], test_accuracy_views=tested[1], seconds=seconds
        )
        return rows

    def _validate(self, course, state) -> tuple[float, float]:
        """Return loss and accuracy on the images held back."""
        held = self.data["held"]
        return score(course.logits(state, self.data["x_train"][held]), self.data["y_train"][held])

    def _test(self, course, state) -> tuple[float, float]:
        """Return the accuracy on the test images, and that of the mean of six views of each."""
        of_views = [(share, course.logits(state, x)) for share, x in views(self.data["x_test"])]
        mean = sum(share * logits for share, logits in of_views)
        labels = self.data["y_test"]
        return score(of_views[0][1], labels)[1], score(mean, labels)[1]

    def _row(self, run, method, epoch, loss, validation_loss, validation_accuracy) -> Row:
        course = self.courses[run.phase]
        images = len(self.data["kept" if run.searches else "y_train"])
        return Row(
            **dataclasses.asdict(run),
            settings=json.dumps(method.settings),
            epoch=epoch,
            status="",
            train_loss=loss,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            test_accuracy=None,
            test_accuracy_views=None,
            seconds=None,
            recipe=json.dumps(dataclasses.asdict(course.recipe)),
            multiply_adds=course.multiply_adds,
            device=self.device,
            versions=self.versions,
            data=f"CIFAR-10 {DIGEST[:12]}, {images} images",
            commit=self.commit,
        )


def options_of(arguments, about: str, record: Path):
    """Return the options of a study on a GPU, or end with a message; `record` is the default."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=460, help="the time for everything")
    parser.add_argument("--output", type=Path, default=record, help="the record")
    parser.add_argument("--commit", default="", help="the commit that the record names")
    parser.add_argument("--small", action="store_true", help="a miniature, on any device")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"--seconds must be above 0, not {options.seconds:g}")
    if os.environ.get("KERAS_BACKEND") != "jax":
        parser.error(f"KERAS_BACKEND must be jax, not {os.environ.get('KERAS_BACKEND')}")
    if not os.environ.get("RMSPROP_DATA"):
        parser.error("RMSPROP_DATA must name the folder that holds cifar10.npz")
    import jax

    if jax.default_backend() != "gpu" and not options.small:
        parser.error(f"JAX must see a GPU, not only {jax.devices()}; or give --small")
    return options


def versions() -> str:
    """Return the versions that a record names."""
    import jax
    import keras

    return (
        f"python {platform.python_version()}; jax {jax.__version__}; "
        f"keras {keras.__version__}; numpy {np.__version__}"
    )


def main(arguments=None):
    """Run the study within its time and print the table."""
    begun = time.monotonic()
    options = options_of(arguments, __doc__, RECORD)
    size = SMALL if options.small else FULL
    trainer = Trainer(size, split(load(os.environ["RMSPROP_DATA"]), size), options.commit)
    print(trainer.device, trainer.versions)
    for phase in ("final", "wide final"):
        one = trainer.courses[phase].multiply_adds
        epoch = 6 * one * len(trainer.data["y_train"])
        print(f"{phase}: {one / 1e6:.0f} million multiply-adds an image, {epoch:.2g} operations")
    Study(size, trainer, options.output, begun + options.seconds).run()
    print(*summary(read(options.output)), sep="\n")
    print(f"{time.monotonic() - begun:.0f} s in all, {options.output}")


if __name__ == "__main__":
    sys.exit(main())
