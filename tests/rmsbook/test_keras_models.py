"""The models are the ones the chapters speak of: layers, activations, sizes, fresh weights."""

import keras
import numpy as np
import pytest

from rmsbook.keras_models import (
    BUILDERS,
    cifar10_cnn,
    contrastive,
    found_alike,
    mnist_mlp,
    mnist_siamese,
    recurrent,
    small_cnn,
    small_mlp,
)

IMAGES = np.random.default_rng(0).uniform(size=(3, 784)).astype("float32")


def described(model):
    """Each layer in a word, with what decides its output."""
    details = {
        keras.layers.Dense: lambda layer: (layer.units, layer.activation.__name__),
        keras.layers.Dropout: lambda layer: (layer.rate,),
        keras.layers.Conv2D: lambda layer: (
            layer.filters,
            layer.kernel_size,
            layer.padding,
            layer.activation.__name__,
        ),
        keras.layers.MaxPooling2D: lambda layer: (layer.pool_size,),
        keras.layers.Flatten: lambda layer: (),
        keras.layers.Reshape: lambda layer: (layer.target_shape,),
        keras.layers.Lambda: lambda layer: (),
        keras.layers.RandomTranslation: lambda layer: (
            layer.height_factor,
            layer.width_factor,
            layer.fill_mode,
        ),
        keras.layers.RandomFlip: lambda layer: (layer.mode,),
    }
    return [(type(layer).__name__, *details[type(layer)](layer)) for layer in model.layers]


def test_small_mlp_is_the_articles_network():
    assert described(small_mlp()) == [("Dense", 10, "relu"), ("Dense", 10, "softmax")]
    assert small_mlp().count_params() == 784 * 10 + 10 + 10 * 10 + 10


def test_mnist_mlp_is_kerass_example():
    assert described(mnist_mlp()) == [
        ("Dense", 512, "relu"),
        ("Dropout", 0.2),
        ("Dense", 512, "relu"),
        ("Dropout", 0.2),
        ("Dense", 10, "softmax"),
    ]


def test_small_cnn_is_the_articles_network():
    assert described(small_cnn((28, 28))) == [
        ("Conv2D", 32, (3, 3), "valid", "relu"),
        ("MaxPooling2D", (2, 2)),
        ("Conv2D", 64, (3, 3), "valid", "relu"),
        ("MaxPooling2D", (2, 2)),
        ("Flatten",),
        ("Dense", 128, "relu"),
        ("Dense", 10, "softmax"),
    ]


def test_small_cnn_can_be_given_what_the_article_leaves_out():
    plain, whole = (
        described(small_cnn((32, 32, 3), **options))
        for options in ({}, {"augment": True, "dropout": 0.3})
    )
    assert whole[:2] == described(cifar10_cnn())[:2]
    assert whole[2:] == [*plain[:5], ("Dropout", 0.3), *plain[5:]]


def test_cifar10_cnn_is_kerass_example():
    assert described(cifar10_cnn()) == [
        ("RandomTranslation", 0.1, 0.1, "nearest"),
        ("RandomFlip", "horizontal"),
        ("Conv2D", 32, (3, 3), "same", "relu"),
        ("Conv2D", 32, (3, 3), "valid", "relu"),
        ("MaxPooling2D", (2, 2)),
        ("Dropout", 0.25),
        ("Conv2D", 64, (3, 3), "same", "relu"),
        ("Conv2D", 64, (3, 3), "valid", "relu"),
        ("MaxPooling2D", (2, 2)),
        ("Dropout", 0.25),
        ("Flatten",),
        ("Dense", 512, "relu"),
        ("Dropout", 0.5),
        ("Dense", 10, "softmax"),
    ]


def test_without_augmentation_cifar10_cnn_is_the_same_network():
    assert described(cifar10_cnn(augment=False)) == described(cifar10_cnn())[2:]


def test_images_are_shifted_and_mirrored_in_training_only():
    model = cifar10_cnn()
    shift, mirror = model.layers[:2]
    image = np.random.default_rng(0).uniform(size=(1, 32, 32, 3)).astype("float32")
    keras.utils.set_random_seed(0)
    trained = [mirror(shift(image, training=True), training=True).numpy() for _ in range(8)]
    assert len({each.tobytes() for each in trained}) == 8
    np.testing.assert_array_equal(
        mirror(shift(image, training=False), training=False).numpy(), image
    )
    flipped = [np.array_equal(mirror(image, training=True), image[:, :, ::-1]) for _ in range(20)]
    assert 0 < sum(flipped) < 20


