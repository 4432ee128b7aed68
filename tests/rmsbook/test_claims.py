"""The ledger, the verdicts, the bounded runs, and the look at the pages."""

import csv
import json
import re
import shutil
import time
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml

from project import ROOT
from rmsbook import claims
from rmsbook.claims import (
    ClaimMismatch,
    Failure,
    LedgerError,
    Measured,
    Success,
    attempt,
    check_book,
    evidence,
    evidence_cells,
    load_bibliography,
    load_ledger,
    to_csv,
    to_json,
)
from rmsbook.claims.attempt import _how_it_died

BOOK = ROOT / "book"

ROW = {
    "id": "A1.1",
    "article": "A",
    "section": "1.2",
    "chapter": "course/one",
    "claim": "Sums grow & <shrink>.",
    "verdict": "wrong",
    "correction": "They grow.",
    "sources": ["one1900"],
}
BIBLIOGRAPHY = r"""
@article{one1900, author = {M{\"u}ller, Ann}, title = {A {Title} & more}, year = {1900},
  doi = {10.1/x}, eprint = {1.2}, url = {https://example.org/a}}
@article{two1900, author = {van Dam, Ed and Lee, Bo}, title = {B}, year = {1900}, eprint = {1.2},
  url = {https://example.org/b}}
@misc{three1900, author = {A, B and C, D and E, F}, title = {C}, year = {1900},
  url = {https://example.org/c}}
@misc{four1900, author = {Graves, Alex and others}, title = {C}, year = {1900}, doi = {10.1/y}}
@misc{old1900, author = {{The Society}}, title = {D}, year = {1900}}
@misc{second1901, author = {Graves, Alex}, title = {{Zebras}}, year = {1901}, url = {u}}
@misc{first1901, author = {Graves, A.}, title = {apes}, year = {1901}, url = {u}}
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Make a function that writes a book with the given rows, and work inside that book."""
    folder = tmp_path / "copy" / "book"
    (folder / "course").mkdir(parents=True)
    (folder / "references.bib").write_text(BIBLIOGRAPHY, "utf-8")
    monkeypatch.chdir(folder / "course")

    def write(*rows):
        (folder / "claims.yml").write_text(yaml.safe_dump(list(rows), allow_unicode=True), "utf-8")
        return folder

    return write


def row(**changes):
    return ROW | changes


# The bibliography


def test_labels_and_addresses(book):
    sources = load_bibliography(book(ROW) / "references.bib")
    assert [(s.label, s.address) for s in sources.values()] == [
        ("Müller (1900)", "https://doi.org/10.1/x"),
        ("van Dam and Lee (1900)", "https://arxiv.org/abs/1.2"),
        ("A et al. (1900)", "https://example.org/c"),
        ("Graves et al. (1900)", "https://doi.org/10.1/y"),
        ("The Society (1900)", None),
        ("Graves (1901b)", "u"),
        ("Graves (1901a)", "u"),
    ]
    assert sources["one1900"].title == "A Title & more"
    assert sources["one1900"].key == "one1900"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{x1, title = {T}, year = {1900}, url = {u}}", "'x1' needs author, title and year"),
        ("@misc{x1, author = {A}, year = {1900}, url = {u}}", "'x1' needs author, title and year"),
        ("@misc{x1, author = {A}, title = {T}, url = {u}}", "'x1' needs author, title and year"),
        ("@misc{x1, author = ", r"x\.bib: .*syntax error"),
    ],
)
def test_malformed_bibliography(tmp_path, text, message):
    path = tmp_path / "x.bib"
    path.write_text(text, "utf-8")
    with pytest.raises(LedgerError, match=message):
        load_bibliography(path)


def test_missing_bibliography(tmp_path):
    with pytest.raises(LedgerError, match=r"none\.bib: unable to open"):
        load_bibliography(tmp_path / "none.bib")


def test_no_two_sources_of_the_book_are_cited_alike():
    labels = [source.label for source in load_bibliography(BOOK / "references.bib").values()]
    assert len(set(labels)) == len(labels) > 100


def test_every_source_of_the_book_has_an_address_or_says_where_it_stands():
    import pybtex.database

    entries = pybtex.database.parse_file(str(BOOK / "references.bib"), "bibtex").entries
    for key, source in load_bibliography(BOOK / "references.bib").items():
        fields = entries[key].fields
        assert source.address or "isbn" in fields or "note" in fields, key


