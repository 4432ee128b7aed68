"""The exercises of course chapter 8: a convolutional network."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


def counted(side=lambda n: ((n - 2) // 2 - 2) // 2, bias=1, seen=32, maps=64, last=True, power=2):
    """Return a function that counts the network's weights, with a part replaced."""

    def weights(n, colours):
        convolutions = (9 * colours + bias) * 32 + (9 * seen + bias) * 64
        hidden = (side(n) ** power * maps + bias) * 128
        return convolutions + hidden + last * (128 + bias) * 10

    return weights


@exercise("ex-08-1", wants="a function of n and the number of colours", minutes=10, points=2)
def weights():
    """Count the weights of the small network."""
    return Task(
        answer=counted(),
        mistakes={
            "The biases are missing: one for each map and each unit.": counted(bias=0),
            "A convolution without padding makes the image smaller.": counted(lambda n: n // 4),
            "Where is the pooling? Each halves the side.": counted(lambda n: n - 4),
            "Pooling leaves an odd row out; you rounded up.": counted(
                lambda n: -(-(-(-(n - 2) // 2) - 2) // 2)
            ),
            "A kernel of the second convolution sees all the maps of the first.": counted(seen=1),
            "There are 64 maps in the row, not one.": counted(maps=1),
            "The maps have two sides.": counted(power=1),
            "The layer with the ten classes is missing.": counted(last=False),
        },
        on=[(28, 1), (32, 3), (45, 2), (224, 3)],
        rtol=0,
        atol=0.5,  # it is a count
    )


@exercise("ex-08-2", wants="a function of the number of classes k", minutes=8)
def floor():
    """Find the floor of a softmax applied twice."""
    return Task(
        answer=lambda k: np.log(np.e + k - 1) - 1,
        also=[lambda k: -np.log(np.e / (np.e + k - 1)), lambda k: np.log1p((k - 1) / np.e)],
        mistakes={
            "That is the loss of guessing.": np.log,
            "That is the floor of a softmax applied once.": lambda k: 0,
            "How many classes get the probability 0?": lambda k: np.log(np.e + k) - 1,
            "That is the logarithm of the sum alone.": lambda k: np.log(np.e + k - 1),
            "A loss is not negative: mind the sign.": lambda k: 1 - np.log(np.e + k - 1),
            "The right class is in the sum like the others, with the power of its probability.": (
                lambda k: np.log(k) - 1
            ),
        },
        on=[(2,), (10,), (1000,)],
    )


def stopped(losses, patience, first=1, keep=True, whole=False, of_all=False, neighbour=False):
    """Return the epoch that early stopping goes back to, or what a mistake makes of it."""
    best, waited, kept = np.inf, 0, 0
    for epoch, loss in enumerate(losses, first):
        if loss < best:
            best, kept = loss, epoch
            waited = waited if of_all else 0
        else:
            waited += 1
        if neighbour:
            best = loss
        if waited == patience and not whole:
            break
    return kept if keep else epoch


@exercise(
    "ex-08-3", wants="a function of the losses and the patience: an epoch", minutes=12, points=3
)
def early_stop():
    """Stop early, with patience."""
    falls = [3, 2, 1.5, 1.6, 1.7, 1.4, 1.45, 1.41, 1.3, 1.5, 1.6, 1.7, 1.2]
    saw = [3.0, 2.5, 2.8, 2.6, 2.9, 2.7, 2.75, 2.0, 2.1, 2.2, 2.3, 1.9]
    return Task(
        answer=stopped,
        mistakes={
            "The epochs are counted from one.": lambda losses, patience: stopped(
                losses, patience, first=0
            ),
            "That is the epoch at which it stops, not the one to go back to.": (
                lambda losses, patience: stopped(losses, patience, keep=False)
            ),
            "You looked at the whole curve; the rule cannot see what comes later.": (
                lambda losses, patience: stopped(losses, patience, whole=True)
            ),
            "It stops an epoch too early.": lambda losses, patience: stopped(losses, patience - 1),
            "It stops an epoch too late.": lambda losses, patience: stopped(losses, patience + 1),
            "A new lowest loss starts the count again; yours goes on.": (
                lambda losses, patience: stopped(losses, patience, of_all=True)
            ),
            "Compare with the lowest loss so far, not with the epoch before.": (
                lambda losses, patience: stopped(losses, patience, neighbour=True)
            ),
        },
        on=[(falls, 2), (falls, 3), (falls, 4), (saw, 3), (saw, 5), ([2, 1], 2)],
        rtol=0,
        atol=0.5,  # it is a count
    )


@exercise("ex-08-4", wants="one number: the decay", minutes=6)
def decay(rng=None):
    """Find the decay that brings a learning rate down as far as asked."""
    batch, epochs, part = 32, 50, 10
    if rng is not None:
        batch = int(rng.choice([16, 25, 32, 50, 64, 100, 128]))
        epochs, part = int(rng.integers(10, 101)), int(rng.integers(5, 31))
    steps = -(-50_000 // batch)  # of an epoch
    last = epochs * steps
    return Task(
        given={"batch": batch, "epochs": epochs, "part": part},
        answer=(part - 1) / last,
        mistakes={
            "At step 0 the denominator is 1 already.": part / last,
            "That brings it there in one epoch.": (part - 1) / steps,
            "t counts steps, and an epoch has many.": (part - 1) / epochs,
            "t counts steps, not images.": (part - 1) / (50_000 * epochs),
            "That would be right if the rate fell exponentially.": np.log(part) / last,
            "With that it only halves.": 1 / last,
        },
        rtol=5e-3,  # two digits written down, and still not the first mistake
        atol=0,
    )
