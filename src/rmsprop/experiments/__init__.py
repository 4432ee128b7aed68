"""Experiments that anyone can check: a run, a store of recorded runs, and sweeps over both.

- `Run` is the description of one training; its hash is its name.
- `execute` performs it and returns a `Record`: the curve, the result, and what made them.
- `Store` is a folder of records, one small text table each; `sweep` fills it with what is missing.
- `CATALOGUE` holds the book's experiments by name; ``python -m rmsprop.experiments`` runs them.

Needs the ``experiments`` extra.
"""

from rmsprop.experiments.catalogue import CATALOGUE, Experiment, load
from rmsprop.experiments.run import Record, Run, execute
from rmsprop.experiments.store import Store, StoreError
from rmsprop.experiments.sweep import sweep

__all__ = [
    "CATALOGUE",
    "Experiment",
    "Record",
    "Run",
    "Store",
    "StoreError",
    "execute",
    "load",
    "sweep",
]
