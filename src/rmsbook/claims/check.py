"""What can be seen of the evidence in the pages without running them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rmsbook.claims.ledger import load_ledger


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
