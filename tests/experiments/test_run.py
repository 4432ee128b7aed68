"""A run is its description: checked, named by its hash, the same after a trip through text."""

import dataclasses
import importlib.metadata
import json
import subprocess

import pytest

from rmsprop.experiments import Run, execute
from rmsprop.experiments import run as run_module
from rmsprop.experiments.run import commit

RUN = Run("fit", "digits", "small_mlp", "Adam", {"learning_rate": 0.01, "beta_1": 0.8}, 3, 2, 32)


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

    def test_equal_runs_have_equal_hashes(self):
        one, also_one = (dataclasses.replace(RUN, settings={"momentum": m}) for m in (1, 1.0))
        assert one != also_one  # as their keys say, although 1 == 1.0
        assert RUN.key != RUN

    def test_the_callers_settings_may_change_afterwards(self):
        settings = {"learning_rate": 0.01}
        run = dataclasses.replace(RUN, settings=settings)
        key = run.key
        settings["learning_rate"] = 1.0
        assert run.key == key


def test_text_gives_the_run_back():
    assert Run.from_json(RUN.to_json()) == RUN


def test_a_line_describes_it():
    line = "digits small_mlp Adam(beta_1=0.8, learning_rate=0.01) seed 3"
    assert str(RUN) == line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": 1}, "data must be a text, not 1"),
        ({"seed": -1}, "seed must be an integer, 0 or more, not -1"),
        ({"seed": True}, "seed must be an integer, 0 or more, not True"),
        ({"epochs": 0}, "epochs must be an integer, 1 or more, not 0"),
        ({"epochs": None}, "epochs must be an integer, 1 or more, not None"),
        ({"batch_size": 1.0}, "batch_size must be an integer, 1 or more, not 1.0"),
        ({"examples": 0}, "examples must be an integer, 1 or more, not 0"),
        ({"settings": [1]}, r"settings must be a dict, not \[1\]"),
        ({"settings": {"rho": [1]}}, r"settings\['rho'\] must be a finite number, .* not \[1\]"),
        ({"settings": {"rho": float("nan")}}, r"settings\['rho'\] must be a finite .* not nan"),
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
        assert commit().removesuffix("-dirty") == described.stdout.strip()

    @pytest.mark.parametrize("path", ["", None])
    def test_without_a_repository_or_without_git_it_is_the_version(
        self, path, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(run_module, "__file__", str(tmp_path / "run.py"))
        if path is not None:
            monkeypatch.setenv("PATH", path)
        assert commit() == f"rmsprop {importlib.metadata.version('rmsprop')}"


def test_json_is_plain():
    assert json.loads(RUN.to_json())["settings"] == {"beta_1": 0.8, "learning_rate": 0.01}
