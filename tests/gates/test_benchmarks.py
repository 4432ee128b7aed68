"""The benchmarks' clockwork: ratios, the tables, the targets, tiny runs without peers."""

import csv
import itertools
import sys

import numpy as np
import pytest

from project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu
import speed

# Keras's own variables do not know NumPy's `copy` argument yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TINY = speed.Effort(
    sizes=(2, 3), rounds=3, batch=0, pause=0, settings=9, steps=5, sample=4, grid_rounds=2
)


def row(**values):
    defaults = {
        "experiment": "step",
        "method": "RMSprop",
        "size": 10**7,
        "threads": 1,
        "memory": "kept",
        "subject": speed.OURS,
        "reference": "torch",
        "ratio_median": 0.75,
        "ratio_q1": 0.5,
        "ratio_q3": 0.8,
        "microseconds": 12.5,
        "repetitions": 41,
        "cpus": 2,
        "versions": "python 3; numpy 2",
    }
    return speed.Row(**defaults | values)


@pytest.fixture
def clock(monkeypatch):
    """Let time pass only where a subject says so."""
    now = [0.0]
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(speed.time, "sleep", lambda pause: None)

    def subject(name, durations, value=1.0, **options):
        durations = itertools.chain(durations, itertools.repeat(durations[-1]))

        def step():
            now[0] += next(durations)

        return speed.Subject(name, step, lambda: [np.array([value])], **options)

    return subject


def test_the_ratio_is_formed_within_a_round():
    # The machine is ten times slower in the second round, for both.
    assert speed.spread_of_ratios([1, 20, 3], [2, 20, 1]) == (1.0, 0.75, 2.0)


def test_lists_of_unequal_length_have_no_ratio():
    with pytest.raises(ValueError, match="shorter"):
        speed.spread_of_ratios([1, 2, 3], [1, 2])


def test_seconds_of_a_step(clock):
    assert speed.seconds(clock("a", [1, 3, 5]), 3) == 3
    assert speed.seconds(clock("a", [1], scale=500), 2) == 500


def test_what_runs_behind_the_scenes_is_waited_for(clock):
    behind = clock("behind", [4])
    subject = clock("a", [1], wait=behind.step)
    assert speed.seconds(subject, 2) == 3


def test_a_turn_is_filled_by_the_quickest_of_three_steps(clock):
    assert speed.repetitions(clock("a", [9, 2, 5]), 100) == 50
    assert speed.repetitions(clock("a", [9]), 1) == 1
    assert speed.repetitions(clock("a", [2], scale=10), 100) == 50


def test_each_subject_has_its_turn_in_each_round(clock):
    subjects = [clock("a", [1]), clock("b", [2])]
    assert speed.take_turns(subjects, 4, 0, 0) == {"a": [1] * 4, "b": [2] * 4}


def test_subjects_must_do_the_same_work(clock):
    with pytest.raises(ValueError, match="b is 1 away from a"):
        speed.take_turns([clock("a", [1]), clock("b", [1], value=2.0)], 1, 0, 0)


def test_a_pass_over_memory_holds_no_parameters(clock):
    floor = speed.Subject("floor", lambda: None, None)
    speed.check_same_work([clock("a", [1]), floor])


def test_rows_to_the_first_subject_and_to_what_is_aimed_at():
    times = {speed.EXPRESSION: [2.0, 2.0], speed.OURS: [1.0, 1.0], "torch": [4.0, 4.0]}
    rows = speed.rows_of(times, "step", "Adam", 10, 2, "kept")
    assert {(r.subject, r.reference): r.ratio_median for r in rows} == {
        (speed.EXPRESSION, speed.EXPRESSION): 1,
        (speed.OURS, speed.EXPRESSION): 0.5,
        ("torch", speed.EXPRESSION): 2,
        (speed.OURS, "torch"): 0.25,
    }
    assert rows[1][:5] == ("step", "Adam", 10, 2, "kept")
    assert (rows[1].microseconds, rows[1].repetitions) == (1e6, 2)
    assert "numpy" in rows[1].versions


def test_the_table_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "records" / "speed.csv"
    rows = [row(), row(threads=2, ratio_q3=0.9)]
    speed.write(rows, path)
    assert speed.read(path) == rows
    assert [file.name for file in path.parent.iterdir()] == ["speed.csv"]
    assert path.read_text("utf8").startswith("experiment,method,size,threads,memory,subject,")


