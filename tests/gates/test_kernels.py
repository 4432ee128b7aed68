"""The kernels of the build and of nbval: they talk through files and never wait for a port."""

import tempfile

import nbformat
import nbval.kernel
import pytest
from nbclient import NotebookClient

import kernels


def test_two_kernels_have_files_of_their_own():
    first, second = kernels.FileKernelManager(), kernels.FileKernelManager()
    assert first.transport == second.transport == "ipc"
    assert first.ip != second.ip


@pytest.fixture
def anew():
    """Let the folder of the kernels' files be chosen again."""
    kernels.folder.cache_clear()
    yield
    kernels.folder.cache_clear()


@pytest.mark.usefixtures("anew")
def test_a_long_path_of_temporary_files_is_passed_over(monkeypatch, tmp_path):
    deep = tmp_path / ("n" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.setattr(kernels, "SHORT", (str(tmp_path / "nowhere"), "/tmp"))
    files = kernels.files()
    assert files["ip"].startswith("/tmp/kernels-")
    assert len(files["ip"]) < kernels.LONGEST


@pytest.mark.usefixtures("anew")
def test_where_every_path_is_long_a_kernel_listens_on_ports(monkeypatch, tmp_path):
    deep = tmp_path / ("n" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.setattr(kernels, "SHORT", ())
    manager = kernels.FileKernelManager()
    assert manager.transport == "tcp"
    assert manager.connection_file.startswith(str(deep))


def test_notebook_runs_on_a_kernel_that_listens_on_files():
    code = "from ipykernel.connect import get_connection_info; print(get_connection_info())"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    NotebookClient(notebook, kernel_manager_class=kernels.FileKernelManager).execute()
    assert '"transport": "ipc"' in notebook.cells[0].outputs[0].text


def test_nbval_gets_such_kernels(monkeypatch):
    monkeypatch.setattr(nbval.kernel, "KernelManager", nbval.kernel.KernelManager)  # restored
    kernels.pytest_configure()
    assert nbval.kernel.KernelManager(kernel_name="python3").transport == "ipc"
