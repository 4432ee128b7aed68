"""MNIST, CIFAR-10, the 8×8 digits and spoken vowels: real data that say where they come from.

And one task that is made up, the adding problem, because its answer is known.

A loader looks in this order and stops at the first that has the data:

1. the folder named by the environment variable ``RMSPROP_DATA``: ``mnist.npz`` and
   ``cifar10.npz``, each with the ``uint8`` arrays x_train, y_train, x_test and y_test;
2. Keras's cache, ``~/.keras/datasets`` or the one in ``KERAS_HOME``;
3. the data's own address, downloaded into that cache (never when ``RMSPROP_OFFLINE=1``);
4. real data that installed packages ship: few, but enough to run every chapter.

Whatever comes from a file is checked against the SHA-256 of its content, and no pickle is ever
read. ``python -m rmsbook.data`` shows where each data set comes from and downloads what it
can.
"""

from rmsbook.data.carried import (
    load_adding_problem,
    load_digits,
    load_japanese_vowels,
    load_mnist_sample,
)
from rmsbook.data.dataset import AddingProblem, Dataset, DatasetError, Recordings
from rmsbook.data.files import SHAPES, fingerprint, load_cifar10, load_mnist

__all__ = [
    "SHAPES",
    "AddingProblem",
    "Dataset",
    "DatasetError",
    "Recordings",
    "fingerprint",
    "load_adding_problem",
    "load_cifar10",
    "load_digits",
    "load_japanese_vowels",
    "load_mnist",
    "load_mnist_sample",
]
