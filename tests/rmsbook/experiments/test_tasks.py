"""Training as a run describes it: repeatable, its validation examples held back, tested once."""

import dataclasses
import random

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

import rmsprop.keras
from rmsbook import keras_models
from rmsbook.data import AddingProblem, Dataset, load_digits
from rmsbook.experiments import Run, execute
from rmsbook.experiments.tasks import (
    DATA,
    OPTIMIZERS,
    _batches,
    build_optimizer,
    complete,
    divide,
    fit,
    fit_numpy,
    fit_pairs,
    inspect,
    pairs,
    split,
)

RUN = Run("fit", "digits", "small_mlp", "Adam", {"learning_rate": 0.01}, 3, 2, 16, 200)


def numbered(train=100, test=30):
    """A data set whose images tell which example they are."""
    images = np.arange(train + test, dtype=np.uint8).reshape(-1, 1, 1)
    labels = images[:, 0, 0]
    return Dataset(
        images[:train], labels[:train], images[train:], labels[train:],
        name="numbered", origin="embedded", source="here", licence="none",
    )  # fmt: skip


class TestSplit:
    @pytest.mark.parametrize("examples", [None, 5, 40, 1000])
    def test_validation_and_test_examples_are_never_trained_on(self, examples):
        parts = split(numbered(), examples)
        train, validation, test = (set(x.ravel().tolist()) for x, _ in parts)
        assert not train & validation
        assert not (train | validation) & test
        assert train | validation <= set(range(100))
        assert test <= set(range(100, 130))
        sizes = [90, 10, 30]
        assert [len(train), len(validation), len(test)] == [min(n, examples or n) for n in sizes]

    def test_every_example_keeps_its_label(self):
        for x, y in split(numbered()):
            np.testing.assert_array_equal(x.ravel(), y)

    def test_is_always_the_same_and_fewer_are_a_part_of_all(self):
        for whole, again, few in zip(
            split(numbered()), split(numbered()), split(numbered(), 7), strict=True
        ):
            np.testing.assert_array_equal(whole[1], again[1])
            np.testing.assert_array_equal(whole[1][:7], few[1])

    def test_is_drawn_at_random(self):
        train, validation, test = split(numbered())
        for _, y in (train, validation, test):
            assert (np.diff(y.astype(int)) < 0).any()


class TestBatches:
    @pytest.mark.parametrize(("shape", "expected"), [((4, 5), (4, 5, 1)), ((4, 5, 3), (4, 5, 3))])
    def test_are_images_from_0_to_1_with_an_axis_for_the_colours(self, shape, expected):
        x = np.random.default_rng(0).integers(0, 200, (7, *shape), dtype=np.uint8)
        batches = list(_batches(np.float32(200), x, np.arange(7), 3))
        assert [images.shape for images, _ in batches] == [(n, *expected) for n in (3, 3, 1)]
        images = np.concatenate([images for images, _ in batches])
        np.testing.assert_array_equal(images, x.reshape(-1, *expected) / np.float32(200))
        assert images.dtype == np.float32

    def test_are_shuffled_anew_each_epoch_if_there_is_a_seed(self):
        x, y = np.zeros((50, 2, 2), np.uint8), np.arange(50)
        keras.utils.set_random_seed(0)
        shuffled = _batches(np.float32(1), x, y, 8, seed=3)
        epochs = [np.concatenate([labels for _, labels in shuffled]) for _ in range(2)]
        for epoch in epochs:
            assert sorted(epoch) == list(range(50))
            assert (epoch != y).any()
        assert (epochs[0] != epochs[1]).any()
        in_order = np.concatenate([labels for _, labels in _batches(np.float32(1), x, y, 8)])
        np.testing.assert_array_equal(in_order, y)


@pytest.fixture(scope="module")
def record():
    return execute(RUN)


