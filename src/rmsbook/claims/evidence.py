"""The evidence: a verdict that follows from a measurement, compared with the ledger's."""

import difflib
import html
from dataclasses import dataclass

import numpy as np

from rmsbook.claims.attempt import Failure, Success
from rmsbook.claims.ledger import VERDICTS, Claim, LedgerError, load_ledger


class ClaimMismatch(AssertionError):  # noqa: N818 – an assertion about a claim, not a fault of code
    """What was measured disagrees with the ledger."""


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
    rmsbook.claims.evidence.ClaimMismatch: A6.5: measured "holds", the ledger says "wrong"
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
        return "holds if", f" {' or '.join(true)}; not if {' or '.join(false)}"
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
