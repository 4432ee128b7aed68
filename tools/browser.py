"""The Chromium that looks at the built pages: the one at hand, else one that is brought.

Run as a program, as `make test` does first, it looks on the PATH and for Playwright's own; where
neither works it downloads Playwright's, and where that fails and it may, installs the system's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The address bar's two menus are pages of their own, made anew with each of ours: a second of
    # the processor. Then what Playwright disables, for the last list holds.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,MediaRouter,OptimizationHints,PaintHolding,"
    "NetworkTimeServiceQuerying,PreconnectToSearch,ThirdPartyStoragePartitioning",
]
PATIENCE = 900  # seconds; a download that takes longer stands still
PLAYWRIGHT = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
HELP = (
    "The pages are looked at in Chromium, which is not here and could not be brought: "
    "install it (on Debian: apt-get install chromium) and run the same command again."
)


def works(program: str) -> bool:
    """Whether a program is a browser that starts: a name alone may be an empty package."""
    command = [program, "--headless", *FLAGS, "--dump-dom", "about:blank"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and "<html" in run.stdout


def own() -> str:
    """Return where Playwright keeps the browser that it downloads."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def find() -> str | None:
    """Return the first browser that works, or None."""
    for program in filter(None, map(shutil.which, NAMES)):
        if works(program):
            return program
    program = own()
    return program if Path(program).exists() and works(program) else None


def ran(*command: str) -> bool:
    """Run a command and return whether it could be run and went well."""
    try:
        run = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0


def root_command() -> list[str] | None:
    """Return what makes a command root's: nothing for root, sudo without a password, else None."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if ran("sudo", "-n", "true") else None


def download() -> None:
    """Let Playwright download its own browser."""
    print("No Chromium is here: downloading Playwright's own (about 150 MB)", flush=True)
    ran(*PLAYWRIGHT)


def install() -> None:
    """Install the system's package, where there are such packages and it is allowed."""
    as_root = root_command()
    if as_root is None or shutil.which("apt-get") is None:
        return
    print("That failed: installing the system's package", flush=True)
    ran(*as_root, "apt-get", "update", "-qq")
    for name in NAMES[:2]:
        if ran(*as_root, "apt-get", "install", "-y", "-qq", name):
            return


def bring() -> str:
    """Return a browser that works, brought here if need be."""
    for step in (lambda: None, download, install):
        step()
        program = find()
        if program:
            return program
    raise SystemExit(HELP)


if __name__ == "__main__":
    bring()
