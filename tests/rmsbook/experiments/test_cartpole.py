"""Reinforcement learning: the actor-critic's gradient, its bookkeeping of episodes, and a run."""

import dataclasses
import itertools

import gymnasium
import numpy as np
import pytest

from rmsbook.experiments import cartpole
from rmsbook.experiments.catalogue import CATALOGUE
from rmsbook.experiments.tasks import TASKS

RUN = CATALOGUE["cartpole"].runs(None)[0]


@pytest.fixture
def experience():
    """The parameters, and what the agent sees from five steps to the next five."""
    rng = np.random.default_rng(0)
    parameters = cartpole.initialize(rng)
    environments = gymnasium.make_vec("CartPole-v1", num_envs=cartpole.ENVIRONMENTS)
    yield parameters, cartpole.explore(environments, parameters, rng)
    environments.close()


def step(rewards, terminated, truncated):
    nothing = np.zeros(len(rewards))
    return cartpole.Step(
        nothing,
        nothing,
        np.array(rewards, float),
        nothing,
        np.array(terminated, bool),
        np.array(truncated, bool),
        np.ones(len(rewards), bool),
    )


def test_targets_end_with_the_pole_and_go_on_beyond_the_time():
    """Three environments: nothing ends; the pole falls at once; the time is up at once."""
    steps = [step([1, 1, 1], [0, 1, 0], [0, 0, 1]), step([1, 0, 0], [0, 0, 0], [0, 0, 0])]
    values = np.array([[2.0, 3.0, 5.0], [7.0, 11.0, 13.0]])
    expected = [[1 + 0.99 * (1 + 0.99 * 7), 1, 1 + 0.99 * 5], [1 + 0.99 * 7, 0.99 * 11, 0.99 * 13]]
    np.testing.assert_allclose(cartpole.targets(steps, values), expected)


def test_gradients_are_those_of_the_loss(experience):
    """Finite differences of the loss, over steps in which poles fell."""
    parameters, explored = experience
    steps = next(steps for steps, returns in explored if returns)
    together = cartpole.Step(*map(np.concatenate, zip(*steps, strict=True)))
    _, next_values = cartpole.judge(parameters, together.next_states)
    worth = cartpole.targets(steps, next_values.reshape(len(steps), -1)).ravel()
    advantage = worth - cartpole.judge(parameters, together.states)[1]
    assert together.terminated.any()

    def loss():
        _, p = cartpole.act(parameters, together.states)
        _, values = cartpole.judge(parameters, together.states)
        chosen = p[np.arange(len(p)), together.actions]
        each = -advantage * np.log(chosen) + 0.5 * (worth - values) ** 2
        return each[together.valid].mean()

    for parameter, g in zip(parameters, cartpole.gradients(parameters, steps), strict=True):
        direction = np.random.default_rng(1).standard_normal(parameter.shape)
        start = parameter.copy()
        difference = 0.0
        for sign in (1, -1):
            parameter[:] = start + sign * 1e-6 * direction
            difference += sign * loss() / 2e-6
        parameter[:] = start
        np.testing.assert_allclose(np.vdot(g, direction), difference, rtol=1e-5, atol=1e-8)


def test_the_step_after_an_end_is_not_learned_from(experience):
    _, explored = experience
    steps, returns = [], []
    for _ in range(20):
        more, ended = next(explored)
        steps += more
        returns += ended
    done = np.array([step.terminated | step.truncated for step in steps])
    valid = np.array([step.valid for step in steps])
    assert valid[0].all()
    np.testing.assert_array_equal(valid[1:], ~done[:-1])
    ends = [np.flatnonzero(column) for column in done.T]
    lengths = [np.diff(end, prepend=-1) - (np.arange(len(end)) > 0) for end in ends]
    assert sorted(np.concatenate(lengths)) == sorted(returns)
    for before, after in itertools.pairwise(steps):
        np.testing.assert_array_equal(before.next_states, after.states)


def test_clip_shortens_and_never_lengthens():
    long, short = [np.array([3.0]), np.array([4.0])], [np.array([0.3]), np.array([0.0])]
    assert cartpole.clip(long) == pytest.approx(5)
    np.testing.assert_allclose(long, [[0.3], [0.4]], rtol=1e-6)
    assert cartpole.clip(short) == pytest.approx(0.3)
    np.testing.assert_array_equal(short, [[0.3], [0.0]])


def test_environments_are_closed_after_an_error(monkeypatch):
    closed, environments = [], gymnasium.make_vec("CartPole-v1", num_envs=cartpole.ENVIRONMENTS)
    monkeypatch.setattr(environments, "close", lambda: closed.append(True))
    monkeypatch.setattr(gymnasium, "make_vec", lambda *_, **options: environments)
    monkeypatch.setattr(cartpole, "clip", lambda grads: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cartpole.train(RUN)
    assert closed == [True]


def test_it_learns():
    curve, result, data = cartpole.train(dataclasses.replace(RUN, epochs=3))
    assert curve["epoch"] == [1, 2, 3]
    assert 15 < curve["mean_return"][0] < 45  # hardly better than pushing at random
    assert curve["mean_return"][2] > 2 * curve["mean_return"][0]
    assert min(curve["gradient_norm"]) > 0
    assert result == {"diverged": 0.0}
    assert data == f"gymnasium {gymnasium.__version__}"


def test_the_seed_and_the_optimizer_decide_the_run():
    adam = CATALOGUE["cartpole"].runs(None)[1]
    runs = [RUN, RUN, dataclasses.replace(RUN, seed=1), adam]
    norms = [
        cartpole.train(dataclasses.replace(run, epochs=2, examples=80))[0]["gradient_norm"]
        for run in runs
    ]
    assert norms[0] == norms[1]
    assert norms[0] != norms[2]
    assert norms[0] != norms[3]


def test_an_epoch_without_an_end_has_no_mean():
    """Five steps of each environment: no pole falls so fast."""
    curve, _, _ = cartpole.train(dataclasses.replace(RUN, epochs=1, examples=40))
    assert np.isnan(curve["mean_return"]).all()


@pytest.mark.parametrize(
    "wrong",
    [{"data": "digits"}, {"model": "small_mlp"}, {"batch_size": 64}, {"optimizer": "SGD"}],
    ids=str,
)
def test_what_it_does_not_know_is_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be one of .*, not {value!r}"):
        cartpole.train(dataclasses.replace(RUN, **wrong))


def test_the_experiment_compares_both_optimizers_on_five_seeds():
    runs = CATALOGUE["cartpole"].runs(None)
    assert len(set(runs)) == 10
    assert {run.seed for run in runs if run.optimizer == "RMSprop"} == set(range(5))
    assert {run.seed for run in runs if run.optimizer == "Adam"} == set(range(5))
    assert TASKS["cartpole"] is cartpole.train
