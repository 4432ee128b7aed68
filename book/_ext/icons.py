"""The theme's icons, without the two thousand that no page shows: 1.5 MB less on every page."""

import re
from pathlib import Path

from sphinx.application import Sphinx

SCRIPT = Path("_static", "scripts", "fontawesome.js")
# name:[width,height,[other names],"code",path or paths],
ICON = re.compile(
    r'(?<=[{,])"?([a-z0-9-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]*",(?:"[^"]*"|\[[^\]]*\])\],?'
)
NAME = re.compile(r"\bfa-([a-z0-9-]+)")


def shown(folder: Path) -> set[str]:
    """Return the names of the icons on the pages, and of those that the theme's scripts put there.

    A brand's icon or one of another style bears the same kind of name.
    """
    files = [*folder.rglob("*.html"), *(folder / "_static").rglob("*.js")]
    texts = (file.read_text("utf-8") for file in files if file.name != SCRIPT.name)
    return set().union(*map(NAME.findall, texts))


def keep(script: str, names: set[str]) -> str:
    """Return the script with these icons only."""

    def kept(icon):
        others = re.findall(r'"([^"]+)"', icon[2])
        return icon[0] if names & {icon[1], *others} else ""

    return ICON.sub(kept, script)


def keep_shown_icons(app: Sphinx, exception) -> None:
    """Write the script anew, with what the pages show."""
    path = Path(app.outdir, SCRIPT)
    if exception is None and app.builder.name == "html" and path.exists():
        path.write_text(keep(path.read_text("utf-8"), shown(Path(app.outdir))), "utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the step."""
    app.connect("build-finished", keep_shown_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
