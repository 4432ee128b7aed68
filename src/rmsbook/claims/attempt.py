"""Running a program that is expected to fail, in a bounded process of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Success:
    """A program that ran to its end; ``output`` is what it printed."""

    output: str

    def __str__(self):
        """Say that it ran."""
        return "ran to its end"


@dataclass(frozen=True)
class Failure:
    """A program that did not: the error's type name, its message, what was printed before."""

    error: str
    message: str
    output: str

    def __str__(self):
        """Write the last line of the traceback."""
        return f"{self.error}: {self.message}" if self.message else self.error


# Runs in a process of its own: bounds itself, runs the program, and writes how it ended to a file.
_RUNNER = """
import json, resource, sys
program, report, size = sys.argv[1:]
size = int(size)
resource.setrlimit(resource.RLIMIT_AS, (size, size))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
outcome = None
try:
    exec(compile(open(program, encoding="utf-8").read(), "<program>", "exec"),
         {"__name__": "__main__"})
except MemoryError:
    outcome = ["MemoryError", ""]
except SystemExit as stop:
    if stop.code not in (None, 0):
        outcome = ["SystemExit", str(stop.code)]
except BaseException as error:
    outcome = [type(error).__name__, str(error)]
with open(report, "w", encoding="utf-8") as file:
    json.dump(outcome, file)
"""


def attempt(code, seconds=20, megabytes=1024):
    r"""Run a program that is expected to fail, in a bounded process of its own.

    It gets an empty working directory, none of this process's environment, one thread for
    linear algebra and no GPU, so that it ends the same way on every machine.

    Parameters
    ----------
    code : str
        Python source; common indentation is removed.
    seconds : float, default 20
        Wall time after which it is stopped: the error is then "Timeout".
    megabytes : int, default 1024
        Its address space; needing more is a "MemoryError". TensorFlow needs about 8192.

    Returns
    -------
    Failure or Success

    Raises
    ------
    ValueError
        If a bound is not positive.

    Examples
    --------
    >>> failure = attempt("weights = [0.1]; weights ** 2")
    >>> failure.error
    'TypeError'
    >>> attempt("print(1 + 1)")
    Success(output='2\n')
    """
    for name, bound in (("seconds", seconds), ("megabytes", megabytes)):
        if not bound > 0:
            raise ValueError(f"{name} must be positive, not {bound!r}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        (folder / "program.py").write_text(textwrap.dedent(code), "utf-8")
        status = _run_bounded(folder, seconds, int(megabytes * 2**20))
        output = _stable((folder / "output").read_text("utf-8", errors="replace"), name)
        if status is None:
            return Failure("Timeout", f"still running after {seconds:g} s", output)
        try:
            outcome = json.loads((folder / "report").read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return Failure("Crash", _how_it_died(status), output)
    if outcome is None:
        return Success(output)
    error, message = outcome
    if error == "MemoryError":
        message = f"more than {megabytes:g} MB are needed"
    return Failure(error, _stable(message, name), output)


def _run_bounded(folder, seconds, size):
    """Return the exit status, or None if the process had to be stopped."""
    environment = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    arguments = [str(folder / "program.py"), str(folder / "report"), str(size)]
    with open(folder / "output", "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-B", "-c", _RUNNER, *arguments],
            cwd=folder / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _stop_group(process)


def _stop_group(process):
    """Stop the process and whatever it started."""
    with contextlib.suppress(ProcessLookupError):  # it ended, and left nothing behind
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how_it_died(status):
    if status < 0:
        names = {known.value: known.name for known in signal.Signals}  # not all have one
        return f"the process was stopped by {names.get(-status, f'signal {-status}')}"
    return f"the process left with status {status}"


def _stable(text, folder):
    """Remove what differs from run to run: the temporary directory, memory addresses."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text.replace(folder, "…"))