def test_fit_learns_numbers_by_their_squared_error(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.random((400, 4, 2), np.float32)
    small = AddingProblem(
        x[:300], x[:300, -1, 0], x[300:], x[300:, -1, 0],
        name="last", origin="generated", source="here", licence="none",
    )  # fmt: skip
    trained = []

    def build(shape):
        trained.append(keras_models.BUILDERS["adding_rnn"](shape))
        return trained[-1]

    monkeypatch.setitem(DATA, "last", lambda: small)
    monkeypatch.setitem(keras_models.BUILDERS, "kept", build)
    run = Run("fit", "last", "kept", "Adam", {"learning_rate": 0.01}, 0, 12, 16)
    curve, result, _ = fit(run)
    assert curve["val_loss"][-1] < 0.2 * curve["val_loss"][0]
    assert result["test_loss"] < 0.03  # always to answer the mean gives 1/12
    assert set(curve) == {"epoch", "loss", "val_loss"}
    assert set(result) == {"diverged", "test_loss"}
    (model,) = trained
    answers = model(x[300:, ..., None] / x[:300].max())[:, 0].numpy()
    expected = np.mean((answers - x[300:, -1, 0]) ** 2)
    assert result["test_loss"] == pytest.approx(expected, rel=1e-4)


class TestFit:
    def test_the_same_run_gives_the_same_record(self, record):
        again = execute(RUN)
        assert again.result == record.result
        np.testing.assert_equal(again.curve, record.curve)
        assert again.provenance["data"] == record.provenance["data"]

    def test_another_thread_that_draws_random_numbers_changes_nothing(self, record, monkeypatch):
        """Such as dask's, while the model is built."""
        build = keras_models.BUILDERS[RUN.model]

        def disturbed(shape):
            random.random()
            return build(shape)

        monkeypatch.setitem(keras_models.BUILDERS, RUN.model, disturbed)
        again = execute(RUN)
        assert again.result == record.result
        np.testing.assert_equal(again.curve, record.curve)

    def test_another_seed_gives_another(self, record):
        other = execute(dataclasses.replace(RUN, seed=4))
        assert (other.curve["loss"] != record.curve["loss"]).all()

    def test_the_curve_has_a_value_an_epoch_and_learns(self, record):
        assert record.curve["epoch"].tolist() == [1, 2]
        assert set(record.curve) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
        assert record.curve["loss"][1] < record.curve["loss"][0]
        assert record.result["diverged"] == 0
        assert 0.1 < record.result["test_accuracy"] < 1

    def test_what_made_it_is_kept(self, record):
        provenance = record.provenance
        assert set(provenance) == {"device", "versions", "data", "commit", "seconds"}
        assert provenance["versions"]["keras"] == keras.__version__
        assert provenance["seconds"] > 0
        assert len(provenance["data"]) == 16

    def test_a_run_that_diverges_stops_and_is_not_tested(self):
        settings = {"learning_rate": 1e30}
        run = dataclasses.replace(RUN, optimizer="SGD", settings=settings, epochs=3)
        record = execute(run)
        assert record.result == {"diverged": 1.0}
        assert len(record.curve["epoch"]) == len(record.curve["loss"]) == 1
        assert np.isnan(record.curve["loss"][-1])

    def test_a_run_whose_weights_blow_up_in_its_last_batch_diverged_too(self):
        # A single batch an epoch: its loss is that of the first weights.
        settings = {"learning_rate": 1e38}
        run = dataclasses.replace(
            RUN, optimizer="SGD", settings=settings, epochs=1, batch_size=RUN.examples
        )
        curve, result, _ = fit(run)
        assert np.isfinite(curve["loss"]).all()
        assert not np.isfinite(curve["val_loss"]).any()
        assert result == {"diverged": 1.0}

    def test_the_numbers_are_those_of_the_data_it_was_given(self, monkeypatch):
        """Weights that say "3" always: the accuracies are the shares of threes."""

        class Three(keras.Model):
            def build(self, shape):
                self.bias = self.add_weight(shape=(10,), initializer="zeros")

            def call(self, x):
                seen.extend([float(x[0].shape[-1])])
                return keras.ops.softmax(
                    keras.ops.one_hot(keras.ops.full(keras.ops.shape(x)[:1], 3), 10) * 10
                    + 0 * self.bias
                )

        seen = []
        monkeypatch.setitem(keras_models.BUILDERS, "three", lambda shape: Three())
        curve, result, _ = fit(dataclasses.replace(RUN, model="three", epochs=1))
        train, validation, test = split(load_digits(), RUN.examples)
        assert curve["accuracy"] == pytest.approx([np.mean(train[1] == 3)])
        assert curve["val_accuracy"] == pytest.approx([np.mean(validation[1] == 3)])
        assert result["test_accuracy"] == pytest.approx(np.mean(test[1] == 3))
        assert set(seen) == {1.0}  # grey images get an axis for their one colour

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"data": "cats"}, "data must be one of .*digits.*, not 'cats'"),
            ({"model": "huge"}, "model must be one of small_mlp, .*, not 'huge'"),
        ],
    )
    def test_an_unknown_name_is_named(self, change, message):
        with pytest.raises(ValueError, match=message):
            fit(dataclasses.replace(RUN, **change))


