"""The table that ``benchmarks/speed.py`` writes: a step of each library, timed in one run."""

import csv
from typing import NamedTuple

from rmsbook import project

__all__ = ["Row", "load", "read"]


class Row(NamedTuple):
    """A row of the table."""

    experiment: str
    method: str
    size: int
    threads: int
    memory: str
    subject: str
    reference: str
    ratio_median: float
    ratio_q1: float
    ratio_q3: float
    microseconds: float
    repetitions: int
    cpus: int
    versions: str


def read(path):
    """Return the table's rows."""
    with open(path, newline="", encoding="utf8") as file:
        kinds = Row.__annotations__.items()
        return [Row(*(kind(line[name]) for name, kind in kinds)) for line in csv.DictReader(file)]


def load():
    """Return the rows that stand in the book.

    Examples
    --------
    >>> load()[0].experiment
    'step'
    """
    return read(project.book() / "records" / "speed.csv")
