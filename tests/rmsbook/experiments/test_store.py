"""A store keeps what it was given, gives back nothing else, and lends a run to one process."""

import hashlib
import json
import sys

import numpy as np
import pretend
import pytest
from pretend import wait_until

from rmsbook.experiments import Record, Run, Store, StoreError
from rmsbook.experiments.store import from_text, to_text

RUN = Run("fit", "digits", "small_mlp", "Adam", {"learning_rate": 0.01}, 3, 3, 32)
RECORD = Record(
    RUN,
    {"epoch": np.array([1, 2, 3]), "loss": np.array([0.1234567, 1e-30, np.nan])},
    {"diverged": 1.0, "test_loss": np.float32(0.1)},
    {"device": "GPU: “größte”", "seconds": 1.5, "versions": {"numpy": "2.0"}},
)


def same(record, other):
    np.testing.assert_equal(dict(record.curve), dict(other.curve))
    assert (record.run, record.provenance) == (other.run, other.provenance)
    return dict(record.result) == dict(other.result)


class TestText:
    def test_comes_back_as_it_was(self):
        again = from_text(to_text(RECORD))
        np.testing.assert_equal(again.curve, RECORD.curve)
        assert again.run == RUN
        assert again.result == {"diverged": 1.0, "test_loss": 0.1}
        assert again.provenance == RECORD.provenance

    def test_is_a_small_table_that_an_editor_shows(self):
        lines = to_text(RECORD).splitlines()
        assert lines[0].startswith("# sha256: ")
        assert json.loads(lines[1].removeprefix("# run: "))["optimizer"] == "Adam"
        assert lines[4:] == ["epoch,loss", "1,0.1234567", "2,1e-30", "3,nan"]

    def test_a_line_separator_in_a_name_does_no_harm(self):
        run = Run("fit", "a\u2028b\nc", "m", "o", {}, 0, 1, 1)
        record = Record(run, {"epoch": np.array([1.0])}, {}, {"device": "d\u2028e\nf"})
        assert same(from_text(to_text(record)), record)

    def test_columns_of_different_lengths_are_refused(self):
        with pytest.raises(ValueError, match="zip"):
            to_text(Record(RUN, {"epoch": [1, 2], "loss": [1]}, {}, {}))

    def test_a_run_without_an_epoch_has_an_empty_curve(self):
        record = Record(RUN, {"epoch": np.array([])}, {}, {})
        assert from_text(to_text(record)).curve["epoch"].shape == (0,)


class TestStore:
    def test_has_what_was_written_and_nothing_else(self, tmp_path):
        store = Store(tmp_path / "new" / "folder")
        assert RUN not in store
        with pytest.raises(FileNotFoundError, match=RUN.key):
            store.read(RUN)
        store.write(RECORD)
        assert RUN in store
        assert store.read(RUN).run == RUN
        assert [path.name for path in store.folder.iterdir()] == [f"{RUN.key}.csv"]

    def test_a_write_cut_short_leaves_no_record(self, tmp_path):
        store = Store(tmp_path)
        with pytest.raises(ValueError, match="zip"):
            store.write(Record(RUN, {"epoch": [1, 2], "loss": [1]}, {}, {}))
        assert RUN not in store
        assert list(tmp_path.glob("*.part"))  # what a killed process leaves behind
        store.write(RECORD)
        assert store.read(RUN).run == RUN
        assert not list(tmp_path.glob("*.part"))


def cut_short(path, other):
    path.write_bytes(path.read_bytes()[:-10])


def a_digit_edited(path, other):
    path.write_text(path.read_text("utf8").replace("0.1234567", "0.1134567"), "utf8")


def another_seed(path, other):
    path.write_text(path.read_text("utf8").replace('"seed": 3', '"seed": 4'), "utf8")


def emptied(path, other):
    path.write_bytes(b"")


def no_text(path, other):
    path.write_bytes(b"\xff\xfe\x00")


def renamed(path, other):
    other.replace(path)