# The ledger


def test_the_ledger_of_the_book():
    ledger = load_ledger(BOOK / "claims.yml")
    assert ledger["A6.5"].measured.value == 29.2141
    assert {claim.article for claim in ledger.values()} == {"A", "B"}


def test_the_evidence_of_the_book():
    assert check_book(BOOK) == []


def test_a_row_becomes_a_claim(book):
    path = book(ROW, row(id="B2.10", article="B", sources=[])) / "claims.yml"
    ledger = load_ledger(path)
    assert list(ledger) == ["A1.1", "B2.10"]
    claim = ledger["A1.1"]
    assert (claim.section, claim.chapter) == ("1.2", "course/one")
    assert [source.key for source in claim.sources] == ["one1900"]
    assert claim.measured is None
    assert ledger["B2.10"].anchor == "b2-10"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"verdict": "maybe"},
            r"claims\.yml, row 1 \(A1\.1\): verdict 'maybe' is none of \['holds",
        ),
        ({"claim": "  "}, r"row 1: claim must be a text that is not empty"),
        ({"section": 1.2}, r"section must be a text"),
        ({"extra": 1}, r"missing fields \[\], unknown fields \['extra'\]"),
        ({"id": "X1"}, r"an id such as A6\.5"),
        ({"id": "B1.1"}, r"an id such as A6\.5"),
        ({"id": "C1.1", "article": "C"}, r"an id such as A6\.5"),
        ({"sources": "one1900"}, r"sources must be a list of keys, not 'one1900'"),
        ({"sources": ["nobody"]}, r"\(A1\.1\): source 'nobody' is not in references\.bib"),
        ({"sources": ["old1900"]}, r"source 'old1900' needs a doi, an eprint or a url"),
        ({"measured": 3}, r"\(A1\.1\), measured: fields are expected, not 3"),
        ({"measured": {"what": "x"}}, r"measured: missing fields \['value'\]"),
        ({"measured": {"what": "", "value": 1}}, r"what must be a text"),
        ({"measured": {"what": "x", "value": None}}, r"value None is no number"),
        ({"measured": {"what": "x", "value": True}}, r"value True is no number"),
        ({"measured": {"what": "x", "value": [1, "2"]}}, r"value \(1, '2'\) is no number"),
        ({"measured": {"what": "x", "value": 1.5}}, r"a value with decimals needs a tolerance"),
        ({"measured": {"what": "x", "value": [1, 1.5]}}, r"needs a tolerance"),
        ({"measured": {"what": "x", "value": 1, "tolerance": -1}}, r"tolerance -1 is no number"),
        ({"measured": {"what": "x", "value": 1, "tolerance": "1"}}, r"tolerance '1' is no number"),
        ({"measured": {"what": "x", "value": 1, "tolerance": np.nan}}, r"tolerance nan is no"),
    ],
)
def test_malformed_rows_are_named(book, changes, message):
    path = book(row(**changes)) / "claims.yml"
    with pytest.raises(LedgerError, match=message):
        load_ledger(path)


def test_a_missing_field_is_named(book):
    path = book({name: text for name, text in ROW.items() if name != "correction"}) / "claims.yml"
    with pytest.raises(LedgerError, match=r"row 1: missing fields \['correction'\]"):
        load_ledger(path)


def test_an_id_is_used_once(book):
    with pytest.raises(LedgerError, match=r"row 2: id 'A1\.1' is used twice"):
        load_ledger(book(ROW, ROW) / "claims.yml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "a list of claims"),
        ("a: 1", "a list of claims"),
        ("- 1", "row 1: fields are expected, not 1"),
        ("- [", r"claims\.yml: "),
    ],
)
def test_malformed_ledgers(book, text, message):
    path = book() / "claims.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(LedgerError, match=message):
        load_ledger(path)


def test_missing_ledger(tmp_path):
    with pytest.raises(LedgerError, match=r"no ledger at .*none\.yml"):
        load_ledger(tmp_path / "none.yml")


def test_the_ledger_is_that_of_the_book_one_works_in(book):
    book(ROW)
    assert list(load_ledger()) == ["A1.1"]


# The ledger, to publish

