"""The claims ledger: what the two articles say, and what running it shows.

``book/claims.yml`` holds one row a claim, with its verdict. A chapter measures, and its evidence
cell ends in `evidence`, which derives the verdict *from the measurement* and raises when the ledger
says something else. `check_book` looks, without running anything, whether every claim of a chapter
has exactly one such cell and whether that cell computes what it reports.

- `ledger` reads and checks the rows and the bibliography;
- `attempt` runs a program that is expected to fail, bounded in time and memory;
- `evidence` turns a measurement into a verdict;
- `check` looks at the pages; `publish` writes the ledger as CSV and JSON.
"""

from rmsbook.claims.attempt import Failure, Success, attempt
from rmsbook.claims.check import EvidenceCell, check_book, evidence_cells
from rmsbook.claims.evidence import ClaimMismatch, Evidence, evidence
from rmsbook.claims.ledger import (
    ARTICLES,
    VERDICTS,
    Claim,
    LedgerError,
    Measured,
    Source,
    load_bibliography,
    load_ledger,
)
from rmsbook.claims.publish import to_csv, to_json

__all__ = [
    "ARTICLES",
    "VERDICTS",
    "Claim",
    "ClaimMismatch",
    "Evidence",
    "EvidenceCell",
    "Failure",
    "LedgerError",
    "Measured",
    "Source",
    "Success",
    "attempt",
    "check_book",
    "evidence",
    "evidence_cells",
    "load_bibliography",
    "load_ledger",
    "to_csv",
    "to_json",
]
