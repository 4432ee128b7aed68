"""The runtime of the cells that run in the page: where it comes from, and what is refused."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

import bytecode
import pyodide
from project import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import live

FILES = {"core.wasm": b"core", "numpy.whl": b"numpy"}


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """Pin two small files in place of the real ones."""
    path = tmp_path / "pyodide.json"
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    path.write_text(json.dumps({"version": "1.0", "files": digests, "lock": {}}), "utf-8")
    monkeypatch.setattr(pyodide, "LOCK", path)
    return path


def serve(monkeypatch, official=None, carrier=None):
    """Let the official distribution and the carrier answer with these files, or not at all."""

    def one(name, version):
        if official is None:
            raise OSError("no answer")
        return official[name]

    def package(folder):
        if carrier is None:
            raise subprocess.CalledProcessError(1, "pip")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in carrier.items():
                archive.writestr(pyodide.INSIDE + name, data)
        return zipfile.ZipFile(file)

    monkeypatch.setattr(pyodide, "official", one)
    monkeypatch.setattr(pyodide, "carried", package)


@pytest.mark.parametrize(
    ("official", "carrier", "brought"),
    [
        (FILES, None, True),
        (None, FILES, True),
        (FILES | {"numpy.whl": b"another"}, FILES, True),
        (FILES | {"numpy.whl": b"another"}, None, False),
        (None, FILES | {"numpy.whl": b"another"}, False),
        (None, {"core.wasm": b"core"}, False),
        (None, None, False),
    ],
)
def test_where_it_comes_from(lock, monkeypatch, tmp_path, official, carrier, brought):
    serve(monkeypatch, official, carrier)
    folder = tmp_path / "pyodide"
    assert pyodide.bring(folder) is brought
    assert pyodide.is_complete(folder) is brought
    assert all(path.read_bytes() == FILES[path.name] for path in folder.iterdir())


def test_what_is_there_is_not_fetched_again(lock, monkeypatch, tmp_path):
    serve(monkeypatch, FILES)
    assert pyodide.bring(tmp_path / "pyodide")
    serve(monkeypatch)
    assert pyodide.bring(tmp_path / "pyodide")


def test_a_damaged_file_is_fetched_again(lock, monkeypatch, tmp_path):
    serve(monkeypatch, FILES)
    pyodide.bring(tmp_path)
    (tmp_path / "core.wasm").write_bytes(b"cor")
    assert not pyodide.is_complete(tmp_path)
    assert pyodide.bring(tmp_path)


def test_what_is_compiled_of_other_files_does_not_count(lock, monkeypatch, tmp_path):
    monkeypatch.setattr(pyodide, "COMPILED", tmp_path)
    assert not pyodide.is_compiled()
    (tmp_path / pyodide.MADE_FROM).write_text(pyodide.made_from(), "utf-8")
    assert pyodide.is_compiled()
    lock.write_text(json.dumps({"version": "1.1", "files": {}, "lock": {}}), "utf-8")
    assert not pyodide.is_compiled()


def test_what_cannot_be_compiled_stays_as_it_is(lock, monkeypatch, tmp_path, capsys):
    serve(monkeypatch, FILES)
    folder = tmp_path / "pyodide"
    pyodide.bring(folder)
    monkeypatch.setattr(pyodide, "FOLDER", folder)
    monkeypatch.setattr(pyodide, "COMPILED", folder / "compiled")
    monkeypatch.setattr(pyodide, "is_complete", lambda: True)
    bytecode.main()  # these files are no Python: the browser says so
    assert "not compiled" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_every_package_of_the_lock_is_pinned():
    lock = json.loads(pyodide.LOCK.read_text("utf-8"))
    assert set(lock["lock"]["packages"]) == set(pyodide.PACKAGES)
    for package in lock["lock"]["packages"].values():
        assert lock["files"][package["file_name"]] == package["sha256"]
        assert set(package["depends"]) <= set(pyodide.PACKAGES)
    assert set(pyodide.CORE) <= set(lock["files"])


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("import numpy as np\nfrom matplotlib import pyplot", []),
        ("from rmsprop.optimizers import Adam\nfrom rmsprop import problems", []),
        ("from rmsbook import figures, exercises\nfrom rmsbook.claims import evidence", []),
        ("import keras", ["TensorFlow"]),
        ("from rmsprop.keras import RMSprop\nimport keras", ["TensorFlow"]),
        ("from rmsbook.keras_models import small_cnn", ["TensorFlow"]),
        ("import gymnasium\nimport subprocess", ["gymnasium", "subprocess"]),
    ],
)
def test_what_a_browser_lacks(source, lacking):
    assert live.missing([source]) == lacking


def test_cells_that_keep_what_they_showed():
    sources = [
        "from rmsbook.claims import evidence, load_ledger",
        "ledger = load_ledger()\nyears = [1]",
        "v = 2\nevidence('A1.1', holds=v)",
        "print(v)",
        "figure(years)",
        "years = [2]",
        "figure(years)",
    ]
    cells = [{"source": source} for source in sources]
    live.mark_elsewhere(cells)
    marked = [cell["elsewhere"] for cell in cells]
    assert marked == [False, True, True, False, True, False, False]