MEASURED = {"what": 'largest weight, "w"', "value": [1, 2.5], "tolerance": 0.1, "claimed": "3"}


def test_the_csv_keeps_every_field(book):
    book(row(measured=MEASURED, claim='Sums, "grow"\nand shrink.'), row(id="A1.2", sources=[]))
    first, second = csv.DictReader(to_csv(load_ledger().values()).splitlines(keepends=True))
    assert first["claim"] == 'Sums, "grow"\nand shrink.'
    assert first["what"] == 'largest weight, "w"'
    assert (first["value"], first["tolerance"], first["claimed"]) == ("[1, 2.5]", "0.1", "3")
    assert first["sources"] == "https://doi.org/10.1/x"
    assert first["evidence"] == "course/one.html#claim-a1-1"
    assert {name: second[name] for name in ("id", "value", "sources")} == {
        "id": "A1.2",
        "value": "",
        "sources": "",
    }


def test_the_json_keeps_every_field(book):
    book(row(measured=MEASURED), row(id="A1.2"))
    first, second = json.loads(to_json(load_ledger().values()))
    assert first.items() >= {name: ROW[name] for name in ("id", "claim", "verdict")}.items()
    assert first["measured"] == MEASURED
    assert first["sources"][0]["label"] == "Müller (1900)"
    assert first["evidence"] == "course/one.html#claim-a1-1"
    assert second["measured"] is None


@pytest.mark.parametrize(
    ("value", "text"), [(np.nan, "nan"), (np.inf, "inf"), ([1.5, np.nan], [1.5, "nan"])]
)
def test_the_json_has_only_what_json_knows(book, value, text):
    book(row(measured={"what": "w", "value": value, "tolerance": 0}))

    def refuse(constant):
        raise AssertionError(constant)

    (record,) = json.loads(to_json(load_ledger().values()), parse_constant=refuse)
    assert record["measured"]["value"] == text


# What agrees


@pytest.mark.parametrize(
    ("expected", "tolerance", "value", "agrees"),
    [
        (29.2141, 0.00005, 29.21406, True),
        (29.2141, 0.00005, 29.21416, False),
        (29.2141, 0.00005, np.float64(29.2141), True),
        (1000, 0.5, 1000.6, False),
        (4, 0, 4, True),
        (4, 0, 5, False),
        (4, 0, "4", False),
        ("4", 0, 4, False),
        ("TypeError", 0, "TypeError", True),
        ("TypeError", 0, "ValueError", False),
        ((0, 1), 1e-6, np.array([1e-7, 1]), True),
        ((0, 1), 1e-6, [0, 1.1], False),
        ((0, 1), 1, 0.5, False),
        (np.nan, 0, np.nan, True),
        (1.0, 0.1, np.nan, False),
    ],
)
def test_agreement(expected, tolerance, value, agrees):
    assert Measured("x", expected, tolerance).agrees(value) is agrees


# Verdicts


LOSS = {"what": "loss", "value": 2.5, "tolerance": 0.05, "claimed": 0.1}
FAILED = Failure("TypeError", "no", "")


@pytest.mark.parametrize(
    ("verdict", "arguments", "detail"),
    [
        ("holds", {"holds": True}, ""),
        ("holds", {"holds": np.True_}, ""),
        ("holds", {"holds": {"a": True, "b": True}}, ""),
        ("wrong", {"holds": False}, ""),
        ("wrong", {"holds": {"a": False}}, ""),
        ("holds if", {"holds": {"a": True, "b": False, "c": True}}, " a or c; not if b"),
        ("cannot run", {"error": FAILED}, " – TypeError: no"),
        ("cannot be checked", {"missing": ["seeds", "data"]}, " – missing: seeds, data"),
    ],
)
def test_the_verdict_follows_from_the_measurement(book, verdict, arguments, detail):
    book(row(verdict=verdict))
    assert evidence("A1.1", **arguments).detail == detail
    for other in set(claims.VERDICTS) - {verdict}:
        book(row(verdict=other))
        message = rf'^A1\.1: measured "{verdict}", the ledger says "{other}"$'
        with pytest.raises(ClaimMismatch, match=message):
            evidence("A1.1", **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of holds, error and missing"),
        ({"holds": True, "error": FAILED}, "exactly one"),
        ({"holds": True, "missing": ["x"]}, "exactly one"),
        ({"holds": 1}, "holds must be True, False or a dict of them, not 1"),
        ({"holds": {}}, "holds must be"),
        ({"holds": {"a": 1}}, "holds must be"),
        ({"error": "TypeError"}, "error must be what attempt"),
        ({"missing": []}, "missing must name at least one thing"),
        ({"missing": "seeds"}, "missing must name at least one thing, not 'seeds'"),
    ],
)
def test_arguments_that_determine_no_verdict(book, arguments, message):
    book(ROW)
    with pytest.raises(ValueError, match=message):
        evidence("A1.1", **arguments)


