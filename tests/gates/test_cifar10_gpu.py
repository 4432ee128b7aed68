"""The GPU study's clockwork, without a GPU: its order, its search, its record, its time."""

import dataclasses
import math
import sys

import numpy as np
import pytest

from project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import cifar10_gpu as study
import example_gpu

ROW = study.Row(
    phase="final",
    optimizer="RMSprop",
    settings='{"rho": 0.9}',
    learning_rate=0.001,
    seed=1,
    epochs=2,
    epoch=1,
    status="finished",
    train_loss=1.5,
    validation_loss=0.5,
    validation_accuracy=0.75,
    test_accuracy=None,
    test_accuracy_views=None,
    seconds=None,
    recipe="{}",
    multiply_adds=7,
    device="cpu",
    versions="numpy 2",
    data="CIFAR-10",
    commit="abc",
)


class Trainer:
    """Trains at once; a second an epoch passes on the clock, and three for the wide network."""

    def __init__(self, clock, accuracy=lambda run: 0.5, status="finished"):
        self.clock, self.accuracy, self.status, self.runs = clock, accuracy, status, []

    def seconds(self, run):
        return run.epochs * (3 if run.phase.startswith("wide") else 1)

    def train(self, run, deadline):
        self.runs.append(run)
        self.clock[0] += self.seconds(run)
        row = dataclasses.replace(
            ROW, **dataclasses.asdict(run), status=self.status, seconds=1.0, epoch=run.epochs
        )
        judged = self.accuracy(run)
        if run.searches:
            return [dataclasses.replace(row, validation_accuracy=judged)]
        return [dataclasses.replace(row, test_accuracy=judged, test_accuracy_views=judged)]


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(study.time, "monotonic", lambda: now[0])
    return now


def best_in_the_middle(run):
    middle = next(m.power for m in study.METHODS if m.name == run.optimizer)
    return 0.95 - 0.01 * abs(2 * math.log10(run.learning_rate) - middle)


def test_rates_are_half_decades_and_the_usual_one_comes_first():
    rates = study.rates_from_the_middle(-6, 7)
    assert rates[0] == 0.001
    assert sorted(rates) == [3.16e-5, 1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2]


@pytest.mark.parametrize(
    ("scores", "beyond"),
    [
        ({0.1: 0.2, 0.316: 0.3, 1.0: 0.1}, None),
        ({0.1: 0.4, 0.316: 0.3, 1.0: 0.1}, 0.0316),
        ({0.1: 0.2, 0.316: 0.3, 1.0: 0.9}, 3.16),
        ({0.1: 0.2, 0.316: 0.3, 1.0: math.nan}, None),
    ],
)
def test_the_search_goes_on_at_an_edge(scores, beyond):
    assert study.rate_beyond(scores) == beyond


def test_all_of_it_in_order(clock, tmp_path):
    trainer = Trainer(clock, best_in_the_middle)
    study.Study(study.FULL, trainer, tmp_path / "r.csv", 10_000).run()
    phases = [run.phase for run in trainer.runs]
    wide = ["wide search"] * 9 + ["wide final"] * 15
    assert phases == ["search"] * 21 + ["final"] * 15 + wide
    finals = trainer.runs[21:36]
    assert [run.seed for run in finals] == [seed for seed in range(1, 6) for _ in range(3)]
    assert {run.optimizer: run.learning_rate for run in finals} == {
        "RMSprop": 0.001,
        "Adam": 0.001,
        "SGD": 0.316,
    }
    assert {run.learning_rate for run in trainer.runs[36:45] if run.optimizer == "Adam"} == {
        0.000316,
        0.001,
        0.00316,
    }
    assert trainer.runs[-1].epochs == 40


