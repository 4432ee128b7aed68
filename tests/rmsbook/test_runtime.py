"""The profile, the quiet start of TensorFlow, and the provenance of a page."""

import json
import os
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest

import rmsprop
from rmsbook import data, runtime


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    # Set before they are deleted, so that what the code sets is undone too.
    for name in ("RMSPROP_PROFILE", "TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("environ", "gpus", "profile"),
    [
        ({}, [], "quick"),
        ({}, ["a GPU"], "full"),
        ({"RMSPROP_PROFILE": ""}, ["a GPU"], "full"),
        ({"RMSPROP_PROFILE": "quick"}, [], "quick"),
        ({"RMSPROP_PROFILE": "quick"}, ["a GPU", "another"], "quick"),
        ({"RMSPROP_PROFILE": "full"}, [], "full"),
        ({"RMSPROP_PROFILE": "full"}, ["a GPU"], "full"),
    ],
)
def test_profile(environ, gpus, profile):
    assert runtime.choose_profile(environ, gpus) == profile


@pytest.mark.parametrize("value", ["fast", "Full", " quick", "1"])
def test_unknown_profile_lists_the_good_ones(value):
    message = f"RMSPROP_PROFILE must be one of quick, full, not {value!r}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        runtime.choose_profile({"RMSPROP_PROFILE": value}, [])


class FakeTensorFlow(types.ModuleType):
    """TensorFlow with pretended GPUs; it notes what is asked of it, and is as noisy."""

    __version__ = "9.9"

    def __init__(self, *gpus):
        super().__init__("tensorflow")
        self.calls = []
        self.gpus = gpus
        note = self.calls.append
        self.config = types.SimpleNamespace(
            list_physical_devices=self.list_physical_devices,
            experimental=types.SimpleNamespace(
                set_memory_growth=lambda gpu, on: note(("growth", gpu.name, on)),
                enable_op_determinism=lambda: note("deterministic"),
                get_device_details=lambda gpu: gpu.details,
            ),
        )
        self.keras = types.SimpleNamespace(
            utils=types.SimpleNamespace(set_random_seed=lambda seed: note(("seed", seed)))
        )

    def list_physical_devices(self, kind):
        os.write(2, b"Could not find cuda drivers on your machine\n")
        return [gpu for gpu in self.gpus if kind == "GPU"]

    def zeros(self, shape):
        os.write(2, b"Created device\n")
        self.calls.append("first use")


def gpu(name, **details):
    return types.SimpleNamespace(name=name, details=details)


@pytest.fixture
def pretend(monkeypatch):
    def install(*gpus):
        tensorflow = FakeTensorFlow(*gpus)
        monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
        return tensorflow

    return install


def test_start_on_a_cpu(pretend, capfd):
    tensorflow = pretend()
    assert runtime.start_tensorflow() == runtime.Runtime("quick", "CPU")
    assert tensorflow.calls == ["first use"]
    assert capfd.readouterr() == ("", "")


def test_start_with_a_seed(pretend):
    tensorflow = pretend()
    runtime.start_tensorflow(seed=0)
    assert tensorflow.calls == ["deterministic", ("seed", 0), "first use"]


def test_start_on_gpus(pretend, monkeypatch):
    tensorflow = pretend(gpu("GPU:0", device_name="NVIDIA A100"), gpu("GPU:1"))
    assert runtime.start_tensorflow() == runtime.Runtime("full", "GPU: NVIDIA A100, GPU:1")
    assert tensorflow.calls == [("growth", "GPU:0", True), ("growth", "GPU:1", True), "first use"]
    monkeypatch.setenv("RMSPROP_PROFILE", "quick")
    assert runtime.start_tensorflow().profile == "quick"


def test_start_refuses_an_unknown_profile(pretend, monkeypatch):
    pretend()
    monkeypatch.setenv("RMSPROP_PROFILE", "fast")
    with pytest.raises(ValueError, match="one of quick, full, not 'fast'"):
        runtime.start_tensorflow()


