"""The book's experiments: which runs they have, and where their records are."""

import dataclasses
import itertools

import numpy as np
import pytest

from rmsbook.experiments import CATALOGUE, NotRecorded, Record, StoreError, load
from rmsbook.experiments.book import Book, find_records, shrink
from rmsbook.experiments.catalogue import best_setting
from rmsbook.experiments.store import from_text
from rmsbook.experiments.tasks import DATA, OPTIMIZERS, TASKS

COMPARISONS = [name for name in CATALOGUE if name.endswith("-comparison")]


def finished(run, accuracy=0.9, loss=0.3, diverged=0.0):
    curve = {"epoch": [1], "val_accuracy": [accuracy], "val_loss": [loss]}
    return Record(run, {name: np.array(x) for name, x in curve.items()}, {"diverged": diverged}, {})


def fill(book, name, count=None, **kept):
    for run in book.runs(name)[:count]:
        book.store(name).write(finished(run, **kept))


class TestCatalogue:
    @pytest.fixture(params=["full", "quick"])
    def book(self, tmp_path, request):
        return Book(tmp_path, request.param)

    @pytest.mark.parametrize("name", CATALOGUE)
    def test_every_run_can_be_done(self, name, book):
        from rmsbook.keras_models import BUILDERS

        for needed in CATALOGUE[name].needs:
            fill(book, needed)
        runs = book.runs(name)
        assert runs
        assert len(set(runs)) == len(runs)
        for run in runs:
            assert run.task in TASKS
            if run.task == "fit":
                assert run.data in DATA
                assert run.model in BUILDERS
                assert run.optimizer in OPTIMIZERS
            assert run == shrink(run) or book.profile == "full"

    @pytest.mark.parametrize("name", [name for name in CATALOGUE if CATALOGUE[name].needs])
    def test_a_comparison_waits_for_the_whole_search(self, name, book):
        (search,) = CATALOGUE[name].needs
        fill(book, search, count=-1)
        with pytest.raises(NotRecorded, match=rf"^1 of \d+ runs of {search} are not recorded"):
            book.runs(name)

    @pytest.mark.parametrize("name", COMPARISONS)
    def test_a_comparison_takes_the_best_of_the_search(self, name, book):
        """The k-th learning rate of the k-th optimizer is the best."""
        (search,) = CATALOGUE[name].needs
        fill(book, search, accuracy=0.5)
        groups = itertools.groupby(book.runs(search), lambda run: run.optimizer)
        best = [list(runs)[place] for place, (_, runs) in enumerate(groups)]
        for run in best:
            book.store(search).write(finished(run, 0.6, loss=0.2))
        expected = {(run.optimizer, run.settings["learning_rate"]) for run in best}
        runs = book.runs(name)
        assert {(run.optimizer, run.settings["learning_rate"]) for run in runs} == expected
        assert len(runs) == len(expected) * len({run.seed for run in runs})
        assert not {run.seed for run in runs} & {run.seed for run in best}  # never reused

    def test_the_batch_rule_carries_the_best_rate_of_the_smallest_batch(self, book):
        fill(book, "batch-search")
        for run in book.runs("batch-search"):
            settings = run.settings
            if (run.batch_size, settings["learning_rate"]) == (32, 0.002):
                book.store("batch-search").write(finished(run, loss=0.2))
        runs = book.runs("batch-rule")
        found = {(run.batch_size, run.settings["learning_rate"]) for run in runs}
        larger = {(128, 0.002 * k) for k in (1, 2, 4)} | {(512, 0.002 * k) for k in (1, 4, 16)}
        assert found == {(32, 0.002)} | larger
        seeds = {run.seed for run in runs}
        assert len(runs) == 7 * len(seeds)
        assert not seeds & {run.seed for run in book.runs("batch-search")}
        spans = {run.batch_size / (1 - run.settings["rho"]) for run in runs}
        assert max(spans) == pytest.approx(min(spans))

    def test_every_optimizer_has_as_many_trials(self, book):
        for name in (name for name in CATALOGUE if "search" in name or name == "digits-rates"):
            trials = [run.optimizer for run in book.runs(name)]
            assert len({trials.count(optimizer) for optimizer in trials}) == 1


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_books_records_are_sound_and_can_be_verified(name, request):
    for path in (request.config.rootpath / "book" / "records" / name).glob("*.csv"):
        record = from_text(path.read_text("utf8"))
        assert record.run.key == path.stem
        assert CATALOGUE[name].metric in record.curve


