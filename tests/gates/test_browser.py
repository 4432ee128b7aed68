"""The browser of the page tests: found, or brought, or asked for in one line."""

import os
import shutil
import sys

import pytest

import browser

WORKS = "echo '<html></html>'"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without a browser, whose commands are those that a test makes."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "sh").symlink_to(shutil.which("sh"))
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.setattr(browser, "own", lambda: str(tmp_path / "own"))
    monkeypatch.setattr(browser, "PLAYWRIGHT", ["playwright"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def command(machine, name, script):
    """Make a command that runs some lines of shell."""
    path = machine / "bin" / name
    path.write_text(f"#!{machine}/bin/sh\n{script}\n", "utf8")
    path.chmod(0o755)


def makes(machine, name):
    """Return a line of shell that makes a browser which works."""
    command(machine, "../browser", WORKS)
    return f"{shutil.which('cp', path=os.defpath)} {machine / 'browser'} {machine / name}"


def test_the_one_on_the_path(machine, capsys):
    command(machine, "chromium-browser", WORKS)
    assert browser.bring() == str(machine / "bin" / "chromium-browser")
    assert capsys.readouterr().out == ""


def test_a_name_on_the_path_that_does_not_start_is_passed_over(machine):
    command(machine, "chromium", "echo 'install the snap'; exit 1")
    command(machine, "google-chrome", WORKS)
    assert browser.bring() == str(machine / "bin" / "google-chrome")


def test_playwrights_own_that_is_here(machine, capsys):
    command(machine, "../own", WORKS)
    assert browser.bring() == str(machine / "own")
    assert capsys.readouterr().out == ""


def test_playwrights_own_is_downloaded(machine, capsys):
    command(machine, "playwright", makes(machine, "own"))
    assert browser.bring() == str(machine / "own")
    assert "downloading" in capsys.readouterr().out


@pytest.mark.parametrize(("user", "sudo"), [(0, False), (1000, True)], ids=["root", "sudo"])
def test_the_systems_package_where_the_download_fails(machine, monkeypatch, user, sudo):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    command(machine, "playwright", "exit 1")
    command(
        machine,
        "apt-get",
        f'case "$*" in *install*chromium) {makes(machine, "bin/chromium")};; esac',
    )
    if sudo:
        command(machine, "sudo", 'shift; if [ "$1" = true ]; then exit 0; fi; "$@"')
    assert browser.bring() == str(machine / "bin" / "chromium")


def test_one_line_where_nothing_may_be_installed(machine, capsys):
    command(machine, "playwright", "exit 1")
    command(machine, "sudo", "exit 1")  # it would ask for a password
    command(machine, "apt-get", makes(machine, "bin/chromium"))
    with pytest.raises(SystemExit) as stopped:
        browser.bring()
    assert str(stopped.value) == browser.HELP
    assert "\n" not in browser.HELP
    assert not (machine / "bin" / "chromium").exists()


def test_playwright_says_where_its_own_would_be():
    assert "chrom" in browser.own()
    assert browser.PLAYWRIGHT[0] == sys.executable
