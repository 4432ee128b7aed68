"""Chapter 10 of the course: the unit of ε, an average for each task, ε in two places."""

import numpy as np

from rmsbook.exercises.task import Task, exercise


@exercise("ex-10-1", wants="the other ε, a number", minutes=6, points=2)
def epsilon_of_another_unit(rng=None):
    """Multiply the loss, and find the ε under which nothing changes."""
    factor = 1e-6 if rng is None else float(rng.integers(2, 10) * 10.0 ** -rng.integers(2, 7))
    epsilon = 1e-7
    return Task(
        given={"factor": factor, "epsilon": epsilon},
        answer=epsilon * factor**2,
        mistakes={
            "With the same ε the training changes: the gradients are smaller, ε is not.": epsilon,
            "ε is added to v, and v has the square of the gradient's unit.": epsilon * factor,
            "The wrong way round: v becomes smaller, and so must ε.": epsilon / factor**2,
            "The square, not the root: ε stands inside the root, with v.": epsilon * factor**0.5,
            "With ε = 0 the unit cancels, but it is not the training that you began with.": 0.0,
            "The wrong way round, and ε changes as often as g stands in v.": (epsilon / factor),
        },
        rtol=1e-3,
        atol=0,  # the answer is smaller than what usually counts as zero
    )


def _tasks(per=None, average="own", before=False, root=True, share=False, sign=-1, zero=True):
    """Return the step with an average for each task; the arguments are ways to get it wrong."""

    def step(theta, gradients, averages, eta, rho):
        total = sum(gradients)
        squares = [(total if average == "sum" else g) ** 2 for g in gradients]
        new = [rho * v + (1 - rho) * s for v, s in zip(averages, squares, strict=True)]
        used = [np.sqrt(v) if root else v for v in (averages if before else new)]
        with np.errstate(all="ignore"):
            if per == "sum":
                directions = [total / sum(used)]
            else:
                directions = [g / u for g, u in zip(gradients, used, strict=True)]
        if zero:
            directions = [np.nan_to_num(d, nan=0.0, posinf=0.0, neginf=0.0) for d in directions]
        direction = sum(directions) / (len(directions) if share else 1)
        return theta + sign * eta * direction, new

    return step


def _tasks_by_where(theta, gradients, averages, eta, rho):
    theta, new = np.array(theta), []
    for g, v in zip(gradients, averages, strict=True):
        v = rho * np.asarray(v) + (1 - rho) * np.asarray(g) ** 2
        moves = v > 0
        theta[moves] -= eta * g[moves] / np.sqrt(v[moves])
        new.append(v)
    return theta, new


@exercise(
    "ex-10-2", wants="a function that returns θ and the list of averages", minutes=12, points=4
)
def average_for_each_task():
    """Give each task an average of its own."""
    theta = np.array([1.0, -2.0, 0.5])
    g = [np.array([0.5, -0.2, 0.0]), np.array([30.0, 40.0, 0.0])]
    v = [np.array([0.04, 0.01, 0.0]), np.array([100.0, 400.0, 0.0])]
    return Task(
        answer=_tasks(),
        mistakes={
            "One average of the summed gradient: the louder task drowns the other.": _tasks(
                average="sum"
            ),
            "The sum was divided by the sum of the roots: divide each task's gradient "
            "by its own root, then add.": _tasks(per="sum"),
            "The directions are added, not averaged.": _tasks(share=True),
            "The step uses the averages from before: update them first.": _tasks(before=True),
            "The root is missing.": _tasks(root=False),
            "The sign: a step goes down the gradient.": _tasks(sign=1),
            "A gradient that has always been zero gives 0/0: it is to move nothing.": _tasks(
                zero=False
            ),
        },
        rtol=1e-6,  # a formula, in double precision
        also=[_tasks_by_where],
        on=[(theta, g, v, 0.1, 0.9), (theta, [g[0], 100 * g[1]], [v[0], 0 * v[1]], 0.01, 0.99)],
    )


@exercise("ex-10-3", wants="two lengths in units of η: ε outside, ε inside", minutes=6, points=2)
def epsilon_in_two_places(rng=None):
    """Find the lengths of a step with the same ε outside and inside the root."""
    g = 0.01 if rng is None else float(f"{10 ** rng.uniform(-2.7, -1.2):.2g}")
    epsilon, rho = 0.01, 0.99
    outside, inside = g / (g + epsilon), g / np.sqrt(g**2 + epsilon)
    return Task(
        given={"gradient": g, "epsilon": epsilon},
        answer=np.array([outside, inside]),
        mistakes={
            "The two have changed places.": np.array([inside, outside]),
            "Inside the root ε is added to v, before the root is taken.": np.array(
                [outside, outside]
            ),
            "Outside the root ε is added after the root is taken.": np.array([inside, inside]),
            "Where is the root? v is the square of the gradient.": np.array(
                [g / (g**2 + epsilon), g / (g**2 + epsilon)]
            ),
            "Those are the first steps, when v is a part 1 − ρ of g². "
            "After many equal gradients v has arrived.": g
            / np.array([np.sqrt(1 - rho) * g + epsilon, np.sqrt((1 - rho) * g**2 + epsilon)]),
            "ε is to be added as it is, not squared.": np.array(
                [outside, g / np.sqrt(g**2 + epsilon**2)]
            ),
            "In units of η, not of the gradient.": np.array([outside, inside]) / g,
        },
        rtol=5e-3,  # three decimals are enough for lengths of a tenth and more
    )
