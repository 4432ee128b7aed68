"""The book's own commands; `make help` lists the targets that call them.

- build: execute what changed, then write _build/html
- notebooks: write each chapter's paired .ipynb from its recorded outputs
- nbval: execute the committed notebooks and compare their outputs
- serve: show the book, and build it again on every save
"""

import argparse
import contextlib
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

if __name__ == "__main__":
    import start  # noqa: F401 – before the others

import chapters
import stamp

# What executes notebooks is imported where one is executed: it takes two seconds.

CELL_TIMEOUT = 900  # seconds; the longest cell of the full profile, with room
JUPYTER_BOOK = "import start; from jupyter_book.cli.main import main; main()"
PORTS = range(8000, 8020)  # of `make serve`: the first that is free
# What a machine, and no mistake of ours, may answer to a program that writes a file.
REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR)
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


class StandardError(Exception):
    """A cell wrote to its standard error."""


def git(root: Path, *arguments: str) -> str | None:
    """Return what git answers about this folder, or None if it is not there or refuses."""
    # A hook of another repository would have told git, in its environment, to look there.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        run = subprocess.run(
            ["git", "-C", str(root), *arguments], env=environment, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return None if run.returncode else run.stdout.strip()


def commit(root: Path) -> str:
    """Return the commit the book is built from, and whether files were changed since.

    A copy of the book inside another repository has none: that repository's is not the book's.
    """
    top = git(root, "rev-parse", "--show-toplevel")
    head = git(root, "rev-parse", "--short", "HEAD")
    if not top or not head or not Path(top).samefile(root):
        return "no commit"
    return head + (" with changes" if git(root, "status", "--porcelain", "src", "book") else "")


def kernel_environment() -> dict[str, str]:
    """Return the environment of every kernel: the profile decided, the download tried, once.

    Matplotlib and IPython get folders of the book's own: those of the user may not be writable,
    and hold settings and start-up files that would change the book.
    """
    import kernels

    data = [sys.executable, "-m", "rmsbook.data"]
    if subprocess.run(data, check=False, start_new_session=True).returncode:
        raise SystemExit("The book was not built: its data are not in order (see above).")
    for variable in ("MPLCONFIGDIR", "IPYTHONDIR"):  # here too: what starts a kernel looks there
        os.environ[variable] = str(kernels.folder() / variable.lower())
    environment = {**os.environ, **chapters.kernel_settings(), "RMSPROP_OFFLINE": "1"}
    # Matplotlib looks for the fonts once, and says so to standard error where it takes long.
    fonts = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(fonts, env=environment, check=True, capture_output=True)
    if "RMSPROP_DATA" in environment:  # a chapter runs in its own folder
        environment["RMSPROP_DATA"] = str(Path(environment["RMSPROP_DATA"]).resolve())
    return environment


def execute_one(path: Path, environment: dict[str, str]):
    """Execute one chapter in its own folder; return it with what is known of the run."""
    import nbformat
    from nbclient import NotebookClient

    import kernels

    notebook = chapters.read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(PROVENANCE))
    started = time.perf_counter()
    client = NotebookClient(
        notebook,
        kernel_manager_class=kernels.FileKernelManager,
        shutdown_kernel="immediate",  # nothing is left for it to do
        timeout=CELL_TIMEOUT,
        record_timing=False,  # it would be written into the cells, and change the cache's key
        coalesce_streams=True,  # or the same lines come in other pieces on each run
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=40"],  # the kernel's own warnings are not the chapter's
    )
    client.execute(env=environment)
    seconds = time.perf_counter() - started
    described = json.loads(notebook.cells.pop().outputs[0].text)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise StandardError(f"A cell wrote to stderr:\n{cell.source}\n\n{output.text}")
    return notebook, {**described, "execution_seconds": seconds}


def pending(root: Path) -> list[Path]:
    """Return the chapters that have no recorded execution.

    To read a chapter and its record takes a fifth of a second. It is not done again for a text
    whose record is as it was when it was found.
    """
    folder, notes = chapters.cache_folder(root), root / "_build" / "executed.json"
    former = stamp.load(notes) if (folder / "global.db").exists() else {}
    known, missing = {}, []
    for path in chapters.chapters(root):
        text = hashlib.sha256(path.read_bytes()).hexdigest()
        if text in former and untouched(root, folder, former[text]):
            known[text] = former[text]
            continue
        cache, notebook = chapters.open_cache(root), chapters.read(path)
        if chapters.executed(cache, notebook) is None:
            missing.append(path)
        else:
            known[text] = facts(root, chapters.record_file(cache, notebook))
    if known != former:
        notes.write_text(json.dumps(known), "utf8")
    return missing


def facts(root: Path, record: Path) -> list:
    """Return what tells whether a record is the same file as before, and untouched."""
    stat = record.stat()
    return [record.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns]


def untouched(root: Path, folder: Path, noted: list) -> bool:
    """Whether a record of which the facts were noted is in this cache, and as it was."""
    record = root / noted[0]
    return record.is_relative_to(folder) and record.exists() and facts(root, record) == noted


def expected_seconds(path: Path, known: dict[str, float]) -> float:
    """Return about how long a chapter runs: as long as it did, else guessed from its cells."""
    text = path.read_text("utf8")
    guess = 20 * ("start_tensorflow(" in text) + text.count("{code-cell}")
    return known.get(path.stem, guess)