def test_the_wide_network_has_its_own_best_rate(clock, tmp_path):
    def higher_if_wide(run):
        return best_in_the_middle(run) + (run.phase == "wide search") * run.learning_rate

    trainer = Trainer(clock, higher_if_wide)
    study.Study(study.FULL, trainer, tmp_path / "r.csv", 10_000).run()
    last = {run.optimizer: run.learning_rate for run in trainer.runs[-3:]}
    assert last == {"RMSprop": 0.001, "Adam": 0.001, "SGD": 1.0}


def test_a_best_rate_at_the_edge_is_searched_beyond(clock, tmp_path):
    trainer = Trainer(clock, lambda run: run.learning_rate)
    study.Study(study.FULL, trainer, tmp_path / "r.csv", 10_000).run()
    searched = [run.learning_rate for run in trainer.runs if run.phase == "search"]
    assert len(searched) == 3 * (7 + study.EXTRA_RATES)
    assert max(searched) == 1000


def test_what_is_on_record_is_not_repeated(clock, tmp_path):
    path = tmp_path / "r.csv"
    study.Study(study.FULL, Trainer(clock, best_in_the_middle), path, 200).run()
    before = study.read(path)
    trainer = Trainer(clock, best_in_the_middle)
    study.Study(study.FULL, trainer, path, 10_000).run()
    runs = [row.run for row in study.read(path)]
    assert len(runs) == len(set(runs)) == 60
    assert study.read(path)[: len(before)] == before


def test_no_run_is_begun_that_does_not_fit(clock, tmp_path, capsys):
    trainer = Trainer(clock, best_in_the_middle)
    study.Study(study.FULL, trainer, tmp_path / "r.csv", 119).run()
    assert clock[0] <= 119
    assert trainer.runs[-1].phase == "final"
    assert "too few for Run(phase='final'" in capsys.readouterr().out


def test_what_does_not_fit_is_left_for_another_time(clock, tmp_path, capsys):
    trainer = Trainer(clock, best_in_the_middle)
    study.Study(study.FULL, trainer, tmp_path / "r.csv", 280).run()
    assert trainer.runs[-1].phase == "final"
    assert "too few for Run(phase='wide search'" in capsys.readouterr().out


def test_a_stopped_run_ends_the_study_and_is_done_again(clock, tmp_path):
    path = tmp_path / "r.csv"
    study.Study(study.FULL, Trainer(clock, status="stopped"), path, 1000).run()
    assert [row.status for row in study.read(path)] == ["stopped"]
    trainer = Trainer(clock, best_in_the_middle)
    study.Study(study.FULL, trainer, path, 1000).run()
    assert trainer.runs[0] == study.read(path)[0].run


def test_a_diverged_run_is_recorded_and_never_the_best(clock, tmp_path):
    trainer = Trainer(clock, best_in_the_middle, status="diverged")
    path = tmp_path / "r.csv"
    study.Study(study.FULL, trainer, path, 1000).run()
    rows = study.read(path)
    assert {row.status for row in rows} == {"diverged"}
    assert any(line.split()[5] == "5" for line in study.summary(rows)[1:])


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "records" / "r.csv"
    last = dataclasses.replace(
        ROW, epoch=2, test_accuracy=0.5, test_accuracy_views=0.6, seconds=3.0
    )
    study.append([ROW], path)
    study.append([last], path)
    assert study.read(path) == [ROW, last]


def test_the_summary_counts_who_reaches_the_target():
    rows = [
        dataclasses.replace(ROW, seed=seed, test_accuracy=accuracy, test_accuracy_views=0.96)
        for seed, accuracy in enumerate((0.93, 0.94, 0.95))
    ]
    line = study.summary(rows)[1]
    assert "0.9400 [" in line
    assert "0.9300–0.9500   0.9600      2/3" in line


def test_the_schedule_rises_and_falls_to_nearly_nothing():
    shares = study.multipliers(100, 0.2)
    assert shares.argmax() == 19
    assert shares.max() == 1
    assert shares[0] == pytest.approx(1 / 20)
    assert shares[-1] == pytest.approx(1 / 80)
    assert (shares > 0).all()


