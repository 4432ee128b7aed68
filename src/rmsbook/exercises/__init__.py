"""The checks behind the exercises: `check("ex-06-1", answer)` says right, or what went wrong.

Each page has its module here, `primer_3` for page 3 of the primer and `course_6` for chapter 6 of
the course, and in it a function for each exercise, which returns a `Task`: the right answer and the
wrong ones that people give, each with what to say to it. So a check recognises a mistake by its
result, and says nothing of the answer.

- `task` says what an exercise is, and finds one by its name;
- `judge` holds an answer against it.

Nothing here needs more than NumPy and `rmsprop`: it runs in a browser too.
"""

from rmsbook.exercises.judge import Verdict, check, judge
from rmsbook.exercises.task import Exercise, Task, exercise, find, givens, modules

__all__ = [
    "Exercise",
    "Task",
    "Verdict",
    "check",
    "exercise",
    "find",
    "givens",
    "judge",
    "modules",
]
