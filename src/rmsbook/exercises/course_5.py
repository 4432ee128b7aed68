"""The exercises of chapter 5 of the course: comparing optimizers."""

import math

import numpy as np

from rmsbook.exercises import Task, exercise

# Held-out accuracy of each trial, from `rmsbook.experiments.load("mnist-search")` and
# `load("cifar10-search")`: after two epochs, and for CIFAR-10 after the first one as well.
RATES = {
    "SGD": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "momentum": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "RMSprop": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "Adam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "Nadam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
DEFAULTS = {"SGD": 1e-2, "momentum": 1e-2, "RMSprop": 1e-3, "Adam": 1e-3, "Nadam": 1e-3}
MNIST = {
    "SGD": (0.64283, 0.88633, 0.94333, 0.97050, 0.97633, 0.98183, 0.10917),
    "momentum": (0.88917, 0.94050, 0.96817, 0.98100, 0.98350, 0.97167, 0.10917),
    "RMSprop": (0.91783, 0.96400, 0.97750, 0.98433, 0.97967, 0.98050, 0.90050),
    "Adam": (0.93067, 0.96533, 0.97867, 0.98750, 0.98417, 0.98167, 0.94900),
    "Nadam": (0.93067, 0.96733, 0.97817, 0.98367, 0.98483, 0.97733, 0.95083),
}
CIFAR10 = {
    "SGD": (0.1848, 0.2502, 0.2828, 0.4042, 0.4714, 0.3346, 0.1046),
    "momentum": (0.2800, 0.3582, 0.4794, 0.5562, 0.5390, 0.3290, 0.0956),
    "RMSprop": (0.3478, 0.4106, 0.4860, 0.5434, 0.4558, 0.4006, 0.2128),
    "Adam": (0.3932, 0.4852, 0.5458, 0.6032, 0.5982, 0.3270, 0.0974),
    "Nadam": (0.3972, 0.4872, 0.5400, 0.5390, 0.5538, 0.0974, 0.0974),
}
CIFAR10_FIRST = {
    "SGD": (0.1526, 0.2066, 0.2372, 0.2706, 0.3468, 0.2348, 0.1046),
    "momentum": (0.2130, 0.2966, 0.3900, 0.4830, 0.5316, 0.2590, 0.0960),
    "RMSprop": (0.2686, 0.3268, 0.4162, 0.4614, 0.4468, 0.3432, 0.2110),
    "Adam": (0.3272, 0.4182, 0.4956, 0.5518, 0.5812, 0.2912, 0.0960),
    "Nadam": (0.3230, 0.4116, 0.4988, 0.5422, 0.5852, 0.0956, 0.0960),
}


@exercise(
    "ex-05-1",
    wants="a dictionary from each of the five methods to what tuning gains, in points",
    minutes=8,
)
def default_ranking():
    """Compare the tuned methods with their defaults."""

    def gain(table, defaults=DEFAULTS, best=max):
        trials = {m: dict(zip(RATES[m], table[m], strict=True)) for m in RATES}
        return {m: 100 * (best(t.values()) - t[defaults[m]]) for m, t in trials.items()}

    def chosen_on_mnist():
        best = {m: int(np.argmax(MNIST[m])) for m in RATES}
        at = {m: RATES[m].index(DEFAULTS[m]) for m in RATES}
        return {m: 100 * (CIFAR10[m][best[m]] - CIFAR10[m][at[m]]) for m in RATES}

    right = gain(CIFAR10)
    return Task(
        answer=right,
        atol=0.02,  # two decimals of a point
        mistakes={
            "The sign: what is gained is the tuned accuracy minus that at the default.": {
                m: -g for m, g in right.items()
            },
            "Points are hundredths: these are fractions.": {m: g / 100 for m, g in right.items()},
            "That is the other data set.": gain(MNIST),
            "That is after the first epoch; a trial has two.": gain(CIFAR10_FIRST),
            "Keras does not have the same default for all five.": gain(
                CIFAR10, dict.fromkeys(RATES, 1e-3)
            ),
            "These rates are tuned on the other data set.": chosen_on_mnist(),
            "That is the accuracy itself, not what it gains.": {
                m: 100 * max(t) for m, t in CIFAR10.items()
            },
        },
    )


def _binomial(n, p):
    """Return the probabilities of 0 … n successes."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    return np.exp(logs[n] - logs - logs[::-1] + k * np.log(p) + (n - k) * np.log1p(-p))


@exercise(
    "ex-05-2",
    wants="a number: by how many points the best of the settings looks too good, on average",
    minutes=8,
)
def price_of_peeking(rng=None):
    """Say how much too good the best of equal settings looks."""
    settings, images, true = 20, 1_000, 0.9
    if rng is not None:
        settings = int(rng.integers(10, 41))
        images = int(rng.integers(5, 41)) * 100
        true = round(rng.uniform(0.85, 0.95), 2)
    share = np.arange(images + 1) / images
    below = np.cumsum(_binomial(images, true)) ** settings
    best = np.diff(below, prepend=0) @ share
    above = np.cumsum(_binomial(images, true)[::-1])[::-1] ** settings  # all at this or higher
    worst = share @ (above - np.append(above[1:], 0))
    one = math.sqrt(true * (1 - true) / images)
    right = 100 * (best - true)
    return Task(
        given={"settings": settings, "images": images, "true": true},
        answer=right,
        rtol=0.03,  # a thousand repetitions leave one per cent
        mistakes={
            "Points are hundredths: that is a fraction.": right / 100,
            "That is what is reported; how much too high is it?": 100 * best,
            "That is how much a single measurement scatters; take the best of them all.": 100 * one,
            "That is from the worst to the best; the truth lies between.": 100 * (best - worst),
            "The sign: the best looks too good.": -right,
            "That bound holds for the best of very many; count, or draw.": 100
            * one
            * math.sqrt(2 * math.log(settings)),
            "That is the scatter of a mean of all settings; the best is reported, not the mean.": (
                100 * one / math.sqrt(settings)
            ),
        },
    )


def _normal(z):
    """Return the probability of a standard normal number below z."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _agree(seeds, least, up):
    """Return how often at least so many of the seeds have one sign, whichever."""
    at_least = _binomial(seeds, up)[least:].sum() if 0 < up < 1 else float(up)
    down = 1 - up
    return at_least + (_binomial(seeds, down)[least:].sum() if 0 < down < 1 else float(down))


def _drawn(seeds, least, true, spread):
    rng = np.random.default_rng(0)
    up = (rng.normal(true, spread, (20_000, seeds)) > 0).sum(axis=1)
    return float(np.mean(np.maximum(up, seeds - up) >= least))


@exercise(
    "ex-05-3",
    wants="a function of (seeds, least, true, spread) that returns how often a lead is found",
    minutes=12,
    points=2,
)
def how_many_seeds():
    """Say how often so many seeds find a lead."""

    def right(seeds, least, true, spread):
        return _agree(seeds, least, _normal(true / spread))

    def exactly(seeds, least, true, spread):
        up = _normal(true / spread)
        return _binomial(seeds, up)[least] + _binomial(seeds, 1 - up)[least]

    return Task(
        answer=right,
        on=[(5, 5, 0.2, 0.3), (10, 9, 0.2, 0.3), (20, 15, 0.0, 0.3), (8, 7, 0.5, 0.4)],
        atol=0.015,  # 20,000 draws scatter by 0.0035
        also=[_drawn],
        mistakes={
            "Only one sign is counted; the other method may be found ahead too.": (
                lambda seeds, least, true, spread: _binomial(seeds, _normal(true / spread))[
                    least:
                ].sum()
            ),
            "Exactly so many agree, where at least so many are wanted.": exactly,
            "The difference is not measured in spreads: divide by the standard deviation.": (
                lambda seeds, least, true, spread: _agree(seeds, least, _normal(true))
            ),
            "A single seed scatters by the whole spread; √n belongs to a mean.": (
                lambda seeds, least, true, spread: _agree(
                    seeds, least, _normal(true * math.sqrt(seeds) / spread)
                )
            ),
            "That is how often it is missed.": lambda *of: 1 - right(*of),
            "That is the sign of the mean; here the seeds vote.": (
                lambda seeds, least, true, spread: _normal(true * math.sqrt(seeds) / spread)
            ),
        },
    )


class Laboratory:
    """A stand-in for training that writes down what it is asked for.

    The accuracy is a hill over the logarithm of the learning rate. ``held_out`` and ``test`` map a
    method to the hill's top, (log10 of its rate, height); ``luck`` maps a method to what each of
    the seeds adds to a test.
    """

    def __init__(self, held_out, test, luck=None):
        self.held_out, self.test, self.luck, self.calls = held_out, test, luck or {}, []

    def __call__(self, method, rate, seed):
        """Train once, as it were, and return both accuracies."""
        self.calls.append((method, float(rate), int(seed)))
        noise = self.luck.get(method, (0.0,) * 5)[seed % 5]
        hill = {}
        for name, (top, height) in (
            ("held-out", self.held_out[method]),
            ("test", self.test[method]),
        ):
            hill[name] = height - 0.05 * (math.log10(rate) - top) ** 2
        return {"held-out": hill["held-out"], "test": hill["test"] + noise}

    def asked(self, method):
        """Return the rate compared at, the trials of the search, and the seeds of each."""
        seeds = {}
        for name, rate, seed in self.calls:
            if name == method:
                seeds.setdefault(round(math.log10(rate), 6), set()).add(seed)
        if not seeds:
            return None, {}, set()
        final = max(seeds, key=lambda rate: len(seeds[rate]))
        search = set().union(*(s for rate, s in seeds.items() if rate != final))
        trials = {r: s & search for r, s in seeds.items() if s & search}
        return final, trials, seeds[final] - search


USUAL = {"A": -2.0, "B": -3.0}  # log10 of the usual rates
PAIR = (("A", 1e-2), ("B", 1e-3), 5)  # what the function is called with, after `train`
LUCKY = (0.0, 0.0, 0.0, -0.03, 0.0)  # what each of the five seeds adds
LABORATORIES = {
    "tops": (  # the test set prefers other rates than the held-out images
        Laboratory(
            {"A": (-2.5, 0.92), "B": (-3.5, 0.90)},
            {"A": (-1.5, 0.93), "B": (-2.5, 0.90)},
        ),
        "first",
    ),
    "swapped": (  # ahead on the held-out images, behind in the test
        Laboratory(
            {"A": (-2.0, 0.95), "B": (-3.0, 0.90)},
            {"A": (-2.0, 0.90), "B": (-3.0, 0.92)},
        ),
        "second",
    ),
    "lucky": (  # four seeds say A, one says B
        Laboratory(
            {"A": (-2.0, 0.90), "B": (-3.0, 0.90)},
            {"A": (-2.0, 0.91), "B": (-3.0, 0.90)},
            {"A": LUCKY},
        ),
        "tie",
    ),
    "edge": (  # B's best rate lies outside of what five trials can see
        Laboratory(
            {"A": (-2.0, 0.95), "B": (-5.0, 0.95)},
            {"A": (-2.0, 0.95), "B": (-5.0, 0.95)},
        ),
        "search on",
    ),
}
TRIALS = "The two do not get the same number of trials, five each as the budget says."
SPACING = "The trials are not half a decade apart around each method's own usual rate."
BY_TEST = "The rate is chosen by the test; that is what the held-out images are for."
NOT_BEST = "What is compared is not the rate with the best held-out accuracy."
FEW = "Fewer than five new seeds decide; the seed of the search has had its say."
UNPAIRED = "The two are compared by different seeds."
BY_HELD_OUT = "The held-out images have chosen the rate; who is ahead, the test says."
NAMES = "Ahead is the one with the higher accuracy: the names are the wrong way round."
AGREE = "All five seeds say the same, and that is a lead."
DISAGREE = "One seed says the opposite; that is no lead."
EDGE = "A best rate stands at the edge of the five, and a verdict is given all the same."
EARLY = '"search on" is for a best rate at the edge of the five; there it lies inside.'
WORDS = 'The verdict is one of "first", "second", "tie" and "search on".'


def _around(usual, budget):
    return [usual * 10 ** (0.5 * k) for k in range(-(budget // 2), budget - budget // 2)]


def _comparison(
    *,
    trials=(5, 5),
    by="held-out",
    seeds=((0, 1, 2, 3, 4), (0, 1, 2, 3, 4)),
    ends="test",
    edge=True,
    swap=False,
    vote=True,
    lead=True,
    step=1.0,
    seed=100,
    choose=max,
):
    """Return a comparison of two methods: a fair one, or one with a fault."""

    def compare(train, first, second, budget):
        scores, at_edge = [], False
        for (name, usual), count, each in zip((first, second), trials, seeds, strict=True):
            rates = [usual * (r / usual) ** step for r in _around(usual, count)]
            found = {rate: train(name, rate, seed)[by] for rate in rates} if count > 1 else {}
            best = choose(found, key=found.get) if found else usual
            at_edge |= best in (rates[0], rates[-1]) and count > 1
            if at_edge and edge:
                return "search on"
            scores.append([train(name, best, s)[ends] for s in each])
        gaps = np.subtract(*scores)
        up = (gaps > 0).all() if vote else np.mean(gaps) > 0
        down = (gaps < 0).all() if vote else np.mean(gaps) < 0
        words = ("second", "first") if swap else ("first", "second")
        return "tie" if not lead else words[0] if up else words[1] if down else "tie"

    return compare


def _unfair(compare):
    """Say what is unfair in a comparison of two methods, None if nothing is."""
    for name, (laboratory, verdict) in LABORATORIES.items():
        train = Laboratory(laboratory.held_out, laboratory.test, laboratory.luck)
        said = compare(train, *PAIR)
        if said not in ("first", "second", "tie", "search on"):
            return WORDS
        if (said == "search on") != (verdict == "search on"):
            return EARLY if said == "search on" else EDGE
        complaint = None if said == "search on" else _unfair_trials(train)
        if complaint is None and said != verdict:
            complaint = {"tops": NAMES, "swapped": BY_HELD_OUT, "lucky": DISAGREE}[name]
            complaint = AGREE if said == "tie" else complaint
        if complaint:
            return complaint
    return None


def _unfair_trials(train):
    """Say what is unfair in the trainings that a comparison has asked for."""
    asked = {method: train.asked(method) for method in USUAL}
    if any(sum(map(len, trials.values())) != PAIR[-1] for _, trials, _ in asked.values()):
        return TRIALS
    for method, (final, trials, _) in asked.items():
        wanted = [USUAL[method] + k / 2 for k in (-2, -1, 0, 1, 2)]
        if not np.allclose(sorted(trials), wanted, atol=0.03):  # 3e-3 passes for 10 ** -2.5
            return SPACING
        seed = min(map(min, trials.values()))
        found = {rate: train(method, 10**rate, seed) for rate in trials}
        best, peeked = (max(found, key=lambda r: found[r][by]) for by in ("held-out", "test"))
        if final != best:
            return BY_TEST if final == peeked else NOT_BEST
    if min(len(new) for _, _, new in asked.values()) < len(LUCKY):
        return FEW
    return None if asked["A"][2] == asked["B"][2] else UNPAIRED


@exercise(
    "ex-05-4",
    wants="a function of (train, first, second, budget) that returns the verdict, a word",
    minutes=25,
    points=3,
)
def fair_comparison():
    """Write a comparison of two methods that a sceptic accepts."""
    train = LABORATORIES["tops"][0]
    four = ((0, 1, 2, 3), (0, 1, 2, 3))
    return Task(
        accepts=_unfair,
        example=_comparison(),
        on=[(Laboratory(train.held_out, train.test), *PAIR)],
        mistakes={
            TRIALS: _comparison(trials=(5, 1)),
            SPACING: _comparison(step=0.5, edge=False),
            BY_TEST: _comparison(by="test", edge=False),
            NOT_BEST: _comparison(choose=min, edge=False),
            FEW: _comparison(seeds=four),
            UNPAIRED: _comparison(seeds=((0, 1, 2, 3, 4), (5, 6, 7, 8, 9))),
            BY_HELD_OUT: _comparison(ends="held-out"),
            NAMES: _comparison(swap=True),
            AGREE: _comparison(lead=False),
            DISAGREE: _comparison(vote=False),
            EDGE: _comparison(edge=False),
            EARLY: lambda train, first, second, budget: "search on",
            WORDS: lambda train, first, second, budget: first[0],
        },
    )
