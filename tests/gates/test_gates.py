"""A small book, built by the real tools, broken in every way that a gate is there for."""

import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

import book as tool
import chapters
import gates
from project import ROOT

FIXTURE = Path(__file__).parent / "fixture"
# Where a build's outcome must not depend on the machine it runs on.
SETTINGS = {"RMSPROP_PROFILE": "quick", "RMSPROP_OFFLINE": "1"}


def book(root, *command, **settings):
    """Run a command of the book's tools on a copy of the small book."""
    environment = {key: value for key, value in os.environ.items() if key != "RMSPROP_DATA"}
    return subprocess.run(
        [sys.executable, str(root / "tools" / "book.py"), *command],
        env={**environment, **SETTINGS, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def edit(path, old, new):
    """Replace a text that stands once in a file."""
    text = path.read_text("utf8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), "utf8")


def executed(run):
    """Return the chapters that a build executed, from what it printed."""
    return {line.split()[0] for line in run.stdout.splitlines() if line.endswith(" s")}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the small book once; the tests break copies of it."""
    root = tmp_path_factory.mktemp("book")
    shutil.copytree(FIXTURE, root, dirs_exist_ok=True)
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_ext", "_figures", "_static", "_templates"):
        shutil.copytree(ROOT / "book" / name, root / "book" / name)
    shutil.copy(ROOT / "book" / "pyodide.json", root / "book")
    shutil.copy(ROOT / "_config.yml", root)
    run = book(root, "build")
    assert run.returncode == 0, run.stdout + run.stderr
    assert executed(run) == {"figure", "number"}
    run = book(root, "notebooks")
    assert run.returncode == 0, run.stdout + run.stderr
    return root


@pytest.fixture(scope="module")
def chromium():
    with gates.chromium() as started:
        yield started


@pytest.fixture
def small(built, tmp_path):
    """Return a copy of the built book, for one test to break."""
    root = tmp_path / "book"
    shutil.copytree(built, root)
    return root


def test_an_unbroken_book_passes_every_gate(built, chromium):
    for gate in (
        gates.unpaired,
        gates.unexecuted,
        gates.machine_paths,
        gates.raw_values,
        gates.without_alt,
    ):
        assert gate(built) == []
    names = ["book/index.html", "book/figure.html", "book/number.html"]
    assert gates.site_problems(chromium, built / "_build" / "html", names) == {}
    run = book(built, "nbval")
    assert run.returncode == 0, run.stdout + run.stderr


def test_building_again_executes_nothing_and_writes_the_same_notebooks(small):
    before = (small / "book" / "number.ipynb").read_bytes()
    assert executed(book(small, "build")) == set()
    book(small, "notebooks")
    assert (small / "book" / "number.ipynb").read_bytes() == before


def test_a_cell_that_raises(small):
    edit(small / "book" / "number.md", "print(answer())", "print(1 / 0)")
    run = book(small, "build")
    assert run.returncode != 0
    assert "ZeroDivisionError" in run.stdout


def test_a_cell_that_writes_to_standard_error(small):
    edit(small / "book" / "number.md", "print(answer())", "print(answer(), file=sys.stderr)")
    for _ in range(2):  # what has failed once fails again
        run = book(small, "build")
        assert run.returncode != 0
        assert "A cell wrote to stderr" in run.stdout
        assert "42" in run.stdout


@pytest.mark.parametrize(
    "wrong", ["{ref}`nowhere`", "{cite:t}`nowhere`", "```{nowhere}\n```"], ids=lambda text: text[:6]
)
def test_a_warning_stops_every_build_until_it_is_gone(small, wrong):
    edit(small / "book" / "index.md", "It has", f"{wrong}\n\nIt has")
    for _ in range(2):
        run = book(small, "build")
        assert run.returncode != 0
        assert "nowhere" in run.stdout
    edit(small / "book" / "index.md", f"{wrong}\n\n", "")
    assert book(small, "build").returncode == 0


def test_a_label_that_another_page_has_lost(small):
    edit(small / "book" / "index.md", "It has", "See {ref}`there`. It has")
    edit(small / "book" / "number.md", "# A number", "(there)=\n# A number")
    assert book(small, "build").returncode == 0
    edit(small / "book" / "number.md", "(there)=\n", "")
    run = book(small, "build")
    assert run.returncode != 0
    assert "there" in run.stdout


def test_a_title_that_another_page_shows(small):
    edit(small / "book" / "number.md", "# A number", "# The number")
    assert book(small, "build").returncode == 0
    assert "The number" in (small / "_build/html/book/figure.html").read_text("utf8")


def test_a_number_that_another_page_shows(small):
    figure, page = small / "book" / "figure.md", small / "_build" / "html" / "book" / "number.html"
    listing = "```{code-block}\n:caption: One.\n%s\nx = 1\n```\n"
    edit(small / "book" / "number.md", "# A number", "# A number\n\nSee {numref}`there`.")
    figure.write_text(figure.read_text("utf8") + "\n" + listing % ":name: there\n", "utf8")
    for sentence in ("It climbs.", "It rises."):
        edit(figure, "A line that rises.", sentence)
        assert book(small, "build").returncode == 0
        assert "Listing 1" in page.read_text("utf8")
        edit(figure, sentence, "A line that rises.")
    edit(figure, "A line that rises.", f"A line.\n\n{listing % ''}")
    assert book(small, "build").returncode == 0
    assert "Listing 2" in page.read_text("utf8")
    written = page.with_name("figure.html").stat().st_mtime_ns
    edit(small / "book" / "number.md", "See {numref}", "Look at {numref}")
    assert book(small, "build").returncode == 0
    assert page.with_name("figure.html").stat().st_mtime_ns == written, "no number has changed"


def other(name, old, new):
    """Return a notebook of the small book in which a text stands in place of another."""

    def changed(folder):
        text = (folder / f"{name}.ipynb").read_text("utf8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}.ipynb"
        return text.replace(old, new)

    return changed


def moved(by):
    """Return a figure of which the end of the curve is moved, by so many points."""

    def changed(folder):
        text = (folder / "figure.ipynb").read_text("utf8")
        end = re.search(r'"L ([\d.]+) ([\d.]+) \\n",\s+"\\" clip-path=.*stroke: #0072b2', text)
        was = f"L {end[1]} {end[2]} "
        assert text.count(was) == 1
        return text.replace(was, f"L {float(end[1]) + by} {end[2]} ")

    return changed


def removed(name):
    """Return a notebook whose first cell of code has lost its output."""

    def changed(folder):
        notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = []
        return nbformat.writes(notebook)

    return changed


# Notebooks as they might be committed, and what nbval must say of each: nothing of the first ones.
COMMITTED = {
    "a number as it was": (other("number", '"42\\n"', '"42\\n"'), None),
    "a figure as it was": (other("figure", '"1,1\\n"', '"1,1\\n"'), None),
    "a number's rounding": (other("number", '"0.333\\n"', '"0.334\\n"'), None),
    "a figure's rounding": (other("figure", '"1,1\\n"', '"1,1.0005\\n"'), None),
    "a curve's rounding": (moved(0.3), None),
    "another text": (other("number", '"42\\n"', '"43\\n"'), "43"),
    "another number": (other("number", '"0.333\\n"', '"0.335\\n"'), "0.335 became 0.333"),
    "value of a figure": (
        other("figure", '"1,1\\n"', '"1,1.1\\n"'),
        "column 'loss', row 2: 1.1 became 1",
    ),
    "length of its table": (
        other("figure", '"1,1\\n"', '"1,1\\n", "2,2\\n"'),
        "another number of rows",
    ),
    "another curve": (moved(-3), "path d of the figure"),
    "colour of its curve": (
        other("figure", "stroke: #0072b2", "stroke: #d62728"),
        "path style of the figure",
    ),
    "its text": (
        other("figure", '"figure line"', '"a figure"'),
        "'a figure' became 'figure line'",
    ),
    "no number": (removed("number"), "Unexpected output fields"),
    "no figure": (removed("figure"), "Unexpected output fields"),
}


def test_what_was_tampered_with_is_seen_and_a_rounding_is_not(small):
    folder, report = small / "book", small / "report.xml"
    for name, (changed, _) in COMMITTED.items():
        (folder / f"{name}.ipynb").write_text(changed(folder), "utf8")
    files = [str(folder / f"{name}.ipynb") for name in COMMITTED]
    run = book(small, "nbval", *files, PYTEST_ADDOPTS=f"--junitxml={report}")
    assert run.returncode == 1, run.stdout + run.stderr
    said = {name: [] for name in COMMITTED}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").removeprefix("book.").removesuffix(".ipynb")
        said[name] += [failure.text for failure in case.iter("failure")]
    for name, (_, expected) in COMMITTED.items():
        assert len(said[name]) == (expected is not None), f"{name}: {said[name]}"
        assert expected is None or expected in said[name][0], name


def test_an_output_without_an_execution_count(small):
    path = small / "book" / "number.ipynb"
    notebook = json.loads(path.read_text("utf8"))
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    code["execution_count"] = None
    path.write_text(json.dumps(notebook), "utf8")
    assert gates.unexecuted(small) == ["number.ipynb: code cell 1 was not executed in order"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A line that rises.", "A line that falls."),
        ("axes.plot([0, 1], [0, 1])", "axes.plot([0, 1], [1, 0])"),
        ("caption: A line.", "caption: A straight line."),
    ],
    ids=["prose", "code", "metadata"],
)
def test_a_pair_that_drifted(small, old, new):
    edit(small / "book" / "figure.md", old, new)
    assert gates.unpaired(small) == ["figure.ipynb is not figure.md: run `make notebooks`"]


def test_a_pair_that_is_missing(small):
    (small / "book" / "figure.ipynb").unlink()
    assert gates.unpaired(small) == ["figure.md has no paired notebook: run `make notebooks`"]


def test_a_machine_path_in_an_output(small):
    edit(small / "book" / "number.ipynb", '"42\\n"', '"see /home/somebody/book\\n"')
    (problem,) = gates.machine_paths(small)
    assert "/home/somebody/book" in problem


def test_a_number_as_numpy_writes_it(small):
    edit(small / "book" / "number.ipynb", '"42\\n"', '"np.int64(42)\\n"')
    assert gates.raw_values(small) == ["number.ipynb, cell 1: np.int64(42)"]


def test_a_picture_without_a_description(small, chromium):
    alt = "    alt: A straight line that rises from the lower left to the upper right.\n"
    edit(small / "book" / "figure.md", f"  image:\n{alt}", "")
    assert book(small, "build").returncode == 0
    book(small, "notebooks")
    assert len(gates.without_alt(small)) == 1
    found = gates.site_problems(chromium, small / "_build" / "html", ["book/figure.html"])
    assert len(found) == len(gates.SCREENS)
    for problems in found.values():
        assert any("picture without a description" in problem for problem in problems)


def test_a_source_that_nobody_cites(tmp_path):
    (tmp_path / "book" / "course").mkdir(parents=True)
    entry = "@misc{%s,\n  author = {A. Author},\n  title = {T},\n  year = {2000}\n}\n"
    sources = "".join(entry % key for key in ("cited", "of-a-claim", "of-a"))
    (tmp_path / "book" / "references.bib").write_text(sources, "utf-8")
    (tmp_path / "book" / "claims.yml").write_text("sources: [of-a-claim]\n", "utf-8")
    (tmp_path / "book" / "course" / "01.md").write_text("See {cite:t}`cited`.\n", "utf-8")
    assert gates.uncited(tmp_path) == ["of-a"]


REVERSED = """<div class="math" style="display: flex; flex-direction: row-reverse; width: 200px">
<span class="eqno">(1)</span><span class="katex-html" style="flex: 0 0 300px">x</span></div>"""


@pytest.mark.parametrize(
    ("inserted", "complaint"),
    [
        ('<script src="https://example.org/a.js"></script>', "asks another host"),
        ("<script>console.error('bad')</script>", "bad"),
        ("<script>undefined_function()</script>", "script error"),
        ('<div style="width: 3000px">wide</div>', "scrolls sideways"),
        ('<input type="text">', "accessibility: label"),
        ('<span class="katex-error" title="ParseError">x</span>', "formula: ParseError"),
        (REVERSED, "a formula begins left of its place"),
        ('<article><img src="x" alt="plot"></article>', "picture without a description"),
    ],
)
def test_a_page_that_a_reader_would_suffer_from(small, chromium, inserted, complaint):
    html = small / "_build" / "html"
    edit(html / "book" / "index.html", "</body>", f"{inserted}</body>")
    found = gates.site_problems(chromium, html, ["book/index.html"])
    assert any(complaint in problem for problems in found.values() for problem in problems), found


def test_the_server_of_the_pages_ends_after_an_error(tmp_path):
    others = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), gates.served(tmp_path):
        raise ZeroDivisionError
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive()


def test_an_edited_library_executes_the_chapters_anew_and_the_former_one_is_remembered(small):
    edit(small / "src" / "answer.py", "return 42", "return 6 * 7")
    assert executed(book(small, "build")) == {"figure", "number"}
    edit(small / "src" / "answer.py", "return 6 * 7", "return 42")
    assert executed(book(small, "build")) == set()


def test_an_edited_sentence_executes_nothing(small):
    page, other = (small / "_build/html/book" / name for name in ("figure", "number"))
    was, written = "A line that rises.", []
    for sentence in ("This line rises.", "It rises."):  # the first finds the book in a new place
        edit(small / "book" / "figure.md", was, sentence)
        assert executed(book(small, "build")) == set()
        for suffix in (".html", ".ipynb"):
            assert sentence in page.with_suffix(suffix).read_text("utf8")
        was = sentence
        written.append(other.with_suffix(".ipynb").stat().st_mtime_ns)
    assert written[0] == written[1], "nothing of the other page has changed"


def test_a_download_that_is_gone_comes_again(small):
    notebook = small / "_build/html/book/figure.ipynb"
    before = notebook.read_text("utf8")
    notebook.unlink()
    assert executed(book(small, "build")) == set()
    assert notebook.read_text("utf8") == before


def test_an_edited_cell_executes_its_chapter_alone(small):
    edit(small / "book" / "figure.md", "axes.plot([0, 1], [0, 1])", "axes.plot([0, 1], [0, 2])")
    assert executed(book(small, "build")) == {"figure"}


def test_data_downloaded_by_a_build_are_the_data_it_records(small, monkeypatch):
    shutil.rmtree(small / "_build")
    source = ["embedded"]

    def download():
        source[0] = "cache"
        return SETTINGS

    monkeypatch.setenv("RMSPROP_PROFILE", "quick")
    monkeypatch.setattr(chapters, "data_fingerprint", functools.cache(lambda: source[0]))
    monkeypatch.setattr(tool, "kernel_environment", download)
    run = {"execution_seconds": 0.0}
    monkeypatch.setattr(tool, "execute_one", lambda path, _: (chapters.read(path), run))
    assert tool.execute(small)
    assert source == ["cache"]
    assert tool.pending(small) == []


def test_what_a_sweep_leaves_beside_its_records_makes_no_other_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RMSPROP_PROFILE", "quick")
    records = tmp_path / "book" / "records" / "mnist"
    records.mkdir(parents=True)
    folder = chapters.cache_folder(tmp_path)
    for name in (".lock", "0123.part", "0123.damaged"):
        (records / name).touch()
    assert chapters.cache_folder(tmp_path) == folder
    (records / "0123.csv").touch()
    assert chapters.cache_folder(tmp_path) != folder


def test_a_library_edited_while_the_chapters_run_leaves_no_record(small, monkeypatch):
    shutil.rmtree(small / "_build")
    library = small / "src" / "answer.py"
    former = library.read_text("utf8")

    def run(path, environment):
        library.write_text(former.replace("42", "43"), "utf8")
        return chapters.read(path), {"execution_seconds": 0.0}

    monkeypatch.setenv("RMSPROP_PROFILE", "quick")
    monkeypatch.setattr(tool, "kernel_environment", lambda: SETTINGS)
    monkeypatch.setattr(tool, "execute_one", run)
    with pytest.raises(SystemExit, match="The library was edited while the chapters ran"):
        tool.execute(small)
    library.write_text(former, "utf8")
    assert tool.pending(small) == chapters.chapters(small)


def test_a_build_killed_in_the_middle_is_finished_by_the_next(small):
    shutil.rmtree(small / "_build")
    wait = 'while not __import__("os").path.exists("go"):\n    time.sleep(0.1)'
    edit(small / "book" / "number.md", "print(time.time())", wait)
    environment = {**os.environ, **SETTINGS}
    build = subprocess.Popen(
        [sys.executable, str(small / "tools" / "book.py"), "build"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    done = next(line for line in build.stdout if line.endswith(" s\n"))
    os.killpg(build.pid, signal.SIGKILL)  # the other chapter waits in its cell
    build.wait()
    build.stdout.close()
    assert done.split()[0] == "figure"
    (small / "book" / "go").touch()
    run = book(small, "build")
    assert run.returncode == 0, run.stdout + run.stderr
    assert executed(run) == {"number"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped(small, number):
    shutil.rmtree(small / "_build")
    wait = (
        "import os, pathlib\n"
        "if not os.path.exists('go'):\n"
        "    pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "    time.sleep(600)"
    )
    edit(small / "book" / "number.md", "print(time.time())", wait)
    build = subprocess.Popen(
        [sys.executable, str(small / "tools" / "book.py"), "build"],
        env={**os.environ, **SETTINGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    done = next(line for line in build.stdout if line.endswith(" s\n"))
    assert done.split()[0] == "figure"
    waiting = small / "book" / "pid"
    while not waiting.exists():
        time.sleep(0.1)
    kernel = int(waiting.read_text("utf8"))
    os.killpg(build.pid, number)
    stdout, stderr = build.communicate(timeout=5)  # two, on a machine that is not busy
    assert build.returncode == 130
    assert stdout.endswith("What was finished is kept; the same command goes on from there.\n")
    assert stderr == ""
    state = Path(f"/proc/{kernel}/stat")
    assert not state.exists() or state.read_text("utf8").split()[2] == "Z"  # nobody buried it yet
    (small / "book" / "go").touch()
    run = book(small, "build")
    assert run.returncode == 0, run.stdout + run.stderr
    assert executed(run) == {"number"}


@pytest.mark.parametrize(
    "settings",
    [
        {"HOME": "/proc/nobody", "MPLCONFIGDIR": "/proc/nobody", "IPYTHONDIR": "/proc/nobody"},
        {"TMPDIR": "{tmp}/" + "it's a long, odd näme; " * 4},
        {"PATH": "/nowhere"},
    ],
    ids=["no home", "long TMPDIR", "no git"],
)
def test_a_machine_that_lacks_something(small, settings, tmp_path):
    shutil.rmtree(small / "_build")
    settings = {key: value.format(tmp=tmp_path) for key, value in settings.items()}
    if "TMPDIR" in settings:
        Path(settings["TMPDIR"]).mkdir()
    run = book(small, "build", **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    assert executed(run) == {"figure", "number"}
    assert "<dd>no commit</dd>" in (small / "_build/html/book/number.html").read_text("utf8")


@pytest.mark.skipif(not os.path.isdir("/sys"), reason="needs a folder that root cannot write")
def test_a_folder_that_cannot_be_written(small):
    shutil.rmtree(small / "_build")
    (small / "_build").symlink_to("/sys")
    run = book(small, "build")
    assert run.returncode != 0
    (sentence,) = run.stderr.splitlines()
    assert sentence.startswith(f"Stopped: {small}/_build/")
    assert "cannot be written" in sentence


def repository(folder):
    """Make a folder a repository with one commit, of all that lies in it."""
    git = ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=e@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)


def test_the_commit_is_that_of_the_book_or_none(tmp_path, monkeypatch):
    root = tmp_path / "other" / "book"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").touch()
    assert tool.commit(root) == "no commit"
    repository(root.parent)
    assert tool.commit(root) == "no commit"
    monkeypatch.setenv("GIT_DIR", str(root.parent / ".git"))  # as in a hook of that repository
    assert tool.commit(root) == "no commit"
    monkeypatch.delenv("GIT_DIR")
    repository(root)
    assert re.fullmatch("[0-9a-f]{7,}", tool.commit(root))
    (root / "src" / "a.py").write_text("1\n", "utf8")
    assert re.fullmatch("[0-9a-f]{7,} with changes", tool.commit(root))


def test_the_download_is_the_notebook_of_the_page(small):
    edit(small / "book" / "number.md", "print(answer())", "print(answer() + 1)")
    assert book(small, "build").returncode == 0
    page = small / "_build" / "html" / "book" / "number"
    assert "43" in page.with_suffix(".html").read_text("utf8")
    assert '"43\\n"' in page.with_suffix(".ipynb").read_text("utf8")
    assert '"42\\n"' in (small / "book" / "number.ipynb").read_text("utf8")


def test_a_page_that_is_gone_leaves_the_site(small):
    (small / "book" / "figure.md").rename(small / "book" / "line.md")
    edit(small / "_toc.yml", "book/figure", "book/line")
    assert book(small, "build").returncode == 0
    html = small / "_build" / "html"
    names = {path.name for top in (html, html / "_sources") for path in top.glob("book/*.*")}
    assert {"line.html", "line.ipynb", "line.md", "number.html"} <= names
    assert not {name for name in names if name.startswith("figure")}


def test_nothing_is_built_where_nothing_changed(small):
    assert "Nothing changed" in book(small, "build").stdout
    (small / "_build" / "html" / "book" / "figure.html").unlink()
    run = book(small, "build")
    assert "Built" in run.stdout
    assert (small / "_build" / "html" / "book" / "figure.html").exists()


def test_the_longest_chapter_starts_first(small, monkeypatch):
    shutil.rmtree(small / "_build")
    started = []

    def run(path, environment):
        started.append(path.stem)
        return chapters.read(path), {"execution_seconds": {"figure": 1.0, "number": 9.0}[path.stem]}

    monkeypatch.setenv("RMSPROP_PROFILE", "quick")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(tool, "kernel_environment", lambda: SETTINGS)
    monkeypatch.setattr(tool, "execute_one", run)
    edit(small / "book" / "figure.md", "# A figure", "# A figure of start_tensorflow()")
    assert tool.execute(small)
    assert started == ["figure", "number"]  # a guess: it trains
    shutil.rmtree(small / "_build" / ".jupyter_cache")
    assert tool.execute(small)
    assert started[2:] == ["number", "figure"]  # as it was


def test_a_taken_port_is_passed_over(capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as first:
        taken = first.getsockname()[1]
        monkeypatch.setattr(tool, "PORTS", range(taken, taken + 50))
        assert tool.free_port() in range(taken + 1, taken + 50)
        assert f"Port {taken} is taken" in capsys.readouterr().out
        monkeypatch.setattr(tool, "PORTS", range(taken, taken + 1))
        with pytest.raises(SystemExit, match=f"No port from {taken} to {taken} is free"):
            tool.free_port()


def test_a_record_cut_short_is_executed_again(small):
    for path in (small / "_build" / ".jupyter_cache").rglob("base.ipynb"):
        path.write_text(path.read_text("utf8")[:100], "utf8")
    assert executed(book(small, "build")) == {"figure", "number"}


def test_a_chapter_that_is_known_is_not_read_again(small, monkeypatch):
    (database,) = (small / "_build" / ".jupyter_cache").rglob("global.db")
    monkeypatch.setattr(chapters, "cache_folder", lambda root: database.parent)
    assert tool.pending(small) == []
    with monkeypatch.context() as patch:
        patch.setattr(chapters, "read", None)
        assert tool.pending(small) == []
    edit(small / "book" / "figure.md", "A line that rises.", "It rises.")
    assert tool.pending(small) == []
    record = next(database.parent.rglob("base.ipynb"))
    record.write_text(record.read_text("utf8")[:100], "utf8")
    assert len(tool.pending(small)) == 1
    database.unlink()
    assert tool.pending(small) == chapters.chapters(small)


def test_sphinx_alone_refuses_chapters_that_were_not_executed(small):
    shutil.rmtree(small / "_build")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    run = subprocess.run(
        [jupyter_book, "build", str(small)],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "use `make book`" in run.stdout + run.stderr