def test_a_failure_leaves_the_old_table(tmp_path):
    path = tmp_path / "speed.csv"
    speed.write([row()], path)
    with pytest.raises(RuntimeError):
        speed.write(broken(), path)
    assert speed.read(path) == [row()]
    assert [file.name for file in tmp_path.iterdir()] == ["speed.csv"]


def broken():
    yield row(threads=2)
    raise RuntimeError


def test_targets(tmp_path, capsys):
    path = tmp_path / "speed.csv"
    nothing_measured = [row(experiment="other")]
    speed.write(nothing_measured, path)
    total = speed.targets(path)
    assert capsys.readouterr().out.count("not measured") == total
    speed.write([row(), row(threads=2, ratio_median=0.751)], path)
    assert speed.targets(path) == total - 1
    said = [line for line in capsys.readouterr().out.splitlines() if "not measured" not in line]
    assert said == [
        "met           ours, NumPy / torch at most 0.75: 0.75 (0.5 to 0.8)  "
        "[RMSprop, step, 10000000, 1 thread(s), kept]",
        "NOT MET       ours, NumPy / torch at most 0.75: 0.751 (0.5 to 0.8)  "
        "[RMSprop, step, 10000000, 2 thread(s), kept]",
    ]


def test_absent_libraries_are_named():
    def missing(method, thetas, gs):
        import no_such_library  # noqa: F401

    subjects, absent = speed.subjects_of((speed.expression, missing), "RMSprop", (2,))
    assert [subject.name for subject in subjects] == [speed.EXPRESSION]
    assert absent == {"missing": "No module named 'no_such_library'"}


@pytest.mark.parametrize("method", speed.METHODS)
def test_our_steps_are_those_of_the_expression(method):
    pytest.importorskip("numba")  # `make backends` has none
    libraries = (speed.expression, speed.ours, speed.floor)
    subjects, absent = speed.subjects_of(libraries, method, (2, 3))
    assert not absent
    start = [array.copy() for array in subjects[0].read()]
    for _, subject in itertools.product(range(3), subjects):
        subject.step()
    speed.check_same_work(subjects)
    assert subjects[-1].name == speed.FLOOR
    assert all((a != b).all() for a, b in zip(subjects[0].read(), start, strict=True))


def test_the_array_program_does_what_the_loop_does():
    loop, arrays = speed.grid_subjects(TINY)
    loop.step()
    arrays.step()
    assert loop.read()[0].shape == (4, 2)
    np.testing.assert_allclose(arrays.read()[0], loop.read()[0], rtol=1e-12)
    assert loop.scale == 9 / 4
    assert arrays.scale == 1


def test_a_tiny_run(capsys):
    rows, absent = speed.measure(TINY, 1, "kept", (speed.expression, speed.ours))
    assert not absent
    assert {r[:3] for r in rows} == {
        *(
            (experiment, m, n)
            for m in speed.METHODS
            for experiment, n in (("step", 2), ("step", 3))
        ),
        *(("two arrays", m, 2) for m in speed.METHODS),
        ("grid", "RMSprop", 9),
    }
    assert {(r.subject, r.reference) for r in rows} == {
        (speed.EXPRESSION, speed.EXPRESSION),
        (speed.OURS, speed.EXPRESSION),
        (speed.LOOP, speed.LOOP),
        (speed.GRID, speed.LOOP),
    }
    assert all(r.ratio_q1 <= r.ratio_median <= r.ratio_q3 for r in rows)
    assert all(r.repetitions == (2 if r.experiment == "grid" else 3) for r in rows)
    assert len(capsys.readouterr().err.splitlines()) == 7


# ---------------------------------------------------------------- on a GPU, here without one

FEW = gpu.Effort(sizes=(300, 400), copy=500, checked=64, rounds=3, turn=0)


@pytest.fixture
def alone(monkeypatch):
    """Let Keras be the only library; a copy of 500 values takes two microseconds."""

    def copies(values):
        assert values.shape == (500,)
        yield gpu.Subject("ours", "copy", lambda: None, lambda: None)

    def missing(*arrays):
        raise gpu.AbsentError("missing: not installed")

    turns = gpu.take_turns

    times = {
        "copy": [[2e-6] * 3],
        "RMSprop": [[4e-6, 8e-6, 4e-6], [2e-6, 2e-6, 8e-6], [1e-5] * 3],
    }

    def timed(subjects, rounds, turn):
        assert all(len(own) == rounds for own in turns(subjects, rounds, turn))
        return times[subjects[0].method]

    monkeypatch.setattr(gpu, "take_turns", timed)
    monkeypatch.setattr(gpu, "COPIERS", (copies,))
    monkeypatch.setattr(gpu, "STEPPERS", (gpu.keras_subjects, missing))


