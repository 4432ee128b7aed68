"""The experiments on the command line.

- list: the experiments, and what each asks
- run: do what is missing of some; can be killed and started again
- status: how much of each is recorded
- verify: do a sample of the recorded runs again and compare
"""

import argparse
import contextlib
import random
import sys
from pathlib import Path

import numpy as np

from rmsprop.experiments.catalogue import CATALOGUE, find_records, shrink
from rmsprop.experiments.executors import executor
from rmsprop.experiments.run import execute
from rmsprop.experiments.store import Store
from rmsprop.experiments.sweep import sweep

# How far a repeated run may be from the recorded ones, beside their own spread: accuracy.
TOLERANCE = 0.02


class Book:
    """The stores of all experiments, in one folder and one profile."""

    def __init__(self, folder, profile):
        self.folder, self.profile = Path(folder), profile

    def store(self, name):
        return Store(self.folder / name)

    def recorded(self, name):
        """Return the records of an experiment that are among its runs today."""
        store = self.store(name)
        return [store.read(run) for run in self.runs(name) if run in store]

    def runs(self, name):
        runs = CATALOGUE[name].runs(self.recorded)
        return list(dict.fromkeys(map(shrink, runs))) if self.profile == "quick" else runs


def command_list(book, options):
    """Print each experiment's name and question."""
    for name, experiment in CATALOGUE.items():
        print(f"{name:20} {experiment.about}")


def command_run(book, options):
    """Do what is missing of the named experiments, and first of those they need."""
    for name in dict.fromkeys(_with_needs(options.names)):
        store, runs = book.store(name), book.runs(name)
        for path in store.set_aside():
            print(f"{path} is damaged, set aside; its run is done again", file=sys.stderr)
        missing = [run for run in runs if run not in store]
        print(f"{name}: {len(runs)} runs, {len(runs) - len(missing)} recorded")
        if missing:
            with executor(options.executor) as (pool, count), progress(name, len(missing)) as tick:
                sweep(missing, store, pool, count, tick)


def command_status(book, options):
    """Print how much of each experiment is recorded."""
    for name in options.names or CATALOGUE:
        store = book.store(name)
        damaged = store.damaged()
        try:
            runs = book.runs(name)
        except ValueError as reason:
            print(f"{name:20} waits: {reason}")
            continue
        recorded = sum(run in store for run in runs)
        print(f"{name:20} {recorded:4} of {len(runs):4}" + (" damaged:" if damaged else ""))
        for path in damaged:
            print(f"  {path}")


def command_verify(book, options):
    """Do a sample of the recorded runs again; return how many disagree."""
    wrong = 0
    for name in options.names or CATALOGUE:
        records = book.recorded(name)
        chosen = random.Random(0).sample(records, min(options.sample, len(records)))
        for record in chosen:
            again = execute(record.run)
            verdict = agreement(record, again, records)
            wrong += bool(verdict)
            print(f"{name}: {record.run}: {verdict or 'agrees'}")
    return wrong


def agreement(record, again, records):
    """Say how a repeated run differs from what is recorded; "" if it agrees.

    It agrees if its last validation accuracy lies within the spread of the runs that differ from
    it in the seed alone, widened by `TOLERANCE` to both sides; a run that diverged must diverge.
    """
    if record.result["diverged"] != again.result["diverged"]:
        return "one of both diverged"
    if record.result["diverged"]:
        return ""
    alike = [
        other.curve["val_accuracy"][-1]
        for other in records
        if (other.run.optimizer, other.run.settings, other.run.epochs)
        == (record.run.optimizer, record.run.settings, record.run.epochs)
        and not other.result["diverged"]
    ]
    value, low, high = again.curve["val_accuracy"][-1], np.min(alike), np.max(alike)
    if low - TOLERANCE <= value <= high + TOLERANCE:
        return ""
    return f"accuracy {value:.4f}, recorded {low:.4f} to {high:.4f}"


@contextlib.contextmanager
def progress(name, total):
    """Show a bar with the time left; yield what moves it on."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(name, total=total)
        yield lambda run: bar.advance(task)


def _with_needs(names):
    for name in names:
        yield from _with_needs(CATALOGUE[name].needs)
        yield name


def parse(arguments):
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m rmsprop.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments, as `list` shows")
    parser.add_argument("--profile", choices=("quick", "full"), default="full")
    parser.add_argument("--store", type=Path, help="folder of the records (book/records)")
    parser.add_argument("--executor", default="processes:1", help="processes:N or dask:ADDRESS")
    parser.add_argument("--sample", type=int, default=1, help="runs to verify of each experiment")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in CATALOGUE:
            parser.error(f"no experiment {name!r}; there are {', '.join(CATALOGUE)}")
    if options.command == "run" and not options.names:
        parser.error("run needs the name of an experiment")
    if options.sample < 1:
        parser.error(f"--sample must be 1 or more, not {options.sample}")
    return options


COMMANDS = {
    "list": command_list,
    "run": command_run,
    "status": command_status,
    "verify": command_verify,
}


def main(arguments=None):
    """Run the command named on the command line; return the exit code."""
    options = parse(arguments)
    folder = options.store or find_records()
    if options.profile == "quick" and not options.store:
        folder = folder.parent.parent / "_build" / "records"
    return COMMANDS[options.command](Book(folder, options.profile), options) or 0


if __name__ == "__main__":
    sys.exit(main())
