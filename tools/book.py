"""The book's own commands; `make help` lists the targets that call them.

- build: execute what changed, then write _build/html
- notebooks: write each chapter's paired .ipynb from its recorded outputs
- nbval: execute the committed notebooks and compare their outputs
- serve: show the book, and build it again on every save
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

import chapters
from kernels import FileKernelManager

CELL_TIMEOUT = 900  # seconds; the longest cell of the full profile, with room
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")
# What a page is made of; a file saved here builds the book again while `make serve` runs.
WATCHED = (
    "_config.yml",
    "_toc.yml",
    "book/*.bib",
    "book/*.md",
    "book/*.yml",
    "book/**/*.md",
    "book/_ext/*.py",
    "book/_static/*.css",
    "book/_static/*.js",
    "book/records/*/*.csv",
    "src/**/*.py",
)
PROVENANCE = "import json, rmsbook.runtime as _r; print(json.dumps(_r.describe(globals())))"


def commit(root: Path) -> str:
    """Return the commit the book is built from, and whether files were changed since."""
    git = ["git", "-C", str(root)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        return "no commit"
    dirty = subprocess.run([*git, "status", "--porcelain", "src", "book"], capture_output=True)
    return head.stdout.strip() + (" with changes" if dirty.stdout else "")


def kernel_environment() -> dict[str, str]:
    """Return the environment of every kernel: the profile decided, the download tried, once."""
    if subprocess.run([sys.executable, "-m", "rmsbook.data"], check=False).returncode:
        raise SystemExit("The book was not built: its data are not in order (see above).")
    environment = {**os.environ, **chapters.kernel_settings(), "RMSPROP_OFFLINE": "1"}
    if "RMSPROP_DATA" in environment:  # a chapter runs in its own folder
        environment["RMSPROP_DATA"] = str(Path(environment["RMSPROP_DATA"]).resolve())
    return environment


def execute_one(path: Path, environment: dict[str, str]):
    """Execute one chapter in its own folder; return it with what is known of the run."""
    notebook = chapters.read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(PROVENANCE))
    started = time.perf_counter()
    client = NotebookClient(
        notebook,
        kernel_manager_class=FileKernelManager,
        timeout=CELL_TIMEOUT,
        record_timing=False,  # it would be written into the cells, and change the cache's key
        coalesce_streams=True,  # or the same lines come in other pieces on each run
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=40"],  # the kernel's own warnings are not the chapter's
    )
    client.execute(env=environment)
    seconds = time.perf_counter() - started
    described = json.loads(notebook.cells.pop().outputs[0].text)
    return notebook, {**described, "execution_seconds": seconds}


def pending(root: Path) -> list[Path]:
    """Return the chapters that have no recorded execution."""
    cache = chapters.open_cache(root)
    files = chapters.chapters(root)
    return [path for path in files if chapters.executed(cache, chapters.read(path)) is None]


def execute(root: Path) -> bool:
    """Execute the chapters that need it, side by side; say how each went."""
    environment = {}
    if pending(root):
        environment = kernel_environment()
        chapters.data_fingerprint.cache_clear()  # a download may just have changed it
    todo, cache, at, ok = pending(root), chapters.open_cache(root), commit(root), True
    for path in chapters.chapters(root):
        if path not in todo:
            print(f"  {name(path, root):40} unchanged", flush=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = {pool.submit(execute_one, path, environment): path for path in todo}
        for run in as_completed(runs):
            path = runs[run]
            try:
                notebook, data = run.result()
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                ok = False
                print(f"  {name(path, root):40} FAILED\n{error}", flush=True)
                continue
            if cache.path != chapters.cache_folder(root):
                pool.shutdown(cancel_futures=True)
                raise SystemExit(
                    "The library was edited while the chapters ran: run `make book` again."
                )
            bundle = CacheBundleIn(notebook, str(path), data={**data, "commit": at})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"  {name(path, root):40} {data['execution_seconds']:5.1f} s", flush=True)
    return ok


def name(path: Path, root: Path) -> str:
    """Return a chapter's name as a reader knows it: course/06-linear-regression."""
    return path.relative_to(root / "book").with_suffix("").as_posix()


