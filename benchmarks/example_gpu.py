"""Whether Keras's example cifar10_cnn reaches its 79 % with ε where old Keras had it, on a GPU.

The example's network, settings and augmentation, and all 50,000 training images, as there; the
test images are looked at after every epoch, as there, and decide nothing. RMSprop once with ε
inside the root, where `rmsprop.keras` and Keras have it today, and once outside, where the Keras
of the example had it. A run's record is written as soon as it ends; a run that the record holds
is not repeated.

    KERAS_BACKEND=jax RMSPROP_DATA=data PYTHONPATH=src python benchmarks/example_gpu.py

Needs what ``cifar10_gpu.py`` needs. ``--small`` does all of it in miniature on a CPU.
"""

import csv
import dataclasses
import functools
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
from cifar10_gpu import DIGEST, load, options_of, versions

RECORD = Path(__file__).resolve().parents[1] / "book" / "records" / "cifar10-example-gpu.csv"
LEARNING_RATE, DECAY = 1e-4, 1e-6  # the rate of step t is LEARNING_RATE / (1 + DECAY t)
BATCH = 32
SEEDS = range(1, 6)


@dataclasses.dataclass(frozen=True)
class Row:
    """One epoch of a run; ``epsilon`` is "inside" or "outside" the root."""

    epsilon: str
    seed: int
    epoch: int
    train_loss: float
    test_accuracy: float
    seconds: float  # since the run began
    device: str
    versions: str
    data: str
    commit: str


class Example:
    """The network, the images on the device, and a program for each place of ε."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        import jax

        self.images, self.labels, self.test_images = (
            jax.device_put(arrays[name]) for name in ("x_train", "y_train", "x_test")
        )
        self.test_labels = arrays["y_test"]
        self.network = self.new_network(0)
        self.programs = {}
        self.answers = jax.jit(self._answers)

    def new_network(self, seed: int):
        """Return the example's network, its weights and its randomness drawn by a seed."""
        import keras

        from rmsbook.keras_models import cifar10_cnn

        keras.utils.set_random_seed(seed)
        return cifar10_cnn()

    def run(self, epsilon: str, seed: int, epochs: int):
        """Yield epoch, mean loss in training and accuracy on the test images, epoch by epoch."""
        program, slots = self._program(epsilon)
        network = self.new_network(seed)
        variables = network.trainable_variables, network.non_trainable_variables
        weights, others = ([np.array(v.value) for v in group] for group in variables)
        state = weights, others, slots
        for epoch in range(1, epochs + 1):
            rng = np.random.default_rng([seed, epoch])
            steps = len(self.labels) // BATCH
            order = rng.permutation(len(self.labels))[: steps * BATCH].astype(np.int32)
            state, loss = program(state, self.images, self.labels, order.reshape(steps, BATCH))
            answers = np.asarray(self.answers(*state[:2], self.test_images))
            yield epoch, float(loss), float((answers == self.test_labels).mean())

    def _answers(self, weights, others, images):
        import jax

        def classes(chunk):
            return self.network.stateless_call(weights, others, chunk / 255, training=False)[
                0
            ].argmax(axis=-1)

        return jax.lax.map(classes, images.reshape(-1, 100, 32, 32, 3)).ravel()

    def _loss(self, weights, others, images, labels):
        from jax import numpy as jnp

        answers, others = self.network.stateless_call(weights, others, images / 255, training=True)
        right = jnp.take_along_axis(answers, labels[:, None].astype(int), axis=1)
        return -jnp.log(jnp.clip(right, 1e-7, 1.0)).mean(), others  # Keras's bound

    def _epoch(self, optimizer, state, images, labels, order):
        import jax

        gradient = jax.value_and_grad(self._loss, has_aux=True)

        def step(state, batch):
            weights, others, slots = state
            (loss, others), gradients = gradient(weights, others, images[batch], labels[batch])
            weights, slots = optimizer.stateless_apply(slots, gradients, weights)
            return (list(weights), list(others), list(slots)), loss

        state, losses = jax.lax.scan(step, state, order)
        return state, losses.mean()

    def _program(self, epsilon: str):
        """Return the program that trains for an epoch, and the optimizer's first state."""
        import jax
        import keras

        from rmsprop.keras import RMSprop

        if epsilon not in self.programs:
            optimizer = RMSprop(
                learning_rate=keras.optimizers.schedules.InverseTimeDecay(LEARNING_RATE, 1, DECAY),
                rho=0.9,
                epsilon=1e-7,
                epsilon_inside=epsilon == "inside",
            )
            optimizer.build(self.network.trainable_variables)
            slots = [np.array(v.value) for v in optimizer.variables]
            self.programs[epsilon] = jax.jit(functools.partial(self._epoch, optimizer)), slots
        return self.programs[epsilon]


def read(path: Path) -> list[Row]:
    """Return the rows of a record, none if there is no such file."""
    if not path.exists():
        return []
    kinds = {field.name: field.type for field in dataclasses.fields(Row)}
    with path.open(newline="", encoding="utf-8") as file:
        return [Row(**{k: kinds[k](v) for k, v in row.items()}) for row in csv.DictReader(file)]


def append(rows: list[Row], path: Path):
    """Add rows to a record, and the head to a new one."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(field.name for field in dataclasses.fields(Row))
        writer.writerows(dataclasses.astuple(row) for row in rows)


def study(example, path, epochs, deadline, place):
    """Do the runs that the record lacks, as long as the longest one so far fits into the time.

    Parameters
    ----------
    example : Example
        ``run(epsilon, seed, epochs)`` yields what an epoch came to.
    path : pathlib.Path
        The record.
    epochs : int
        Of each run.
    deadline : float
        When to stop, on ``time.monotonic``'s clock.
    place : dict
        The columns that all rows share.
    """
    done = {(row.epsilon, row.seed) for row in read(path)}
    longest = 0.0
    for seed in SEEDS:
        for epsilon in ("inside", "outside"):
            if (epsilon, seed) in done:
                continue
            begun = time.monotonic()
            if begun + longest > deadline:
                print(f"{deadline - begun:.0f} s are left, too few for another run")
                return
            rows = []
            for epoch, loss, accuracy in example.run(epsilon, seed, epochs):
                seconds = time.monotonic() - begun
                rows.append(Row(epsilon, seed, epoch, loss, accuracy, round(seconds, 2), **place))
                if epoch % 10 == 0 or epoch == epochs:
                    print(f"ε {epsilon}, seed {seed}: {rows[-1]}", flush=True)
                if not math.isfinite(loss):
                    break
            append(rows, path)
            longest = max(longest, time.monotonic() - begun)


def main(arguments=None):
    """Run the study within its time."""
    begun = time.monotonic()
    options = options_of(arguments, __doc__, RECORD)
    import jax

    arrays = load(os.environ["RMSPROP_DATA"])
    epochs = 50
    if options.small:
        arrays, epochs = {name: array[:100] for name, array in arrays.items()}, 2
    place = {
        "device": jax.devices()[0].device_kind,
        "versions": versions(),
        "data": f"CIFAR-10 {DIGEST[:12]}, {len(arrays['y_train'])} images",
        "commit": options.commit,
    }
    study(Example(arrays), options.output, epochs, begun + options.seconds, place)


if __name__ == "__main__":
    sys.exit(main())