class TestBestSetting:
    @pytest.fixture
    def runs(self, tmp_path):
        return [run for run in Book(tmp_path).runs("digits-rates") if run.optimizer == "Adam"][:4]

    def test_has_the_highest_accuracy(self, runs):
        records = [finished(run, a) for run, a in zip(runs, [0.7, 0.9, 0.8, 0.1], strict=True)]
        assert best_setting(records, "Adam") == runs[1].settings

    def test_of_equals_has_the_lower_loss(self, runs):
        records = [finished(run, 0.9, loss) for run, loss in zip(runs, [3, 2, 1, 4], strict=True)]
        assert best_setting(records, "Adam") == runs[2].settings

    def test_by_the_loss_the_accuracy_does_not_matter(self, runs):
        pairs = zip(runs, [0.9, 0.1, 0.8, 0.2], [3, 2, 1, 4], strict=True)
        records = [finished(run, accuracy, loss) for run, accuracy, loss in pairs]
        assert best_setting(records, "Adam", by="val_loss") == runs[2].settings

    def test_never_diverged_and_is_never_another_optimizers(self, runs):
        other = dataclasses.replace(runs[3], optimizer="SGD")
        records = [finished(runs[0], 0.1), finished(runs[1], 0.9, diverged=1), finished(other, 0.9)]
        assert best_setting(records, "Adam") == runs[0].settings
        with pytest.raises(NotRecorded, match="none of the recorded runs of Adam came to its end"):
            best_setting(records[1:], "Adam")

    def test_never_has_a_loss_that_is_no_number(self, runs):
        losses = [0.4, np.nan, 0.3, np.inf]
        records = [finished(run, 0.5, loss) for run, loss in zip(runs, losses, strict=True)]
        for by in ("val_accuracy", "val_loss"):
            for _ in records:
                assert best_setting(records, "Adam", by) == runs[2].settings
                records.append(records.pop(0))

    def test_of_several_seeds_the_mean_decides_and_one_that_diverged_excludes(self):
        runs = Book("nowhere").runs("vowels-search")[:9]  # three settings, three seeds each
        accuracies = [0.9, 0.5, 0.5, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6]
        records = [finished(*pair) for pair in zip(runs, accuracies, strict=True)]
        assert best_setting(records, "momentum") == runs[3].settings
        records[4] = finished(runs[4], 0.7, diverged=1.0)
        assert best_setting(records, "momentum") == runs[0].settings


class TestLoad:
    @pytest.fixture
    def book(self, tmp_path, monkeypatch):
        monkeypatch.setenv("RMSPROP_RECORDS", str(tmp_path))
        return Book(tmp_path)

    def test_has_every_run_in_order_and_no_other(self, book):
        fill(book, "digits-rates")
        runs = book.runs("digits-rates")
        stranger = dataclasses.replace(runs[0], seed=99)  # of an earlier catalogue, say
        book.store("digits-rates").write(finished(stranger))
        assert [record.run for record in load("digits-rates")] == runs

    def test_what_is_missing_is_named(self, book):
        fill(book, "digits-rates", count=40)
        with pytest.raises(
            NotRecorded, match=r"^5 of 45 runs of digits-rates are not recorded: py"
        ):
            load("digits-rates")

    def test_what_is_damaged_is_named(self, book):
        fill(book, "digits-rates")
        path = book.store("digits-rates").path(book.runs("digits-rates")[7])
        path.write_text(path.read_text().replace("0.9", "0.8"))
        with pytest.raises(StoreError, match=f"{path.name} is damaged"):
            load("digits-rates")

    def test_an_unknown_name_is_named(self):
        with pytest.raises(
            ValueError, match=r"name must be one of digits-rates, .*, not 'nothing'"
        ):
            load("nothing")


class TestFindRecords:
    @pytest.fixture(autouse=True)
    def _unset(self, monkeypatch):
        monkeypatch.delenv("RMSPROP_RECORDS", raising=False)

    @pytest.mark.parametrize("inside", [".", "book", "book/course", "src"])
    def test_anywhere_in_a_project(self, tmp_path, monkeypatch, inside):
        (tmp_path / inside).mkdir(parents=True, exist_ok=True)
        (tmp_path / "book").mkdir(exist_ok=True)
        (tmp_path / "book" / "claims.yml").touch()
        monkeypatch.chdir(tmp_path / inside)
        assert find_records() == tmp_path / "book" / "records"

    def test_elsewhere_those_of_the_project_this_file_is_in(self, tmp_path, monkeypatch, request):
        monkeypatch.chdir(tmp_path)
        assert find_records() == request.config.rootpath / "book" / "records"

    def test_the_environment_decides(self, tmp_path, monkeypatch):
        monkeypatch.setenv("RMSPROP_RECORDS", str(tmp_path))
        assert find_records() == tmp_path

    def test_nowhere(self, tmp_path, monkeypatch):
        monkeypatch.setattr("rmsbook.project.__file__", str(tmp_path / "project.py"))
        monkeypatch.chdir(tmp_path)
        with pytest.raises(NotRecorded, match="set RMSPROP_RECORDS"):
            find_records()
