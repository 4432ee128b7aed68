"""The two wheels: the library needs NumPy alone, and the pages run where only wheels are."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import chapters
from kernels import FileKernelManager
from project import ROOT

PAGES = (
    "primer/02-concepts",
    "primer/07-outlook",
    "course/10-summary",
    "reference/source-map",
    "reference/variants",
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Build both wheels from a copy of the sources, so that the repository stays as it is."""
    folder = tmp_path_factory.mktemp("wheels")
    copy = folder / "copy"
    kept = shutil.ignore_patterns("_*", "*.egg-info", "build", "*.ipynb", "__pycache__")
    for name in ("src", "book"):
        shutil.copytree(ROOT / name, copy / name, ignore=kept)
    for path in [*(ROOT / "src").rglob("_*.py")]:  # the pattern above is for the book's folders
        shutil.copy(path, copy / path.relative_to(ROOT))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for project in (copy, copy / "src" / "rmsbook"):
        command = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, project]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def site(wheels, tmp_path_factory):
    """Return a folder with both packages as a reader has them."""
    folder = tmp_path_factory.mktemp("site")
    for wheel in wheels.values():
        zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_librarys_wheel_has_nothing_of_the_book(wheels):
    names = zipfile.ZipFile(wheels["rmsprop"]).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"rmsprop"}
    assert "rmsprop/optimizers.py" in names


def test_the_books_wheel_has_what_its_pages_read(wheels):
    names = set(zipfile.ZipFile(wheels["rmsbook"]).namelist())
    book = ROOT / "book"
    records = (book / "records").rglob("*.csv")
    for path in (book / "claims.yml", book / "references.bib", *records):
        assert f"rmsbook/book/{path.relative_to(book).as_posix()}" in names


def test_the_library_works_with_numpy_alone(wheels, tmp_path):
    zipfile.ZipFile(wheels["rmsprop"]).extractall(tmp_path)
    numpy = Path(np.__file__).parent
    for name in ("numpy", "numpy.libs"):
        if (numpy.parent / name).is_dir():
            (tmp_path / name).symlink_to(numpy.parent / name)
    code = """
        import numpy as np
        from rmsprop.optimizers import RMSprop
        theta = np.array([1.0, -2.0])
        RMSprop(0.1).step([theta], [2 * theta])
        print(theta.round(4))
    """
    run = subprocess.run(
        [sys.executable, "-S", "-P", "-c", "\n".join(map(str.strip, code.splitlines()))],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("[ 0.6838 -1.6838]\n", "")


@pytest.mark.parametrize("page", PAGES)
def test_a_downloaded_page_runs_in_an_empty_folder(site, tmp_path, page):
    notebook = nbformat.read(ROOT / "book" / f"{page}.ipynb", as_version=4)
    where = nbformat.v4.new_code_cell("import rmsbook, rmsprop; rmsbook.__file__, rmsprop.__file__")
    notebook.cells.append(where)
    client = NotebookClient(
        notebook,
        kernel_manager_class=FileKernelManager,
        timeout=300,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env={"PYTHONPATH": str(site), "RMSPROP_OFFLINE": "1", "PATH": "/usr/bin:/bin"})
    printed = notebook.cells[-1].outputs[0]["data"]["text/plain"]
    assert printed.count(str(site)) == 2  # and not the repository's


def first_cell(page, repository=""):
    """Return the source of the first cell of the notebook that a page offers."""
    paired = (ROOT / "book" / f"{page}.ipynb").read_text("utf-8")
    offered = nbformat.reads(chapters.offered_notebook(paired, repository), as_version=4)
    assert offered.cells[1:] == nbformat.reads(paired, as_version=4).cells
    assert "remove-cell" in offered.cells[0].metadata.tags
    return offered.cells[0].source


def printed(source, *options):
    """Return what a cell prints in a Python of its own."""
    run = subprocess.run(
        [sys.executable, *options, "-P", "-c", source], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    return run.stdout


ADDRESS = "git+https://github.com/a/b"


@pytest.mark.parametrize(
    ("page", "repository", "said"),
    [
        (
            "primer/02-concepts",
            "",
            "rmsprop, rmsbook; run in a copy of the book's repository: pip install . ./src/rmsbook",
        ),
        (
            "course/08-convolutional-network",
            "a/b",
            "rmsprop, rmsbook, tensorflow; run: "
            f"pip install {ADDRESS} {ADDRESS}#subdirectory=src/rmsbook",
        ),
    ],
)
def test_the_first_cell_of_a_downloaded_page_says_what_is_missing(page, repository, said):
    source = first_cell(page, repository)
    assert printed(source, "-S", "-E") == f"Missing here: {said}\n"
    assert printed(source) == ""


def test_on_colab_the_first_cell_installs_what_is_missing():
    shell = """
import sys
sys.modules["google.colab"] = sys
class Shell:
    run_line_magic = print
get_ipython = lambda: Shell
"""
    source = shell + first_cell("primer/02-concepts", "a/b")
    expected = f"pip install --quiet {ADDRESS} {ADDRESS}#subdirectory=src/rmsbook\n"
    assert printed(source, "-S", "-E") == expected
    assert printed(source) == ""
    assert "Missing here" in printed(shell + first_cell("primer/02-concepts"), "-S", "-E")