def test_start_leaves_the_users_settings(pretend, monkeypatch):
    pretend()
    runtime.start_tensorflow()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    runtime.start_tensorflow()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def lowest_free_descriptor():
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


def test_stderr_comes_back(pretend, capfd):
    pretend()
    before = lowest_free_descriptor()
    print("before", file=sys.stderr)
    runtime.start_tensorflow()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"
    assert lowest_free_descriptor() == before


def test_failing_import_shows_what_it_wrote(monkeypatch, tmp_path, capfd):
    (tmp_path / "tensorflow.py").write_text(
        "import os, sys\n"
        "os.write(2, b'this CPU lacks \\xff AVX\\n')\n"
        "print('and more', file=sys.__stderr__)\n"
        "raise ImportError('no TensorFlow here')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    before = lowest_free_descriptor()
    with pytest.raises(ImportError, match="no TensorFlow here") as caught:
        runtime.start_tensorflow()
    assert "this CPU lacks \ufffd AVX" in caught.value.__notes__[0]
    os.write(2, b"after\n")
    assert "after\n" in capfd.readouterr().err
    assert lowest_free_descriptor() == before


def test_real_tensorflow_starts_silently_and_repeats_itself():
    script = """
        import json, sys
        import rmsprop, rmsbook.runtime
        assert "tensorflow" not in sys.modules and "keras" not in sys.modules
        from rmsbook.runtime import describe, start_tensorflow
        started = start_tensorflow()  # unseeded first: training must work then too
        import keras, numpy as np
        def losses():
            model = keras.Sequential([
                keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(),
                keras.layers.Dropout(0.5), keras.layers.Dense(1)])
            model.compile("rmsprop", "mse")
            x = np.linspace(0, 1, 2048).reshape(32, 8, 8, 1)
            return model.fit(x, x[:, 0, 0, 0],  verbose=0).history["loss"]
        free = losses()
        seeded = []
        for _ in range(2):
            assert start_tensorflow(seed=1) == started
            seeded.append(losses())
        print(json.dumps([free, seeded, describe(globals())]))
    """
    environ = os.environ | {"RMSPROP_PROFILE": "quick", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stderr == ""
    assert run.returncode == 0
    free, (first, again), page = json.loads(run.stdout)
    assert first == again != free
    assert page["tensorflow"].startswith("2.")
    assert page["profile"] == "quick"
    assert page["device"].split(":")[0] in ("CPU", "GPU")


def dataset(name):
    ones = np.ones((2, 3, 3), np.uint8), np.ones(2, np.uint8)
    return data.Dataset(*ones, *ones, name=name, origin="cache", source="s", licence="l")


def test_describe_finds_runtime_and_data(pretend):
    pretend()
    first, second = dataset("MNIST"), dataset("CIFAR-10")
    namespace = {"x": 1, "mnist": first, "r": runtime.Runtime("full", "GPU: X"), "c": second}
    page = runtime.describe(namespace | {"_": first})
    assert json.loads(json.dumps(page)) == page
    assert page == {
        "rmsprop": rmsprop.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "tensorflow": "9.9",
        "profile": "full",
        "device": "GPU: X",
        "data": [str(first), str(second)],
    }


@pytest.mark.parametrize("keep", [lambda d: {"d": d}, lambda d: [d], lambda d: (1, d)])
def test_describe_finds_data_that_is_kept_with_others(keep):
    kept, last = dataset("MNIST"), dataset("CIFAR-10")
    page = runtime.describe({"all": keep(kept), "data": last})
    assert sorted(page["data"]) == sorted(map(str, (kept, last)))


def test_describe_without_tensorflow(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    page = runtime.describe({})
    assert (page["profile"], page["device"], page["data"]) == ("quick", "CPU", [])
    assert "tensorflow" not in page
    assert "tensorflow" not in sys.modules
    monkeypatch.setenv("RMSPROP_PROFILE", "full")
    assert runtime.describe({})["profile"] == "full"
