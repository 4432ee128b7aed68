"""Unit tests and notebooks under every processor that this machine can pretend to be.

python tools/cpus.py                              all of it (an hour and a half on two cores)
python tools/cpus.py --only Nehalem               one processor; --only may be repeated
python tools/cpus.py tests/test_x.py book/x/y.md  these tests and chapters alone

A sum's last digits depend on the processor: OpenBLAS, NumPy and TensorFlow each have loops for
several, and choose when they start. Environment variables make them choose others. In the last
row chance rounds a gradient (`tools/shaken`): so may a processor that nobody here has. What a run
printed is kept in `_build/cpus`. The exit status is 1 if anything failed under any processor.
"""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from numpy._core import _multiarray_umath as numpy_core

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "_build" / "cpus"
SHAKEN = ROOT / "tools" / "shaken"
VARIABLES = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "TF_ENABLE_ONEDNN_OPTS")
# OpenBLAS's kernels, and the flag of /proc/cpuinfo without which they are illegal instructions.
KERNELS = {
    "Prescott": "pni",
    "Nehalem": "sse4_2",
    "Sandybridge": "avx",
    "Haswell": "avx2",
    "Zen": "avx2",
    "SkylakeX": "avx512f",
}
PROBE = (
    "import numpy, threadpoolctl as t;"
    "print(*{i['architecture'] for i in t.threadpool_info() if i['internal_api'] == 'openblas'})"
)
# Tests that start processes, and compute nothing whose digits could change; nbgrader's own.
UNIT = ["--doctest-modules", "src", "tests"] + [
    f"--ignore-glob=*/{name}"
    for name in (
        "course",
        "gates",
        "pages",
        "test_command.py",
        "test_executors.py",
        "test_sweep.py",
    )
]


@dataclass(frozen=True)
class Processor:
    """A processor to pretend: its name in the table, the variables that pretend it, what is run."""

    name: str
    settings: dict[str, str]
    parts: tuple[str, ...] = ("unit", "nbval")


@dataclass(frozen=True)
class Outcome:
    """How many tests passed and failed; `green` also says that the run came to its end."""

    passed: int
    failed: int
    green: bool

    def __str__(self):
        if not self.passed + self.failed:
            return "nothing ran"
        return f"{self.passed} passed, {self.failed} failed"


def flags(cpuinfo: Path) -> set[str]:
    """Return what the processor can do, as Linux names it; nothing where Linux does not run."""
    text = cpuinfo.read_text("ascii") if cpuinfo.exists() else ""
    return set(text.partition("flags")[2].partition("\n")[0].split())


def processors(able: set[str], loops: list[str]) -> list[Processor]:
    """Return what a machine can pretend to be, from its flags and NumPy's loops for it."""
    found = [Processor("this machine", {})]
    for kernel, flag in KERNELS.items():
        if flag in able:
            found.append(Processor(kernel, {"OPENBLAS_CORETYPE": kernel}))
    for first in reversed(range(len(loops))):  # a newer one needs those before it
        off = {"NPY_DISABLE_CPU_FEATURES": " ".join(loops[first:])}
        found.append(Processor(f"NumPy without {loops[first]}", off))
    for name, value in (("off", "0"), ("on", "1")):
        found.append(Processor(f"oneDNN {name}", {"TF_ENABLE_ONEDNN_OPTS": value}))
    found.append(Processor("rounded by chance", {"PYTHONPATH": str(SHAKEN)}, ("nbval",)))
    return found


def environment(processor: Processor) -> dict[str, str]:
    """Return the environment that pretends a processor, whatever is pretended already."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return kept | processor.settings


def kernel(processor: Processor) -> str:
    """Return the kernel that NumPy's OpenBLAS really takes: it may be built without some."""
    command, environ = [sys.executable, "-c", PROBE], environment(processor)
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def read(text: str, code: int) -> Outcome:
    """Return what pytest's last line and its exit status say."""
    counts = dict.fromkeys(("passed", "failed", "error"), 0)
    last = text.rstrip().rpartition("\n")[2]
    for number, what in re.findall(r"(\d+) (passed|failed|error)", last):
        counts[what] = int(number)
    return Outcome(counts["passed"], counts["failed"] + counts["error"], code == 0)


def run(processor: Processor, part: str, command: list[str]) -> Outcome:
    """Run a part of the checks under a processor and keep what it printed."""
    log = LOGS / f"{processor.name.replace(' ', '-')}-{part}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(
            command, cwd=ROOT, env=environment(processor), stdout=file, stderr=subprocess.STDOUT
        ).returncode
    return read(log.read_text("utf-8"), code)


def commands(paths: list[Path]) -> dict[str, list[str]]:
    """Return what is run, by its name in the table: everything, or the paths alone."""
    tests = [str(path) for path in paths if path.suffix == ".py"]
    chapters = [str(path) for path in paths if path.suffix != ".py"]
    parts = {}
    if tests or not chapters:
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]
        parts["unit"] = pytest + (tests or UNIT)
    if chapters or not tests:
        parts["nbval"] = [sys.executable, str(ROOT / "tools" / "book.py"), "nbval", *chapters]
    return parts


def table(chosen: list[Processor], parts: dict[str, list[str]]) -> bool:
    """Print a row for each processor, as soon as it is known; return whether all are green."""
    row = "{:28}{:14}" + "{:28}" * len(parts)
    print(row.format("pretended", "OpenBLAS", *parts).rstrip())
    green, kernels = True, {}
    for processor in chosen:
        name = kernel(processor)
        same = kernels.setdefault(name, processor.name)
        if "OPENBLAS_CORETYPE" in processor.settings and same != processor.name:
            print(row.format(processor.name, name, f"as {same}", *[""] * len(parts)).rstrip())
            continue
        found = {
            part: run(processor, part, command) if part in processor.parts else None
            for part, command in parts.items()
        }
        said = ["not run" if outcome is None else str(outcome) for outcome in found.values()]
        print(row.format(processor.name, name, *said).rstrip(), flush=True)
        green &= all(outcome is None or outcome.green for outcome in found.values())
    return green


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return the exit status."""
    loops = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]
    every = processors(flags(Path("/proc/cpuinfo")), loops)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", type=Path, help="test files and chapters (all)")
    parser.add_argument("--only", action="append", choices=[each.name for each in every])
    options = parser.parse_args(arguments)
    chosen = [each for each in every if each.name in (options.only or [each.name])]
    return 0 if table(chosen, commands(options.paths)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
