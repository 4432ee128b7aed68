"""The ledger: what the two articles say, row by row, and the bibliography beside it."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import yaml

from rmsbook import project

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


@dataclass(frozen=True)
class Source:
    """One entry of the bibliography, with a short label such as "Hinton (2012)".

    No two have the same: the year has a letter where it must, "Keras (2016a)".
    """

    key: str
    label: str
    title: str
    address: str | None


def load_bibliography(path=None):
    """Read ``references.bib``.

    Parameters
    ----------
    path : path-like, optional
        A BibTeX file, by default the book's.

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

    path = path or project.book() / "references.bib"
    try:
        entries = pybtex.database.parse_file(str(path), "bibtex").entries
    except pybtex.exceptions.PybtexError as error:
        raise LedgerError(f"{path}: {error}") from error
    return _told_apart([_source(key, entry) for key, entry in entries.items()])


def _told_apart(sources):
    """Return the sources by key; those of the same label have a letter each, in order of title."""
    alike = defaultdict(list)
    for source in sorted(sources, key=lambda source: source.title.casefold()):
        alike[source.label].append(source.key)
    letters = {
        key: letter
        for keys in alike.values()
        if len(keys) > 1
        for key, letter in zip(keys, ascii_lowercase, strict=False)
    }
    labels = {one.key: one.label[:-1] + letters.get(one.key, "") + ")" for one in sources}
    return {one.key: replace(one, label=labels[one.key]) for one in sources}


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


def load_ledger(path=None):
    """Read and check the ledger.

    Parameters
    ----------
    path : path-like, optional
        The YAML file, by default the book's. ``references.bib`` is expected beside it.

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
    path = Path(path or project.book() / project.LEDGER)
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


TEXTS = ("id", "article", "section", "chapter", "claim", "verdict", "correction")


def _claim(row, where, bibliography):
    _check_fields(row, where, required=(*TEXTS, "sources"), optional=("measured",), texts=TEXTS)
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
    return Claim(**{name: row[name] for name in TEXTS}, measured=measured, sources=sources)


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