class TestData:
    def test_a_stand_in_is_refused(self):
        few = dataclasses.replace(load_digits(), note="a part")
        with pytest.raises(ValueError, match="complete data are needed, at hand are only: 8×8"):
            complete(lambda: few)()

    def test_the_whole_is_taken(self):
        whole = load_digits()
        assert complete(lambda: whole)() is whole

    def test_what_every_machine_has_needs_no_download(self, monkeypatch):
        monkeypatch.setenv("RMSPROP_OFFLINE", "1")
        monkeypatch.delenv("RMSPROP_DATA", raising=False)
        monkeypatch.setenv("KERAS_HOME", "/nowhere")
        assert len(DATA["digits"]().y_train) == 1442
        for name in ("mnist", "cifar10"):
            with pytest.raises(ValueError, match="complete data are needed"):
                DATA[name]()


def optimizer(name, epochs=4, steps=25, **settings):
    return build_optimizer(Run("fit", "d", "m", name, settings, 0, epochs, 1), steps)


def rates(optimizer, steps):
    return [float(optimizer._learning_rate(step)) for step in steps]


class TestBuildOptimizer:
    def test_every_name_is_what_it_says(self):
        assert OPTIMIZERS.keys() == {"SGD", "momentum", "RMSprop", "Adam", "Nadam"}
        classes = {
            "SGD": keras.optimizers.SGD,
            "momentum": keras.optimizers.SGD,
            "RMSprop": rmsprop.keras.RMSprop,
            "Adam": keras.optimizers.Adam,
            "Nadam": keras.optimizers.Nadam,
        }
        for name, expected in classes.items():
            made = optimizer(name, learning_rate=0.25)
            assert type(made) is expected
            assert float(made.learning_rate) == 0.25

    def test_settings_are_kerass(self):
        assert optimizer("momentum", learning_rate=0.1, momentum=0.8).momentum == 0.8
        assert optimizer("RMSprop", learning_rate=0.1, rho=0.7).rho == 0.7
        assert optimizer("Adam", learning_rate=0.1, beta_1=0.7).beta_1 == 0.7

    def test_linear_falls_to_zero_over_the_whole_run(self):
        linear = optimizer("SGD", learning_rate=0.4, schedule="linear")
        assert rates(linear, [0, 25, 50, 100]) == pytest.approx([0.4, 0.3, 0.2, 0])

    def test_cosine_falls_to_zero_over_the_whole_run(self):
        cosine = optimizer("RMSprop", learning_rate=0.4, schedule="cosine")
        expected = [0.2 * (1 + np.cos(np.pi * t / 100)) for t in (0, 25, 50, 100)]
        assert rates(cosine, [0, 25, 50, 100]) == pytest.approx(expected, abs=1e-7)

    def test_inverse_is_what_decay_meant(self):
        inverse = optimizer("Adam", learning_rate=0.4, schedule="inverse", decay=0.9)
        assert isinstance(inverse._learning_rate, schedules.InverseTimeDecay)
        assert rates(inverse, [0, 1, 10]) == pytest.approx([0.4, 0.4 / 1.9, 0.4 / 10])

    @pytest.mark.parametrize(
        "settings", [{"schedule": "inverse"}, {"schedule": "linear", "decay": 0.1}, {"decay": 0.1}]
    )
    def test_decay_and_its_schedule_come_together(self, settings):
        with pytest.raises(ValueError, match="decay belongs to the schedule 'inverse'"):
            optimizer("SGD", learning_rate=0.1, **settings)

    def test_an_unknown_optimizer_is_named(self):
        with pytest.raises(ValueError, match=r"optimizer must be one of SGD, .*, not 'Magic'"):
            optimizer("Magic", learning_rate=0.1)

    def test_an_unknown_schedule_is_named(self):
        with pytest.raises(ValueError, match=r"schedule must be one of linear, .*, not 'steps'"):
            optimizer("SGD", learning_rate=0.1, schedule="steps")

    def test_a_schedule_needs_a_rate_to_start_from(self):
        with pytest.raises(ValueError, match="must give learning_rate to the schedule 'cosine'"):
            optimizer("SGD", schedule="cosine")

    def test_an_unknown_setting_is_named(self):
        with pytest.raises((TypeError, ValueError), match="speed"):
            optimizer("Adam", learning_rate=0.1, speed=3)


