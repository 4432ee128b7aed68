"""Where the book's files are found: above the working directory, else beside the package."""

import pytest

from project import ROOT
from rmsbook import project


def test_the_book_one_works_in(tmp_path, monkeypatch):
    ledger = tmp_path / "book" / "claims.yml"
    below = tmp_path / "book" / "course"
    below.mkdir(parents=True)
    ledger.touch()
    monkeypatch.chdir(below)
    assert project.book() == tmp_path / "book"


def test_elsewhere_that_of_the_repository_this_package_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project.book() == ROOT / "book"


def test_installed_without_a_repository_the_packages_own(tmp_path, monkeypatch):
    package = tmp_path / "site" / "rmsbook"
    (package / "book").mkdir(parents=True)
    (package / "book" / "claims.yml").touch()
    monkeypatch.setattr(project, "__file__", str(package / "project.py"))
    monkeypatch.chdir(tmp_path)
    assert project.book() == package / "book"


def test_no_book_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "__file__", str(tmp_path / "site" / "project.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(project.BookNotFoundError, match=r"no book/claims\.yml in .*: work in"):
        project.book()
