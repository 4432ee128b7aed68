"""A folder of recorded runs: one small text table each, that any editor opens."""

import csv
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np

from rmsbook.experiments.run import Record, Run

__all__ = ["NotRecorded", "Store", "StoreError", "from_text", "to_text"]


class NotRecorded(LookupError):  # noqa: N818 – an error only for who needs the record
    """What is asked for was not recorded (yet); the message says how to do it."""


class StoreError(Exception):
    """A record is damaged, or a folder takes none; the message names the file or folder."""


class Store:
    """The records of one experiment.

    A record is written under a temporary name and renamed, so that a killed process leaves either
    the whole record or none. Several processes may use a store at once: see `claim`, and let
    ``with store:`` give back what was claimed.

    Parameters
    ----------
    folder : path-like
        Where the records are; made with the first of them.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> run = Run("fit", "digits", "small_cnn", "SGD", {"learning_rate": 0.1}, 0, 1, 64)
    >>> store.write(Record(run, {"epoch": np.array([1]), "loss": np.array([2.3])}, {}, {}))
    >>> store.read(run).curve["loss"].tolist()
    [2.3]
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._locks = None

    def path(self, run: Run) -> Path:
        """Return the file of a run's record."""
        return self.folder / f"{run.key}.csv"

    def __contains__(self, run: Run) -> bool:
        return self.path(run).exists()

    def write(self, record: Record) -> None:
        """Keep a record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(record.run)
        temporary = path.with_suffix(".part")
        with temporary.open("w", encoding="utf8", newline="\n") as file:
            file.write(to_text(record))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def read(self, run: Run) -> Record:
        """Return the record of a run.

        Raises
        ------
        FileNotFoundError
            If the run was not recorded.
        StoreError
            If its record is damaged, or is that of another run.
        """
        path = self.path(run)
        try:
            record = from_text(path.read_text("utf8"))
        except (TypeError, ValueError) as error:
            raise StoreError(f"{path} is damaged: {error}") from error
        if record.run != run:
            raise StoreError(f"{path} is damaged: it holds another run, {record.run}")
        return record

    def set_aside(self, run: Run) -> Path | None:
        """Rename the record of a run if it is damaged, so that the run counts as missing.

        Returns
        -------
        Path or None
            The new name; None if the record is sound, not there, or another process is at it.
        """
        # To look needs no claim: a sound store may be on a disk that cannot be written.
        if not self._is_damaged(run) or not self.claim(run):
            return None
        try:
            if self._is_damaged(run):  # still: nobody else has mended it
                return self.path(run).replace(self.path(run).with_suffix(".damaged"))
        finally:
            self.release(run)
        return None

    def _is_damaged(self, run):
        try:
            if run in self:
                self.read(run)
        except StoreError:
            return True
        return False

    def claim(self, run: Run) -> bool:
        """Reserve a run for this process; False if another process has it.

        The claim ends with `release`, at the end of ``with store:``, or with the process, however
        that ends: it is a lock of the operating system on one byte of the file ``.lock``, at a
        place that the run's name decides. Such locks are the process's, so it shall use a folder
        through one `Store` at a time.

        Raises
        ------
        StoreError
            If nothing can be written or locked in the folder.
        """
        try:
            import fcntl  # here, because Windows has none, and reading needs none
        except ImportError as error:
            raise StoreError(
                "to record needs the file locks of Linux or macOS (on Windows: of WSL), "
                "which this system lacks; what is recorded can be read without"
            ) from error
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._locks is None:
                self._locks = (self.folder / ".lock").open("a+b")
        except OSError as error:
            raise StoreError(f"no record can be written in {self.folder}: {error}") from error
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(run))
        except (BlockingIOError, PermissionError):  # which of them is up to the system
            return False
        except OSError as error:
            raise StoreError(f"{self.folder} has no locks for its files: {error}") from error
        return True

    def release(self, run: Run) -> None:
        """Give a claimed run back."""
        import fcntl

        fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, _place(run))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._locks is not None:
            self._locks.close()
            self._locks = None


def _place(run):
    return int(run.key[:12], 16)


def to_text(record: Record) -> str:
    """Return a record as the text of its file: three lines of JSON, a checksum, a table."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(record.curve)
    for row in zip(*record.curve.values(), strict=True):
        rows.writerow([f"{value:.7g}" for value in row])
    result = {name: float(f"{value:.7g}") for name, value in record.result.items()}
    body = (
        f"# run: {record.run.to_json()}\n"
        f"# result: {json.dumps(result)}\n"
        f"# provenance: {json.dumps(dict(record.provenance), sort_keys=True)}\n" + table.getvalue()
    )
    return f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def from_text(text: str) -> Record:
    """Return the record that `to_text` wrote.

    Raises
    ------
    TypeError, ValueError
        If the text is not what was written.
    """
    head, _, body = text.partition("\n")
    if head != f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}":
        raise ValueError("the checksum in its first line is not that of the rest")
    lines = body.split("\n")[:-1]
    run, result, provenance = (line.partition(": ")[2] for line in lines[:3])
    names, *rows = csv.reader(lines[3:])
    values = np.array(rows, dtype=float).reshape(len(rows), len(names))
    curve = {name: values[:, column] for column, name in enumerate(names)}
    return Record(Run.from_json(run), curve, json.loads(result), json.loads(provenance))
