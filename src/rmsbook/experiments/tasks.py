"""What a run can do: train a model, Keras's or our own, and watch it on a validation split.

Reinforcement learning, the other task, is in `rmsbook.experiments.cartpole`.
"""

import contextlib
import functools
import hashlib
import logging
import random

import numpy as np

from rmsbook import data as datasets
from rmsbook.experiments import cartpole
from rmsbook.networks import MLP
from rmsprop import optimizers

__all__ = [
    "DATA",
    "NUMPY_TASKS",
    "OPTIMIZERS",
    "TASKS",
    "build_optimizer",
    "divide",
    "fit",
    "fit_numpy",
    "fit_pairs",
    "inspect",
    "pairs",
    "split",
]

HIDDEN = 64  # units of the network in NumPy
LEVELS = (1, 5, *range(10, 100, 10), 95, 99)  # quantiles, in percent
VALIDATION = 0.1  # the part of the training examples that is held back to choose settings by
STEPS_AT_ONCE = 20  # steps that Keras runs before it looks at its callbacks again


def fit(run):
    """Train ``run.model`` on ``run.data``; test it once, at the end.

    A tenth of the training examples, the same for every run, is held back: the curve has the loss
    and the accuracy on it after each epoch. The test examples are used after the last epoch only.
    Where the answer is a number, the loss is the squared error, and there is no accuracy.

    Returns
    -------
    curve : dict of str to list
        ``epoch``, ``loss`` (mean over the epoch's batches, dropout included), ``accuracy``,
        ``val_loss``, ``val_accuracy``.
    result : dict
        ``test_loss``, ``test_accuracy``, ``diverged``; a run that diverged is not tested.
    data : str
        The first 16 digits of the SHA-256 of the examples.
    """
    _, _, curve, result, data = _fitted(run)
    return curve, result, data


def inspect(run):
    """Train a classifier as `fit` does, and write down what it has learned and what it confuses.

    Returns
    -------
    curve, result, data
        Those of `fit`. The result has more: ``weight_0``, ``weight_1``, …, the numbers in the
        first layer's kernel, the last axis fastest; and ``answer_i_j`` for each two classes: how
        many test examples of class i it takes for class j. If it diverged, it has neither.
    """
    model, (examples, truth), curve, result, data = _fitted(run)
    if not result["diverged"]:
        kernel = model.trainable_weights[0].numpy()
        result |= {f"weight_{k}": weight for k, weight in enumerate(kernel.ravel().tolist())}
        answers = model.predict(examples, verbose=0)
        counts = np.zeros((answers.shape[1],) * 2, int)
        np.add.at(counts, (truth, answers.argmax(axis=1)), 1)
        result |= {f"answer_{i}_{j}": float(count) for (i, j), count in np.ndenumerate(counts)}
    return curve, result, data


def divide(run):
    """Train a classifier with RMSprop as `fit` does, and watch what it divides by.

    ε decides over a weight if it is the larger part of the divisor: larger than √v if it stands
    outside the root, and than v if inside. Only weights that have had a gradient count, and what
    is left of the v before the first step is taken off.

    Returns
    -------
    curve, result, data
        Those of `fit`. The curve has more: ``ruled``, the part of the weights over which ε
        decides, after each epoch; the result too: ``root_1``, ``root_5``, …, quantiles of √v at
        the end.
    """
    import keras

    settings = {"rho": 0.9, "epsilon": 1e-7, "epsilon_inside": True} | run.settings
    start = settings.get("initial_accumulator_value", 0.0)
    root = np.zeros(0)

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            nonlocal root
            optimizer = self.model.optimizer
            left = start * settings["rho"] ** float(optimizer.iterations)
            v = np.concatenate([np.ravel(slot) for slot in optimizer._velocities]) - left
            root = np.sqrt(v[v > 1e-30])
            threshold = settings["epsilon"] ** (0.5 if settings["epsilon_inside"] else 1.0)
            logs["ruled"] = float(np.mean(root < threshold))

    _, _, curve, result, data = _fitted(run, [Watch()])
    values = np.percentile(root, LEVELS).tolist()
    result |= {f"root_{level}": value for level, value in zip(LEVELS, values, strict=True)}
    return curve, result, data


