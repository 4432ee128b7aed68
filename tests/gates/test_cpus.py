"""`make cpus` pretends what the machine can do, and is red if anything is."""

import os
import re
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

import cpus
from cpus import Outcome, Processor

NUMPY = "NPY_DISABLE_CPU_FEATURES"


def test_flags_are_read_from_the_first_processor(tmp_path):
    file = tmp_path / "cpuinfo"
    assert cpus.flags(file) == set()
    file.write_text("processor: 0\nflags\t\t: fpu avx2\nbugs: sysret\n\nflags\t\t: fpu avx2 no\n")
    assert cpus.flags(file) == {":", "fpu", "avx2"}


def test_nothing_is_pretended_that_the_machine_cannot_do():
    found = cpus.processors({"pni", "sse4_2", "avx512f"}, ["V3", "V4"])
    assert [(each.name, *each.settings.items()) for each in found] == [
        ("this machine",),
        ("Prescott", ("OPENBLAS_CORETYPE", "Prescott")),
        ("Nehalem", ("OPENBLAS_CORETYPE", "Nehalem")),
        ("SkylakeX", ("OPENBLAS_CORETYPE", "SkylakeX")),
        ("NumPy without V4", (NUMPY, "V4")),
        ("NumPy without V3", (NUMPY, "V3 V4")),
        ("oneDNN off", ("TF_ENABLE_ONEDNN_OPTS", "0")),
        ("oneDNN on", ("TF_ENABLE_ONEDNN_OPTS", "1")),
        ("rounded by chance", ("PYTHONPATH", str(cpus.ROOT / "tools" / "shaken"))),
    ]


def test_what_is_pretended_already_does_not_count(monkeypatch):
    for name in cpus.VARIABLES:
        monkeypatch.setenv(name, "whatever")
    monkeypatch.setenv("KEPT", "kept")
    environ = cpus.environment(Processor("x", {"OPENBLAS_CORETYPE": "Nehalem"}))
    assert environ["OPENBLAS_CORETYPE"] == "Nehalem"
    assert environ["KEPT"] == "kept"
    assert not {"TF_ENABLE_ONEDNN_OPTS", NUMPY} & set(environ)


@pytest.mark.parametrize(
    ("text", "code", "outcome", "said"),
    [
        ("....\n4 passed in 2.0s\n", 0, Outcome(4, 0, True), "4 passed, 0 failed"),
        ("..\n1 failed, 3 passed, 2 errors in 2s", 1, Outcome(3, 3, False), "3 passed, 3 failed"),
        ("9 passed in 1s\nIllegal instruction\n", -4, Outcome(0, 0, False), "nothing ran"),
    ],
)
def test_the_last_line_of_pytest_is_read(text, code, outcome, said):
    assert cpus.read(text, code) == outcome
    assert str(outcome) == said


def test_paths_choose_what_is_run(tmp_path):
    test, chapter = tmp_path / "test_x.py", tmp_path / "x.md"
    assert set(cpus.commands([])) == {"unit", "nbval"}
    assert cpus.commands([test])["unit"][-1] == str(test)
    assert list(cpus.commands([test])) == ["unit"]
    assert cpus.commands([chapter])["nbval"][-1] == str(chapter)
    assert list(cpus.commands([chapter])) == ["nbval"]


PRETEND = """
import os
import re
core = os.environ.get("OPENBLAS_CORETYPE")
print("1 failed" if core == "Old" else f"1 passed {core}")
raise SystemExit(core == "Old")
"""


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.setattr(cpus, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(cpus, "kernel", lambda each: "Old" if each.name == "Old" else "New")
    return tmp_path / "logs"


def test_one_red_run_makes_it_red_and_what_it_printed_is_kept(logs, capsys):
    here = Processor("this machine", {}, ("unit",))
    same, old = (Processor(name, {"OPENBLAS_CORETYPE": name}) for name in ("New", "Old"))
    parts = {"unit": [sys.executable, "-c", PRETEND]}
    assert cpus.table([here, same], parts)
    assert not cpus.table([old, here], parts)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == ["this", "machine", "New", "1", "passed,", "0", "failed"]
    assert rows[2] == ["New", "New", "as", "this", "machine"]
    assert rows[4] == ["Old", "Old", "0", "passed,", "1", "failed"]
    assert (logs / "Old-unit.txt").read_text() == "1 failed\n"
    assert (logs / "this-machine-unit.txt").read_text() == "1 passed None\n"


def test_what_is_not_run_is_no_failure(logs, capsys):
    parts = {"unit": [sys.executable, "-c", "1 / 0"], "nbval": [sys.executable, "-c", PRETEND]}
    assert cpus.table([Processor("chance", {}, ("nbval",))], parts)
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["chance", "New", "not", "run"]


GRADIENTS = """
import sys
import numpy as np
from rmsprop.problems import Quadratic, plane_rotation
rotated = [Quadratic(rotation=plane_rotation(0.5)).gradient([3.0, 4.0]) for _ in range(50)]
straight = [Quadratic().gradient([3.0, 4.0]) for _ in range(50)]
print(len({g.tobytes() for g in rotated}), len({g.tobytes() for g in straight}))
print(np.ptp(rotated, axis=0).max() <= 2 * np.spacing(np.abs(rotated[0]).max()))
"""


def test_chance_rounds_a_sum_and_nothing_else():
    command = [sys.executable, "-c", GRADIENTS]
    environ = os.environ | {"PYTHONPATH": str(cpus.SHAKEN)}
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    counts, small = run.stdout.splitlines()
    rotated, straight = map(int, counts.split())
    assert rotated > 2
    assert straight == 1
    assert small == "True"


def test_the_command_takes_one_processor_and_says_so_in_its_exit_status(logs, monkeypatch, capsys):
    monkeypatch.setattr(cpus, "commands", lambda paths: {"unit": [sys.executable, "-c", "1 / 0"]})
    assert cpus.main(["--only", "oneDNN on"]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("oneDNN on")
    monkeypatch.setattr(cpus, "commands", lambda paths: {})
    assert cpus.main(["--only", "oneDNN on"]) == 0
    with pytest.raises(SystemExit):
        cpus.main(["--only", "Abacus"])


def test_the_kernel_is_asked_of_the_library():
    pretended = {name: os.environ[name] for name in cpus.VARIABLES if name in os.environ}
    ours = {library.get("architecture") for library in threadpool_info()}
    assert set(cpus.kernel(Processor("as here", pretended)).split()) <= ours


def test_the_unit_tests_are_those_of_make_unit_or_fewer():
    left_out = re.findall(r"--ignore tests/(\w+)", (cpus.ROOT / "Makefile").read_text("utf-8"))
    assert "gates" in left_out
    for name in left_out:
        assert f"--ignore-glob=*/{name}" in cpus.UNIT