@pytest.mark.usefixtures("alone")
def test_a_tiny_run_on_a_device():
    rows, absent = gpu.measure(FEW)
    assert absent == ["missing: not installed"]
    equal, copied, steps = rows[:12], rows[12], rows[13:]
    assert {row.experiment for row in equal} == {"equality"}
    assert all(0 < row.part_of_tolerance < 1 for row in equal)
    assert (copied.experiment, copied.size) == ("copy", 500)
    assert copied.gigabytes_per_second == pytest.approx(500 * 8 / 2e-6 * 1e-9)
    assert [row[:4] for row in steps] == [
        ("step", method, size, subject)
        for size in FEW.sizes
        for method, subject in (
            ("RMSprop", gpu.REFERENCE),
            ("RMSprop", gpu.OURS),
            ("Adam", gpu.REFERENCE),
        )
    ]
    # Ratios are formed within a round: 2/4, 2/8 and 8/4.
    assert steps[1][4:7] == pytest.approx((0.5, 0.375, 1.25))
    assert steps[1].microseconds == pytest.approx(2)
    assert steps[1].gigabytes_per_second == pytest.approx(300 * 20 / 2e-6 * 1e-9)
    assert steps[1].part_of_copy == pytest.approx(300 * 20 / (500 * 8))
    assert steps[2].part_of_copy == pytest.approx(300 * 28 / 1e-5 / (500 * 8 / 2e-6))


def test_the_checked_gradients_are_of_many_sizes():
    g = gpu.rough(3, 800)
    assert g.dtype == np.float32
    assert not g[:, ::8].any()
    size = abs(np.delete(g, np.s_[::8], axis=1)).max(axis=0)
    assert size.min() < 1e-3 < 1 < size.max()


@pytest.mark.parametrize(
    "change", [{"rho": 0.9001}, {"epsilon": 2e-7}, {"learning_rate": 0.00781}, {"centered": True}]
)
def test_a_flavor_that_differs_is_noticed(change, monkeypatch):
    flavor = gpu.RMSprop.flavor
    monkeypatch.setattr(gpu.RMSprop, "flavor", lambda name, **s: flavor(name, **s | change))
    assert gpu.difference("keras", {}, 256) > 1


@pytest.mark.usefixtures("alone")
def test_the_status_and_the_table_of_a_device(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "BACKENDS", ("tensorflow", "jax", "torch"))
    monkeypatch.setattr(gpu, "SMALL", FEW)
    monkeypatch.setattr(gpu, "library", lambda name: (None, False))
    table = tmp_path / "gpu.csv"
    assert gpu.main(["--small", "--output", str(table)]) == 0
    said = capsys.readouterr().out
    assert said.count("equal: ") == 12
    assert "absent: missing: not installed" in said
    assert [file.name for file in tmp_path.iterdir()] == ["gpu.csv"]
    with open(table, newline="", encoding="utf8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 + 1 + 6
    assert all(row["device"].startswith("CPU") and "numpy" in row["versions"] for row in rows)
    assert rows[-1]["part_of_copy"] == "0.56"
    monkeypatch.setattr(gpu, "difference", lambda *arguments: 1.5)
    before = table.read_bytes()
    assert gpu.main(["--small", "--output", str(table)]) == 1
    assert capsys.readouterr().out.count("DIFFERS: ") == 12
    assert table.read_bytes() == before


def test_a_device_needs_a_backend_that_has_one(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "BACKENDS", ("none",))
    with pytest.raises(SystemExit):
        gpu.main(["--small"])
    assert "KERAS_BACKEND must be jax or torch, not " in capsys.readouterr().err


def test_what_computes_elsewhere_is_absent(monkeypatch):
    monkeypatch.setattr(gpu, "on_gpu", lambda: False)
    monkeypatch.setattr(gpu, "library", lambda name: (None, True))
    with pytest.raises(gpu.AbsentError, match=r"^torch: computes on a GPU, Keras does not$"):
        gpu.beside("torch")
    monkeypatch.undo()
    with pytest.raises(gpu.AbsentError, match=r"^no_such: No module named 'no_such'"):
        gpu.library("no_such")
