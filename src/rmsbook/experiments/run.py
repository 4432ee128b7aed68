"""One training: its description, its hash, and what is kept of it."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import math
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rmsprop.settings import whole

__all__ = ["Record", "Run", "execute"]

PACKAGES = ("numpy", "tensorflow", "keras")
# Raise a task's or model's when an edit changes what its runs give: they become new runs, and the
# old records are no longer theirs. A first version is not written down.
VERSIONS = {
    "fit": 1,
    "inspect": 1,
    "divide": 1,
    "fit_pairs": 1,
    "fit_numpy": 1,
    "cartpole": 1,
    "actor_critic": 1,
    "numpy_mlp": 1,
    "small_mlp": 1,
    "mnist_mlp": 1,
    "small_cnn": 1,
    "augmented_cnn": 1,
    "dropout_cnn": 1,
    "cifar10_cnn": 1,
    "efficientnet_b0": 1,
    "mobilenet_v3": 1,
    "mnist_siamese": 1,
    "row_lstm": 1,
    "vowel_lstm": 1,
    "adding_lstm": 1,
    "adding_gru": 1,
    "adding_rnn": 1,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """The description of one training. Two runs with the same description are the same run.

    Attributes
    ----------
    task : str
        What is done: a name in `rmsbook.experiments.tasks.TASKS`.
    data, model : str
        What is learned, and by which model; names that the task knows.
    optimizer : str
        A name in `rmsbook.experiments.tasks.OPTIMIZERS`.
    settings : dict
        The optimizer's settings, such as ``{"learning_rate": 0.001}``: numbers, texts, booleans.
        Numbers are kept as floats, so that 1 and 1.0 are one run.
    seed : int
        Decides the first weights, the order of the examples and whatever else is random.
    epochs, batch_size : int
        How long, and how many examples a step takes.
    examples : int, optional
        How many training examples are used, and at most as many for validation and for the test;
        by default all.
    versions : dict of str to int
        The versions of task and model, where not the first: those of the code, or, of a run that
        was read, those that it was done with. Not an argument.

    Raises
    ------
    ValueError
        If a name is not a text, a count not a whole number from 1 (the seed: from 0), or a
        setting not a finite number, text or boolean.

    Examples
    --------
    >>> run = Run("fit", "digits", "small_mlp", "RMSprop", {"learning_rate": 0.001}, 0, 1, 64)
    >>> run.key
    '73d3aa8bf9fa9ce6'
    >>> dataclasses.replace(run, seed=1).key == run.key
    False
    """

    task: str
    data: str
    model: str
    optimizer: str
    settings: Mapping[str, float | str | bool]
    seed: int
    epochs: int
    batch_size: int
    examples: int | None = None
    versions: Mapping[str, int] = dataclasses.field(init=False)

    def __post_init__(self):
        for name in ("task", "data", "model", "optimizer"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be a text, not {getattr(self, name)!r}")
        for name, least in (("seed", 0), ("epochs", 1), ("batch_size", 1), ("examples", 1)):
            value = getattr(self, name)
            if name != "examples" or value is not None:
                object.__setattr__(self, name, whole(least)(name, value))
        if not isinstance(self.settings, Mapping):
            raise ValueError(f"settings must be a dict, not {self.settings!r}")
        settings = {name: _setting(name, value) for name, value in self.settings.items()}
        object.__setattr__(self, "settings", settings)
        versions = {name: VERSIONS.get(name, 1) for name in (self.task, self.model)}
        later = {name: version for name, version in versions.items() if version > 1}
        object.__setattr__(self, "versions", later)

    def to_json(self) -> str:
        """Return the description as one line of JSON, always the same for the same run."""
        description = dataclasses.asdict(self)
        if not self.versions:
            del description["versions"]
        return json.dumps(description, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Run":
        """Return the run that `to_json` described."""
        description = json.loads(text)
        versions = description.pop("versions", {})
        run = cls(**description)
        object.__setattr__(run, "versions", versions)
        return run

    @property
    def key(self) -> str:
        """The run's name: the first 16 digits of the SHA-256 of its description."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def __eq__(self, other):
        return isinstance(other, Run) and self.to_json() == other.to_json()

    def __hash__(self):
        return hash(self.to_json())

    def __str__(self):
        settings = ", ".join(f"{name}={value}" for name, value in sorted(self.settings.items()))
        return f"{self.data} {self.model} {self.optimizer}({settings}) seed {self.seed}"


def _setting(name, value):
    """Return a setting as it is kept, equal values alike: 1 and 1.0, and 0.0 and -0.0."""
    if isinstance(value, bool | str):
        return value
    with contextlib.suppress(OverflowError):  # a whole number that no float can hold
        if isinstance(value, float | int) and math.isfinite(value):
            return float(value) + 0.0
    raise ValueError(f"settings[{name!r}] must be a finite number, text or boolean, not {value!r}")


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """What is kept of a run.

    Attributes
    ----------
    run : Run
        The description.
    curve : dict of str to numpy.ndarray
        One column each, a value an epoch: ``epoch`` and whatever the task measures.
    result : dict of str to float
        What was measured once, at the end; ``diverged`` is 1 if the loss, in training or
        in validation, stopped being finite.
    provenance : dict
        Device, versions, hash of the data, commit, and the seconds it took.
    """

    run: Run
    curve: Mapping[str, np.ndarray]
    result: Mapping[str, float]
    provenance: Mapping[str, object]


def execute(run: Run) -> Record:
    """Do what a run describes, in this process.

    Parameters
    ----------
    run : Run

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        If the task, data, model, optimizer or a setting is unknown; the message names it.
    """
    from rmsbook.experiments.tasks import NUMPY_TASKS, TASKS

    if run.task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(sorted(TASKS))}, not {run.task!r}")
    from rmsbook.runtime import start_tensorflow

    device = "CPU" if run.task in NUMPY_TASKS else start_tensorflow().device
    started = time.perf_counter()
    curve, result, data_hash = TASKS[run.task](run)
    seconds = time.perf_counter() - started
    provenance = {
        "device": device,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "data": data_hash,
        "commit": commit(),
        "seconds": round(seconds, 1),
    }
    return Record(
        run, {name: np.asarray(values) for name, values in curve.items()}, result, provenance
    )


def commit() -> str:
    """Return the commit of the library's source, or its version where there is no repository."""
    folder = Path(__file__).resolve().parent
    # Without locks: others may be at work in the repository.
    git = ["git", "--no-optional-locks", "-C", str(folder)]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        # An installed copy may lie in the folder of somebody else's repository.
        tracked = [*git, "ls-files", "--error-unmatch", Path(__file__).name]
        subprocess.run(tracked, capture_output=True, check=True)
        return subprocess.run(
            [*git, "describe", "--always", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    return f"rmsprop {importlib.metadata.version('rmsprop')}"
