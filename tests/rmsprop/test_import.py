"""What `import rmsprop` gives, what it costs, and what it leaves alone."""

import subprocess
import sys

import methods
import rmsprop
from rmsprop import descent, optimizers, schedules


def child(code):
    """Return what Python code prints in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_every_method_and_schedule_and_minimize_have_their_name():
    expected = {cls.__name__: cls for cls in (*methods.METHODS, *schedules.SCHEDULES)}
    expected["minimize"] = descent.minimize
    assert {name: getattr(rmsprop, name) for name in rmsprop.__all__} == expected
    assert rmsprop.RMSprop is optimizers.RMSprop


def test_numpy_alone_is_imported():
    heavy = ("tensorflow", "keras", "numba", "matplotlib", "scipy", "yaml")
    assert child(f"import sys, rmsprop; print([m for m in {heavy} if m in sys.modules])") == "[]"


def test_the_import_costs_little_beyond_numpys():
    code = (
        "import time, numpy; start = time.process_time(); import rmsprop; "
        "print(time.process_time() - start)"
    )
    assert min(float(child(code)) for _ in range(3)) < 0.15  # seconds of the processor
