"""Where a page runs: the profile, the device, a quiet start of TensorFlow, and the provenance."""

import contextlib
import dataclasses
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np

import rmsprop
from rmsbook.data import Dataset

__all__ = ["Runtime", "choose_profile", "describe", "start_tensorflow"]

_PROFILES = ("quick", "full")


@dataclasses.dataclass(frozen=True)
class Runtime:
    """How much a page computes ("quick" or "full"), and on what ("CPU" or "GPU: …")."""

    profile: str
    device: str


def choose_profile(environ: Mapping[str, str], gpus: Sequence) -> str:
    """Choose how much to compute.

    Parameters
    ----------
    environ : mapping
        The environment. ``RMSPROP_PROFILE``, where set, decides.
    gpus : sequence
        The GPUs that TensorFlow sees; any at all make the default "full".

    Returns
    -------
    str
        "quick" (real data, less of it) or "full".

    Raises
    ------
    ValueError
        If ``RMSPROP_PROFILE`` is something else.

    Examples
    --------
    >>> choose_profile({}, gpus=[])
    'quick'
    >>> choose_profile({"RMSPROP_PROFILE": "full"}, gpus=[])
    'full'
    """
    profile = environ.get("RMSPROP_PROFILE") or ("full" if gpus else "quick")
    if profile not in _PROFILES:
        raise ValueError(f"RMSPROP_PROFILE must be one of {', '.join(_PROFILES)}, not {profile!r}")
    return profile


def start_tensorflow(seed: int | None = None) -> Runtime:
    """Import TensorFlow quietly and set it up so that the same seed gives the same numbers.

    oneDNN's operations are off (their digits differ between CPUs) unless the user set
    ``TF_ENABLE_ONEDNN_OPTS``, and a GPU's memory is taken as it is needed. Call it before
    anything else imports TensorFlow or Keras.

    Parameters
    ----------
    seed : int, optional
        Seeds Python, NumPy and TensorFlow and makes every operation deterministic. By default
        neither: TensorFlow refuses random operations that are deterministic and have no seed.

    Returns
    -------
    Runtime
        The profile (see `choose_profile`) and the device.

    Raises
    ------
    ValueError
        If ``RMSPROP_PROFILE`` is neither "quick" nor "full".
    ImportError
        If TensorFlow cannot be imported; what it wrote on the way is added to the error.

    Examples
    --------
    >>> start_tensorflow(seed=1).device.split(":")[0] in ("CPU", "GPU")
    True
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # Warnings about the machine (a large allocation, say) would land in the page.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if seed is not None:
            tf.config.experimental.enable_op_determinism()
            tf.keras.utils.set_random_seed(seed)
        tf.zeros(1)  # the first use of a device writes to stderr too
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus
    ]
    device = f"GPU: {', '.join(names)}" if names else "CPU"
    return Runtime(choose_profile(os.environ, gpus), device)


def describe(namespace: Mapping[str, object]) -> dict:
    """Say what made the numbers of a page.

    Parameters
    ----------
    namespace : mapping
        The page's variables, ``globals()``. A `Runtime` among them names profile and device
        (without one: the CPU); every `Dataset` among them, or in a dictionary, a list or a tuple
        among them, is listed.

    Returns
    -------
    dict
        Versions, "profile", "device" and the list "data" of one line a data set; fit for JSON.

    Examples
    --------
    >>> page = describe({"runtime": Runtime("full", "CPU")})
    >>> page["profile"], page["device"], page["data"]
    ('full', 'CPU', [])
    """
    values = list(namespace.values())
    runtime = next((value for value in values if isinstance(value, Runtime)), None)
    if runtime is None:
        runtime = Runtime(choose_profile(os.environ, gpus=()), "CPU")
    versions = {
        "rmsprop": rmsprop.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if "tensorflow" in sys.modules:
        versions["tensorflow"] = sys.modules["tensorflow"].__version__
    lists = [[*value.values()] if isinstance(value, dict) else value for value in values]
    kept = [one for value in lists if isinstance(value, list | tuple) for one in value]
    data = dict.fromkeys(str(one) for one in [*values, *kept] if isinstance(one, Dataset))
    return versions | dataclasses.asdict(runtime) | {"data": list(data)}


@contextlib.contextmanager
def _quiet_stderr():
    """Keep what C++ writes to file descriptor 2; add it to an exception, else drop it."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as captured:
        saved = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except BaseException as error:
            captured.seek(0)
            error.add_note(captured.read().decode(errors="replace"))
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
