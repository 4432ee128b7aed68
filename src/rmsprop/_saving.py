"""Settings and state of an optimizer, in and out."""

import contextlib
import inspect
import json
import math
import os
import re
import zipfile

import numpy as np

from rmsprop import schedules
from rmsprop.settings import Setting, lock, number, whole

MEMBER = re.compile(r"description\.npy|([0-9]+)/([^\W\d]\w*)\.npy")  # of a saved file
HEADER = re.compile(  # of an array there: the form that np.save writes, and no other
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>][fU][0-9]+)', 'fortran_order': (False|True), "
    rb"'shape': \(([0-9, ]*)\), \} *\n",
    re.DOTALL,
)

# What reading raises where the bytes are not those that were written.
DAMAGE = (AttributeError, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError)
DAMAGE += (zipfile.BadZipFile,)


class Saving:
    """The part of `Optimizer` that writes its settings and its state down and reads them."""

    def get_config(self):
        """Return the arguments that make an equal optimizer, as JSON types.

        Raises
        ------
        TypeError
            If the learning rate is a callable that is not of `rmsprop.schedules`.

        Examples
        --------
        >>> from rmsprop.optimizers import SGD
        >>> SGD(0.1, weight_decay=0.01).get_config()
        ... # doctest: +NORMALIZE_WHITESPACE
        {'learning_rate': 0.1, 'momentum': 0.0, 'nesterov': False, 'weight_decay': 0.01,
         'l2': 0.0, 'nonfinite': 'raise'}
        """
        arguments = inspect.signature(type(self)).parameters.values()
        names = [a.name for a in arguments if a.kind is not inspect.Parameter.VAR_KEYWORD]
        names += ["learning_rate", *declared(type(self))]
        return {name: plain(getattr(self, name)) for name in dict.fromkeys(names)}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer from what `get_config` returned.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> RMSprop.from_config({"learning_rate": 0.5}).learning_rate
        0.5
        """
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        arguments = inspect.signature(cls).parameters
        settable = {"learning_rate", *declared(cls)} - set(arguments)
        optimizer = cls(**{name: config[name] for name in config if name not in settable})
        for name in settable & set(config):  # what a subclass sets itself
            setattr(optimizer, name, config[name])
        return optimizer

    def state_dict(self):
        """Return a copy of everything that changes from step to step, and the settings.

        A learning rate that is a function, and no schedule of `rmsprop.schedules`, is None there:
        the optimizer that loads the state has to be given it.

        Raises
        ------
        RuntimeError
            If the last step was interrupted.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> optimizer = RMSprop()
        >>> optimizer.step([np.array([1.0])], [np.array([2.0])])
        >>> state = optimizer.state_dict()
        >>> state["iterations"], state["parameters"][0]["slots"]["v"].round(6)
        (1, array([0.4]))
        """
        if self._interrupted:
            self._refuse()
        try:
            rate = plain(self.learning_rate)
        except TypeError:  # a function: there is no way to write it down
            rate = None
        return {
            "optimizer": type(self).__name__,
            "settings": self._settings(),
            "learning_rate": rate,
            "iterations": self.iterations,
            "skipped": self.skipped,
            "parameters": [
                {
                    "name": parameter.name,
                    "shape": parameter.shape,
                    "dtype": parameter.dtype.name,
                    "slots": {name: slot.copy() for name, slot in parameter.slots.items()},
                }
                for parameter in self._parameters
            ],
        }

    def slot(self, name):
        """Return copies of an array of the state, one for each parameter.

        Parameters
        ----------
        name : str
            Its name in the method's equation, as "v"; "master" is the float32 copy that is kept
            of a float16 parameter.

        Returns
        -------
        list or dict of arrays
            As the parameters were given; an empty list before the first step.

        Raises
        ------
        ValueError
            If the method keeps no such array.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> optimizer = RMSprop(rho=0.75)
        >>> optimizer.step([np.array([1.0])], [np.array([2.0])])
        >>> optimizer.slot("v")
        [array([1.])]
        """
        copies = {}
        for parameter in self._parameters:
            if name not in parameter.slots:
                kept = ", ".join(parameter.slots) or "nothing"
                raise ValueError(
                    f"name must be one of what is kept for params[{parameter.name!r}], {kept}, "
                    f"not {name!r}"
                )
            copies[parameter.name] = parameter.slots[name].copy()
        return [*copies.values()] if all(type(key) is int for key in copies) else copies

    def _settings(self):
        """Return the settings, without a learning rate that may change, as JSON types."""
        settings = {name: plain(getattr(self, name)) for name in declared(type(self))}
        return {name: [*v] if isinstance(v, tuple) else v for name, v in settings.items()}

    def load_state_dict(self, state):
        """Take over a state and its learning rate; the optimizer then continues bit for bit.

        Raises
        ------
        ValueError
            If the state is not one of an optimizer of this class and settings. Nothing has
            changed then.

        Examples
        --------
        >>> from rmsprop.optimizers import RMSprop
        >>> first, second = RMSprop(), RMSprop()
        >>> first.step([np.array([1.0])], [np.array([2.0])])
        >>> second.load_state_dict(first.state_dict())
        >>> second.iterations
        1
        """
        ours = self._settings()
        try:
            name = state["optimizer"]
            if name != type(self).__name__:
                raise ValueError(f"state is one of {name}, this optimizer is {type(self).__name__}")
            compare(state["settings"], ours)
            rate = self._restored_rate(state["learning_rate"])
            iterations = whole(0)("iterations", state["iterations"])
            skipped = whole(0)("skipped", state["skipped"])
            parameters = [
                self._restored(p["name"], p["shape"], p["dtype"], p["slots"])
                for p in state["parameters"]
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"state is not one that state_dict() returned: {error!r}") from error
        if rate is not self.learning_rate:
            self.learning_rate = rate
        self._parameters = parameters
        self.has_begun = bool(parameters)
        self._interrupted = False
        self.iterations = iterations
        self.skipped = skipped

    def _restored_rate(self, rate):
        """Return the learning rate of a state."""
        if "learning_rate" in declared(type(self)):
            return self.learning_rate  # a setting, and compared as such
        if rate is None:
            if callable(self.learning_rate):
                return self.learning_rate
            raise ValueError(
                "state was made with a function as learning_rate, which cannot be saved: give it "
                f"to this optimizer, whose learning_rate is {self.learning_rate!r}"
            )
        if isinstance(rate, dict):
            return schedules.deserialize(rate)
        return number(0, above=True)("learning_rate", rate)

    def _restored(self, name, shape, dtype, slots):
        """Return the record of a parameter from its state."""
        parameter = self._parameter(name, np.empty(tuple(shape), dtype))
        if slots.keys() != parameter.slots.keys():
            raise ValueError(
                f"state keeps {sorted(slots)} for params[{name!r}], these settings need "
                f"{sorted(parameter.slots)}: load it with the settings it was saved with"
            )
        for key, slot in parameter.slots.items():
            given = slots[key]
            if given.shape != slot.shape or given.dtype != slot.dtype:
                raise ValueError(
                    f"state {key!r} of params[{name!r}] is {given.dtype} of shape {given.shape}, "
                    f"it must be {slot.dtype} of shape {slot.shape}"
                )
            slot[...] = given
        return parameter

    def save(self, path):
        """Write settings and state into one npz file, whole or not at all, without pickle.

        Raises
        ------
        TypeError
            If the learning rate is a callable that is not of `rmsprop.schedules`.
        OSError
            If the file cannot be written. A file that was there before is still there.

        Examples
        --------
        >>> import tempfile
        >>> from rmsprop.optimizers import RMSprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "rmsprop.npz")
        ...     RMSprop(rho=0.5).save(path)
        ...     RMSprop.load(path).rho
        0.5
        """
        state = self.state_dict() | {"config": self.get_config()}
        arrays = {
            f"{i}/{name}": slot
            for i, parameter in enumerate(state["parameters"])
            for name, slot in parameter.pop("slots").items()
        }
        path = os.fsdecode(path)
        temporary = os.path.join(os.path.dirname(path), f".{os.urandom(8).hex()}.part")
        try:
            with open(temporary, "wb") as file:
                np.savez(file, description=json.dumps(state), **arrays)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)

    @classmethod
    def load(cls, path):
        """Make an optimizer from a file that `save` wrote; it continues bit for bit.

        Raises
        ------
        ValueError
            If the file is not one that `save` of this class wrote. Names, types and sizes of all
            its arrays are looked at before any is read, and nothing in it is ever executed.
        """
        path = os.fsdecode(path)
        with open(path, "rb") as file:
            try:
                state = read(file)
                kind, config = state["optimizer"], state["config"]
            except DAMAGE as error:
                raise ValueError(f"{path} is not a saved optimizer: {error}") from error
        if kind != cls.__name__:
            raise ValueError(f"{path} holds a {kind}, not a {cls.__name__}")
        try:
            optimizer = cls.from_config(config)
            optimizer.load_state_dict(state)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a saved {cls.__name__}: {error}") from error
        return optimizer

    # ------------------------------------------------------------ copies

    def __copy__(self):
        """Return an optimizer with the same settings and a state of its own."""
        twin = type(self).__new__(type(self))
        vars(twin).update(vars(self))
        twin._parameters = [parameter.copy() for parameter in self._parameters]
        return twin

    def __setstate__(self, state):
        """Take over what `copy.deepcopy` or `pickle` has copied: arrays, no longer read-only."""
        vars(self).update(state)
        lock(self.learning_rate, *(getattr(self, name) for name in declared(type(self))))


# ---------------------------------------------------------------- settings


def declared(cls):
    """Return the names of the settings of a class, its own first."""
    names = dict.fromkeys(name for owner in cls.__mro__ for name in vars(owner))
    return [name for name in names if isinstance(getattr(cls, name), Setting)]


def plain(value):
    """Return a setting as JSON types."""
    if callable(value):
        return schedules.serialize(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def compare(settings, ours):
    """Raise if a state was made with other settings than ours."""
    for name in dict.fromkeys([*ours, *settings]):
        theirs, mine = settings.get(name), ours.get(name)
        if theirs != mine:
            raise ValueError(
                f"state was made with {name}={theirs!r}, this optimizer has {name}={mine!r}: load "
                "it into one with the settings of the state"
            )


# ---------------------------------------------------------------- files


def read(stream):
    """Return the state in a file that `save` wrote.

    Names, types and sizes of all arrays are checked before one is read. No array is read by a
    function that could unpickle: an array is its bytes.
    """
    with zipfile.ZipFile(stream) as file:
        arrays = {}
        for member in file.infolist():
            name = member.filename
            if not MEMBER.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of an array of a state")
            if name in arrays:
                raise ValueError(f"{name!r} stands in it twice")
            check_header(file, member)
            arrays[name] = member
        state = json.loads(str(read_array(file, arrays.pop("description.npy"))))
        parameters = state["parameters"]
        for parameter in parameters:
            parameter["slots"] = {}
        for name, member in arrays.items():
            i, slot = MEMBER.fullmatch(name).groups()
            if int(i) >= len(parameters):
                raise ValueError(f"{name!r} belongs to no parameter")
            parameters[int(i)]["slots"][slot] = read_array(file, member)
    return state


def check_header(file, member):
    """Raise if a member of a zip file is not a text or an array of floats, whole and as it is."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename!r} is compressed")
    with file.open(member) as stream:
        shape, _, dtype = header(stream)
        if dtype.kind != ("U" if member.filename == "description.npy" else "f"):
            raise ValueError(f"{member.filename!r} holds {dtype}")
        if member.file_size != stream.tell() + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{member.filename!r} is not as long as it says")


def header(stream):
    """Read the header of an array: its shape, whether its order is Fortran's, its dtype."""
    start = stream.read(10)
    match = HEADER.fullmatch(start + stream.read(int.from_bytes(start[8:], "little")))
    if not match:
        raise ValueError(f"{stream.name!r} is neither a text nor an array of floats")
    dtype, fortran, shape = (group.decode() for group in match.groups())
    return tuple(map(int, re.findall("[0-9]+", shape))), fortran == "True", np.dtype(dtype)


def read_array(file, member):
    """Return an array of a zip file, whose header was checked."""
    with file.open(member) as stream:
        shape, fortran, dtype = header(stream)
        return np.frombuffer(stream.read(), dtype).reshape(shape, order="F" if fortran else "C")
