"""What the last good build was made from, and what it left: so that nothing is built twice.

The stamp is removed before the pages are written and put back once they are written without a
warning. So a build that failed, or was stopped, leaves none; and where there is none, Sphinx starts
without what it remembers, for it would not say again what it has said once.
"""

import hashlib
import json
import shutil
import sysconfig
from pathlib import Path

import chapters

# What changes every page, though Sphinx would not notice.
FRAME = ("_config.yml", "_toc.yml", "tools", "book/_ext", "book/_templates")


def frame(root: Path) -> str:
    """Return what tells one state of extensions, settings and packages from another."""
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    state = [chapters.digest(root, FRAME), sorted(path.name for path in packages)]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def sources(root: Path) -> str:
    """Return what tells one state of all that the site is made from, from another."""
    book = [path for path in (root / "book").rglob("*.*") if path.suffix != ".ipynb"]
    pages = chapters.digest(root, sorted(str(path.relative_to(root)) for path in book))
    state = [frame(root), pages, chapters.cache_folder(root).name]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def left(root: Path) -> str:
    """Return what tells one state of the site and of the recorded executions from another."""
    build = root / "_build"
    files = [*(build / "html").rglob("*"), *(build / ".jupyter_cache").rglob("base.ipynb")]
    facts = [
        (path.relative_to(root).as_posix(), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(files)
        if path.is_file()
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def load(path: Path) -> dict:
    """Return what a JSON file holds, or {} where it is missing or a killed build cut it short."""
    try:
        return json.loads(path.read_text("utf8"))
    except (FileNotFoundError, ValueError):
        return {}


def file(root: Path) -> Path:
    """Return where the stamp is kept."""
    return root / "_build" / "stamp.json"


def stands(root: Path, made_from: str) -> bool:
    """Whether the last build was good, was made from the same, and what it left is untouched."""
    stamp = load(file(root))
    return stamp.get("sources") == made_from and stamp["left"] == left(root)


def forget(root: Path, page: Path) -> None:
    """Let Sphinx read a page again: its text is the same, its outputs are new."""
    doctree = root / "_build" / ".doctrees" / page.relative_to(root).with_suffix(".doctree")
    doctree.unlink(missing_ok=True)


def remove(root: Path) -> None:
    """Remove the stamp, and all that Sphinx remembers if it cannot be relied on."""
    if load(file(root)).get("frame") != frame(root):
        shutil.rmtree(root / "_build" / ".doctrees", ignore_errors=True)
    file(root).unlink(missing_ok=True)


def put(root: Path, made_from: str) -> None:
    """Note a good build of the sources that `sources` named when it began."""
    stamp = {"frame": frame(root), "sources": made_from, "left": left(root)}
    file(root).write_text(json.dumps(stamp), "utf8")
