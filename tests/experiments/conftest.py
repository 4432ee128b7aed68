"""Processes that the tests of the experiments start, kill and wait for."""

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

    def start(*command, stdout=subprocess.PIPE, **environ):
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=os.environ | {"PYTHONPATH": str(HERE)} | environ,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
