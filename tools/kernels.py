"""Jupyter kernels that talk through socket files.

By default a kernel listens on five TCP ports, chosen before it starts: where many kernels start
side by side, now and then a port is taken in between, and the kernel dies. Files have no such race.
As a pytest plugin (``-p kernels``) this gives nbval such kernels too.
"""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import tempfile
import uuid
import weakref
from pathlib import Path

import nbval.kernel
from jupyter_client import AsyncKernelManager, KernelManager

# The longest path of a socket file, in bytes: 107 on Linux, 103 on macOS.
LONGEST = 103
# Where the folder of temporary files has too long a path.
SHORT = ("/tmp", "/var/tmp")

_managers = weakref.WeakSet()


@functools.cache
def folder() -> Path:
    """Return this process's own folder for its kernels' files, removed at its end."""
    tops = (top for top in (tempfile.gettempdir(), *SHORT) if fits(Path(top, "kernels-01234567")))
    usable = next((top for top in tops if os.access(top, os.W_OK)), None)
    made = Path(tempfile.mkdtemp(prefix="kernels-", dir=usable))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def fits(place: Path) -> bool:
    """Whether the path of a socket file in this folder is short enough."""
    return len(os.fsencode(place / "01234567-5")) <= LONGEST


def files() -> dict[str, str]:
    """Return the settings of a kernel manager whose kernel listens on files of its own.

    In a folder whose path is too long even so, it listens on ports.
    """
    own = folder() / uuid.uuid4().hex[:8]
    settings = {"connection_file": f"{own}.json"}
    if fits(own.parent):
        settings |= {"transport": "ipc", "ip": str(own)}
    return settings


class FileKernelManager(AsyncKernelManager):
    """Manages a kernel that listens on files; for nbclient's ``kernel_manager_class``."""

    def __init__(self, **settings):
        super().__init__(**files(), **settings)
        _managers.add(self)


def kill() -> None:
    """End every kernel of this process, with whatever it started, and remove its files."""
    for manager in list(_managers):
        if manager.has_kernel:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(manager.provisioner.pgid, signal.SIGKILL)
    shutil.rmtree(folder(), ignore_errors=True)


def pytest_configure():
    """Give nbval kernels that listen on files."""
    nbval.kernel.KernelManager = lambda **settings: KernelManager(**files(), **settings)
