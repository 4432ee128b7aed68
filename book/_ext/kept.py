"""What a build has made and the next one need not make again.

It lies beside what Sphinx remembers, and goes with it: `tools/stamp.py` removes both when the
extensions, the settings or the installed packages change, and after a build that failed.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from sphinx.application import Sphinx


def kept(app: Sphinx, name: str, made_from: object, make: Callable[[], bytes]) -> bytes:
    """Return what ``make`` returned when this was made from the same, else make it and keep it.

    Parameters
    ----------
    app : Sphinx
        The builder's application.
    name : str
        The file's name; what was kept there and made from something else is replaced.
    made_from : object
        All that the result depends on; its ``repr`` tells one state from another.
    make : callable
        Makes it.
    """
    path = Path(app.doctreedir, "kept", name)
    mark = hashlib.sha256(repr(made_from).encode()).digest()
    if path.exists() and (found := path.read_bytes()).startswith(mark):
        return found[len(mark) :]
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(mark + made)
    os.replace(part, path)  # a build that is killed leaves no half of it
    return made


def keep_templates(app: Sphinx) -> None:
    """Keep the theme's templates compiled."""
    if app.builder.format == "html":
        folder = Path(app.doctreedir, "kept", "templates")
        folder.mkdir(parents=True, exist_ok=True)
        app.builder.templates.environment.bytecode_cache = FileSystemBytecodeCache(folder)


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("builder-inited", keep_templates)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
