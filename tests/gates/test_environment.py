"""The lock and environment.yml follow from pyproject.toml, and importing the library is light."""

import shutil
import subprocess
import sys

import pytest

import lock
from project import ROOT


def copy_project(folder):
    (folder / "src" / "rmsbook").mkdir(parents=True)
    for name in (*lock.PROJECTS, "requirements.lock", "environment.yml"):
        shutil.copy(ROOT / name, folder / name)


def test_nothing_drifted():
    assert lock.drift(ROOT) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("pyproject.toml", '"numpy>=2"', '"numpy>=99"', "wanted is numpy>=99"),
        ("src/rmsbook/pyproject.toml", '"pyyaml"', '"unlocked-package"', "lacks unlocked-package"),
        ("requirements.lock", "numpy==", "numpy==1.0.", "wanted is numpy>=2"),
        ("requirements.lock", "--hash=sha256:", "--other=", "has no hash for"),
        ("environment.yml", "numpy==", "numpy==9", "environment.yml is not what"),
    ],
)
def test_drift_is_noticed(tmp_path, file, old, new, complaint):
    copy_project(tmp_path)
    path = tmp_path / file
    assert old in path.read_text("utf8")
    path.write_text(path.read_text("utf8").replace(old, new), "utf8")
    assert any(complaint in problem for problem in lock.drift(tmp_path))


def test_a_single_package_without_hashes_is_noticed(tmp_path):
    copy_project(tmp_path)
    path = tmp_path / "requirements.lock"
    *_, last = pins = [*lock.PIN.finditer(text := path.read_text("utf8"))]
    for pin, end in ((pins[1], pins[2].start()), (last, len(text))):
        path.write_text(text[: pin.end()].removesuffix(" \\") + "\n" + text[end:], "utf8")
        expected = [f"requirements.lock has no hash for {pin[1].lower()}"]
        assert [p for p in lock.drift(tmp_path) if "hash" in p] == expected


def test_importing_the_library_imports_numpy_alone():
    code = "import rmsprop.optimizers, sys; print(*{m.split('.')[0] for m in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "numpy" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "matplotlib", "sklearn", "yaml", "numba"})