def execute(root: Path) -> bool:
    """Execute the chapters that need it, side by side, the longest first; say how each went."""
    environment, todo = {}, pending(root)
    if todo:
        environment = kernel_environment()
        chapters.data_fingerprint.cache_clear()  # a download may just have changed it
        todo = pending(root)
    for path in chapters.chapters(root):
        if path not in todo:
            print(f"  {name(path, root):40} unchanged", flush=True)
    return not todo or execute_all(root, todo, environment)


def execute_all(root: Path, todo: list[Path], environment: dict[str, str]) -> bool:
    """Execute these chapters; say how each went, and return whether all went well."""
    from jupyter_cache.base import CacheBundleIn
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    failures = (CellExecutionError, CellTimeoutError, DeadKernelError, StandardError)
    cache, at, ok = chapters.open_cache(root), commit(root), True
    times = root / "_build" / "seconds.json"
    known = stamp.load(times)
    todo.sort(key=lambda path: expected_seconds(path, known), reverse=True)
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    runs = {pool.submit(execute_one, path, environment): path for path in todo}
    try:
        for run in as_completed(runs):
            path = runs[run]
            try:
                notebook, data = run.result()
            except failures as error:
                ok = False
                print(f"  {name(path, root):40} FAILED\n{error}", flush=True)
                continue
            if cache.path != chapters.cache_folder(root):
                raise SystemExit(
                    "The library was edited while the chapters ran: run `make book` again."
                )
            bundle = CacheBundleIn(notebook, str(path), data={**data, "commit": at})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            stamp.forget(root, path)
            known[path.stem] = data["execution_seconds"]
            times.write_text(json.dumps(known), "utf8")
            print(f"  {name(path, root):40} {data['execution_seconds']:5.1f} s", flush=True)
    finally:  # the others are not waited for: after Ctrl-C, `main` ends their kernels
        pool.shutdown(wait=False, cancel_futures=True)
    return ok


def name(path: Path, root: Path) -> str:
    """Return a chapter's name as a reader knows it: course/06-linear-regression."""
    return path.relative_to(root / "book").with_suffix("").as_posix()


def build(root: Path) -> None:
    """Execute what changed and write the pages; any warning is an error."""
    started = time.perf_counter()
    page = root / "_build" / "html" / "index.html"
    (root / "_build").mkdir(exist_ok=True)
    made_from = stamp.sources(root)
    if stamp.stands(root, made_from):
        print(f"Nothing changed since the last build. Open {page.relative_to(root)}")
        return
    print("Executing the chapters", flush=True)
    if not execute(root):
        raise SystemExit("The book was not built: a chapter failed (see above).")
    print("Writing the pages", flush=True)
    write_pages(root)
    stamp.put(root, made_from)
    print(f"Built in {time.perf_counter() - started:.0f} s. Open {page.relative_to(root)}")


def write_pages(root: Path) -> None:
    """Let Jupyter Book write the pages; a warning of an earlier, failed build comes again."""
    stamp.remove(root)
    command = [sys.executable, "-c", JUPYTER_BOOK]
    command += ["build", str(root), "-W", "-n", "--keep-going", "-q"]
    environment = {**os.environ, **chapters.kernel_settings()}
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    sphinx = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if sphinx.returncode:
        stamp.remove(root)
        print(sphinx.stderr.partition("Traceback (most recent call last)")[0], flush=True)
        raise SystemExit("The book was not built: a page has a warning (see above).")


def notebooks(root: Path) -> None:
    """Write the paired .ipynb of every chapter whose text or outputs changed."""
    cache = chapters.open_cache(root)
    for path in chapters.chapters(root):
        text, target = chapters.paired_notebook(path, cache), path.with_suffix(".ipynb")
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


def free_port() -> int:
    """Return the first of the ports for `make serve` that nobody listens on."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
        print(f"Port {port} is taken; trying the next.", flush=True)
    raise SystemExit(f"No port from {PORTS[0]} to {PORTS[-1]} is free: end what listens there.")


def serve(root: Path) -> None:
    """Build, serve on this machine, and build again whenever a file of the book is saved."""
    from livereload import Server

    port = free_port()
    print(f"The book will be at http://127.0.0.1:{port}", flush=True)
    server = Server()
    command = [sys.executable, __file__, "build", "--root", str(root)]

    def rebuild():
        subprocess.run(command, check=False)

    rebuild()
    for pattern in WATCHED:
        server.watch(str(root / pattern), rebuild)
    server.serve(root=str(root / "_build" / "html"), host="127.0.0.1", port=port)


def stop(*_) -> None:
    """End the program, wherever it is; `main` says so."""
    raise KeyboardInterrupt


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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        commands[arguments.command](arguments.root.resolve(), *more)
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if "kernels" in sys.modules:  # else none was started
            sys.modules["kernels"].kill()
        print(
            "Stopped. What was finished is kept; the same command goes on from there.", flush=True
        )
        os._exit(130)  # no thread is waited for: each would first notice that its kernel is gone
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise SystemExit(
            f"Stopped: {error.filename or 'a file'} cannot be written ({error.strerror})."
        ) from None


if __name__ == "__main__":
    main()
