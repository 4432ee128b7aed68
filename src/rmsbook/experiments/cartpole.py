"""Reinforcement learning: an actor-critic learns to balance a pole, with any optimizer.

Advantage actor-critic [1]_ with the settings of stable-baselines3's A2C [2]_, in NumPy: eight
copies of gymnasium's CartPole-v1 [3]_, five steps of each between two updates. Actor and critic
are networks of their own, as there, with one hidden layer each.

References
----------
.. [1] Mnih et al. (2016), "Asynchronous Methods for Deep Reinforcement Learning",
   arXiv:1602.01783
.. [2] https://github.com/DLR-RM/stable-baselines3, stable_baselines3/a2c/a2c.py
.. [3] Barto, Sutton and Anderson (1983), "Neuronlike adaptive elements that can solve difficult
   learning control problems", doi:10.1109/TSMC.1983.6313077
"""

import contextlib
import importlib.metadata
from typing import NamedTuple

import numpy as np

from rmsprop import optimizers

__all__ = ["train"]

ENVIRONMENTS = 8
STEPS = 5  # of each environment between two updates
HIDDEN = 64
DISCOUNT = 0.99
VALUE_WEIGHT = 0.5  # of the value's loss beside the policy's
LARGEST_NORM = 0.5  # to which the gradient is clipped
EPOCH = 10_000  # steps of all environments together

OPTIMIZERS = {"RMSprop": optimizers.RMSprop, "Adam": optimizers.Adam}


class Step(NamedTuple):
    """A step of all environments: each field has one entry an environment."""

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_states: np.ndarray
    terminated: np.ndarray  # the pole fell: what follows is worth nothing
    truncated: np.ndarray  # the time was up: what follows is worth what the critic says
    valid: np.ndarray  # False where the environment only started anew