def whole_but_of_another_format(path, other):
    body = '# run: {"task": "fit"}\n# result: {}\n# provenance: {}\nepoch\n1\n'
    path.write_text(f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}\n{body}")


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        a_digit_edited,
        another_seed,
        emptied,
        no_text,
        renamed,
        whole_but_of_another_format,
    ],
)
class TestDamage:
    @pytest.fixture
    def store(self, tmp_path, damage):
        other = pretend.record(pretend.run(1))
        with Store(tmp_path) as store:
            store.write(RECORD)
            store.write(other)
            damage(store.path(RUN), store.path(other.run))
            yield store

    def test_is_named_and_never_read(self, store):
        with pytest.raises(StoreError, match=f"{RUN.key}.csv is damaged: "):
            store.read(RUN)

    def test_is_set_aside_and_kept(self, store):
        content = store.path(RUN).read_bytes()
        aside = store.set_aside(RUN)
        assert aside == store.folder / f"{RUN.key}.damaged"
        assert aside.read_bytes() == content
        assert RUN not in store
        assert store.set_aside(RUN) is None

    def test_leaves_the_sound_records_alone(self, store, damage):
        other = pretend.run(1)
        assert store.set_aside(other) is None
        assert (other in store) == (damage is not renamed)


HOLD = """
import pretend, sys, time
from rmsbook.experiments import Store
store = Store(sys.argv[1])
assert store.claim(pretend.run(0))
print("claimed", flush=True)
time.sleep(600)
"""


class TestClaim:
    @pytest.fixture
    def other(self, start, tmp_path):
        """Another process, which has claimed run 0."""
        process = start("-c", HOLD, tmp_path)
        assert process.stdout.readline() == "claimed\n"
        return process

    def test_one_process_has_a_run_until_it_is_killed(self, other, tmp_path):
        with Store(tmp_path) as store:
            assert not store.claim(pretend.run(0))
            assert store.claim(pretend.run(1))
            other.kill()
            other.wait()
            assert store.claim(pretend.run(0))

    def test_what_another_process_is_at_is_not_set_aside(self, other, tmp_path):
        with Store(tmp_path) as store:
            store.path(pretend.run(0)).write_text("damaged")
            assert store.set_aside(pretend.run(0)) is None
            assert pretend.run(0) in store

    @pytest.mark.parametrize("end", ["release", "set_aside", "with"])
    def test_can_be_given_back(self, start, tmp_path, end):
        with Store(tmp_path) as store:
            store.path(pretend.run(0)).write_text("damaged")
            assert store.claim(pretend.run(0))
            if end != "with":  # to set aside is to claim, to look, and to give back
                getattr(store, end)(pretend.run(0))
                self.can_be_claimed(start, tmp_path)
        self.can_be_claimed(start, tmp_path)

    def can_be_claimed(self, start, folder):
        process = start("-c", HOLD, folder)
        assert process.stdout.readline() == "claimed\n"
        process.kill()
        wait_until(lambda: process.poll() is not None)

    def test_a_folder_without_locks_is_no_claim_of_another(self, tmp_path, monkeypatch):
        import fcntl

        def no_locks(*arguments):
            raise OSError(37, "No locks available")

        monkeypatch.setattr(fcntl, "lockf", no_locks)
        with Store(tmp_path) as store, pytest.raises(StoreError, match="No locks") as caught:
            store.claim(pretend.run(0))
        assert str(tmp_path) in str(caught.value)


class TestWhatCannotBeWritten:
    def test_a_sound_record_is_left_alone_without_a_claim(self, tmp_path, monkeypatch):
        store = Store(tmp_path)
        store.write(RECORD)
        monkeypatch.setattr(store, "claim", None)
        assert store.set_aside(RUN) is None
        assert store.set_aside(pretend.run(1)) is None

    def test_what_another_mended_meanwhile_is_not_set_aside(self, tmp_path, monkeypatch):
        store = Store(tmp_path)
        store.path(RUN).write_text("damaged")

        def claim(run):
            store.write(RECORD)  # the other process has just ended
            return Store.claim(store, run)

        monkeypatch.setattr(store, "claim", claim)
        with store:
            assert store.set_aside(RUN) is None
            assert RUN in store

    def test_a_file_in_the_place_of_the_folder_is_one_error(self, tmp_path):
        (tmp_path / "file").write_text("")
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(StoreError, match=f"no record can be written in {folder}: "):
                Store(folder).claim(RUN)

    def test_a_system_without_file_locks_reads_and_does_not_record(self, tmp_path, monkeypatch):
        store = Store(tmp_path)
        store.write(RECORD)
        monkeypatch.setitem(sys.modules, "fcntl", None)
        assert store.read(RUN).run == RUN
        assert store.set_aside(RUN) is None
        with pytest.raises(StoreError, match="to record needs the file locks"):
            store.claim(RUN)
