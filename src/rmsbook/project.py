"""Where the book's own files are: asked once, here.

The ledger, the bibliography, the records and what other libraries gave stand in the repository's
folder ``book``. A page that runs elsewhere, in an empty folder say, uses the copy that was
installed with this package.
"""

from pathlib import Path

__all__ = ["LEDGER", "BookNotFoundError", "book"]

LEDGER = "claims.yml"  # the file that tells the folder of this book from others


class BookNotFoundError(FileNotFoundError):
    """There is no copy of the book's files."""


def book():
    """Return the folder with the book's files.

    It is the folder ``book`` of the working directory or of one above it, which is where a chapter
    runs; else that of the repository this package was installed from; else the package's own copy.

    Returns
    -------
    pathlib.Path
        With ``claims.yml``, ``references.bib``, ``source-map.yml``, ``records`` and ``peers``.

    Raises
    ------
    BookNotFoundError
        If there is none of them.

    Examples
    --------
    >>> (book() / "claims.yml").is_file()
    True
    """
    here, package = Path.cwd(), Path(__file__).resolve().parent
    for folder in (here, *here.parents, *package.parents, package):
        if (folder / "book" / LEDGER).is_file():
            return folder / "book"
    raise BookNotFoundError(
        f"no book/{LEDGER} in {here} or above it: work in a copy of the book's repository, or "
        "install rmsbook with its data"
    )
