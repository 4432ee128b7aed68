"""Processes that the tests of the experiments start, kill and wait for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pretend
import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The log that runs of `pretend` write, here and in every process that a test starts."""
    monkeypatch.setenv("PRETEND_LOG", str(tmp_path / "log"))
    return pretend.Log(tmp_path / "log")


@pytest.fixture(scope="module")
def start():
    """Start Python on a command; whatever is left of it is killed at the end."""
    started = []
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

    def start(*command, stdout=subprocess.PIPE, **environ):
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=os.environ | {"PYTHONPATH": path} | environ,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module")
def scheduler(start, tmp_path_factory):
    """The address of a Dask scheduler, and a function that starts a worker of it."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"

    def dask(what, *options, **environ):
        module = f"distributed.cli.dask_{what}"
        # Without output: a pipe that nobody reads would fill up and stop the process.
        return start("-m", module, *options, "--no-dashboard", stdout=subprocess.DEVNULL, **environ)

    dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
    pretend.wait_until(lambda: file.exists() and file.read_text().endswith("}"))
    address = json.loads(file.read_text())["address"]

    def worker(threads=1, **environ):
        folder = tmp_path_factory.mktemp("worker")
        options = ("--nthreads", threads, "--no-nanny", "--local-directory", folder)
        return dask("worker", address, *options, **environ)

    return address, worker
