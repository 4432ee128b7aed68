"""A run is its description: checked, named by its hash, the same after a trip through text."""

import ast
import dataclasses
import hashlib
import importlib.metadata
import inspect
import json
import re
import subprocess

import numpy as np
import pytest

from rmsbook import keras_models, runtime
from rmsbook.experiments import Run, cartpole, execute, tasks
from rmsbook.experiments import run as run_module
from rmsbook.experiments.run import commit

RUN = Run("fit", "digits", "small_mlp", "Adam", {"learning_rate": 0.01, "beta_1": 0.8}, 3, 2, 32)
# What the records were made with, but for its comments, docstrings, imports and error messages.
CODE = [
    (tasks, "89fda3e5fb6aa1ac"),
    (cartpole, "0c2d12ebd2dc509e"),
    (keras_models, "bbf822d9f1dd5aef"),
]


def code(module):
    """Return a digest of what a module does."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [part for part in body if not is_beside_the_point(part)]
    text = re.sub(r"['\"\\]", "", ast.unparse(tree))  # Python 3.11 quotes texts in its own way
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_beside_the_point(node):
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Import | ast.ImportFrom | ast.Raise)


class TestKey:
    def test_is_that_of_the_records_in_the_book(self):
        """Whoever changes this line loses every recorded run."""
        assert RUN.key == "10c076fd6a022842"

    @pytest.mark.parametrize(
        "change",
        [
            {"task": "other"},
            {"data": "other"},
            {"model": "other"},
            {"optimizer": "other"},
            {"settings": {"learning_rate": 0.01}},
            {"settings": {"learning_rate": 0.02, "beta_1": 0.8}},
            {"seed": 4},
            {"epochs": 3},
            {"batch_size": 33},
            {"examples": 100},
        ],
    )
    def test_every_part_of_the_description_decides(self, change):
        other = dataclasses.replace(RUN, **change)
        assert other != RUN
        assert other.key != RUN.key

    def test_the_order_of_the_settings_does_not(self):
        other = dataclasses.replace(RUN, settings={"beta_1": 0.8, "learning_rate": 0.01})
        assert (other, other.key, hash(other)) == (RUN, RUN.key, hash(RUN))

    @pytest.mark.parametrize(("value", "same"), [(1, 1.0), (0, -0.0), (0.5, np.float64(0.5))])
    def test_equal_numbers_are_one_run(self, value, same):
        one, other = (dataclasses.replace(RUN, settings={"momentum": m}) for m in (value, same))
        assert (other, other.key, hash(other)) == (one, one.key, hash(one))

    def test_a_number_and_a_boolean_are_two(self):
        one, true = (dataclasses.replace(RUN, settings={"nesterov": m}) for m in (1, True))
        assert one.key != true.key
        assert true.settings["nesterov"] is True

    def test_a_run_is_nothing_else(self):
        assert RUN.key != RUN

    def test_the_callers_settings_may_change_afterwards(self):
        settings = {"learning_rate": 0.01}
        run = dataclasses.replace(RUN, settings=settings)
        key = run.key
        settings["learning_rate"] = 1.0
        assert run.key == key


def test_text_gives_the_run_back():
    assert Run.from_json(RUN.to_json()) == RUN


class TestVersions:
    @pytest.mark.parametrize("name", ["fit", "small_mlp"])
    def test_a_later_one_of_task_or_model_makes_a_new_run(self, name, monkeypatch):
        monkeypatch.setitem(run_module.VERSIONS, name, 2)
        later = dataclasses.replace(RUN)
        assert later.versions == {name: 2}
        assert later != RUN
        assert later.key != RUN.key
        assert Run.from_json(later.to_json()) == later
        # Another model's runs stay, and so does what was recorded with the first version.
        assert dataclasses.replace(later, task="inspect", model="small_cnn").versions == {}
        assert Run.from_json(RUN.to_json()).key == RUN.key != later.key

    def test_every_task_and_model_has_one(self):
        assert set(run_module.VERSIONS) == {
            *tasks.TASKS,
            *keras_models.BUILDERS,
            "actor_critic",
            "numpy_mlp",
        }

    @pytest.mark.parametrize(
        ("module", "digest"), CODE, ids=lambda part: getattr(part, "__name__", "")
    )
    def test_an_edit_of_the_code_is_noticed(self, module, digest):
        """Red after an edit. If runs now give something else, raise their VERSIONS; then pin it."""
        assert code(module) == digest


def test_a_line_describes_it():
    line = "digits small_mlp Adam(beta_1=0.8, learning_rate=0.01) seed 3"
    assert str(RUN) == line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": 1}, "data must be a text, not 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": True}, "seed must be a whole number of at least 0, not True"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"epochs": None}, "epochs must be a whole number of at least 1, not None"),
        ({"batch_size": 1.0}, "batch_size must be a whole number of at least 1, not 1.0"),
        ({"examples": 0}, "examples must be a whole number of at least 1, not 0"),
        ({"settings": [1]}, r"settings must be a dict, not \[1\]"),
        ({"settings": {"rho": [1]}}, r"settings\['rho'\] must be a finite number, .* not \[1\]"),
        ({"settings": {"rho": float("nan")}}, r"settings\['rho'\] must be a finite .* not nan"),
        ({"settings": {"rho": 10**400}}, r"settings\['rho'\] must be a finite .* not 10+"),
        ({"settings": {"rho": float("inf")}}, r"settings\['rho'\] must be a finite .* not inf"),
    ],
)
def test_a_wrong_description_is_named(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(RUN, **change)


def test_the_unknown_task_is_named():
    with pytest.raises(ValueError, match=r"task must be one of .*fit.*, not 'knit'"):
        execute(dataclasses.replace(RUN, task="knit"))


class TestCommit:
    def test_names_the_source(self):
        described = subprocess.run(
            ["git", "describe", "--always", "--exclude=*"], capture_output=True, text=True
        )
        if described.returncode:
            pytest.skip("these sources are no clone")
        assert commit().removesuffix("-dirty") == described.stdout.strip()

    @pytest.mark.parametrize("path", ["", None])
    def test_without_a_repository_or_without_git_it_is_the_version(
        self, path, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(run_module, "__file__", str(tmp_path / "run.py"))
        if path is not None:
            monkeypatch.setenv("PATH", path)
        assert commit() == f"rmsprop {importlib.metadata.version('rmsprop')}"

    def test_a_repository_around_an_installed_copy_is_not_its_own(self, tmp_path, monkeypatch):
        for command in (["init"], ["-c", "user.name=a", "-c", "user.email=a", "commit"]):
            more = ["--allow-empty", "-m", "a"] if command[-1] == "commit" else []
            subprocess.run(["git", *command, "-q", *more], cwd=tmp_path, check=True)
        (tmp_path / "run.py").touch()
        monkeypatch.setattr(run_module, "__file__", str(tmp_path / "run.py"))
        assert commit() == f"rmsprop {importlib.metadata.version('rmsprop')}"


def test_counts_of_numpy_are_counts():
    run = dataclasses.replace(RUN, seed=np.int64(3), epochs=np.int32(2))
    assert run.key == RUN.key


def test_a_task_without_tensorflow_does_not_start_it(monkeypatch):
    def start_tensorflow():
        raise AssertionError

    monkeypatch.setattr(runtime, "start_tensorflow", start_tensorflow)
    monkeypatch.setitem(tasks.TASKS, "cartpole", lambda run: ({}, {}, "none"))
    record = execute(dataclasses.replace(RUN, task="cartpole"))
    assert record.provenance["device"] == "CPU"


def test_json_is_plain():
    assert json.loads(RUN.to_json())["settings"] == {"beta_1": 0.8, "learning_rate": 0.01}
