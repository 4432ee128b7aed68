"""The ledger as CSV and JSON, for those who want the claims without the book."""

import csv
import io
import json
import math
from dataclasses import asdict

from rmsbook.claims.ledger import TEXTS


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
    >>> from rmsbook.claims import load_ledger
    >>> text = to_csv(load_ledger().values())
    >>> text.splitlines()[0]
    'id,article,section,chapter,claim,verdict,correction,what,value,tolerance,claimed,sources,evidence'
    """
    columns = (*TEXTS, "what", "value", "tolerance", "claimed", "sources", "evidence")
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
    >>> from rmsbook.claims import load_ledger
    >>> json.loads(to_json(load_ledger().values()))[0]["id"]
    'A1.1'
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
