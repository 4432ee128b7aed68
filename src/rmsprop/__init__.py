"""RMSprop and its family in NumPy: every method, the schedules, and `minimize`.

Examples
--------
>>> import numpy as np
>>> import rmsprop
>>> theta = np.array([1.0, 1.0])
>>> optimizer = rmsprop.RMSprop(rmsprop.CosineDecay(0.1, 200))
>>> for _ in range(200):
...     optimizer.step([theta], [np.array([100.0, 1.0]) * theta])
>>> bool(np.abs(theta).max() < 0.01)
True
"""

from rmsprop.descent import minimize
from rmsprop.optimizers import (
    SGD,
    AdaDelta,
    Adafactor,
    AdaGrad,
    Adam,
    AdaMax,
    Lion,
    Nadam,
    RMSprop,
    Rprop,
)
from rmsprop.schedules import Constant, CosineDecay, InverseTimeDecay, LinearDecay, StepDecay

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adafactor",
    "Adam",
    "Constant",
    "CosineDecay",
    "InverseTimeDecay",
    "LinearDecay",
    "Lion",
    "Nadam",
    "RMSprop",
    "Rprop",
    "StepDecay",
    "minimize",
]
__version__ = "0.1.0"