def test_an_epoch_takes_each_image_once_and_turns_flips_over():
    recipe = study.Recipe((4, 4, 4), pad=2, batch=16)
    images = np.arange(10, 74)
    first, second = (study.draws(recipe, images, 3, epoch) for epoch in (1, 2))
    assert first["index"].shape == (4, 16)
    assert sorted(first["index"].ravel()) == list(images)
    flips = [dict(zip(d["index"].flat, d["flip"].flat, strict=True)) for d in (first, second)]
    assert all(flips[0][image] != flips[1][image] for image in images)
    assert (first["corner"].min(), first["corner"].max()) == (0, 4)
    assert (first["index"] != second["index"]).any()


def test_validation_images_are_no_training_images():
    x = np.arange(200, dtype=np.uint8)
    size = dataclasses.replace(study.FULL, images=200, validation=50, test=10)
    parts = study.split({"x_train": x, "y_train": x, "x_test": x, "y_test": x}, size)
    kept, held = (set(parts[part].tolist()) for part in ("kept", "held"))
    assert (len(kept), len(held), kept & held) == (150, 50, set())
    assert len(parts["y_train"]) == 200


def test_six_views_are_mirrored_and_moved_by_a_pixel():
    image = np.arange(3 * 32 * 32 * 3).reshape(3, 32, 32, 3)
    seen = study.views(image)
    assert sum(share for share, _ in seen) == 1
    assert {x.shape for _, x in seen} == {image.shape}
    plain, mirrored, moved = (x for _, x in seen[:3])
    np.testing.assert_array_equal(plain, image)
    np.testing.assert_array_equal(mirrored, image[:, :, ::-1])
    np.testing.assert_array_equal(moved[:, 1:, 1:], image[:, :-1, :-1])
    np.testing.assert_array_equal(seen[4][1][:, :-1, :-1], image[:, 1:, 1:])
    np.testing.assert_array_equal(seen[5][1], seen[4][1][:, :, ::-1])


def test_whitening_decorrelates_patches():
    # Smooth images, so that neighbours go together.
    noise = np.random.default_rng(0).normal(size=(20, 12, 12, 3))
    images = np.cumsum(np.cumsum(noise, axis=1), axis=2) / 10
    kernel = study.whitening_kernel(images, filters=4)
    assert kernel.shape == (3, 3, 3, 8)
    patches = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    answers = np.einsum("nhwcij,ijcf->nhwf", patches, kernel[..., :4]).reshape(-1, 4)
    covariance = np.cov(answers, rowvar=False)
    # The 0.01 under the root makes the variances a little less than 1.
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-5)
    assert (np.diag(covariance) < 1).all()
    np.testing.assert_array_equal(kernel[..., :4], -kernel[..., 4:])


def test_the_score_is_cross_entropy_and_accuracy():
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    loss, accuracy = study.score(logits, np.array([0, 2]))
    assert loss == pytest.approx(-(math.log(0.5) + math.log(0.1)) / 2)
    assert accuracy == 0.5


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--seconds", "0"], {}, "--seconds must be above 0, not 0"),
        ([], {"KERAS_BACKEND": "tensorflow"}, "KERAS_BACKEND must be jax, not tensorflow"),
        ([], {"KERAS_BACKEND": "jax", "RMSPROP_DATA": ""}, "RMSPROP_DATA must name"),
    ],
)
@pytest.mark.parametrize("main", [study.main, example_gpu.main])
def test_bad_calls_are_named(main, arguments, environment, message, monkeypatch, capsys):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_other_data_are_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"cifar10\.npz does not exist"):
        study.load(tmp_path)
    one = np.zeros((1, 1), np.uint8)
    np.savez(tmp_path / "cifar10.npz", x_train=one, y_train=one, x_test=one, y_test=one)
    with pytest.raises(SystemExit, match="is not CIFAR-10"):
        study.load(tmp_path)