def test_inspect_is_a_fit_that_counts_the_answers_and_keeps_the_first_kernel():
    curve, result, data = inspect(RUN)
    fitted_curve, fitted, fitted_data = fit(RUN)
    assert (curve, data) == (fitted_curve, fitted_data)
    assert {name: result.pop(name) for name in fitted} == fitted
    weights = [result.pop(f"weight_{k}") for k in range(64 * 10)]
    keras.utils.set_random_seed(RUN.seed)
    start = keras_models.BUILDERS[RUN.model]((8, 8)).trainable_weights[0].numpy().ravel()
    step = np.abs(weights - start)
    assert 0 < np.median(step) < 0.1  # the same kernel, some steps of Adam later
    answers = np.array([[result.pop(f"answer_{i}_{j}") for j in range(10)] for i in range(10)])
    truth = split(load_digits(), RUN.examples)[2][1]
    np.testing.assert_array_equal(answers.sum(axis=1), np.bincount(truth, minlength=10))
    assert answers.trace() / len(truth) == pytest.approx(fitted["test_accuracy"], abs=1e-6)
    assert result == {}


def test_inspect_finds_nothing_in_a_network_that_diverged():
    run = dataclasses.replace(RUN, optimizer="SGD", settings={"learning_rate": 1e30})
    assert inspect(run)[1] == {"diverged": 1.0}


class TestDivide:
    RUN = Run("divide", "digits", "small_mlp", "RMSprop", {"learning_rate": 0.01}, 3, 2, 16, 200)

    def test_is_a_fit_that_watches_the_divisor(self):
        curve, result, _ = divide(self.RUN)
        plain, _, _ = fit(dataclasses.replace(self.RUN, task="fit"))
        assert all(0 <= part < 0.2 for part in curve.pop("ruled"))
        assert curve == plain
        roots = [value for name, value in result.items() if name.startswith("root_")]
        assert len(roots) == 13
        assert roots == sorted(roots)
        assert 1e-15 < roots[0] < roots[-1] < 1

    @pytest.mark.parametrize(("inside", "epsilon"), [(True, 2.5e-3), (False, 0.05)])
    def test_a_threshold_in_the_middle_rules_over_some(self, inside, epsilon):
        settings = {"learning_rate": 1e-9, "epsilon": epsilon, "epsilon_inside": inside}
        run = dataclasses.replace(self.RUN, settings=settings)
        curve, result, _ = divide(run)
        assert 0.1 < curve["ruled"][-1] < 0.999
        # It is the part of the weights whose √v is below 0.05.
        levels = [int(name[5:]) for name in result if name.startswith("root_")]
        below = [level for level in levels if result[f"root_{level}"] < 0.05]
        assert max(below) / 100 <= curve["ruled"][-1]

    def test_what_v_started_with_does_not_count(self):
        late = {"learning_rate": 1e-9, "rho": 0.5}
        zero, one = (
            divide(dataclasses.replace(self.RUN, settings=late | {"initial_accumulator_value": v}))
            for v in (0.0, 1.0)
        )
        assert one[1]["root_50"] == pytest.approx(zero[1]["root_50"], rel=1e-3)


