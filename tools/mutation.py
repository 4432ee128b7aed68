"""Mutation testing: each small change of the optimizers must make some test fail.

python tools/mutation.py              every module of MODULES
python tools/mutation.py descent      one of them

mutmut makes the changes (the mutants) and runs the module's tests against each, in a copy of the
project under _build/mutation. A run that was cut short goes on where it was, unless a source or a
test has changed since. The exit status is 1 if a module has fewer than 95 % of its mutants killed,
or if a mutant survives that tests/mutation/survivors.yml does not give a reason for.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "_build" / "mutation"
SURVIVORS = ROOT / "tests" / "mutation" / "survivors.yml"
THRESHOLD = 0.95
# The tests that run against the mutants of each module: its own, and those of its users.
MODULES = {
    "descent": ["descent"],
    "optimizers": ["optimizers", "optimizer", "saving", "invariants", "optimizers_keras"],
    "optimizer": ["optimizer", "blocks", "saving", "machine"],
    "_arrays": ["optimizer", "saving", "machine"],
    "_blocks": ["blocks"],
    "_saving": ["saving", "machine"],
    "settings": ["settings", "saving"],
    "schedules": ["schedules", "saving"],
    "keras": ["keras", "tf_kernels"],
    "_tf_kernels": ["tf_kernels"],
}
# A mutant is stopped after 4 × (5 s + what its tests took unchanged). The fork server imports
# TensorFlow once for all mutants, and runs nothing in it, so that its children can.
SETTINGS = """\
[mutmut]
source_paths = src
only_mutate = src/rmsprop/{module}.py
process_isolation = forkserver
timeout_multiplier = 4
timeout_constant = 5
also_copy =
    book
pytest_add_cli_args_test_selection =
{tests}
"""
# A copy of the library is under test in the tests' own subprocesses too; plugins cost time with
# each mutant.
ENVIRONMENT = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Survivor:
    """A change that no test notices; `change` is its lines of the diff, `- old` and `+ new`."""

    module: str
    function: str
    change: str


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants of a module."""

    module: str
    killed: int
    stopped: int
    survivors: list[Survivor]
    unchecked: int

    @property
    def rate(self):
        """The part of the mutants that a test failed for, or never came to an end with."""
        detected = self.killed + self.stopped
        return detected / (detected + len(self.survivors) + self.unchecked)


def prepare(module: str) -> Path:
    """Return the folder with the copy that mutmut works in; a new one if anything changed."""
    sources = [ROOT / "pyproject.toml", Path(__file__)]
    for folder in (ROOT / "src" / "rmsprop", ROOT / "tests" / "rmsprop", ROOT / "book" / "peers"):
        sources += sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".json", ".npz"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    work = WORK / module
    fingerprint = work / "fingerprint"
    if fingerprint.is_file() and fingerprint.read_text() == state:
        return work
    shutil.rmtree(work, ignore_errors=True)
    for name in ("src", "tests", "book/peers"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, work / name, ignore=ignored)
    for name in ("pyproject.toml", "book/references.bib"):
        shutil.copy(ROOT / name, work / name)
    tests = "\n".join(f"    tests/rmsprop/test_{name}.py" for name in MODULES[module])
    (work / "setup.cfg").write_text(SETTINGS.format(module=module, tests=tests))
    (work / "mutants" / "src").mkdir(parents=True)  # on the path before Python starts
    fingerprint.write_text(state)
    return work


def mutate(work: Path) -> None:
    """Run mutmut on what it has not tried yet."""
    environ = os.environ | ENVIRONMENT | {"PYTHONPATH": str(work / "mutants" / "src")}
    mutmut = Path(sys.executable).with_name("mutmut")
    subprocess.run([mutmut, "run", "--max-children", "1"], cwd=work, env=environ, check=True)


def fate(code: int | None) -> str:
    """Say in our words what mutmut's exit code of a mutant means."""
    if code in (1, 3, -signal.SIGABRT, -signal.SIGSEGV):  # TensorFlow aborts on a wrong dtype
        return "killed"
    if code in (0, 5, 33):  # the tests passed, or there is none that comes by
        return "survived"
    return "stopped" if status_by_exit_code[code] == "timeout" else "unchecked"


def outcome(module: str, work: Path) -> Outcome:
    """Read what mutmut found."""
    source = Path("src", "rmsprop", f"{module}.py")
    meta = json.loads((work / "mutants" / f"{source}.meta").read_text())
    fates = {name: fate(code) for name, code in meta["exit_code_by_key"].items()}
    names = [name for name in fates if fates[name] == "survived"]
    with contextlib.chdir(work):
        survivors = [
            survivor(module, name, get_diff_for_mutant(name, path=source)) for name in names
        ]
    killed, stopped, unchecked = (
        list(fates.values()).count(kind) for kind in ("killed", "stopped", "unchecked")
    )
    return Outcome(module, killed, stopped, survivors, unchecked)


def survivor(module: str, name: str, diff: str) -> Survivor:
    """Return a mutant as the list of survivors has it."""
    function, owner = orig_function_and_class_names_from_key(name)
    lines = diff.splitlines()[2:]  # without the names of the files
    change = [f"{line[0]} {line[1:].strip()}" for line in lines if line[0] in "+-"]
    return Survivor(module, f"{owner}.{function}" if owner else function, "\n".join(change))


def listed() -> dict[Survivor, str]:
    """Return the survivors that are known, and why no test can or should kill them."""
    return {
        Survivor(row["module"], row["function"], row["change"].strip()): row["reason"]
        for row in yaml.safe_load(SURVIVORS.read_text("utf-8"))
    }


def judge(found: Outcome, known: dict[Survivor, str]) -> list[str]:
    """Return what is wrong with the outcome of a module, one line each."""
    wrong = []
    if found.unchecked:
        wrong.append(f"{found.module}: {found.unchecked} mutants without a result; run it again")
    if found.rate < THRESHOLD:
        wrong.append(f"{found.module}: {found.rate:.1%} killed, less than {THRESHOLD:.0%}")
    for mutant in found.survivors:
        if mutant not in known:
            where = f"{mutant.module}.{mutant.function}"
            wrong.append(f"{where}: survives and is not listed:\n{mutant.change}")
    return wrong


def main(modules: list[str]) -> int:
    """Mutate the modules and print a line for each; return the exit status."""
    known, wrong, lines = listed(), [], []
    for module in modules or MODULES:
        work = prepare(module)
        mutate(work)
        found = outcome(module, work)
        wrong += judge(found, known)
        lines.append(
            f"{module}.py: {found.killed} killed, {found.stopped} stopped after their time, "
            f"{len(found.survivors)} survived: {found.rate:.1%}"
        )
    print("\n".join(lines + wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