def train(run):
    """Train an actor-critic on CartPole-v1 for ``run.epochs`` epochs of 10,000 steps.

    ``run.examples`` makes an epoch shorter, in steps; ``run.batch_size`` must be 40, eight
    environments times five steps; ``run.settings`` are the optimizer's.

    Returns
    -------
    curve : dict of str to list
        ``epoch``; ``mean_return``, the mean return (the steps balanced, 500 at most) of the
        episodes that ended in the epoch, NaN if none did; ``gradient_norm``, the mean norm before
        clipping.
    result : dict
        ``diverged``, always 0: the gradient is clipped.
    data : str
        The environment's version.

    Raises
    ------
    ValueError
        If the environment, the model, the batch size, the optimizer or a setting is unknown.
    """
    import gymnasium  # here, because reading the records does without it

    known = {
        "data": (run.data, ["CartPole-v1"]),
        "model": (run.model, ["actor_critic"]),
        "batch_size": (run.batch_size, [ENVIRONMENTS * STEPS]),
        "optimizer": (run.optimizer, list(OPTIMIZERS)),
    }
    for name, (value, values) in known.items():
        if value not in values:
            raise ValueError(f"{name} must be one of {values}, not {value!r}")
    rng = np.random.default_rng(run.seed)
    parameters = initialize(rng)
    optimizer = OPTIMIZERS[run.optimizer](**run.settings)
    updates = -(-(run.examples or EPOCH) // run.batch_size)
    curve = {"epoch": [], "mean_return": [], "gradient_norm": []}
    made = gymnasium.make_vec(run.data, num_envs=ENVIRONMENTS)
    with contextlib.closing(made) as environments:
        experience = explore(environments, parameters, rng)
        for epoch in range(1, run.epochs + 1):
            ended, norms = [], []
            for _ in range(updates):
                steps, returns = next(experience)
                ended += returns
                grads = gradients(parameters, steps)
                norms.append(clip(grads))
                optimizer.step(parameters, grads)
            curve["epoch"].append(epoch)
            curve["mean_return"].append(float(np.mean(ended)) if ended else np.nan)
            curve["gradient_norm"].append(float(np.mean(norms)))
    return curve, {"diverged": 0.0}, f"gymnasium {importlib.metadata.version('gymnasium')}"


def initialize(rng):
    """Return the weights of the actor, two layers for two actions, and of the critic."""

    def glorot(rows, columns):
        limit = np.sqrt(6 / (rows + columns))
        return rng.uniform(-limit, limit, (rows, columns))

    actor, actor_output = glorot(4, HIDDEN), glorot(HIDDEN, 2)
    critic, critic_output = glorot(4, HIDDEN), glorot(HIDDEN, 1)
    actor_output *= 0.01  # so that at first both actions are equally likely
    return [
        *(actor, np.zeros(HIDDEN), actor_output, np.zeros(2)),
        *(critic, np.zeros(HIDDEN), critic_output, np.zeros(1)),
    ]


def act(parameters, states):
    """Return the actor's hidden layer and the actions' probabilities."""
    w, b, w_output, b_output = parameters[:4]
    hidden = np.tanh(states @ w + b)
    z = hidden @ w_output + b_output
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return hidden, p / p.sum(axis=1, keepdims=True)


def judge(parameters, states):
    """Return the critic's hidden layer and the states' values."""
    w, b, w_output, b_output = parameters[4:]
    hidden = np.tanh(states @ w + b)
    return hidden, (hidden @ w_output + b_output)[:, 0]


def explore(environments, parameters, rng):
    """Yield again and again the next five steps, and the returns of the episodes that ended."""
    states, _ = environments.reset(seed=int(rng.integers(2**31)))
    done = np.zeros(ENVIRONMENTS, dtype=bool)
    totals = np.zeros(ENVIRONMENTS)
    while True:
        steps, returns = [], []
        for _ in range(STEPS):
            valid = ~done  # after its end an environment takes one step to start anew
            _, p = act(parameters, states)
            actions = (rng.random(ENVIRONMENTS) < p[:, 1]).astype(np.int64)
            next_states, rewards, terminated, truncated, _ = environments.step(actions)
            steps.append(Step(states, actions, rewards, next_states, terminated, truncated, valid))
            done = terminated | truncated
            totals += rewards
            returns += totals[done].tolist()
            totals[done] = 0
            states = next_states
        yield steps, returns


def targets(steps, values):
    """Return what each state turned out to be worth, shape (steps, environments).

    The rewards that followed, discounted, and at the end of the five steps, or of the time, the
    critic's value of the state reached: ``values``, shape (steps, environments), of the next
    states.
    """
    future, worth = values[-1], []
    for step, value in zip(reversed(steps), reversed(values), strict=True):
        future = np.where(step.truncated, value, future)
        future = step.rewards + DISCOUNT * np.where(step.terminated, 0, future)
        worth.append(future)
    return np.array(worth[::-1])


def gradients(parameters, steps):
    """Return the gradient of the actor's loss plus half the critic's, mean over the steps."""
    together = Step(*map(np.concatenate, zip(*steps, strict=True)))
    _, next_values = judge(parameters, together.next_states)
    worth = targets(steps, next_values.reshape(len(steps), -1)).ravel()
    actor, p = act(parameters, together.states)
    critic, values = judge(parameters, together.states)
    weight = (together.valid / together.valid.sum())[:, None]
    advantage = (worth - values)[:, None]
    # The actor's loss is -advantage · log p[action], the critic's advantage²; δ = ∂loss/∂z.
    delta_actor = weight * advantage * (p - np.eye(2)[together.actions])
    delta_critic = -2 * VALUE_WEIGHT * weight * advantage
    return [
        *backward(together.states, actor, parameters[2], delta_actor),
        *backward(together.states, critic, parameters[6], delta_critic),
    ]


def backward(x, hidden, w_output, delta):
    """Return the gradients of a network with one hidden layer, given δ of its output."""
    below = delta @ w_output.T * (1 - hidden**2)
    return [x.T @ below, below.sum(axis=0), hidden.T @ delta, delta.sum(axis=0)]


def clip(grads):
    """Scale the gradient in place to the largest norm allowed; return the norm it had."""
    norm = float(np.sqrt(sum(np.vdot(g, g) for g in grads)))
    for g in grads:
        g *= min(1, LARGEST_NORM / (norm + 1e-6))
    return norm
