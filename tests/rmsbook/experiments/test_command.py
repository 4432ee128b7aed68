"""The command line, from the first run to the check of its records."""

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import runpy
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pretend
import psutil
import pytest
from distributed import Client
from pretend import files, wait_until

from rmsbook.experiments import CATALOGUE, Experiment, Record, Store, __main__, catalogue, sweep
from rmsbook.experiments.__main__ import main
from rmsbook.experiments.book import Book
from rmsbook.experiments.executors import executor

QUICK = ("run", "digits-rates", "--profile", "quick")


@contextlib.contextmanager
def threads(text):
    with ThreadPoolExecutor(2) as pool:
        yield pool, 2


@pytest.fixture
def book(monkeypatch, tmp_path, log):
    """Two experiments whose runs need no TensorFlow: "after" does those of "first" again."""
    experiments = {
        "first": Experiment("What is first?", lambda recorded: pretend.runs(6), metric="loss"),
        "after": Experiment(
            "And then?",
            lambda recorded: [record.run for record in recorded("first")][:4],
            needs=("first",),
            metric="loss",
        ),
    }
    for module in ("book", "__main__"):
        monkeypatch.setattr(f"rmsbook.experiments.{module}.CATALOGUE", experiments)
    monkeypatch.setattr(__main__, "executor", threads)
    monkeypatch.setattr(__main__, "sweep", functools.partial(sweep, work=pretend.work))
    monkeypatch.setattr(__main__, "execute", pretend.work)
    monkeypatch.setenv("RMSPROP_RECORDS", str(tmp_path / "records"))
    return Book(tmp_path / "records")


def damage(book, number):
    path = book.store("first").path(pretend.run(number))
    path.write_text(path.read_text() + "1,2\n")
    return path


def test_list_names_every_experiment(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)


def test_a_terminal_without_greek_letters_gets_question_marks():
    command = [sys.executable, "-m", "rmsbook.experiments", "list"]
    environ = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=240)
    assert b"which ? work together" in done.stdout
    assert done.stderr == b""


