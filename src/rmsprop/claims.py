"""The claims ledger: what the two articles say, and what running it shows.

``book/claims.yml`` holds one row a claim, with its verdict. A chapter measures, and its evidence
cell ends in `evidence`, which derives the verdict *from the measurement* and raises when the ledger
says something else. `check_book` looks, without running anything, whether every claim of a chapter
has exactly one such cell and whether that cell computes what it reports.

Needs the ``book`` extra (PyYAML, pybtex, jupytext).
"""

import ast
import contextlib
import csv
import difflib
import html
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

#: Every verdict there is, with the symbol that stands beside the word.
VERDICTS = {
    "holds": "✓",
    "holds if": "◐",
    "wrong": "✗",
    "cannot run": "⊘",
    "cannot be checked": "?",
}
#: The articles, by the letter their ids begin with.
ARTICLES = ("A", "B")


class LedgerError(ValueError):
    """``claims.yml`` or ``references.bib`` is missing or malformed."""


class ClaimMismatch(AssertionError):  # noqa: N818 – an assertion about a claim, not a fault of code
    """What was measured disagrees with the ledger."""


# The bibliography ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """One entry of the bibliography, with a short label such as "Hinton (2012)"."""

    key: str
    label: str
    title: str
    address: str | None


def load_bibliography(path):
    """Read ``references.bib``.

    Parameters
    ----------
    path : path-like
        A BibTeX file.

    Returns
    -------
    dict of str to Source
        By key. The address is the DOI's if there is one, else the arXiv page, else ``url``,
        else None; a claim's sources must have one.

    Raises
    ------
    LedgerError
        If the file is missing or malformed, or an entry lacks an author, a title or a year.
    """
    import pybtex.database  # here, because only the display of a claim needs it
    import pybtex.exceptions

    try:
        entries = pybtex.database.parse_file(str(path), "bibtex").entries
    except pybtex.exceptions.PybtexError as error:
        raise LedgerError(f"{path}: {error}") from error
    return {key: _source(key, entry) for key, entry in entries.items()}


def _source(key, entry):
    people = entry.persons.get("author", [])
    fields = entry.fields
    if not people or not {"title", "year"} <= set(fields):
        raise LedgerError(f"source {key!r} needs author, title and year")
    address = fields.get("url")
    if "doi" in fields:
        address = f"https://doi.org/{fields['doi']}"
    elif "eprint" in fields:
        address = f"https://arxiv.org/abs/{fields['eprint']}"
    names = [_plain(" ".join(person.prelast_names + person.last_names)) for person in people]
    label = " and ".join(names)
    if len(names) > 2 or names[-1] == "others":
        label = f"{names[0]} et al."
    return Source(key, f"{label} ({fields['year']})", _plain(fields["title"]), address)


def _plain(text):
    """BibTeX text as a reader sees it: accents resolved, braces gone."""
    from pybtex.richtext import Text

    return str(Text.from_latex(text))


# The ledger ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What the evidence must reproduce.

    ``what`` says what is measured; ``value`` is a number, a list of numbers or a string;
    ``tolerance`` is the largest absolute difference allowed; ``claimed`` is the article's value,
    as text, where the article gives one.
    """

    what: str
    value: float | str | tuple
    tolerance: float = 0
    claimed: str | None = None

    def agrees(self, value):
        """Whether `value` is the ledger's within the tolerance (NaN agrees with NaN)."""
        if isinstance(self.value, str) or isinstance(value, str):
            return self.value == value
        ours, theirs = np.asarray(self.value, float), np.asarray(value, float)
        return ours.shape == theirs.shape and bool(
            np.allclose(theirs, ours, rtol=0, atol=self.tolerance, equal_nan=True)
        )

    def __str__(self):
        """Print the measured value, rounded to the tolerance: that is the ledger's value.

        The digits beyond the tolerance differ from one processor to the next.
        """
        text = self.value if isinstance(self.value, str) else _numbers(self.value)
        return f"{text} (±{self.tolerance:g})" if self.tolerance else text


