"""The Keras models of the chapters, with fresh random weights, not yet compiled.

Each function returns a new ``keras.Sequential``. The weights come from Keras's own generator:
``keras.utils.set_random_seed``, called before, makes them repeatable.
"""

import functools
import math

import keras
from keras import layers, ops

__all__ = [
    "BUILDERS",
    "cifar10_cnn",
    "contrastive",
    "found_alike",
    "mnist_mlp",
    "mnist_siamese",
    "recurrent",
    "small_cnn",
    "small_mlp",
]


def small_mlp(pixels=784):
    """Return the network of article B's chapter 5: 784 pixels, 10 hidden units, 10 classes.

    Parameters
    ----------
    pixels : int, optional
        Numbers in an image, by default those of MNIST's 28 × 28.

    Returns
    -------
    keras.Sequential
        Takes arrays of shape (N, pixels), best scaled to 0 … 1, and returns probabilities of shape
        (N, 10); 7,960 weights. Dense layers with ReLU and softmax, Keras's initial weights.

    Examples
    --------
    >>> small_mlp().count_params()
    7960
    """
    return keras.Sequential(
        [
            keras.Input((pixels,)),
            layers.Dense(10, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="small_mlp",
    )


def mnist_mlp(pixels=784):
    """Return the network of Keras's example ``mnist_mlp``: two hidden layers with dropout.

    The example trains it on MNIST with RMSprop's defaults and batches of 128, and gives 98.40 %
    as its test accuracy after 20 epochs.

    Parameters
    ----------
    pixels : int, optional
        Numbers in an image, by default those of MNIST's 28 × 28.

    Returns
    -------
    keras.Sequential
        Takes arrays of shape (N, pixels), best scaled to 0 … 1, and returns probabilities of shape
        (N, 10); 669,706 weights. Dense layers of 512, 512 (ReLU) and 10 (softmax) units; 20 % of
        the outputs of each hidden layer are dropped during training.

    References
    ----------
    https://github.com/keras-team/keras/blob/10bfb1c565582803982e2205d41b095bc929d4a4/examples/mnist_mlp.py

    Examples
    --------
    >>> mnist_mlp().count_params()
    669706
    """
    return keras.Sequential(
        [
            keras.Input((pixels,)),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="mnist_mlp",
    )


def small_cnn(shape, augment=False, dropout=0.0):
    """Return article A's convolutional network, the one its chapter 8 spells out.

    Two convolutions of 3 × 3 pixels with 32 and 64 channels, each followed by pooling over 2 × 2,
    then a hidden layer of 128 units and one of 10 classes.

    Parameters
    ----------
    shape : tuple of int
        Of an image: (height, width) or (height, width, channels).
    augment : bool, optional
        Whether training images are shifted and mirrored as in `cifar10_cnn`; the article's are not.
    dropout : float, optional
        The part of the hidden layer's inputs that is dropped in training; in the article none.

    Returns
    -------
    keras.Sequential
        Takes images scaled to 0 … 1, shape (N, height, width, channels), and returns
        probabilities of shape (N, 10).

    Examples
    --------
    >>> small_cnn((32, 32, 3)).count_params(), small_cnn((28, 28)).count_params()
    (315722, 225034)
    """
    return keras.Sequential(
        [
            keras.Input(_with_channels(shape)),
            *(_moved_and_mirrored() if augment else ()),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            *([layers.Dropout(dropout)] if dropout else ()),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="small_cnn",
    )


def cifar10_cnn(shape=(32, 32, 3), augment=True):
    """Return the network of Keras's example ``cifar10_cnn``: four convolutions with dropout.

    The example trains it with RMSprop at a learning rate of 1e-4 on batches of 32 augmented
    images, and gives 75 % after 25 epochs and 79 % after 50.

    Parameters
    ----------
    shape : tuple of int, optional
        Of an image: (height, width, channels).
    augment : bool, optional
        Whether training images are shifted by up to a tenth of their size and mirrored at random,
        by layers of the network itself.

    Returns
    -------
    keras.Sequential
        Takes images scaled to 0 … 1, and returns probabilities of shape (N, 10).

    References
    ----------
    https://github.com/keras-team/keras/blob/10bfb1c565582803982e2205d41b095bc929d4a4/examples/cifar10_cnn.py

    Examples
    --------
    >>> cifar10_cnn().count_params()
    1250858
    """
    blocks = [
        layer
        for channels in (32, 64)
        for layer in (
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.Conv2D(channels, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
        )
    ]
    return keras.Sequential(
        [
            keras.Input(_with_channels(shape)),
            *(_moved_and_mirrored() if augment else ()),
            *blocks,
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="cifar10_cnn",
    )


def mnist_siamese(shape=(28, 28)):
    """Return the network of Keras's example ``mnist_siamese``: the distance of two images.

    Both images go through the same three layers of 128 units, which make a point of each. The
    example trains it with RMSprop's defaults on batches of 128 pairs of MNIST's digits, and gives
    97.2 % as its test accuracy after 20 epochs.

    Parameters
    ----------
    shape : tuple of int, optional
        Of an image: (height, width) or (height, width, channels).

    Returns
    -------
    keras.Sequential
        Takes pairs of images scaled to 0 … 1, shape (N, 2, *shape), and returns the distances of
        their points, shape (N, 1). A tenth of the outputs of the first two layers are dropped
        during training, of each image by itself.

    See Also
    --------
    contrastive : the loss it is trained with.
    found_alike : what it takes for a pair of one class.

    References
    ----------
    https://github.com/keras-team/keras/blob/009110d81dfc7d3c2dc2b98a3d5ad106ec8d1b7a/examples/mnist_siamese.py

    Examples
    --------
    >>> mnist_siamese().count_params()
    133504
    """
    return keras.Sequential(
        [
            keras.Input((2, *shape)),
            layers.Reshape((2, math.prod(shape))),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(128, activation="relu"),
            layers.Lambda(_distance, output_shape=(1,)),
        ],
        name="mnist_siamese",
    )


def _distance(points):
    square = ops.sum((points[:, 0] - points[:, 1]) ** 2, axis=-1, keepdims=True)
    return ops.sqrt(ops.maximum(square, 1e-7))  # the root has no slope at zero


def contrastive(alike, distance):
    """Return the loss of each pair: alike ones should be near, others at a distance of 1 or more.

    Parameters
    ----------
    alike : tensor
        Shape (N,) or (N, 1): 1 for a pair of one class, 0 for a pair of two.
    distance : tensor
        Shape (N, 1), as `mnist_siamese` returns it.

    Returns
    -------
    tensor
        Shape (N,): the square of the distance, or of what it lacks to 1.
    """
    distance = ops.reshape(distance, (-1,))
    alike = ops.cast(ops.reshape(alike, (-1,)), distance.dtype)
    return alike * distance**2 + (1 - alike) * ops.relu(1 - distance) ** 2


def found_alike(distance):
    """Return which pairs are taken for pairs of one class: those less than 0.5 apart."""
    return ops.reshape(distance, (-1,)) < 0.5


def recurrent(shape, cell="LSTM", outputs=10, masked=False):
    """Return a network that reads a sequence step by step and answers after the last one.

    Parameters
    ----------
    shape : tuple of int
        (steps, features) of a sequence. An image is one too: its rows are the steps.
    cell : {"LSTM", "GRU", "SimpleRNN"}, optional
        The layer of Keras that reads, with 64 numbers in its hidden state and its own defaults.
    outputs : int, optional
        Classes to choose from, with softmax; 1 for a number, as it comes.
    masked : bool, optional
        Whether steps that are zero in all features are skipped, as for padded sequences.

    Returns
    -------
    keras.Sequential
        Takes arrays of shape (N, steps, features, 1), as the experiments hand them out, and
        returns shape (N, outputs).

    Examples
    --------
    >>> [recurrent((28, 28), cell).count_params() for cell in ("SimpleRNN", "GRU", "LSTM")]
    [6602, 18698, 24458]
    """
    return keras.Sequential(
        [
            keras.Input(_with_channels(shape)),
            layers.Reshape((shape[0], math.prod(shape[1:]))),
            *([layers.Masking()] if masked else []),
            getattr(layers, cell)(64),
            layers.Dense(outputs, activation="softmax" if outputs > 1 else None),
        ],
        name="recurrent",
    )


def _published(name, shape):
    """Return a network of Keras's applications with new weights, for images from 0 to 1."""
    network = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=10)
    # They are made for images from 0 to 255.
    return keras.Sequential([keras.Input(shape), layers.Rescaling(255.0), network])


def _moved_and_mirrored():
    return [
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        layers.RandomFlip("horizontal"),
    ]


def _with_channels(shape):
    return (*shape, 1) if len(shape) == 2 else tuple(shape)


def _of_images(build):
    """Return a builder for images of a shape, from one for vectors of so many numbers."""

    def model(shape):
        dense = build(math.prod(shape))
        return keras.Sequential([keras.Input(_with_channels(shape)), layers.Flatten(), dense])

    return model


#: Every model an experiment can name: a function of the images' shape.
BUILDERS = {
    "small_mlp": _of_images(small_mlp),
    "mnist_mlp": _of_images(mnist_mlp),
    "small_cnn": small_cnn,
    "augmented_cnn": functools.partial(small_cnn, augment=True),
    "dropout_cnn": functools.partial(small_cnn, augment=True, dropout=0.3),
    "cifar10_cnn": cifar10_cnn,
    "efficientnet_b0": functools.partial(_published, "EfficientNetB0"),
    "mobilenet_v3": functools.partial(_published, "MobileNetV3Small"),
    "mnist_siamese": mnist_siamese,
    "row_lstm": recurrent,
    "vowel_lstm": functools.partial(recurrent, outputs=9, masked=True),
    "adding_lstm": functools.partial(recurrent, outputs=1),
    "adding_gru": functools.partial(recurrent, cell="GRU", outputs=1),
    "adding_rnn": functools.partial(recurrent, cell="SimpleRNN", outputs=1),
}