def build(root: Path) -> None:
    """Execute what changed and write the pages; any warning is an error."""
    started = time.perf_counter()
    print("Executing the chapters", flush=True)
    if not execute(root):
        raise SystemExit("The book was not built: a chapter failed (see above).")
    print("Writing the pages", flush=True)
    command = [str(JUPYTER_BOOK), "build", str(root), "-W", "-n", "--keep-going", "-q"]
    environment = {**os.environ, **chapters.kernel_settings()}
    sphinx = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if sphinx.returncode:
        print(sphinx.stderr.partition("Traceback (most recent call last)")[0], flush=True)
        raise SystemExit("The book was not built: a page has a warning (see above).")
    page = root / "_build" / "html" / "index.html"
    print(f"Built in {time.perf_counter() - started:.0f} s. Open {page.relative_to(root)}")


def paired_notebook(path: Path, cache) -> str:
    """Return the text of the .ipynb that belongs to a chapter: plain, runnable, reproducible."""
    source = chapters.read(path)
    notebook = chapters.executed(cache, source)
    if notebook is None:
        raise SystemExit(f"{path.name} has not been executed: run `make book` first.")
    notebook.metadata = {
        "kernelspec": source.metadata["kernelspec"],
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03}"
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def notebooks(root: Path) -> None:
    """Write the paired .ipynb of every chapter whose text or outputs changed."""
    cache = chapters.open_cache(root)
    for path in chapters.chapters(root):
        text, target = paired_notebook(path, cache), path.with_suffix(".ipynb")
        if target.exists() and target.read_text("utf8") == text:
            continue
        temporary = target.with_suffix(".ipynb.part")
        temporary.write_text(text, "utf8")
        temporary.replace(target)
        print(f"  {name(path, root)}.ipynb written")


def nbval(root: Path, only: list[Path]) -> None:
    """Execute the committed notebooks again and compare every output that is not marked."""
    files = [str(path.with_suffix(".ipynb")) for path in only or chapters.chapters(root)]
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={CELL_TIMEOUT}", "-p", "no:cacheprovider", "-q"]
    command += ["-W", "ignore::DeprecationWarning", "-n", "2", "--dist", "loadfile"]
    # nbval gives a cell its time, and nothing a kernel's start.
    command += [f"--timeout={CELL_TIMEOUT + 60}", "-p", "kernels", "-p", "compare", *files]
    environment = kernel_environment()
    plugins = [str(Path(__file__).parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, plugins))
    raise SystemExit(subprocess.run(command, env=environment, cwd=root).returncode)


def serve(root: Path) -> None:
    """Build, serve on this machine, and build again whenever a file of the book is saved."""
    from livereload import Server

    server = Server()
    command = [sys.executable, __file__, "build", "--root", str(root)]

    def rebuild():
        subprocess.run(command, check=False)

    rebuild()
    for pattern in WATCHED:
        server.watch(str(root / pattern), rebuild)
    server.serve(root=str(root / "_build" / "html"), host="127.0.0.1", port=8000)


def main() -> None:
    """Run the command named on the command line."""
    commands = {"build": build, "notebooks": notebooks, "nbval": nbval, "serve": serve}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=commands)
    parser.add_argument("chapters", nargs="*", type=Path, help="nbval: these alone (all of them)")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent)
    arguments = parser.parse_args()
    if arguments.chapters and arguments.command != "nbval":
        parser.error(f"{arguments.command} takes no chapters")
    more = [[path.resolve() for path in arguments.chapters]] if arguments.command == "nbval" else []
    commands[arguments.command](arguments.root.resolve(), *more)


if __name__ == "__main__":
    main()