def _numbers(value):
    if isinstance(value, tuple):
        return "[" + ", ".join(map(repr, value)) + "]"
    return repr(value)


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; ``chapter`` is the page that carries, or will carry, the evidence."""

    id: str
    article: str
    section: str
    chapter: str
    claim: str
    verdict: str
    correction: str
    measured: Measured | None
    sources: tuple[Source, ...]

    @property
    def anchor(self):
        """The id's form in an address: ``a6-5`` for A6.5."""
        return self.id.lower().replace(".", "-")


def find_ledger():
    """Find ``book/claims.yml``.

    It is looked for in the working directory and every directory above it, which is where a
    notebook of the book finds it; then above this file, which is where an editable install does.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    LedgerError
        If neither place has one.
    """
    here, package = Path.cwd(), Path(__file__).resolve()
    for directory in (here, *here.parents, *package.parents):
        path = directory / "book" / "claims.yml"
        if path.is_file():
            return path
    raise LedgerError(
        f"no book/claims.yml in {here} or above it: run this inside a copy of the book's repository"
    )


def load_ledger(path=None):
    """Read and check the ledger.

    Parameters
    ----------
    path : path-like, optional
        The YAML file; `find_ledger` looks for it by default. ``references.bib`` is expected
        beside it.

    Returns
    -------
    dict of str to Claim
        By id, in the file's order.

    Raises
    ------
    LedgerError
        Naming the row and the field that are wrong: a missing or empty field, one that does not
        exist, a verdict that is not in `VERDICTS`, an id used twice, a source that is not in the
        bibliography or has no address.

    Examples
    --------
    >>> load_ledger()["A6.5"].verdict
    'wrong'
    """
    path = Path(path or find_ledger())
    try:
        rows = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise LedgerError(f"no ledger at {path}") from None
    except yaml.YAMLError as error:
        raise LedgerError(f"{path.name}: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise LedgerError(f"{path.name}: a list of claims is expected")
    bibliography = load_bibliography(path.with_name("references.bib"))
    ledger = {}
    for number, row in enumerate(rows, 1):
        claim = _claim(row, f"{path.name}, row {number}", bibliography)
        if claim.id in ledger:
            raise LedgerError(f"{path.name}, row {number}: id {claim.id!r} is used twice")
        ledger[claim.id] = claim
    return ledger


_TEXTS = ("id", "article", "section", "chapter", "claim", "verdict", "correction")


def _claim(row, where, bibliography):
    _check_fields(row, where, required=(*_TEXTS, "sources"), optional=("measured",), texts=_TEXTS)
    where = f"{where} ({row['id']})"
    if row["article"] not in ARTICLES or not re.fullmatch(rf"{row['article']}\d+\.\d+", row["id"]):
        raise LedgerError(f"{where}: an id such as A6.5 and its article, A or B, are expected")
    if row["verdict"] not in VERDICTS:
        raise LedgerError(f"{where}: verdict {row['verdict']!r} is none of {list(VERDICTS)}")
    if not isinstance(row["sources"], list):
        raise LedgerError(f"{where}: sources must be a list of keys, not {row['sources']!r}")
    for key in row["sources"]:
        if key not in bibliography:
            raise LedgerError(f"{where}: source {key!r} is not in references.bib")
        if bibliography[key].address is None:
            raise LedgerError(f"{where}: source {key!r} needs a doi, an eprint or a url")
    measured = _measured(row["measured"], where) if "measured" in row else None
    sources = tuple(bibliography[key] for key in row["sources"])
    return Claim(**{name: row[name] for name in _TEXTS}, measured=measured, sources=sources)


def _measured(row, where):
    where = f"{where}, measured"
    _check_fields(
        row, where, required=("what", "value"), optional=("tolerance", "claimed"), texts=("what",)
    )
    value, tolerance = row["value"], row.get("tolerance", 0)
    if isinstance(value, list):
        value = tuple(value)
    parts = value if isinstance(value, tuple) else (value,)
    if not isinstance(value, str) and not all(_is_number(part) for part in parts):
        raise LedgerError(f"{where}: value {value!r} is no number, list of numbers or string")
    if not _is_number(tolerance) or not tolerance >= 0:
        raise LedgerError(f"{where}: tolerance {tolerance!r} is no number ≥ 0")
    if "tolerance" not in row and any(isinstance(part, float) for part in parts):
        raise LedgerError(f"{where}: a value with decimals needs a tolerance")
    claimed = row.get("claimed")
    return Measured(row["what"], value, tolerance, None if claimed is None else str(claimed))


def _check_fields(row, where, *, required, optional, texts):
    if not isinstance(row, dict):
        raise LedgerError(f"{where}: fields are expected, not {row!r}")
    missing = [name for name in required if name not in row]
    unknown = [name for name in row if name not in (*required, *optional)]
    if missing or unknown:
        raise LedgerError(f"{where}: missing fields {missing}, unknown fields {unknown}")
    for name in texts:
        if not isinstance(row[name], str) or not row[name].strip():
            raise LedgerError(f"{where}: {name} must be a text that is not empty")


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


# The ledger, to publish ----------------------------------------------------------------------


def to_csv(claims):
    """Write claims as CSV: a line each, below a line of column names.

    Parameters
    ----------
    claims : iterable of Claim

    Returns
    -------
    str
        What was measured, its value, its tolerance and the article's value have a column each, as
        has ``evidence``, the page and the place on it. The sources are addresses, separated by
        spaces.

    Examples
    --------
    >>> text = to_csv(load_ledger().values())
    >>> text.splitlines()[0]
    'id,article,section,chapter,claim,verdict,correction,what,value,tolerance,claimed,sources,evidence'
    """
    columns = (*_TEXTS, "what", "value", "tolerance", "claimed", "sources", "evidence")
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    for record in map(_record, claims):
        measured = record.pop("measured") or {}
        addresses = " ".join(source["address"] for source in record["sources"])
        writer.writerow(record | measured | {"sources": addresses})
    return table.getvalue()


def to_json(claims):
    """Write claims as JSON: a list of objects with the ledger's fields.

    Parameters
    ----------
    claims : iterable of Claim

    Returns
    -------
    str
        ``measured`` is null where nothing is; each source has its key, label, title and address;
        ``evidence`` is the page and the place on it. A value that is no finite number, which JSON
        does not know, is written as text: ``"nan"``.

    Examples
    --------
    >>> json.loads(to_json(load_ledger().values()))[0]["verdict"] in VERDICTS
    True
    """
    records = [_record(claim) for claim in claims]
    return json.dumps(records, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _record(claim):
    record = asdict(claim) | {"evidence": f"{claim.chapter}.html#claim-{claim.anchor}"}
    if claim.measured:
        record["measured"]["value"] = _strict(claim.measured.value)
    return record


def _strict(value):
    if isinstance(value, tuple):
        return [_strict(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


# Running a program that is expected to fail ------------------------------------------------------


@dataclass(frozen=True)
class Success:
    """A program that ran to its end; ``output`` is what it printed."""

    output: str

    def __str__(self):
        """Say that it ran."""
        return "ran to its end"


@dataclass(frozen=True)
class Failure:
    """A program that did not: the error's type name, its message, what was printed before."""

    error: str
    message: str
    output: str

    def __str__(self):
        """Write the last line of the traceback."""
        return f"{self.error}: {self.message}" if self.message else self.error


# Runs in a process of its own: bounds itself, runs the program, and writes how it ended to a file.
_RUNNER = """
import json, resource, sys
program, report, size = sys.argv[1:]
size = int(size)
resource.setrlimit(resource.RLIMIT_AS, (size, size))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
outcome = None
try:
    exec(compile(open(program, encoding="utf-8").read(), "<program>", "exec"),
         {"__name__": "__main__"})
except MemoryError:
    outcome = ["MemoryError", ""]
except SystemExit as stop:
    if stop.code not in (None, 0):
        outcome = ["SystemExit", str(stop.code)]
except BaseException as error:
    outcome = [type(error).__name__, str(error)]
with open(report, "w", encoding="utf-8") as file:
    json.dump(outcome, file)
"""


def attempt(code, seconds=20, megabytes=1024):
    r"""Run a program that is expected to fail, in a bounded process of its own.

    It gets an empty working directory, none of this process's environment, one thread for
    linear algebra and no GPU, so that it ends the same way on every machine.

    Parameters
    ----------
    code : str
        Python source; common indentation is removed.
    seconds : float, default 20
        Wall time after which it is stopped: the error is then "Timeout".
    megabytes : int, default 1024
        Its address space; needing more is a "MemoryError". TensorFlow needs about 8192.

    Returns
    -------
    Failure or Success

    Raises
    ------
    ValueError
        If a bound is not positive.

    Examples
    --------
    >>> failure = attempt("weights = [0.1]; weights ** 2")
    >>> failure.error
    'TypeError'
    >>> attempt("print(1 + 1)")
    Success(output='2\n')
    """
    for name, bound in (("seconds", seconds), ("megabytes", megabytes)):
        if not bound > 0:
            raise ValueError(f"{name} must be positive, not {bound!r}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        (folder / "program.py").write_text(textwrap.dedent(code), "utf-8")
        status = _run_bounded(folder, seconds, int(megabytes * 2**20))
        output = _stable((folder / "output").read_text("utf-8", errors="replace"), name)
        if status is None:
            return Failure("Timeout", f"still running after {seconds:g} s", output)
        try:
            outcome = json.loads((folder / "report").read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return Failure("Crash", _how_it_died(status), output)
    if outcome is None:
        return Success(output)
    error, message = outcome
    if error == "MemoryError":
        message = f"more than {megabytes:g} MB are needed"
    return Failure(error, _stable(message, name), output)


def _run_bounded(folder, seconds, size):
    """Return the exit status, or None if the process had to be stopped."""
    environment = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    arguments = [str(folder / "program.py"), str(folder / "report"), str(size)]
    with open(folder / "output", "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-B", "-c", _RUNNER, *arguments],
            cwd=folder / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _stop_group(process)


def _stop_group(process):
    """Stop the process and whatever it started."""
    with contextlib.suppress(ProcessLookupError):  # it ended, and left nothing behind
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how_it_died(status):
    if status < 0:
        names = {known.value: known.name for known in signal.Signals}  # not all have one
        return f"the process was stopped by {names.get(-status, f'signal {-status}')}"
    return f"the process left with status {status}"


def _stable(text, folder):
    """Remove what differs from run to run: the temporary directory, memory addresses."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text.replace(folder, "…"))


# Evidence -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """A claim whose ledger row was just reproduced; in a notebook it displays the claim box."""

    claim: Claim
    detail: str

    def __repr__(self):
        """Write the box as plain text."""
        return "\n".join(f"{name}: {text}" for name, text in self._lines())

    def _lines(self):
        claim = self.claim
        yield f"Claim {claim.id}", claim.claim
        yield "Verdict", f"{VERDICTS[claim.verdict]} {claim.verdict}{self.detail}"
        if claim.measured:
            yield "Measured", self._measured()
        yield "Correction", claim.correction
        if claim.sources:
            yield "Sources", "; ".join(f"{s.label} <{s.address}>" for s in claim.sources)

    def _measured(self):
        measured = self.claim.measured
        text = f"{measured.what}: {measured}"
        return text if measured.claimed is None else f"{text}; the article says {measured.claimed}"

    def _repr_html_(self):
        """Write the box as HTML; ``book/_static/claims.css`` adds the colours."""
        claim = self.claim
        kind = claim.verdict.replace(" ", "-")
        head = (
            f'<a href="../reference/claims.md#{claim.anchor}">Claim {claim.id}</a> '
            f"<span>article {claim.article}, section {html.escape(claim.section)}</span>"
        )
        verdict = (
            f'<span class="claim-verdict"><span aria-hidden="true">{VERDICTS[claim.verdict]}</span>'
            f" {claim.verdict}</span>{html.escape(self.detail)}"
        )
        rows = [("Claimed", html.escape(claim.claim)), ("Verdict", verdict)]
        if claim.measured:
            rows.append(("Measured", html.escape(self._measured())))
        rows.append(("Correction", html.escape(claim.correction)))
        if claim.sources:
            rows.append(("Sources", "; ".join(map(_link, claim.sources))))
        body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
        return (
            f'<div class="claim claim-{kind}" id="claim-{claim.anchor}" role="group" '
            f'aria-label="Claim {claim.id}: {claim.verdict}" '
            f'style="border-left: 0.3em solid; padding-left: 0.8em">'
            f'<p class="claim-head">{head}</p><dl>{body}</dl></div>'
        )


def _link(source):
    return (
        f'<a href="{html.escape(source.address)}" title="{html.escape(source.title)}">'
        f"{html.escape(source.label)}</a>"
    )


def evidence(claim_id, *, holds=None, error=None, missing=None, measured=None):
    """Compare what was just measured with the ledger: the last line of an evidence cell.

    The verdict is never given; it follows from exactly one of `holds`, `error` and `missing`.

    Parameters
    ----------
    claim_id : str
        A row of the ledger, such as ``"A6.5"``.
    holds : bool or dict of str to bool, optional
        Whether the claim was found true: "holds" or "wrong". A dict says under which condition it
        was: all true "holds", none true "wrong", else "holds if".
    error : Failure, optional
        What `attempt` returned for the claim's program: "cannot run".
    missing : list of str, optional
        What the article does not give and a check would need: "cannot be checked".
    measured : float, str or sequence of floats, optional
        What the row's ``measured`` must reproduce. The name of `error`, or the list of what is
        `missing`, if it is not given.

    Returns
    -------
    Evidence

    Raises
    ------
    ClaimMismatch
        If the verdict or the measured value is not the ledger's.
    LedgerError
        If the ledger has no such id.
    ValueError
        If the arguments do not determine a verdict.

    Examples
    --------
    >>> loss = 29.2140677
    >>> print(evidence("A6.5", holds=loss < 0.001, measured=loss).claim.verdict)
    wrong
    >>> evidence("A6.5", holds=True, measured=loss)
    Traceback (most recent call last):
        ...
    rmsprop.claims.ClaimMismatch: A6.5: measured "holds", the ledger says "wrong"
    """
    claim = _look_up(load_ledger(), claim_id)
    verdict, detail, default = _derive(holds, error, missing)
    if verdict != claim.verdict:
        raise ClaimMismatch(f'{claim.id}: measured "{verdict}", the ledger says "{claim.verdict}"')
    _compare(claim, default if measured is None and claim.measured else measured)
    return Evidence(claim, detail)


def _look_up(ledger, claim_id):
    if claim_id not in ledger:
        near = difflib.get_close_matches(str(claim_id), ledger)
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise LedgerError(f"no claim {claim_id!r} in the ledger{hint}")
    return ledger[claim_id]


def _derive(holds, error, missing):
    """Return the verdict, what the box adds to it, and the default of ``measured``."""
    if [holds, error, missing].count(None) != 2:
        raise ValueError("give exactly one of holds, error and missing")
    if error is not None:
        if isinstance(error, Success):
            raise ClaimMismatch(f"the program {error}: no error was measured")
        if not isinstance(error, Failure):
            raise ValueError(f"error must be what attempt() returned, not {error!r}")
        return "cannot run", f" – {error}", error.error
    if missing is not None:
        if isinstance(missing, str) or not missing:
            raise ValueError(f"missing must name at least one thing, not {missing!r}")
        names = ", ".join(missing)
        return "cannot be checked", f" – missing: {names}", names
    return *_truth(holds), None


def _truth(holds):
    conditions = holds if isinstance(holds, dict) else {"": holds}
    if not conditions or not all(isinstance(v, bool | np.bool_) for v in conditions.values()):
        raise ValueError(f"holds must be True, False or a dict of them, not {holds!r}")
    true = [name for name, value in conditions.items() if value]
    false = [name for name, value in conditions.items() if not value]
    if true and false:
        return "holds if", f" {', '.join(true)}; not if {', '.join(false)}"
    return ("holds" if true else "wrong"), ""


def _compare(claim, value):
    if (claim.measured is None) != (value is None):
        expected = "nothing" if claim.measured is None else claim.measured.what
        raise ClaimMismatch(f"{claim.id}: measured {value!r}, the ledger expects {expected}")
    if value is not None and not claim.measured.agrees(value):
        raise ClaimMismatch(
            f"{claim.id}: {claim.measured.what} was measured as {value!r}, "
            f"the ledger says {claim.measured}"
        )


# What can be seen without running -----------------------------------------------------------


@dataclass(frozen=True)
class EvidenceCell:
    """A call of `evidence` in a page, the number of its code cell, and what is wrong with it."""

    claim_id: str | None
    cell: int
    problems: tuple[str, ...]


def evidence_cells(path):
    """Find the calls of `evidence` in a page, without running it.

    Parameters
    ----------
    path : path-like
        A chapter: MyST Markdown that jupytext reads.

    Returns
    -------
    list of EvidenceCell
        In the page's order. ``problems`` says if the call is not its cell's last expression, if
        the id is not written out, or if an argument computes nothing: a constant, or a name that
        is only ever given constants.

    Raises
    ------
    FileNotFoundError
        If there is no such page.
    SyntaxError
        If a cell that mentions evidence is not Python.
    """
    import jupytext  # here, because a reader's notebook does without it

    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    trees = [ast.parse(_without_magics(source)) for source in cells]
    values = _assignments(trees)
    return [
        EvidenceCell(_literal_id(call), number, tuple(_problems(call, tree, values)))
        for number, tree in enumerate(trees, 1)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and _called(call) == "evidence"
    ]


def _without_magics(source):
    return "\n".join("pass" if re.match(r"\s*[%!]", line) else line for line in source.split("\n"))


def _called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", None))


def _literal_id(call):
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) else None


def _problems(call, tree, values) -> Iterator[str]:
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or last.value is not call:
        yield "evidence() must be the last expression of its cell"
    if not isinstance(_literal_id(call), str):
        yield "the claim's id must be written out"
    for keyword in call.keywords:
        parts = keyword.value.values if isinstance(keyword.value, ast.Dict) else [keyword.value]
        if not all(_computes(part, values, frozenset()) for part in parts):
            yield f"{keyword.arg} computes nothing"


def _assignments(trees):
    """Map each name that is only ever assigned plainly, ``name = …``, to what it is given."""
    values, plain = {}, set()
    nodes = [node for tree in trees for node in ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(node.value)
                    plain.add(target)
    for node in nodes:  # bound by a loop, a tuple, an operator: the program computes it
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in plain:
            values.pop(node.id, None)
    return values


def _computes(expression, values, seen):
    """Whether an expression depends on anything but constants."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            return True
        if isinstance(node, ast.Name) and node.id not in seen:
            given = values.get(node.id)
            if given is None or any(_computes(v, values, seen | {node.id}) for v in given):
                return True
    return False


def check_book(directory):
    """Check every page of a book against its ledger, without running anything.

    Parameters
    ----------
    directory : path-like
        The folder with ``claims.yml``, ``references.bib`` and the pages.

    Returns
    -------
    list of str
        One complaint each, sorted; empty if all is well. A claim needs exactly one cell with its
        evidence, in its chapter.

    Raises
    ------
    LedgerError
        If the ledger is malformed.
    """
    directory = Path(directory)
    ledger = load_ledger(directory / "claims.yml")
    complaints, found = [], dict.fromkeys(ledger, 0)
    for path in sorted(directory.glob("*/*.md")):
        page = path.relative_to(directory).with_suffix("").as_posix()
        for cell in evidence_cells(path):
            where = f"{page}, code cell {cell.cell}, {cell.claim_id}"
            complaints += [f"{where}: {problem}" for problem in cell.problems]
            if cell.claim_id not in ledger:
                complaints.append(f"{where}: no such claim in the ledger")
            elif ledger[cell.claim_id].chapter != page:
                expected = ledger[cell.claim_id].chapter
                complaints.append(f"{where}: the ledger puts its evidence in {expected}")
            else:
                found[cell.claim_id] += 1
    for claim_id, count in found.items():
        chapter = ledger[claim_id].chapter
        if count != 1:
            complaints.append(f"{chapter}: {claim_id} has {count} evidence cells, not one")
    return sorted(complaints)