class TestPairs:
    def made(self, y=(1, 0, 1, 0, 2, 2, 2, 0, 1, 0), seed=0):
        y = np.array(y)
        examples, alike = pairs(np.arange(len(y)), y, np.random.default_rng(seed))
        return y, examples, alike

    def test_one_of_two_is_of_one_class(self):
        y, examples, alike = self.made()
        np.testing.assert_array_equal(alike, np.tile([1, 0], 6))
        np.testing.assert_array_equal(y[examples[:, 0]] == y[examples[:, 1]], alike == 1)

    def test_each_class_gives_its_examples_in_turn_as_many_as_the_smallest_has(self):
        _, examples, _ = self.made()
        alike = [[1, 3], [3, 7], [0, 2], [2, 8], [4, 5], [5, 6]]
        np.testing.assert_array_equal(examples[::2], alike)
        np.testing.assert_array_equal(examples[1::2, 0], examples[::2, 0])

    def test_the_partner_from_another_class_stands_at_the_same_place_and_is_drawn(self):
        places = np.array([[1, 3, 7], [0, 2, 8], [4, 5, 6]])  # of the classes 0, 1, 2
        drawn = [self.made(seed=seed)[1][1::2, 1].reshape(3, 2) for seed in range(20)]
        for column in range(2):
            for row in range(3):
                others = {*places[:, column]} - {places[row, column]}
                assert {partners[row, column] for partners in drawn} == others

    def test_all_examples_are_looked_up(self):
        x = np.arange(2 * 3 * 4 * 4).reshape(6, 4, 4)
        examples, _ = pairs(x, np.array([0, 1, 0, 1, 0, 1]), np.random.default_rng(0))
        assert examples.shape == (8, 2, 4, 4)
        np.testing.assert_array_equal(examples[0], x[[0, 2]])
        np.testing.assert_array_equal(examples[1], x[[0, 1]])

    @pytest.mark.parametrize(
        ("y", "counts"), [([], "0 with at least 0"), ([3, 3, 3], "1 .* 3"), ([0, 0, 1], "2 .* 1")]
    )
    def test_without_partners_it_is_refused(self, y, counts):
        message = f"^y must have two classes or more, each with two .*, not {counts}$"
        with pytest.raises(ValueError, match=message):
            self.made(y)