class TestMnistSiamese:
    def test_is_kerass_example(self):
        assert described(mnist_siamese()) == [
            ("Reshape", (2, 784)),
            ("Dense", 128, "relu"),
            ("Dropout", 0.1),
            ("Dense", 128, "relu"),
            ("Dropout", 0.1),
            ("Dense", 128, "relu"),
            ("Lambda",),
        ]

    def test_gives_the_distance_of_two_points_that_one_network_makes(self):
        model = mnist_siamese()
        pairs = IMAGES[[[0, 1], [1, 2], [2, 0]]].reshape(3, 2, 28, 28)
        points = IMAGES
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dense):
                points = layer(points).numpy()
        expected = np.linalg.norm(points - points[[1, 2, 0]], axis=1)
        np.testing.assert_allclose(model(pairs)[:, 0], expected, rtol=1e-4)

    def test_the_same_image_twice_has_a_small_distance_with_a_slope(self):
        import tensorflow as tf

        model = mnist_siamese()
        pair = tf.constant(IMAGES[[[0, 0]]].reshape(1, 2, 28, 28))
        with tf.GradientTape() as tape:
            distance = model(pair)
        slopes = tape.gradient(distance, model.trainable_variables)
        assert float(distance[0, 0]) == pytest.approx(1e-7**0.5)
        assert all(np.isfinite(slope).all() for slope in slopes)

    @pytest.mark.parametrize("shape", [(4,), (4, 1)])
    def test_contrastive_draws_alike_pairs_together_and_others_apart(self, shape):
        alike = np.reshape([1, 1, 0, 0], shape)
        distance = np.array([[0.3], [2.0], [0.3], [2.0]], "float32")
        np.testing.assert_allclose(contrastive(alike, distance), [0.09, 4, 0.49, 0], rtol=1e-6)

    def test_pairs_below_half_the_margin_are_found_alike(self):
        distance = np.array([[0.49], [0.5], [0.51]], "float32")
        np.testing.assert_array_equal(found_alike(distance), [True, False, False])


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3)])
@pytest.mark.parametrize("name", BUILDERS)
def test_an_experiment_can_name_it_for_images_of_any_shape(name, shape):
    if name in ("efficientnet_b0", "mobilenet_v3") and shape == (28, 28):
        pytest.skip("made for images of at least 32 × 32 pixels in colour")
    if name == "mnist_siamese":
        assert BUILDERS[name](shape)(np.zeros((3, 2, *shape), "float32")).shape == (3, 1)
        return
    images = np.zeros((2, *shape, 1) if len(shape) == 2 else (2, *shape), "float32")
    answers = BUILDERS[name](shape)(images).numpy()
    if name.startswith("adding"):
        assert answers.shape == (2, 1)
    else:
        assert answers.shape == (2, 9 if name == "vowel_lstm" else 10)
        np.testing.assert_allclose(answers.sum(axis=1), [1, 1], rtol=1e-6)


@pytest.mark.parametrize("cell", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_reads_with_kerass_layer_and_answers_after_the_last_step(cell):
    model = recurrent((7, 3), cell, outputs=4)
    assert [type(layer).__name__ for layer in model.layers] == ["Reshape", cell, "Dense"]
    x = np.random.default_rng(0).standard_normal((6, 7, 3, 1)).astype("float32")
    state = np.zeros((6, 64), "float32")
    memory = [state, state] if cell == "LSTM" else [state]
    for step in range(7):
        state, memory = model.layers[1].cell(x[:, step, :, 0], memory)
    np.testing.assert_allclose(model(x), model.layers[2](state), rtol=1e-5)


def test_recurrent_skips_the_padding_only_if_it_is_masked():
    x = np.random.default_rng(0).standard_normal((4, 7, 3, 1)).astype("float32")
    x[:, 5:] = 0
    for masked in (True, False):
        keras.utils.set_random_seed(0)
        whole, short = recurrent((7, 3), masked=masked), recurrent((5, 3), masked=masked)
        short.set_weights(whole.get_weights())
        assert np.allclose(whole(x), short(x[:, :5]), rtol=1e-5) == masked


def test_recurrent_answers_with_a_number_as_it_comes_if_there_is_one_output():
    *_, dense = recurrent((7, 3), outputs=1).layers
    assert dense.activation is keras.activations.linear


def test_what_an_experiment_names_is_the_model():
    assert BUILDERS["mnist_mlp"]((28, 28)).count_params() == mnist_mlp().count_params()
    assert BUILDERS["small_mlp"]((8, 8)).count_params() == small_mlp(64).count_params() == 760
    assert BUILDERS["small_cnn"] is small_cnn
    assert BUILDERS["cifar10_cnn"] is cifar10_cnn


def cnn_of_vectors():
    return keras.Sequential([keras.layers.Reshape((28, 28, 1)), small_cnn((28, 28))])


@pytest.mark.parametrize("build", [small_mlp, mnist_mlp, cnn_of_vectors])
class TestEveryModel:
    def test_is_built_and_gives_probabilities(self, build):
        probabilities = build()(IMAGES).numpy()
        assert probabilities.shape == (3, 10)
        assert (probabilities >= 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)

    def test_is_not_compiled(self, build):
        assert not build().compiled

    def test_starts_with_new_weights_each_time(self, build):
        first, second = build(), build()
        assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])

    def test_keras_seed_repeats_the_weights(self, build):
        weights = []
        for _ in range(2):
            keras.utils.set_random_seed(4)
            weights.append(build().get_weights())
        for a, b in zip(*weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_dropout_acts_in_training_only():
    model = mnist_mlp()
    calm = [model(IMAGES).numpy() for _ in range(2)]
    trained = [model(IMAGES, training=True).numpy() for _ in range(2)]
    np.testing.assert_allclose(*calm, rtol=1e-5)  # sums of float32, shared between threads
    assert not np.array_equal(*trained)
