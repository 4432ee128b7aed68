"""Experiments that anyone can check: a run, a store of recorded runs, and sweeps over both.

- `Run` is the description of one training; its hash is its name.
- `execute` performs it and returns a `Record`: the curve, the result, and what made them.
- `Store` is a folder of records, one small text table each; `sweep` fills it with what is missing.
- `CATALOGUE` holds the book's experiments by name; ``python -m rmsbook.experiments`` runs them,
  and `load` returns their records.
- `rmsbook.experiments.statistics` says what the records show: intervals, ties, profiles.

To read records NumPy is enough; to run anything needs the ``experiments`` extra.
"""

from rmsbook.experiments.book import load
from rmsbook.experiments.catalogue import CATALOGUE, Experiment
from rmsbook.experiments.run import Record, Run, execute
from rmsbook.experiments.store import NotRecorded, Store, StoreError
from rmsbook.experiments.sweep import SweepError, sweep

__all__ = [
    "CATALOGUE",
    "Experiment",
    "NotRecorded",
    "Record",
    "Run",
    "Store",
    "StoreError",
    "SweepError",
    "execute",
    "load",
    "sweep",
]