def test_a_program_that_ran_is_no_error(book):
    book(row(verdict="cannot run"))
    with pytest.raises(ClaimMismatch, match="the program ran to its end: no error was measured"):
        evidence("A1.1", error=Success(""))


def test_the_measured_value_is_compared(book):
    book(row(measured=LOSS))
    evidence("A1.1", holds=False, measured=2.46)
    message = r"A1\.1: loss was measured as 2\.56, the ledger says 2\.5 \(±0\.05\)"
    with pytest.raises(ClaimMismatch, match=message):
        evidence("A1.1", holds=False, measured=2.56)
    book(row(measured=LOSS | {"value": 2.6}))
    evidence("A1.1", holds=False, measured=2.56)


def test_a_value_is_measured_if_and_only_if_the_ledger_has_one(book):
    book(row(measured=LOSS))
    with pytest.raises(ClaimMismatch, match=r"measured None, the ledger expects loss"):
        evidence("A1.1", holds=False)
    book(ROW)
    with pytest.raises(ClaimMismatch, match=r"measured 2\.5, the ledger expects nothing"):
        evidence("A1.1", holds=False, measured=2.5)


@pytest.mark.parametrize(
    ("verdict", "arguments", "value"),
    [
        ("cannot run", {"error": FAILED}, "TypeError"),
        ("cannot be checked", {"missing": ["seeds", "data"]}, "seeds, data"),
    ],
)
def test_an_error_and_what_is_missing_are_measured_values(book, verdict, arguments, value):
    book(row(verdict=verdict, measured={"what": "it", "value": value}))
    evidence("A1.1", **arguments)
    with pytest.raises(ClaimMismatch, match="it was measured as 'other'"):
        evidence("A1.1", **arguments, measured="other")
    book(row(verdict=verdict, measured={"what": "it", "value": "other"}))
    with pytest.raises(ClaimMismatch, match=f"it was measured as '{value}'"):
        evidence("A1.1", **arguments)


def test_an_unknown_id_lists_near_ones(book):
    book(ROW, row(id="A1.2"), row(id="B9.9", article="B"))
    with pytest.raises(
        LedgerError, match=r"no claim 'A1\.12' in the ledger; near it: A1\.[12], A1"
    ):
        evidence("A1.12", holds=True)
    with pytest.raises(LedgerError, match=r"no claim 'nothing like it' in the ledger$"):
        evidence("nothing like it", holds=True)


# The box


def test_the_box_as_text_is_the_same_on_every_processor(book):
    book(row(measured=LOSS))
    first, second = (evidence("A1.1", holds=False, measured=value) for value in (2.46, 2.54))
    assert repr(first) == repr(second)
    assert repr(first).split("\n") == [
        "Claim A1.1: Sums grow & <shrink>.",
        "Verdict: ✗ wrong",
        "Measured: loss: 2.5 (±0.05); the article says 0.1",
        "Correction: They grow.",
        "Sources: Müller (1900) <https://doi.org/10.1/x>",
    ]


@pytest.mark.parametrize(
    ("measured", "line"),
    [
        ({"what": "optimum", "value": [0, 1]}, "Measured: optimum: [0, 1]"),
        ({"what": "optimum", "value": [0, 1.5], "tolerance": 0.01}, "[0, 1.5] (±0.01)"),
        ({"what": "count", "value": 4}, "Measured: count: 4"),
        ({"what": "error", "value": "TypeError"}, "Measured: error: TypeError"),
    ],
)
def test_values_as_text(book, measured, line):
    book(row(measured=measured, sources=[]))
    text = repr(evidence("A1.1", holds=False, measured=measured["value"]))
    assert text.split("\n")[2].endswith(line)
    assert "Sources" not in text


