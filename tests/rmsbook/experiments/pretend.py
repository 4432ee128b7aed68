"""Sweeps whose runs need no TensorFlow and log what was executed, to be killed by the tests.

``python -m pretend FOLDER COUNT`` sweeps so many runs into a folder with two threads, beginning
once the file ``go`` lies in it.
"""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from rmsbook.experiments import Record, Run, Store, sweep


def run(number, does="train"):
    settings = {"number": number, "does": does}
    return Run("pretend", "nothing", "nothing", "nothing", settings, 0, 2, 1)


def runs(count):
    return [run(number) for number in range(count)]


def record(run):
    """What a run must give: always the same, and another for each run."""
    loss = np.random.default_rng(int(run.settings["number"])).uniform(size=run.epochs)
    curve = {"epoch": np.arange(1.0, run.epochs + 1), "loss": loss}
    return Record(run, curve, {"diverged": 0.0}, {"device": "none"})


def work(run):
    """Do a pretended run: take ``PRETEND_SECONDS``, and say so in the file ``PRETEND_LOG``."""
    _log("start", run)
    if run.settings["does"] == "raise":
        raise ArithmeticError("no number is that large")
    if run.settings["does"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(os.environ.get("PRETEND_SECONDS", 0)))
    _log("end", run)
    return record(run)


def _log(what, run):
    line = f"{what} {run.key} {os.getpid()}\n"
    file = os.open(os.environ["PRETEND_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())  # one call, so that lines of several processes never mix
    os.close(file)


class Log:
    """What the runs of `pretend` wrote: which were started and which came to their end."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def started(self, since=0):
        return [line.split()[1] for line in self.lines()[since:] if line.startswith("start")]

    def ended(self):
        return [line.split()[1] for line in self.lines() if line.startswith("end")]


def wait_until(condition, seconds=240):
    """Wait until a condition holds and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
    return found


def files(folder):
    """Return the records in a folder: each file's content by its name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def main(folder, count):
    print("ready", flush=True)
    while not (Path(folder) / "go").exists():
        time.sleep(0.005)
    with ThreadPoolExecutor(2) as pool:
        sweep(runs(int(count)), Store(folder), pool, 2, work=work)


if __name__ == "__main__":
    main(*sys.argv[1:])
