"""The records of the book: where they are, and which of them an experiment has."""

import dataclasses
import os
from pathlib import Path

from rmsbook import project
from rmsbook.experiments.catalogue import CATALOGUE
from rmsbook.experiments.run import Record, Run
from rmsbook.experiments.store import NotRecorded, Store

__all__ = ["Book", "find_records", "load", "shrink"]


class Book:
    """The stores of all experiments: a folder each.

    Parameters
    ----------
    folder : path-like
        Where those folders are.
    profile : {"full", "quick"}, optional
        "quick" has each run shrunk (see `shrink`).
    """

    def __init__(self, folder, profile="full"):
        self.folder, self.profile = Path(folder), profile

    def store(self, name: str) -> Store:
        """Return an experiment's store."""
        return Store(self.folder / name)

    def runs(self, name: str) -> list[Run]:
        """Return an experiment's runs.

        Raises
        ------
        NotRecorded
            If they depend on those of another experiment, which are not all recorded.
        StoreError
            If one of those is damaged.
        """
        runs = CATALOGUE[name].runs(self.records)
        return list(dict.fromkeys(map(shrink, runs) if self.profile == "quick" else runs))

    def records(self, name: str) -> list[Record]:
        """Return the records of all runs of an experiment, in their order.

        Raises
        ------
        NotRecorded
            If one is missing.
        StoreError
            If one is damaged.
        """
        store, runs = self.store(name), self.runs(name)
        missing = sum(run not in store for run in runs)
        if missing:
            raise NotRecorded(
                f"{missing} of {len(runs)} runs of {name} are not recorded: "
                f"python -m rmsbook.experiments run {name}"
            )
        return [store.read(run) for run in runs]


def shrink(run: Run) -> Run:
    """Return the run as the quick profile does it: one epoch on a thousand examples."""
    return dataclasses.replace(run, epochs=1, examples=1000)


def find_records() -> Path:
    """Return the folder of the book's records: ``RMSPROP_RECORDS``, or ``records`` of the book.

    Raises
    ------
    NotRecorded
        If there is neither.
    """
    if os.environ.get("RMSPROP_RECORDS"):
        return Path(os.environ["RMSPROP_RECORDS"])
    try:
        return project.book() / "records"
    except project.BookNotFoundError as error:
        raise NotRecorded(f"{error}; or set RMSPROP_RECORDS to a folder of records") from error


def load(name: str) -> list[Record]:
    """Return the book's records of an experiment.

    Parameters
    ----------
    name : str
        A name in `CATALOGUE`.

    Returns
    -------
    list of Record
        One for each of its runs, in their order.

    Raises
    ------
    ValueError
        If there is no such experiment.
    NotRecorded
        If a run of it is not recorded.
    StoreError
        If a record is damaged.
    """
    if name not in CATALOGUE:
        raise ValueError(f"name must be one of {', '.join(CATALOGUE)}, not {name!r}")
    return Book(find_records()).records(name)
