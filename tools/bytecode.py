"""Compile the Python that runs in the pages, so that no reader's browser need do it.

The standard library and the packages come as source, and compiling them is half of the wait for the
first Run. Only the Python that runs in the browser writes bytecode that it can read: so it is a
browser that compiles, once, what `tools/pyodide.py` has brought and checked.
"""

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

import playwright.sync_api

import browser
import gates
import pyodide

# NumPy keeps its docstrings, for `help`; Matplotlib spends a second on filling in its own.
OPTIMIZE = {"numpy": 0}
COMPILER = """
import importlib.util, io, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

def compiled(data, folder, optimize):
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            body = source.read(name)
            if name.endswith(".pyi") or "/sample_data/" in name:
                continue  # nothing that runs reads them
            if name.endswith(".py"):
                code = compile(body, folder + name, "exec", dont_inherit=True, optimize=optimize)
                body = bytes(_code_to_hash_pyc(code, importlib.util.source_hash(body), False))
                name += "c"
            target.writestr(name, body)
    return made.getvalue()
"""
# Evaluated in an empty page: `window.compiled` turns an archive into the compiled one, base64.
START = """async (compiler) => {
  const { loadPyodide } = await import("./pyodide.mjs");
  const python = await loadPyodide({ indexURL: new URL("./", location.href).href });
  python.runPython(compiler);
  window.compiled = async ([name, folder, optimize]) => {
    const source = python.toPy(new Uint8Array(await (await fetch(name)).arrayBuffer()));
    const made = python.globals.get("compiled")(source, folder, optimize).toJs();
    const address = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(new Blob([made]));
    });
    return address.slice(address.indexOf(",") + 1);
  };
}"""


def place(name: str) -> str:
    """Return where Python finds the modules of an archive.

    >>> place("python_stdlib.zip"), place("six-1.17.0-py2.py3-none-any.whl")
    ('/lib/python314.zip/', '/lib/python3.14/site-packages/')
    """
    python = json.loads(pyodide.LOCK.read_text("utf-8"))["lock"]["info"]["python"]
    major, minor, _ = python.split(".")
    if name.endswith(".zip"):
        return f"/lib/python{major}{minor}.zip/"
    return f"/lib/python{major}.{minor}/site-packages/"


def write(folder: Path) -> None:
    """Compile what has been brought into a folder."""
    shutil.copytree(pyodide.FOLDER, folder, ignore=shutil.ignore_patterns(pyodide.COMPILED.name))
    lock = json.loads(pyodide.LOCK.read_text("utf-8"))["lock"]
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")
    with gates.served(folder) as host, gates.chromium() as chromium:
        page = chromium.new_page()
        page.goto(f"{host}/pyodide-lock.json")
        page.evaluate(START, COMPILER)
        for path in sorted([*folder.glob("*.whl"), *folder.glob("*.zip")]):
            optimize = OPTIMIZE.get(path.name.split("-")[0], 2)
            made = page.evaluate("compiled", [path.name, place(path.name), optimize])
            path.write_bytes(base64.b64decode(made))
    (folder / pyodide.MADE_FROM).write_text(pyodide.made_from(), "utf-8")


def main() -> None:
    """Compile, if it is not done, there is something to compile, and a browser to do it."""
    if not pyodide.is_complete() or pyodide.is_compiled() or browser.find() is None:
        return
    shutil.rmtree(pyodide.COMPILED, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(dir=pyodide.FOLDER.parent) as cellar:
            write(Path(cellar) / "compiled")
            os.replace(Path(cellar) / "compiled", pyodide.COMPILED)
    except (OSError, playwright.sync_api.Error) as error:
        print(f"The pages' Python was not compiled, its first start takes longer: {error}")


if __name__ == "__main__":
    main()