class TestFitPairs:
    RUN = Run("fit_pairs", "digits", "mnist_siamese", "RMSprop", {"learning_rate": 1e-3}, 3, 3, 32)

    def test_learns_which_pairs_are_alike(self):
        curve, result, data = fit_pairs(self.RUN)
        assert set(curve) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
        assert curve["loss"][-1] < curve["loss"][0]
        assert result["diverged"] == 0
        assert 0.8 < result["test_accuracy"] < 1  # as many are alike as not
        assert data == fit(dataclasses.replace(self.RUN, task="fit", model="small_mlp"))[2]
        again = fit_pairs(self.RUN)
        assert again == (curve, result, data)

    def test_the_numbers_are_those_of_the_pairs_it_was_given(self, monkeypatch):
        """The distance is 0.4 if the two images have one brightness within 0.03, else 0.7."""

        class Brightness(keras.Model):
            def build(self, shape):
                self.bias = self.add_weight(shape=(1,), initializer="zeros")

            def call(self, x):
                one, other = (keras.ops.mean(x[:, k], axis=(1, 2)) for k in (0, 1))
                near = keras.ops.abs(one - other) < 0.03
                return keras.ops.where(near, 0.4, 0.7)[:, None] + 0 * self.bias

        monkeypatch.setitem(keras_models.BUILDERS, "brightness", lambda shape: Brightness())
        run = dataclasses.replace(self.RUN, model="brightness", epochs=1)
        curve, result, _ = fit_pairs(run)
        data, rng = load_digits(), np.random.default_rng(run.seed)
        for kind, part in zip(("", "val_", "test_"), split(data), strict=True):
            examples, alike = pairs(*part, rng)
            means = examples.mean(axis=(2, 3)) / np.float32(data.x_train.max())
            near = np.abs(means[:, 0] - means[:, 1]) < 0.03
            right, loss = (
                np.mean(near == alike),
                np.mean(np.where(alike, np.where(near, 0.4, 0.7), np.where(near, 0.6, 0.3)) ** 2),
            )
            seen = result if kind == "test_" else {n: v[0] for n, v in curve.items()}
            assert seen[f"{kind}accuracy"] == pytest.approx(right, abs=1e-6)
            assert seen[f"{kind}loss"] == pytest.approx(loss, rel=1e-5)
        assert 0 < near.sum() < len(near)
        assert result["test_precision"] == pytest.approx(np.mean(alike[near]))

    def test_where_no_pair_is_found_alike_the_precision_is_0(self, monkeypatch):
        def far(shape):
            return keras.Sequential(
                [
                    keras.Input((2, *shape)),
                    keras.layers.Flatten(),
                    keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones"),
                ]
            )

        monkeypatch.setitem(keras_models.BUILDERS, "far", far)
        settings = {"learning_rate": 1e-9}
        run = dataclasses.replace(self.RUN, model="far", settings=settings, epochs=1)
        _, result, _ = fit_pairs(run)
        assert result["test_precision"] == 0
        assert result["test_accuracy"] == 0.5

    def test_a_run_that_diverges_is_not_tested(self):
        run = dataclasses.replace(self.RUN, optimizer="SGD", settings={"learning_rate": 1e30})
        assert fit_pairs(run)[1] == {"diverged": 1.0}


class TestFitNumpy:
    RUN = Run("fit_numpy", "digits", "numpy_mlp", "RMSprop", {"learning_rate": 0.003}, 0, 5, 32)

    def test_learns_and_is_repeated_to_the_last_digit(self):
        curve, result, data = fit_numpy(self.RUN)
        assert curve["epoch"] == [1, 2, 3, 4, 5]
        assert curve["val_loss"][-1] < curve["val_loss"][0]
        assert result["diverged"] == 0
        assert result["test_accuracy"] > 0.8
        assert fit_numpy(self.RUN) == (curve, result, data)
        assert data == fit(dataclasses.replace(self.RUN, task="fit", model="small_mlp"))[2]

    def test_another_seed_gives_another(self):
        assert fit_numpy(self.RUN)[0] != fit_numpy(dataclasses.replace(self.RUN, seed=1))[0]

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what diverges overflows
    def test_a_run_that_diverges_says_so_and_has_no_test(self):
        settings = {"learning_rate": 1e200}
        run = dataclasses.replace(self.RUN, optimizer="SGD", settings=settings, epochs=1)
        curve, result, _ = fit_numpy(run)
        assert result == {"diverged": 1.0}
        assert not np.isfinite(curve["val_loss"][-1])

    @pytest.mark.parametrize("name", ["data", "model", "optimizer"])
    def test_an_unknown_name_is_named(self, name):
        with pytest.raises(ValueError, match=f"^{name} must be one of .*, not 'other'$"):
            fit_numpy(dataclasses.replace(self.RUN, **{name: "other"}))