def fit_pairs(run):
    """Train a model of distances, ``mnist_siamese``, on `pairs` of images, as `fit` does others.

    The pairs are made within the training, validation and test examples, by the run's seed. What
    counts as right is a distance below 0.5 for a pair of one class, and only for such a pair.

    Returns
    -------
    curve, result, data
        Those of `fit`; the loss is `rmsbook.keras_models.contrastive`. The result has one more:
        ``test_precision``, the part of the test pairs found alike that are of one class; if none
        is found, 0.
    """
    from keras import ops

    from rmsbook.keras_models import contrastive, found_alike

    def accuracy(alike, distance):
        return found_alike(distance) == (ops.reshape(alike, (-1,)) == 1)

    rng = np.random.default_rng(run.seed)
    model, (examples, alike), curve, result, data = _fitted(
        run,
        cut=lambda data, examples: [pairs(*part, rng) for part in split(data, examples)],
        aim={"loss": contrastive, "metrics": [accuracy]},
    )
    if not result["diverged"]:
        found = found_alike(model.predict(examples, verbose=0)).numpy()
        result["test_precision"] = float(alike[found].sum() / max(found.sum(), 1))
    return curve, result, data


def fit_numpy(run):
    """Train the book's own network, `rmsbook.networks.MLP`, as `fit` does Keras's.

    ``run.model`` must be "numpy_mlp": one hidden layer of 64 rectified units. ``run.settings``
    are those of the optimizer in `rmsprop.optimizers`.

    Returns
    -------
    curve, result, data
        Those of `fit`, without the loss and accuracy in training.
    """
    data = _known("data", run.data, DATA)()
    _known("model", run.model, {"numpy_mlp": MLP})
    (x, y), validation, test = (
        (images.reshape(len(images), -1) / data.x_train.max(), labels.astype(int))
        for images, labels in split(data, run.examples)
    )
    rng = np.random.default_rng(run.seed)
    model = MLP((x.shape[1], HIDDEN, int(data.y_train.max()) + 1), rng=rng)
    optimizer = _known("optimizer", run.optimizer, NUMPY_OPTIMIZERS)(
        **run.settings,
        nonfinite="skip",  # what has diverged is recorded as that
    )
    curve = {"epoch": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(1, run.epochs + 1):
        order = rng.permutation(len(y))
        for first in range(0, len(y), run.batch_size):
            batch = order[first : first + run.batch_size]
            optimizer.step(model.parameters, model.gradients(x[batch], y[batch]))
        curve["epoch"].append(epoch)
        curve["val_loss"].append(model.loss(*validation))
        curve["val_accuracy"].append(model.accuracy(*validation))
    result = {"diverged": float(not np.isfinite(curve["val_loss"][-1]))}
    if not result["diverged"]:
        result |= {"test_loss": model.loss(*test), "test_accuracy": model.accuracy(*test)}
    return curve, result, _hash(data)


def _fitted(run, watchers=(), cut=None, aim=None):
    """Return the trained model, the test examples and their truth, and what `fit` returns.

    `cut` takes the place of `split`; `aim` has a loss and metrics for what is not classification
    or regression.
    """
    import keras

    from rmsbook import keras_models

    data = _known("data", run.data, DATA)()
    train, validation, test = (cut or split)(data, run.examples)
    batches = functools.partial(_batches, np.float32(data.x_train.max()))
    keras.backend.clear_session()
    # Each run is a new model and traced anew, on purpose: TensorFlow need not warn of it.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    keras.utils.set_random_seed(run.seed)
    with _seeds_of_layers(run.seed):
        model = _known("model", run.model, keras_models.BUILDERS)(data.x_train.shape[1:])
    steps = -(-len(train[1]) // run.batch_size)
    model.compile(
        optimizer=build_optimizer(run, steps),
        **(aim or _aim(data)),
        steps_per_execution=min(STEPS_AT_ONCE, steps),
        jit_compile=False,
    )
    curve = model.fit(
        batches(*train, run.batch_size, run.seed),
        epochs=run.epochs,
        validation_data=batches(*validation, 500),
        callbacks=[keras.callbacks.TerminateOnNaN(), *watchers],
        shuffle=False,  # the batches are shuffled already
        verbose=0,
    ).history
    # The last batch may end it: then the loss, a mean of what was before each step, is finite.
    diverged = not np.isfinite([curve["loss"][-1], curve["val_loss"][-1]]).all()
    result = {"diverged": float(diverged)}
    examples = batches(*test, 500)
    if not diverged:
        tested = model.evaluate(examples, verbose=0, return_dict=True)
        result |= {f"test_{name}": value for name, value in tested.items()}
    curve = {"epoch": list(range(1, len(curve["loss"]) + 1)), **curve}
    return model, (examples, test[1]), curve, result, _hash(data)


def _aim(data):
    """Return the loss and the metrics of regression or of classification."""
    if data.y_train.dtype.kind == "f":
        return {"loss": "mean_squared_error", "metrics": []}
    return {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


TASKS = {
    "fit": fit,
    "inspect": inspect,
    "divide": divide,
    "fit_pairs": fit_pairs,
    "fit_numpy": fit_numpy,
    "cartpole": cartpole.train,
}
NUMPY_TASKS = {"cartpole", "fit_numpy"}  # on the CPU, without TensorFlow
NUMPY_OPTIMIZERS = {"RMSprop": optimizers.RMSprop, "Adam": optimizers.Adam, "SGD": optimizers.SGD}


def complete(load):
    """Return a loader that refuses a stand-in: a record must be of the data it names."""

    def loader():
        data = load()
        if not data.complete:
            raise ValueError(f"the complete data are needed, at hand are only: {data}")
        return data

    return loader


DATA = {
    "mnist": complete(datasets.load_mnist),
    "mnist-sample": datasets.load_mnist_sample,
    "cifar10": complete(datasets.load_cifar10),
    "digits": datasets.load_digits,
    "vowels": datasets.load_japanese_vowels,
    "adding": datasets.load_adding_problem,
}


def split(data, examples=None):
    """Cut a data set into training, validation and test examples, always the same way.

    Parameters
    ----------
    data : Dataset
    examples : int, optional
        How many of each at most, by default all.

    Returns
    -------
    train, validation, test : tuple of arrays
        Each (x, y). A tenth of the data set's training examples, drawn at random, are held back
        for validation.
    """
    order = np.random.default_rng(0).permutation(len(data.y_train))
    held = round(VALIDATION * len(order))
    train, validation = order[held:][:examples], order[:held][:examples]
    test = np.random.default_rng(0).permutation(len(data.y_test))[:examples]
    return (
        (data.x_train[train], data.y_train[train]),
        (data.x_train[validation], data.y_train[validation]),
        (data.x_test[test], data.y_test[test]),
    )


def pairs(x, y, rng):
    """Return pairs of examples, half of them of one class, as Keras's `mnist_siamese` makes them.

    The example at each place of each class comes twice: with the next one of its class, and with
    the one at the same place of another class that is drawn at random. A class gives as many
    pairs as the smallest has to give.

    Parameters
    ----------
    x, y : array
        Examples and their classes.
    rng : numpy.random.Generator

    Returns
    -------
    examples : array
        Shape (N, 2, …).
    alike : array of int
        Shape (N,): 1 for a pair of one class, 0 for a pair of two, in turn.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or fewer than two examples of one.
    """
    members = [np.flatnonzero(y == label) for label in np.unique(y)]
    few = min(map(len, members), default=0)
    if len(members) < 2 or few < 2:
        raise ValueError(
            "y must have two classes or more, each with two examples or more, "
            f"not {len(members)} with at least {few}"
        )
    table = np.stack([places[:few] for places in members])  # one row a class
    rows, columns = np.indices((len(table), few - 1))
    others = (rows + rng.integers(1, len(table), rows.shape)) % len(table)
    chosen = np.stack(
        [table[rows, columns], table[rows, columns + 1],
         table[rows, columns], table[others, columns]], axis=-1
    )  # fmt: skip
    chosen = chosen.reshape(-1, 2)
    return x[chosen], np.tile([1, 0], len(chosen) // 2)


@contextlib.contextmanager
def _seeds_of_layers(seed):
    """Let Keras draw the seeds of layers from a generator that nobody else draws from.

    It takes them from Python's own, as other threads do at any time, for one those of dask.
    """
    from keras.src.random import seed_generator

    shared = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = shared


def _batches(scale, x, y, batch_size, seed=None):
    """Return batches of images from 0 to 1, shuffled anew each epoch if there is a seed."""
    import tensorflow as tf

    if x.ndim == 3:  # grey images have no axis for the colour; models of sequences drop it again
        x = x[..., None]
    x, y = tf.constant(x), tf.constant(y)  # as bytes: floats would be four times as large

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert in it
    def take(index):
        return tf.cast(tf.gather(x, index), tf.float32) / scale, tf.gather(y, index)

    order = tf.data.Dataset.range(len(y))
    if seed is not None:
        order = order.shuffle(len(y), seed=seed, reshuffle_each_iteration=True)
    options = tf.data.Options()
    # There is nothing to tune, and the end of an epoch would wait for the tuner, which sleeps.
    options.autotune.enabled = False
    return order.batch(batch_size).map(take).prefetch(1).with_options(options)


def _keras(name):
    def make(**settings):
        import keras

        return getattr(keras.optimizers, name)(**settings)

    return make


def _ours(name):
    def make(**settings):
        import rmsprop.keras

        return getattr(rmsprop.keras, name)(**settings)

    return make


#: The optimizers a run can name. RMSprop is the book's own, tested equal to Keras's.
OPTIMIZERS = {
    "SGD": _keras("SGD"),
    "momentum": _keras("SGD"),
    "RMSprop": _ours("RMSprop"),
    "Adam": _keras("Adam"),
    "Nadam": _keras("Nadam"),
}


def build_optimizer(run, steps_per_epoch):
    """Return a run's Keras optimizer.

    Beside Keras's own settings a run may give ``schedule``: "linear" or "cosine" let the learning
    rate fall to zero over the whole run, "inverse" divides it by 1 + ``decay`` · step, which is
    what ``decay`` meant in Keras until 2.10.

    Raises
    ------
    ValueError
        If the optimizer or the schedule is unknown, ``decay`` comes without its schedule, or a
        schedule without ``learning_rate``.
    """
    import keras.optimizers.schedules as keras_schedules

    settings = dict(run.settings)
    make = _known("optimizer", run.optimizer, OPTIMIZERS)
    schedule, decay = settings.pop("schedule", None), settings.pop("decay", None)
    if (schedule == "inverse") != (decay is not None):
        raise ValueError(f"decay belongs to the schedule 'inverse', not to {schedule!r}: {decay!r}")
    if schedule is not None:
        if "learning_rate" not in settings:
            raise ValueError(f"settings must give learning_rate to the schedule {schedule!r}")
        rate, total = settings["learning_rate"], run.epochs * steps_per_epoch
        schedules = {
            "linear": lambda: keras_schedules.PolynomialDecay(rate, total, 0.0),
            "cosine": lambda: keras_schedules.CosineDecay(rate, total),
            "inverse": lambda: keras_schedules.InverseTimeDecay(rate, 1, decay),
        }
        settings["learning_rate"] = _known("schedule", schedule, schedules)()
    return make(**settings)


def _known(what, name, known):
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}")
    return known[name]


def _hash(data):
    digest = hashlib.sha256()
    for part in (data.x_train, data.y_train, data.x_test, data.y_test):
        digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()[:16]
