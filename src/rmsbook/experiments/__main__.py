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

from rmsbook.experiments.book import Book, find_records
from rmsbook.experiments.catalogue import CATALOGUE
from rmsbook.experiments.executors import ExecutorError, executor
from rmsbook.experiments.run import execute
from rmsbook.experiments.statistics import agreement
from rmsbook.experiments.store import NotRecorded, StoreError
from rmsbook.experiments.sweep import SweepError, sweep


def command_list(options):
    """Print each experiment's name and question."""
    for name, experiment in CATALOGUE.items():
        print(f"{name:20} {experiment.about}")


def command_run(options):
    """Do what is missing of the named experiments, and first of those they need."""
    book = _book(options)
    with executor(options.executor) as (pool, at_once):
        for name in dict.fromkeys(_with_needs(options.names)):
            runs = book.runs(name)
            with book.store(name) as store:
                for run in runs:
                    if damaged := store.set_aside(run):
                        print(f"{damaged} was damaged; its run is done again", file=sys.stderr)
                missing = [run for run in runs if run not in store]
                print(f"{name}: {len(runs) - len(missing)} of {len(runs)} recorded", flush=True)
                if missing:
                    with progress(name, len(missing)) as tick:
                        sweep(missing, store, pool, at_once, tick)


def command_status(options):
    """Print how much of each experiment is recorded; return how many records are damaged."""
    book, total = _book(options), 0
    for name in options.names or CATALOGUE:
        try:
            runs = book.runs(name)
        except (NotRecorded, StoreError) as reason:
            print(f"{name:20} waits: {reason}")
            continue
        records, damaged = _read(book.store(name), runs)
        print(f"{name:20} {len(records):4} of {len(runs):4}")
        total += damaged
    return total


def command_verify(options):
    """Do a sample of the recorded runs again; return how many disagree or are damaged."""
    book, wrong = _book(options), 0
    for name in options.names or CATALOGUE:
        try:
            runs = book.runs(name)
        except (NotRecorded, StoreError) as reason:
            print(f"{name} waits: {reason}")
            continue
        records, damaged = _read(book.store(name), runs)
        wrong += damaged
        experiment = CATALOGUE[name]
        for record in random.sample(records, min(options.sample, len(records))):
            again = execute(record.run)
            differs = agreement(again, records, experiment.metric, experiment.tolerance)
            wrong += bool(differs)
            print(f"{name}: {record.run}: {differs or 'agrees'}", flush=True)
    return wrong


def _book(options):
    quick = options.profile == "quick"
    book = Book(options.store or ("_build/records" if quick else find_records()), options.profile)
    if book.folder.exists() and not book.folder.is_dir():
        raise StoreError(f"the store must be a folder, and {book.folder} is a file")
    return book


def _read(store, runs):
    """Return what is recorded of some runs, and how many records are damaged; name those."""
    records, damaged = [], 0
    for run in runs:
        if run in store:
            try:
                records.append(store.read(run))
            except StoreError as error:
                print(error, file=sys.stderr)
                damaged += 1
    return records, damaged


@contextlib.contextmanager
def progress(name, total):
    """Show a bar with the time left; yield what moves it on."""
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
        task = bar.add_task(name, total=total)
        yield lambda run: bar.advance(task)


def _with_needs(names):
    for name in names:
        yield from _with_needs(CATALOGUE[name].needs)
        yield name


def _name(text):
    if text not in CATALOGUE:
        raise argparse.ArgumentTypeError(
            f"no experiment {text!r}; there are {', '.join(CATALOGUE)}"
        )
    return text


def _count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer, 1 or more, not {text!r}")
    return int(text)


def parse(arguments):
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m rmsbook.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--profile",
        choices=("full", "quick"),
        default="full",
        help="quick: one epoch on a thousand examples",
    )
    where.add_argument(
        "--store", type=Path, help="folder of the records (book/records; quick: _build/records)"
    )
    commands = parser.add_subparsers(required=True)

    def add(command, *parents):
        name = command.__name__.removeprefix("command_")
        added = commands.add_parser(name, help=command.__doc__, parents=parents)
        added.set_defaults(command=command)
        return added

    add(command_list)
    run = add(command_run, where)
    run.add_argument("names", nargs="+", type=_name, metavar="NAME")
    run.add_argument(
        "--executor",
        default="processes:1",
        metavar="WHERE",
        help="processes:N on this machine, or dask:ADDRESS of a cluster's scheduler",
    )
    status = add(command_status, where)
    status.add_argument("names", nargs="*", type=_name, metavar="NAME")
    verify = add(command_verify, where)
    verify.add_argument("names", nargs="*", type=_name, metavar="NAME")
    verify.add_argument("--sample", type=_count, default=1, help="runs of each experiment")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Run the command named on the command line; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # Windows' cp1252, for one, has no Greek letters
    options = parse(arguments)
    try:
        return int(bool(options.command(options)))
    except (ExecutorError, NotRecorded, StoreError, SweepError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What is recorded stays; the same command goes on from there.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
