import re

import pytest

import mutation
from mutation import Outcome, Survivor
from project import ROOT

MUTANT = Survivor("descent", "minimize", "- t += 1\n+ t += 2")
ROWS = mutation.listed()


def test_a_survivor_is_known_by_its_module_function_and_change():
    diff = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n def f():\n-    t += 1\n+    t += 2\n     return t"
    assert mutation.survivor("descent", "rmsprop.descent.x_minimize__mutmut_3", diff) == MUTANT
    method = mutation.survivor("keras", "rmsprop.keras.xǁRMSpropǁbuild__mutmut_1", diff)
    assert method.function == "RMSprop.build"


def test_an_exit_code_of_the_tests_tells_a_mutants_fate():
    codes = {1: "killed", -6: "killed", 0: "survived", 33: "survived", -24: "stopped"}
    codes |= {None: "unchecked", 2: "unchecked", -9: "unchecked"}
    assert {code: mutation.fate(code) for code in codes} == codes


def test_an_outcome_is_wrong_below_the_threshold_or_with_an_unlisted_survivor():
    good = Outcome("descent", killed=94, stopped=5, survivors=[MUTANT], unchecked=0)
    assert good.rate == 0.99
    assert mutation.judge(good, {MUTANT: "a reason"}) == []
    assert mutation.judge(good, {}) == [
        "descent.minimize: survives and is not listed:\n- t += 1\n+ t += 2"
    ]
    poor = Outcome("descent", killed=94, stopped=0, survivors=[MUTANT] * 6, unchecked=0)
    assert mutation.judge(poor, {MUTANT: "a reason"}) == ["descent: 94.0% killed, less than 95%"]
    cut = Outcome("descent", killed=1, stopped=0, survivors=[], unchecked=1)
    assert mutation.judge(cut, {})[0].startswith("descent: 1 mutants without a result")


@pytest.mark.parametrize("mutant", ROWS, ids=lambda mutant: f"{mutant.module}.{mutant.function}")
def test_a_listed_survivor_has_a_reason_and_is_a_change_of_the_present_source(mutant):
    assert mutant.module in mutation.MODULES
    assert ROWS[mutant].strip()
    source = (ROOT / "src" / "rmsprop" / f"{mutant.module}.py").read_text("utf-8")
    lines = {line.strip() for line in source.splitlines()}
    removed = re.findall(r"^- (.*)$", mutant.change, re.MULTILINE)
    assert removed
    assert set(removed) <= lines
