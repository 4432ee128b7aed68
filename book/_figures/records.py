"""Recorded trainings of one data set: loss by learning rate, and by epoch.

Left, one curve for each method, each with a lowest point, its best learning
rate; right, the epochs of the runs of one method at one learning rate, one
line for each seed.
"""

import matplotlib.pyplot as plt
import numpy as np

from rmsbook import experiments

data = "cifar10"
method = "RMSprop"
rate = 0.001
seed = 0

names = [
    name
    for name in experiments.CATALOGUE
    if name in (f"{data}-search", f"{data}-rates")
]
compared = [
    name for name in experiments.CATALOGUE if name == f"{data}-comparison"
]
searched = [record for name in names for record in experiments.load(name)]
runs = searched + [
    record for name in compared for record in experiments.load(name)
]

figure, (rates, epochs) = plt.subplots(1, 2, figsize=(8.4, 3.8))
for one in dict.fromkeys(record.run.optimizer for record in searched):
    last = {}
    for record in searched:
        if record.run.optimizer == one:
            at = record.run.settings["learning_rate"]
            last.setdefault(at, []).append(record.curve["val_loss"][-1])
    tried = sorted(last)
    rates.loglog(tried, [np.mean(last[at]) for at in tried], ".-", label=one)
rates.set(xlabel="learning rate", ylabel="validation loss", title=data)
rates.legend()
for record in runs:
    run = record.run
    if (run.optimizer, run.settings["learning_rate"]) == (method, rate):
        epochs.semilogy(
            record.curve["epoch"],
            record.curve["val_loss"],
            ".-",
            label=run.seed,
        )
epochs.set(
    xlabel="epoch",
    ylabel="validation loss",
    title=f"{method}, η = {rate:g}, by seed",
)
epochs.legend()
plt.show()
