"""What a data set is: examples and labels for training and testing, and where they come from."""

import dataclasses

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
DIGITS = tuple("0123456789")


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
    classes: tuple[str, ...] = DIGITS
    note: str = ""

    _items = "images"

    def __post_init__(self):
        for key in ARRAYS:  # views: the caller's arrays stay writeable
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
