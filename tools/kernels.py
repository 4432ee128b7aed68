"""Jupyter kernels that talk through socket files.

By default a kernel listens on five TCP ports, chosen before it starts: where many kernels start
side by side, now and then a port is taken in between, and the kernel dies. Files have no such race.
As a pytest plugin (``-p kernels``) this gives nbval such kernels too.
"""

import tempfile
import uuid
from pathlib import Path

import nbval.kernel
from jupyter_client import AsyncKernelManager, KernelManager


def sockets() -> dict[str, str]:
    """Return the settings of a kernel manager whose kernel listens on files of its own."""
    return {
        "transport": "ipc",
        "ip": str(Path(tempfile.gettempdir(), f"kernel-{uuid.uuid4().hex}")),
    }


class FileKernelManager(AsyncKernelManager):
    """Manages a kernel that listens on files; for nbclient's ``kernel_manager_class``."""

    def __init__(self, **settings):
        super().__init__(**sockets(), **settings)


def pytest_configure():
    """Give nbval kernels that listen on files."""
    nbval.kernel.KernelManager = lambda **settings: KernelManager(**sockets(), **settings)
