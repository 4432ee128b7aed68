"""The book's experiments, by name: which runs each consists of, in either profile."""

import dataclasses
import itertools
import json
import math
import statistics
from collections.abc import Callable

from rmsbook.experiments.run import Record, Run
from rmsbook.experiments.store import NotRecorded

__all__ = ["CATALOGUE", "Experiment", "best_setting"]

Recorded = Callable[[str], list[Record]]  # from an experiment's name to its records


@dataclasses.dataclass(frozen=True)
class Experiment:
    """An experiment of the book.

    Attributes
    ----------
    about : str
        What it asks, in a sentence.
    runs : callable
        Returns its runs; gets a function that returns the records of an experiment, because a
        comparison takes the settings that a search found.
    needs : tuple of str
        The experiments whose records it asks for.
    metric : str
        The column of the curve by which a repeated run is compared with the recorded ones.
    tolerance : float
        How far its last value may be from them (see `rmsbook.experiments.statistics.agreement`).
    """

    about: str
    runs: Callable[[Recorded], list[Run]]
    needs: tuple[str, ...] = ()
    metric: str = "val_accuracy"
    tolerance: float = 0.02


GRID_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
GRID_RHOS = (0.5, 0.9, 0.99, 0.999)

# Half decades around each method's usual learning rate: seven trials for every method.
SEARCH_RATES = {
    "SGD": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "momentum": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "RMSprop": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "Adam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "Nadam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
EXTRA = {"momentum": {"momentum": 0.9}}  # settings beside the learning rate

# The same for recurrent networks, with a rate that falls to zero over the run; only the method
# whose step is as long as the gradient has it clipped.
RECURRENT_RATES = {
    "momentum": (3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "RMSprop": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "Adam": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
}
# Adam's best rate for the vowels was the largest of these, so the search got one more for each;
# and as 27 recordings to choose by are few, three seeds.
VOWEL_RATES = {
    "momentum": (*RECURRENT_RATES["momentum"], 3.0),
    "RMSprop": (*RECURRENT_RATES["RMSprop"], 0.3),
    "Adam": (*RECURRENT_RATES["Adam"], 0.3),
}
RECURRENT_EXTRA = {
    "momentum": {"schedule": "linear", "momentum": 0.9, "global_clipnorm": 1.0},
    "RMSprop": {"schedule": "linear"},
    "Adam": {"schedule": "linear"},
}
SEEDS = range(5)


def _mnist_grid(recorded):
    return [
        Run(
            "fit", "mnist", "small_cnn", "RMSprop", {"learning_rate": rate, "rho": rho}, seed, 1, 64
        )
        for seed, rate, rho in itertools.product(range(3), GRID_RATES, GRID_RHOS)
    ]


def _mnist_sample_grid(recorded):
    return [
        Run(
            "fit",
            "mnist-sample",
            "small_cnn",
            "RMSprop",
            {"learning_rate": rate, "rho": 0.9},
            seed,
            2,
            64,
        )
        for seed, rate in itertools.product(SEEDS, GRID_RATES)
    ]


def _mnist_sample_start(recorded):
    settings = itertools.product(SEEDS, GRID_RHOS, (False, True))
    return [
        Run(
            "fit",
            "mnist-sample",
            "small_cnn",
            "RMSprop",
            {"learning_rate": 3e-4, "rho": rho, "bias_correction": corrected},
            seed,
            2,
            64,
        )
        for seed, rho, corrected in settings
    ]


# Half decades around each method's usual learning rate, for a network that trains in a second.
DIGITS_RATES = {
    "SGD": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "RMSprop": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "Adam": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}


def _digits_rates(recorded):
    return [
        Run("fit", "digits", "small_mlp", name, {"learning_rate": rate}, seed, 10, 32)
        for seed in range(3)
        for name, rates in DIGITS_RATES.items()
        for rate in rates
    ]


def _search(data, model, rates_of, extra, epochs, batch_size=64, seeds=(100,)):
    """Return a function that returns a run for each learning rate and seed of each method."""

    def runs(recorded):
        return [
            _fit(data, model, name, extra, rate, seed, epochs, batch_size)
            for name, rates in rates_of.items()
            for rate in rates
            for seed in seeds
        ]

    return runs


def _comparison(search, by="val_accuracy", seeds=SEEDS, **changes):
    """Return a function that returns each method's best run of a search, from new seeds."""

    def runs(recorded):
        found = recorded(search)
        methods = dict.fromkeys(record.run.optimizer for record in found)
        again = {name: best_setting(found, name, by) for name in methods}
        return [
            dataclasses.replace(
                found[0].run, optimizer=name, settings=settings, seed=seed, **changes
            )
            for seed in seeds
            for name, settings in again.items()
        ]

    return runs


def _fit(data, model, name, extra, rate, seed, epochs, batch_size):
    settings = {"learning_rate": rate, **extra.get(name, {})}
    return Run("fit", data, model, name, settings, seed, epochs, batch_size)


def best_setting(records, optimizer, by="val_accuracy"):
    """Return the settings with the highest last validation accuracy, on average over the seeds.

    Of equals those with the lower validation loss; by="val_loss" looks at the loss alone.
    Settings of which a run diverged are never the best.

    Raises
    ------
    NotRecorded
        If no run of the optimizer is among the records, or some of all its settings diverged.
    """
    trials = {}
    for record in (record for record in records if record.run.optimizer == optimizer):
        settings = json.dumps(record.run.settings)
        trials.setdefault(settings, []).append(record)
    scores = {
        settings: (
            _mean_of_last(trial, "val_accuracy") if by == "val_accuracy" else 0,
            -_mean_of_last(trial, "val_loss"),
        )
        for settings, trial in trials.items()
        if not any(
            record.result["diverged"] or not math.isfinite(record.curve["val_loss"][-1])
            for record in trial
        )
    }
    if not scores:
        raise NotRecorded(f"none of the recorded runs of {optimizer} came to its end")
    return json.loads(max(scores, key=scores.get))


def _mean_of_last(records, column):
    return statistics.fmean(record.curve[column][-1] for record in records)


def _adding_cells(recorded):
    return [
        _fit("adding", f"adding_{cell}", "RMSprop", RECURRENT_EXTRA, rate, seed, 4, 64)
        for seed in range(3)
        for rate in (3e-3, 1e-2)
        for cell in ("rnn", "gru")
    ]


def _cifar10(model, seed, epochs, batch_size=64, **settings):
    return Run("fit", "cifar10", model, "RMSprop", settings, seed, epochs, batch_size)


def _cifar10_long(recorded):
    return [_cifar10("small_cnn", seed, 50, learning_rate=1e-3) for seed in range(3)]


def _cifar10_network(recorded):
    # as many epochs as it takes until the held-out accuracy stops rising
    run = _cifar10("small_cnn", 0, 10, learning_rate=1e-3)
    return [dataclasses.replace(run, task="inspect")]


def _cifar10_decay(recorded):
    return [
        _cifar10("small_cnn", 0, 3, learning_rate=1e-3, schedule="inverse", decay=0.9),
        _cifar10("small_cnn", 0, 3, learning_rate=1e-3),
    ]


def _cifar10_remedies(recorded):
    return [
        _cifar10("augmented_cnn", 0, 50, learning_rate=1e-3),
        _cifar10("augmented_cnn", 0, 50, learning_rate=1e-3, schedule="cosine"),
        _cifar10("dropout_cnn", 0, 50, learning_rate=1e-3, schedule="cosine"),
    ]


def _cifar10_example(recorded):
    settings = {"learning_rate": 1e-4, "schedule": "inverse", "decay": 1e-6}
    return [_cifar10("cifar10_cnn", 0, 50, 32, **settings)]


def _mnist_mlp(recorded):
    return [
        Run("fit", "mnist", "mnist_mlp", "RMSprop", {"learning_rate": 0.001}, seed, 20, 128)
        for seed in SEEDS
    ]


def _mnist_siamese(recorded):
    settings = {"learning_rate": 0.001}
    return [
        Run("fit_pairs", "mnist", "mnist_siamese", "RMSprop", settings, seed, 20, 128)
        for seed in SEEDS
    ]


# Rates a factor of two apart, so that four times the batch is one, two or no steps away: not
# scaled, by the root, or linearly. The memory spans as many examples whatever the batch.
BATCH_RATES = tuple(1e-3 * 2.0**k for k in range(-3, 5))
BATCHES = (32, 128, 512)
POWERS = (0, 0.5, 1)  # of the factor by which the batch is larger


def _batch(size, rate, seed):
    rho = 1 - size / BATCHES[0] * 0.01
    settings = {"learning_rate": rate, "rho": rho, "epsilon": 1e-12, "bias_correction": True}
    return Run("fit_numpy", "mnist", "numpy_mlp", "RMSprop", settings, seed, 4, size, 20_000)


def _batch_search(recorded):
    return [
        _batch(size, rate, seed) for seed in (100, 101) for size in BATCHES for rate in BATCH_RATES
    ]


def _batch_rule(recorded):
    smallest = [r for r in recorded("batch-search") if r.run.batch_size == BATCHES[0]]
    rate = best_setting(smallest, "RMSprop", "val_loss")["learning_rate"]
    runs = [
        _batch(size, rate * (size / BATCHES[0]) ** power, seed)
        for seed in SEEDS
        for size in BATCHES
        for power in POWERS
    ]
    return list(dict.fromkeys(runs))  # the smallest batch has nothing to scale


# What EfficientNet's code and torchvision's MobileNetV3 give to RMSprop; the learning rate for a
# batch of 128 follows from 0.016 for 256 images there, and from 0.064 for 1024 here.
RECIPE = {"learning_rate": 0.008, "rho": 0.9, "momentum": 0.9}
RECIPES = {
    "efficientnet_b0": RECIPE | {"epsilon": 1e-3, "initial_accumulator_value": 1.0},
    "mobilenet_v3": RECIPE | {"epsilon": 0.0316, "epsilon_inside": False},
}


def _recipes(recorded):
    return [
        Run("divide", "cifar10", model, "RMSprop", settings, 0, 4, 128, 2560)
        for model, settings in RECIPES.items()
    ]


def _cifar10_epsilon(recorded):
    settings = {"learning_rate": 1e-4, "schedule": "inverse", "decay": 1e-6}
    return [
        Run("divide", "cifar10", "cifar10_cnn", "RMSprop", settings | where, seed, 5, 32, 5000)
        for seed in range(2)
        for where in ({}, {"epsilon_inside": False})
    ]


# The settings of stable-baselines3's A2C; Adam, untuned like them, differs in its rule alone.
A2C_SETTINGS = {
    "RMSprop": {"learning_rate": 7e-4, "rho": 0.99, "epsilon": 1e-5, "epsilon_inside": False},
    "Adam": {"learning_rate": 7e-4, "epsilon": 1e-5},
}


def _cartpole(recorded):
    return [
        Run("cartpole", "CartPole-v1", "actor_critic", name, settings, seed, 50, 40)
        for seed in SEEDS
        for name, settings in A2C_SETTINGS.items()
    ]


CATALOGUE = {
    "digits-rates": Experiment(
        "Five learning rates for each of three optimizers, on digits that every machine has.",
        _digits_rates,
    ),
    "mnist-grid": Experiment(
        "RMSprop on MNIST: which learning rates and which ρ work together?", _mnist_grid
    ),
    "mnist-sample-rates": Experiment(
        "RMSprop on 5,000 digits that every machine has: the grid's learning rates, in small.",
        _mnist_sample_grid,
    ),
    "mnist-sample-start": Experiment(
        "Is it the memory that makes a larger ρ faster, or the long first steps?",
        _mnist_sample_start,
    ),
    "mnist-search": Experiment(
        "Seven learning rates for each of five optimizers on MNIST.",
        _search("mnist", "small_cnn", SEARCH_RATES, EXTRA, 2),
    ),
    "mnist-comparison": Experiment(
        "Five optimizers on MNIST, each at its best learning rate, five seeds.",
        _comparison("mnist-search", epochs=10),
        ("mnist-search",),
    ),
    "cifar10-search": Experiment(
        "Seven learning rates for each of five optimizers on CIFAR-10.",
        _search("cifar10", "small_cnn", SEARCH_RATES, EXTRA, 2),
    ),
    "cifar10-comparison": Experiment(
        "Five optimizers on CIFAR-10, each at its best learning rate, five seeds.",
        _comparison("cifar10-search", epochs=10),
        ("cifar10-search",),
    ),
    "cifar10-long": Experiment(
        "Article A's network on CIFAR-10 for its 50 epochs: 96.5 %?", _cifar10_long
    ),
    "cifar10-network": Experiment(
        "What are the first filters of article A's network, and what does it confuse?",
        _cifar10_network,
    ),
    "cifar10-decay": Experiment(
        "What is left of a training if decay = 0.9 shrinks the learning rate, as in Keras 2?",
        _cifar10_decay,
    ),
    "cifar10-remedies": Experiment(
        "How far do augmentation, a schedule and dropout bring article A's network?",
        _cifar10_remedies,
    ),
    "cifar10-example": Experiment(
        "Keras's example cifar10_cnn again: 75 % after 25 epochs, 79 % after 50?",
        _cifar10_example,
    ),
    "vowels-search": Experiment(
        "An LSTM recognises nine speakers: seven learning rates for each of three optimizers.",
        _search("vowels", "vowel_lstm", VOWEL_RATES, RECURRENT_EXTRA, 40, 16, (100, 101, 102)),
    ),
    "vowels-comparison": Experiment(
        "The same at each method's best learning rate, five seeds.",
        _comparison("vowels-search"),
        ("vowels-search",),
        tolerance=0.1,  # of 27 recordings
    ),
    "rows-search": Experiment(
        "An LSTM reads MNIST row by row: six learning rates for each of three optimizers.",
        _search("mnist", "row_lstm", RECURRENT_RATES, RECURRENT_EXTRA, 2),
    ),
    "rows-comparison": Experiment(
        "The same at each method's best learning rate, five seeds.",
        _comparison("rows-search"),
        ("rows-search",),
    ),
    "adding-search": Experiment(
        "An LSTM adds two of a hundred numbers: six learning rates for each of three optimizers.",
        _search("adding", "adding_lstm", RECURRENT_RATES, RECURRENT_EXTRA, 4),
        metric="val_loss",
    ),
    "adding-comparison": Experiment(
        "The same at each method's best learning rate, ten seeds.",
        _comparison("adding-search", by="val_loss", seeds=range(10)),
        ("adding-search",),
        metric="val_loss",
    ),
    "adding-cells": Experiment(
        "The same sum by a plain recurrent network and by a GRU, trained with RMSprop.",
        _adding_cells,
        metric="val_loss",
    ),
    "mnist-mlp": Experiment(
        "Keras's example mnist_mlp again: 98.40 % after 20 epochs?", _mnist_mlp
    ),
    "mnist-siamese": Experiment(
        "Keras's example mnist_siamese again: 97.2 % after 20 epochs?", _mnist_siamese
    ),
    "batch-search": Experiment(
        "MNIST in NumPy: which learning rate suits a batch of 32, of 128, of 512?", _batch_search
    ),
    "batch-rule": Experiment(
        "The best rate for 32, carried to 128 and 512: linearly, by the root, not at all.",
        _batch_rule,
        ("batch-search",),
    ),
    "recipes": Experiment(
        "EfficientNet's and MobileNetV3's recipe: over which part of the weights does ε decide?",
        _recipes,
        metric="ruled",
        tolerance=0.1,
    ),
    "cifar10-epsilon": Experiment(
        "Keras's example cifar10_cnn with ε outside the root, where old Keras had it.",
        _cifar10_epsilon,
        tolerance=0.1,
    ),
    "cartpole": Experiment(
        "An actor-critic balances a pole: RMSprop with A2C's settings, and Adam.",
        _cartpole,
        metric="mean_return",
        tolerance=50,
    ),
}