class TestPlace:
    """Where the records cannot be written: a sentence, and no traceback."""

    @pytest.mark.parametrize("command", ["run", "status", "verify"])
    def test_a_store_that_is_a_file(self, book, command, tmp_path, capsys):
        (tmp_path / "records").write_text("")
        assert main([command, "first"]) == 1
        said = f"Error: the store must be a folder, and {tmp_path / 'records'} is a file\n"
        assert capsys.readouterr().err == said

    def test_a_complete_store_on_a_disk_that_cannot_be_written(self, book, capsys, monkeypatch):
        assert main(["run", "first"]) == 0
        (book.folder / "first" / ".lock").unlink()

        def refuse(*arguments, **options):
            raise OSError(30, "Read-only file system")

        capsys.readouterr()
        monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
        assert main(["run", "first"]) == 0
        assert capsys.readouterr() == ("first: 6 of 6 recorded\n", "")
        book.store("first").path(pretend.run(2)).unlink()
        assert main(["run", "first"]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith(f"Error: no record can be written in {book.folder / 'first'}: ")
        assert said.endswith("Read-only file system")

    def test_a_system_without_file_locks(self, book, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "fcntl", None)
        assert main(["run", "first"]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith("Error: to record needs the file locks of Linux or macOS")


class TestRun:
    def test_does_first_what_is_needed_and_nothing_twice(self, book, log, capsys):
        assert main(["run", "after", "first"]) == 0
        assert len(files(book.folder / "first")) == 6
        assert len(files(book.folder / "after")) == 4
        out = capsys.readouterr().out
        assert out.index("first: 0 of 6 recorded") < out.index("after: 0 of 4 recorded")
        assert "6/6" in out  # the progress bar
        assert main(["run", "after"]) == 0
        assert "after: 4 of 4 recorded" in capsys.readouterr().out
        assert len(log.started()) == 10

    def test_sets_damaged_records_aside_and_does_those_runs_again(self, book, log, capsys):
        main(["run", "first"])
        sound = files(book.folder / "first")
        path = damage(book, 3)
        assert main(["run", "first"]) == 0
        aside = path.with_suffix(".damaged")
        assert f"{aside} was damaged; its run is done again" in capsys.readouterr().err
        assert aside.read_text().endswith("1,2\n")
        assert files(book.folder / "first") == sound
        assert log.started()[6:] == [pretend.run(3).key]

    def test_a_run_that_fails_is_named_and_the_exit_code_says_so(self, book, monkeypatch, capsys):
        bad = pretend.run(9, "raise")
        experiment = Experiment("", lambda recorded: [*pretend.runs(2), bad])
        monkeypatch.setitem(__main__.CATALOGUE, "bad", experiment)
        assert main(["run", "bad"]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"Error: the run {bad} failed:")
        assert "ArithmeticError" in error
        assert len(files(book.folder / "bad")) == 2

    def test_control_c_says_that_it_can_go_on(self, book, monkeypatch, capsys):
        def interrupted(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(__main__, "sweep", interrupted)
        assert main(["run", "first"]) == 130
        assert "the same command goes on from there" in capsys.readouterr().out

    def test_an_executor_that_does_not_exist(self, monkeypatch, capsys, tmp_path):
        assert main([*QUICK, "--store", str(tmp_path), "--executor", "magic"]) == 1
        assert "Error: the executor must be processes:N or dask:ADDRESS" in capsys.readouterr().err


class TestStatus:
    def test_counts_what_is_recorded(self, book, capsys):
        for run in pretend.runs(2):
            book.store("first").write(pretend.record(run))
        assert main(["status"]) == 0
        first, after = capsys.readouterr().out.splitlines()
        assert first.split() == ["first", "2", "of", "6"]
        assert after.split()[:2] == ["after", "waits:"]
        assert "4 of 6 runs of first are not recorded" in after

    def test_names_what_is_damaged(self, book, capsys):
        main(["run", "first"])
        path = damage(book, 3)
        capsys.readouterr()
        assert main(["status", "first"]) == 1
        out, error = capsys.readouterr()
        assert out.split() == ["first", "5", "of", "6"]
        assert f"{path} is damaged" in error


class TestVerify:
    def test_does_a_sample_again(self, book, log, capsys):
        main(["run", "first", "after"])
        capsys.readouterr()
        assert main(["verify", "--sample", "3"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == ["first"] * 3 + ["after"] * 3
        assert all(line.endswith(": agrees") for line in lines)
        assert len(log.started()) == 10 + 6

    def test_a_sample_is_at_most_all(self, book, log):
        main(["run", "first"])
        assert main(["verify", "first", "--sample", "100"]) == 0
        assert len(log.started()) == 6 + 6

    def test_says_what_differs(self, book, monkeypatch, capsys):
        main(["run", "first"])
        monkeypatch.setattr(__main__, "execute", lambda run: differing(pretend.record(run)))
        capsys.readouterr()
        assert main(["verify", "first"]) == 1
        assert re.search(r"seed 0: loss 9\.0000, recorded 0\.\d+ to 0\.", capsys.readouterr().out)

    def test_compares_by_the_experiments_metric_and_tolerance(self, book, monkeypatch, capsys):
        main(["run", "first"])
        monkeypatch.setattr(__main__, "execute", lambda run: differing(pretend.record(run)))
        for tolerance, code in ((7.5, 1), (9.5, 0)):
            experiment = dataclasses.replace(__main__.CATALOGUE["first"], tolerance=tolerance)
            monkeypatch.setitem(__main__.CATALOGUE, "first", experiment)
            assert main(["verify", "first"]) == code

    def test_what_is_damaged_is_wrong_too(self, book, capsys):
        main(["run", "first"])
        path = damage(book, 3)
        assert main(["verify", "first"]) == 1
        assert f"{path} is damaged" in capsys.readouterr().err

    def test_what_waits_is_said(self, book, capsys):
        assert main(["verify"]) == 0
        assert capsys.readouterr().out.startswith("after waits: 6 of 6 runs of first")


def differing(record):
    record.curve["loss"][:] = 9
    return record


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required"),
        (["dance"], "invalid choice: 'dance'"),
        (["list", "digits-rates"], "unrecognized arguments: digits-rates"),
        (["run"], "arguments are required: NAME"),
        (["run", "nothing"], "no experiment 'nothing'; there are digits-rates, "),
        (["run", "digits-rates", "--profile", "fast"], "invalid choice: 'fast'"),
        (["verify", "--sample", "0"], "must be an integer, 1 or more, not '0'"),
        (["verify", "--sample", "few"], "must be an integer, 1 or more, not 'few'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_as_a_module_its_exit_code_is_mains(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["experiments", "list"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(__main__.__file__, run_name="__main__")
    assert caught.value.code == 0


def test_without_a_project_it_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("RMSPROP_RECORDS", raising=False)
    monkeypatch.setattr("rmsbook.project.__file__", str(tmp_path / "project.py"))
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 1
    assert "Error: no book/claims.yml in" in capsys.readouterr().err


def test_the_quick_profile_has_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (run,) = Book("_build/records", "quick").runs("digits-rates")[:1]
    Book("_build/records").store("digits-rates").write(Record(run, {"epoch": [1]}, {}, {}))
    assert main(["status", "digits-rates", "--profile", "quick"]) == 0
    assert capsys.readouterr().out.split()[:4] == ["digits-rates", "1", "of", "45"]


class TestForReal:
    """The 8×8 digits, TensorFlow, processes: nothing pretended."""

    def command(self, start, *arguments):
        return start("-m", "rmsbook.experiments", *arguments)

    def worker(self, process):
        """Wait for the process that does the runs, and return it."""

        def find():
            children = psutil.Process(process.pid).children()
            return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

        (worker,) = wait_until(find)
        return worker

    def test_a_worker_that_dies_is_told_plainly(self, start, tmp_path):
        process = self.command(start, *QUICK, "--store", tmp_path)
        self.worker(process).send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        assert process.returncode == 1
        assert "Error: the worker died (killed, or out of memory), and with it the run" in out
        assert "Traceback" not in out

    def test_killed_then_finished_on_a_cluster_then_verified(
        self, start, scheduler, tmp_path, monkeypatch, capsys
    ):
        here, there = tmp_path / "digits-rates", Store(tmp_path / "there")
        process = self.command(start, *QUICK, "--store", tmp_path)
        wait_until(lambda: len(files(here)) == 1)
        worker = self.worker(process)
        process.kill()
        process.wait()
        assert not psutil.wait_procs([worker], timeout=240)[1]
        kept = files(here)

        # Of 45 runs leave three, the first one among them, so that this comes to an end.
        monkeypatch.setattr(catalogue, "DIGITS_RATES", {"SGD": (1e-2,)})
        address, worker = scheduler
        worker()
        with Client(address) as client:
            client.wait_for_workers(1, timeout=240)
        assert main([*QUICK, "--store", str(tmp_path), "--executor", f"dask:{address}"]) == 0
        assert "1 of 3 recorded" in capsys.readouterr().out
        assert len(files(here)) == 3
        assert kept.items() <= files(here).items()

        # The cluster gives the record that the process gave, to the last digit.
        first = Book(tmp_path, "quick").runs("digits-rates")[0]
        with executor(f"dask:{address}") as (pool, at_once):
            sweep([first], there, pool, at_once)
        ours, theirs = (store.read(first) for store in (Store(here), there))
        assert ours.result == theirs.result
        np.testing.assert_equal(ours.curve, theirs.curve)

        assert main(["verify", *QUICK[1:], "--store", str(tmp_path)]) == 0
        assert capsys.readouterr().out.endswith(": agrees\n")