class Outline(HTMLParser):
    """Collects the tags and the text, and fails on a tag that is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_box_as_html(book):
    book(row(verdict="cannot run", measured={"what": "a<b", "value": "TypeError"}))
    box = Outline(evidence("A1.1", error=Failure("TypeError", "<b>", ""))._repr_html_())
    tags = dict(box.tags)
    assert box.tags[0][0] == "div"
    assert tags["div"]["class"] == "claim claim-cannot-run"
    assert tags["div"]["id"] == "claim-a1-1"
    assert tags["div"]["aria-label"] == "Claim A1.1: cannot run"
    assert [attrs for tag, attrs in box.tags if tag == "a"] == [
        {"href": "../reference/claims.md#a1-1"},
        {"href": "https://doi.org/10.1/x", "title": "A Title & more"},
    ]
    assert {tag for tag, _ in box.tags} == {"div", "p", "a", "span", "dl", "dt", "dd"}
    assert "".join(box.text) == (
        "Claim A1.1 article A, section 1.2"
        "ClaimedSums grow & <shrink>."
        "Verdict⊘ cannot run – TypeError: <b>"
        "Measureda<b: TypeError"
        "CorrectionThey grow."
        "SourcesMüller (1900)"
    )


def test_the_box_leaves_out_what_there_is_not(book):
    book(row(sources=[]))
    shown = evidence("A1.1", holds=False)
    for text in (repr(shown), "".join(Outline(shown._repr_html_()).text)):
        assert "Correction" in text
        assert "Measured" not in text
        assert "Sources" not in text


def contrast(first, second):
    """WCAG's ratio of two colours, such as "#00583f"."""

    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def test_every_verdict_has_a_readable_colour():
    sheet = (BOOK / "_static" / "claims.css").read_text("utf-8")
    found = re.findall(
        r'^(html\[data-theme="dark"\] )?\.claim(?:-([\w-]+))? \{\s*--claim-colour: (#\w{6})',
        sheet,
        re.MULTILINE,
    )
    grounds = {"": "#f3f4f5", 'html[data-theme="dark"] ': "#29313d"}  # the theme's "surface"
    names = [verdict.replace(" ", "-") for verdict in claims.VERDICTS]
    for theme, ground in grounds.items():
        colours = {name or "holds": colour for where, name, colour in found if where == theme}
        assert sorted(colours) == sorted(names)
        assert min(contrast(colour, ground) for colour in colours.values()) >= 4.5


# Bounded runs


def test_an_error_is_a_result():
    failure = attempt("""
        print("before")
        [1] ** 2
    """)
    assert failure.error == "TypeError"
    assert failure.message == "unsupported operand type(s) for ** or pow(): 'list' and 'int'"
    assert failure.output == "before\n"
    assert str(failure) == f"TypeError: {failure.message}"


def test_a_program_that_runs():
    assert attempt("print('α')") == Success("α\n")
    assert str(Success("α\n")) == "ran to its end"


def test_a_program_that_does_not_parse():
    failure = attempt("a b = 1")
    assert (failure.error, failure.message) == ("SyntaxError", "invalid syntax (<program>, line 1)")


DIED = Failure("Crash", "the process left with status 1", "")


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("raise KeyError", Failure("KeyError", "", "")),
        ("raise SystemExit", Success("")),
        ("raise SystemExit(0)", Success("")),
        ("raise SystemExit(3)", Failure("SystemExit", "3", "")),
        ("raise KeyboardInterrupt('x')", Failure("KeyboardInterrupt", "x", "")),
        ("import os, sys; open(sys.argv[2], 'w'); os._exit(1)", DIED),
        ("import os; os._exit(3)", Failure("Crash", "the process left with status 3", "")),
        ("import os; os.abort()", Failure("Crash", "the process was stopped by SIGABRT", "")),
        ("raise ValueError(object())", Failure("ValueError", "<object object at 0x…>", "")),
        ("import sys; print('x', file=sys.stderr)", Success("")),
        ("print(__name__)", Success("__main__\n")),
        ("import sys; sys.stdin.read(1) or print('empty')", Success("empty\n")),
    ],
)
def test_how_programs_end(code, result):
    assert attempt(code) == result


def test_a_signal_without_a_name_is_named_by_its_number():
    assert _how_it_died(-35) == "the process was stopped by signal 35"


def test_an_error_without_a_message():
    assert str(Failure("KeyError", "", "")) == "KeyError"


def test_nothing_of_this_machine_leaks(monkeypatch):
    monkeypatch.setenv("SOME_SECRET", "x")
    code = "import os; print(sorted(os.environ)); print(os.listdir()); print(os.getcwd())"
    names, files, folder = attempt(code).output.splitlines()
    assert "SOME_SECRET" not in names
    for name in ("CUDA_VISIBLE_DEVICES", "HOME", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        assert f"'{name}'" in names
    assert attempt("print(hash('x'))") == attempt("print(hash('x'))")
    assert files == "[]"
    assert folder == "…/work"
    assert attempt("import os; open(os.getcwd() + '/none')").message.endswith("/none'")


def test_it_finds_what_is_installed_and_not_what_lies_here(tmp_path, monkeypatch):
    (tmp_path / "neighbour.py").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert attempt("import numpy, neighbour").message == "No module named 'neighbour'"


def test_memory_is_bounded():
    code = "import numpy as np\na = np.ones(1)\nwhile True:\n    a = np.concatenate([a, a])"
    assert attempt(code, megabytes=400) == Failure("MemoryError", "more than 400 MB are needed", "")


def test_output_is_bounded():
    code = "while True: print('x' * 10**6, flush=True)"
    failure = attempt(code, megabytes=50, seconds=120)  # a busy machine takes its time
    assert failure.error == "OSError"
    assert len(failure.output) <= 50 * 2**20


def test_time_is_bounded(tmp_path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(6); open({str(mark)!r}, 'w')"
    code = f"""
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", {child!r}])
        print("started", flush=True)
        time.sleep(300)
    """
    started = time.monotonic()
    result = attempt(code, seconds=4)  # in which a busy machine has started both
    assert result == Failure("Timeout", "still running after 4 s", "started\n")
    assert time.monotonic() - started < 100
    time.sleep(4)
    assert not mark.exists()  # its child was stopped too


@pytest.mark.parametrize("bound", [0, -1, np.nan])
@pytest.mark.parametrize("name", ["seconds", "megabytes"])
def test_bounds_are_positive(name, bound):
    with pytest.raises(ValueError, match=f"{name} must be positive, not {bound}"):
        attempt("", **{name: bound})


# Pages

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
# Chapter
"""


def page(book_folder, *cells, name="course/one.md"):
    path = book_folder / name
    path.parent.mkdir(exist_ok=True)
    text = "".join(f"\n```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells)
    path.write_text(HEADER + text, "utf-8")
    return path


def problems(book_folder, *cells):
    return [cell.problems for cell in evidence_cells(page(book_folder, *cells))]


def test_evidence_cells_are_found(book):
    cells = ["%matplotlib inline\nimport x", "a = f()\nclaims.evidence('A1.1', holds=a)", "b"]
    path = page(book(ROW), *cells, "if a:\n    evidence('B1.1', holds=f())")
    first, second = evidence_cells(path)
    assert (first.claim_id, first.cell, first.problems) == ("A1.1", 2, ())
    assert (second.claim_id, second.cell) == ("B1.1", 4)
    assert second.problems == ("evidence() must be the last expression of its cell",)


@pytest.mark.parametrize(
    "cell",
    [
        "evidence('A1.1', holds=f() < 1)",
        "a = f()\nevidence('A1.1', holds=a < 1, measured=a)",
        "for a in b:\n    pass\nevidence('A1.1', holds=a)",
        "a = 0\na += 1\nevidence('A1.1', holds=a)",
        "a = 1\na, b = f()\nevidence('A1.1', holds=a)",
        "a = 1\na = f()\nevidence('A1.1', holds=a)",
        "evidence('A1.1', holds=imported.value < 1)",
        "evidence('A1.1', holds={'x': f(), 'y': a})",
        "given = ['x']\nevidence('A1.1', missing=sorted({'x', 'y'} - set(given)))",
        "evidence('A1.1', error=attempt('1'))",
    ],
)
def test_cells_that_compute(book, cell):
    assert problems(book(ROW), cell) == [()]


@pytest.mark.parametrize(
    ("cell", "argument"),
    [
        ("evidence('A1.1', holds=True)", "holds"),
        ("evidence('A1.1', holds=not True)", "holds"),
        ("evidence('A1.1', holds=1 < 2)", "holds"),
        ("a = True\nevidence('A1.1', holds=a)", "holds"),
        ("a = True\nb = a\nevidence('A1.1', holds=b and a)", "holds"),
        ("a = b\nb = a\nevidence('A1.1', holds=a)", "holds"),
        ("evidence('A1.1', holds={'x': f(), 'y': False})", "holds"),
        ("evidence('A1.1', holds=f(), measured=29.2141)", "measured"),
        ("a = 29.2141\nevidence('A1.1', holds=f(), measured=-a)", "measured"),
        ("evidence('A1.1', missing=['seeds'])", "missing"),
    ],
)
def test_cells_that_compute_nothing(book, cell, argument):
    assert problems(book(ROW), cell) == [(f"{argument} computes nothing",)]


def test_a_constant_from_another_cell_is_still_one(book):
    assert problems(book(ROW), "a = True", "evidence('A1.1', holds=a)") == [
        ("holds computes nothing",)
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "evidence('A1.1', holds=f())\nprint(1)",
        "a = evidence('A1.1', holds=f())",
        "print(evidence('A1.1', holds=f()))",
    ],
)
def test_evidence_ends_its_cell(book, cell):
    assert problems(book(ROW), cell) == [("evidence() must be the last expression of its cell",)]


@pytest.mark.parametrize("cell", ["evidence(a, holds=f())", "evidence(1, holds=f())", "evidence()"])
def test_the_id_is_written_out(book, cell):
    assert problems(book(ROW), cell) == [("the claim's id must be written out",)]


GOOD = "evidence('A1.1', holds=f())"


def test_a_book_that_is_in_order(book):
    folder = book(ROW)
    page(folder, GOOD)
    assert check_book(folder) == []


def test_complaints_about_a_book(book):
    folder = book(ROW, row(id="A1.2"), row(id="A1.3", chapter="course/two"), row(id="A1.4"))
    good = GOOD.replace("A1.1", "A1.4")
    page(folder, GOOD, GOOD, GOOD.replace("A1.1", "A9.9"), GOOD.replace("A1.1", "A1.3"), good)
    page(folder, "evidence('A1.2', holds=True)", name="primer/two.md")
    assert check_book(folder) == [
        "course/one, code cell 3, A9.9: no such claim in the ledger",
        "course/one, code cell 4, A1.3: the ledger puts its evidence in course/two",
        "course/one: A1.1 has 2 evidence cells, not one",
        "course/one: A1.2 has 0 evidence cells, not one",
        "course/two: A1.3 has 0 evidence cells, not one",
        "primer/two, code cell 1, A1.2: holds computes nothing",
        "primer/two, code cell 1, A1.2: the ledger puts its evidence in course/one",
    ]


def test_a_flipped_verdict_turns_its_evidence_red(tmp_path, monkeypatch):
    """The book's own ledger, copied and then changed, against one true measurement."""
    folder = tmp_path / "book"
    folder.mkdir()
    shutil.copy(BOOK / "references.bib", folder)
    text = (BOOK / "claims.yml").read_text("utf-8")
    monkeypatch.chdir(folder)
    x = np.array([[1, 2], [2, 3], [3, 4], [4, 5]])
    loss = np.mean((x[:, 1] - x @ [1.9819717317727903, 0.9937423298259766]) ** 2)

    def run(rows):
        (folder / "claims.yml").write_text(yaml.safe_dump(rows), "utf-8")
        return evidence("A6.5", holds=bool(loss < 0.001), measured=loss)

    rows = yaml.safe_load(text)
    claim = next(row for row in rows if row["id"] == "A6.5")
    assert run(rows).claim.verdict == "wrong"
    claim["verdict"] = "holds"
    with pytest.raises(ClaimMismatch, match='measured "wrong", the ledger says "holds"'):
        run(rows)
    claim["verdict"], claim["measured"]["value"] = "wrong", 29.2143
    with pytest.raises(ClaimMismatch, match=r"the ledger says 29\.2143"):
        run(rows)
