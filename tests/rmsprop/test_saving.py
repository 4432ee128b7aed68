"""Settings and state in and out: JSON, copies, files and what they must not hold."""

import copy
import io
import json
import math
import os
import pathlib
import pickle
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from methods import METHODS, gradients, make, same
from rmsprop import _saving, schedules
from rmsprop.optimizers import (
    SGD,
    Adam,
    RMSprop,
    Rprop,
)

# ---------------------------------------------------------------- settings as JSON


@pytest.mark.parametrize("method", METHODS)
def test_config_makes_an_equal_optimizer(method):
    optimizer = make(method)
    config = json.loads(json.dumps(optimizer.get_config()))
    again = method.from_config(config)
    assert again.get_config() == optimizer.get_config()
    first, second = np.ones((2, 2)), np.ones((2, 2))
    for g in gradients(3, (2, 2)):
        optimizer.step([first], [g])
        again.step([second], [g])
    np.testing.assert_array_equal(first, second)


def test_config_holds_arguments_in_order_with_arrays_and_schedules():
    config = SGD(schedules.Constant(0.1), momentum=[[0.5]], l2=0.1, nonfinite="skip").get_config()
    assert list(config.items()) == [
        ("learning_rate", {"class_name": "Constant", "config": {"learning_rate": 0.1}}),
        ("momentum", [[0.5]]),
        ("nesterov", False),
        ("weight_decay", 0.0),
        ("l2", 0.1),
        ("nonfinite", "skip"),
    ]
    again = SGD.from_config(config)
    assert again.learning_rate == schedules.Constant(0.1)
    assert again.momentum.shape == (1, 1)
    assert json.loads(json.dumps(config)) == config
    assert "class_name" in config["learning_rate"]
    assert SGD.from_config({}).learning_rate == 0.01


def test_config_of_any_callable_is_refused():
    with pytest.raises(TypeError, match="cannot be saved; use one of"):
        SGD(lambda t: 0.1).get_config()


class Half(RMSprop):
    """RMSprop with fewer arguments."""

    def __init__(self, learning_rate=0.1):
        super().__init__(learning_rate, rho=0.5, l2=0.01)


class Timed(RMSprop):
    """RMSprop with another argument, and without a learning rate."""

    def __init__(self, half_life, **options):
        super().__init__(0.1, rho=0.5 ** (1 / half_life), **options)
        self.half_life = half_life


class Forgetful(RMSprop):
    """RMSprop with an argument that it does not keep."""

    def __init__(self, half_life):
        super().__init__(0.1, rho=0.5 ** (1 / half_life))


@pytest.mark.parametrize("way", ["config", "file"])
@pytest.mark.parametrize("make", [Half, lambda: Timed(3, momentum=0.5, nonfinite="skip")])
def test_subclasses_with_other_arguments(make, way, tmp_path):
    optimizer = make()
    optimizer.learning_rate = 0.25
    if way == "config":
        again = type(optimizer).from_config(json.loads(json.dumps(optimizer.get_config())))
    else:
        optimizer.save(tmp_path / "state.npz")
        again = type(optimizer).load(tmp_path / "state.npz")
    assert again.get_config() == optimizer.get_config()
    assert again.learning_rate == 0.25
    assert (again.rho, again.l2, again.momentum) == (
        optimizer.rho,
        optimizer.l2,
        optimizer.momentum,
    )


def test_a_subclass_must_keep_its_arguments():
    with pytest.raises(AttributeError, match=r"^'Forgetful' object has no attribute 'half_life'$"):
        Forgetful(3).get_config()


# ---------------------------------------------------------------- state


def scheduled(method):
    """Return an optimizer with a schedule, where its method can have one."""
    optimizer = make(method)
    if method is not Rprop:
        optimizer.learning_rate = schedules.CosineDecay(0.1, 10)
    return optimizer


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["state_dict", "file", "pickle"])
def test_a_run_cut_and_resumed_is_the_run(method, way, tmp_path):
    start = {"w": np.ones((3, 2), np.float32), "b": np.ones(1)}
    pairs = zip(gradients(7, (3, 2), np.float32), gradients(7, 1), strict=True)
    steps = [{"w": g, "b": h} for g, h in pairs]
    through, whole = {name: a.copy() for name, a in start.items()}, scheduled(method)
    for step in steps:
        whole.step(through, step)
    for stop in (0, 1, 4):
        resumed, first = {name: a.copy() for name, a in start.items()}, scheduled(method)
        for step in steps[:stop]:
            first.step(resumed, step)
        if way == "state_dict":
            second = method.from_config(first.get_config())
            second.load_state_dict(first.state_dict())
        elif way == "file":
            first.save(tmp_path / "state.npz")
            second = method.load(tmp_path / "state.npz")
        else:
            second = pickle.loads(pickle.dumps(first))
        assert second.iterations == stop
        for step in steps[stop:]:
            second.step(resumed, step)
        assert same(through, resumed)
        assert same(whole.state_dict(), second.state_dict())


def test_a_state_is_a_copy_both_ways():
    theta, optimizer = np.ones(2), RMSprop()
    optimizer.step([theta], [np.ones(2)])
    state = optimizer.state_dict()
    kept = state["parameters"][0]["slots"]["v"].copy()
    other = RMSprop()
    other.load_state_dict(state)
    for one in (optimizer, other):
        one.step([theta], [np.full(2, 9.0)])
        np.testing.assert_array_equal(state["parameters"][0]["slots"]["v"], kept)


def test_what_a_state_holds():
    theta, optimizer = {"w": np.ones((1, 2), np.float32)}, RMSprop(momentum=0.5, nonfinite="skip")
    settings = optimizer.get_config()
    rate = settings.pop("learning_rate")
    common = {"optimizer": "RMSprop", "settings": settings, "learning_rate": rate}
    assert settings["momentum"] == 0.5
    assert rate == 0.001
    assert optimizer.state_dict() == common | {"iterations": 0, "skipped": 0, "parameters": []}
    optimizer.step(theta, {"w": np.full((1, 2), 2, np.float32)})
    optimizer.step(theta, {"w": np.full((1, 2), math.nan, np.float32)})
    state = optimizer.state_dict()
    (parameter,) = state.pop("parameters")
    assert state == common | {"iterations": 1, "skipped": 1}
    slots = parameter.pop("slots")
    assert parameter == {"name": "w", "shape": (1, 2), "dtype": "float32"}
    np.testing.assert_allclose(slots["v"], [[0.4, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(slots["velocity"], [[0.001 / math.sqrt(0.1)] * 2], rtol=1e-6)


def trained(optimizer):
    optimizer.step([np.ones(2)], [np.ones(2)])
    return optimizer


def damaged(change):
    state = trained(RMSprop(momentum=0.5)).state_dict()
    change(state)
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (trained(Adam()).state_dict(), "^state is one of Adam, this optimizer is RMSprop$"),
        (
            trained(RMSprop()).state_dict(),
            r"^state was made with momentum=0\.0, this optimizer has momentum=0\.5: load it into",
        ),
        (
            trained(RMSprop(momentum=0.5, centered=True)).state_dict(),
            "^state was made with centered=True, this optimizer has centered=False",
        ),
        (
            damaged(lambda s: s["settings"].update(speed=2)),
            "^state was made with speed=2, this optimizer has speed=None",
        ),
        (
            damaged(lambda s: s["settings"].pop("rho")),
            r"^state was made with rho=None, this optimizer has rho=0\.9",
        ),
        (
            damaged(lambda s: s["parameters"][0]["slots"].pop("v")),
            r"^state keeps \['velocity'\] for params\[0\], these settings need \['v', 'velocity'\]",
        ),
        (damaged(lambda s: s.pop("settings")), "^state is not one that state_dict.. returned"),
        (
            damaged(lambda s: s.update(learning_rate=0)),
            r"^learning_rate must be a number in \(0, inf\) or an array of such, not 0$",
        ),
        (
            damaged(lambda s: s.update(learning_rate=None)),
            "^state was made with a function as learning_rate, which cannot be saved: give it to "
            r"this optimizer, whose learning_rate is 0\.001$",
        ),
        (damaged(lambda s: s.update(learning_rate={})), "^schedule is not one that serialize"),
        (damaged(lambda s: s.pop("iterations")), "^state is not one that state_dict.. returned"),
        (damaged(lambda s: s["parameters"][0].pop("slots")), r"returned: KeyError\('slots'\)"),
        (damaged(lambda s: s.update(iterations=-1)), "^iterations must be a whole number"),
        (damaged(lambda s: s.update(iterations=1.0)), "^iterations must be a whole number"),
        (damaged(lambda s: s.update(skipped=-1)), "^skipped must be a whole number"),
        (
            damaged(lambda s: s["parameters"][0].update(shape=(3,))),
            r"'v' of params\[0\] is float64",
        ),
        (
            damaged(lambda s: s["parameters"][0]["slots"].update(velocity=np.ones(3))),
            r"^state 'velocity' of params\[0\] is float64 of shape \(3,\), "
            r"it must be float64 of shape \(2,\)$",
        ),
        (
            damaged(lambda s: s["parameters"][0]["slots"].update(v=np.ones(2, np.float32))),
            r"^state 'v' of params\[0\] is float32 of shape \(2,\), it must be float64",
        ),
        (
            damaged(lambda s: s["parameters"][0].update(dtype="int32")),
            r"^state is not .* returned: TypeError\(.*must be float16, float32 or .*, not int32",
        ),
        (damaged(lambda s: s["parameters"][0].update(dtype="none")), "returned: TypeError"),
        (damaged(lambda s: s["parameters"][0].update(shape=2)), "returned: TypeError"),
        (damaged(lambda s: s["parameters"][0].update(slots=[])), "returned: AttributeError"),
        (
            damaged(lambda s: s["parameters"][0]["slots"].update(v=[1.0, 2.0])),
            "returned: AttributeError",
        ),
        (None, "^state is not one that state_dict"),
        ({}, "^state is not one that state_dict"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, message):
    optimizer = trained(RMSprop(momentum=0.5))
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert same(before, optimizer.state_dict())
    optimizer.step([np.ones(2)], [np.ones(2)])


def test_a_loaded_state_is_one_of_training_that_has_begun():
    optimizer = RMSprop()
    optimizer.load_state_dict(trained(RMSprop()).state_dict())
    assert optimizer.has_begun is True
    with pytest.raises(AttributeError, match=r"^rho is fixed once training has begun"):
        optimizer.rho = 0.5


def test_what_has_begun_can_load_another_state_of_a_fixed_learning_rate():
    optimizer, other = trained(Rprop(0.5)), trained(trained(Rprop(0.5)))
    optimizer.load_state_dict(other.state_dict())
    assert optimizer.learning_rate == 0.5
    assert same(optimizer.state_dict(), other.state_dict())


def test_loading_an_unused_state_starts_anew():
    optimizer = trained(RMSprop())
    optimizer.load_state_dict(RMSprop().state_dict())
    assert not optimizer.has_begun
    optimizer.rho = 0.5
    optimizer.step([np.ones(3)], [np.ones(3)])


def test_a_learning_rate_changed_by_hand_is_in_the_state():
    first, second = Adam(0.1), Adam(0.5)
    theta = np.ones(2)
    first.step([theta], [np.ones(2)])
    first.learning_rate = 0.01
    second.load_state_dict(first.state_dict())
    assert second.learning_rate == 0.01
    first.learning_rate = [0.1, 0.2]
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(second.learning_rate, [0.1, 0.2])
    assert not second.learning_rate.flags.writeable
    first.learning_rate = schedules.StepDecay(0.5, 10, 0.1)
    second.load_state_dict(
        json.loads(json.dumps(first.state_dict(), default=np.ndarray.tolist))
        | {"parameters": first.state_dict()["parameters"]}
    )
    assert second.learning_rate == schedules.StepDecay(0.5, 10, 0.1)


def test_a_learning_rate_that_is_a_function_stays_with_who_loads():
    first, second = SGD(lambda t: 0.1 / (t + 1)), SGD(lambda t: 0.1 / (t + 1))
    theta, other = np.ones(2), np.ones(2)
    first.step([theta], [np.ones(2)])
    second.step([other], [np.zeros(2)])
    kept = second.learning_rate
    second.load_state_dict(first.state_dict())
    assert second.learning_rate is kept
    other[...] = theta
    first.step([theta], [np.ones(2)])
    second.step([other], [np.ones(2)])
    np.testing.assert_array_equal(theta, other)


@pytest.mark.parametrize(
    ("method", "name", "theirs", "mine"),
    [
        (RMSprop, "rho", 0.9, 0.1),
        (RMSprop, "epsilon_inside", True, False),
        (RMSprop, "rho", [0.5, 0.25], 0.5),
        (SGD, "weight_decay", 0.0, 0.5),
        (Rprop, "learning_rate", 0.01, 0.5),
        (Rprop, "factors", [0.5, 1.5], [0.25, 1.5]),
        (Adam, "nonfinite", "skip", "raise"),
    ],
)
def test_a_state_of_other_settings_is_refused(method, name, theirs, mine):
    state, optimizer = trained(method(**{name: theirs})).state_dict(), method(**{name: mine})
    expected = f"state was made with {name}={theirs!r}, this optimizer has {name}={mine!r}: load"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}"):
        optimizer.load_state_dict(state)
    assert optimizer.get_config() == method(**{name: mine}).get_config()
    assert optimizer.iterations == 0
    method(**{name: theirs}).load_state_dict(state)


def test_float16_is_resumed_with_its_master_copy():
    theta, optimizer = np.full(2, 4, np.float16), SGD(1e-4)
    optimizer.step([theta], [np.ones(2, np.float16)])
    second = SGD(1e-4)
    second.load_state_dict(optimizer.state_dict())
    np.testing.assert_array_equal(second.slot("master"), np.float32([[4 - 1e-4] * 2]))


def test_slots_come_as_the_parameters_did():
    optimizer = RMSprop(rho=0.75)
    assert optimizer.slot("v") == []
    optimizer.step({"w": np.ones(1), "b": np.ones(2)}, {"w": np.ones(1), "b": np.full(2, 2.0)})
    slots = optimizer.slot("v")
    assert {name: v.tolist() for name, v in slots.items()} == {"w": [0.25], "b": [1, 1]}
    slots["w"][0] = 9
    assert optimizer.slot("v")["w"] == 0.25
    message = re.escape("name must be one of what is kept for params['b'], v, not 'm'")
    with pytest.raises(ValueError, match=f"^{message}$"):
        optimizer.slot("m")
    with pytest.raises(ValueError, match=r"^name must be .* params\[0\], nothing, not 'v'$"):
        trained(SGD()).slot("v")
    with pytest.raises(ValueError, match=r"^name must be .* params\[0\], m, v, not 'w'$"):
        trained(Adam()).slot("w")


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_has_a_state_of_its_own_and_settings_that_stay_fixed(way):
    rate = schedules.Constant([0.1, 0.2])
    optimizer = trained(RMSprop(0.1, rho=[0.9, 0.5], momentum=0.5))
    for lr in (0.1, [0.1, 0.2], rate):
        optimizer.learning_rate = lr
        twin = way(optimizer)
        assert same(twin.state_dict(), optimizer.state_dict())
        assert not twin.rho.flags.writeable
        assert not getattr(twin.learning_rate, "flags", optimizer.rho.flags).writeable
        before = twin.state_dict()
        optimizer.step([np.ones(2)], [np.ones(2)])
        assert same(twin.state_dict(), before)
        assert twin.iterations == optimizer.iterations - 1
    assert not way(rate).learning_rate.flags.writeable


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_the_state_of_a_copy_lies_in_memory_as_its_parameter(way):
    seen = []

    class Spy(RMSprop):
        def rule(self, theta, g, **operands):
            seen.append(operands["v"].strides)

    theta = np.ones((2, 3, 4)).transpose(1, 2, 0)  # neither C's order nor Fortran's
    optimizer = Spy()
    optimizer.step([theta], [np.ones(theta.shape)])
    way(optimizer).step([theta], [np.ones(theta.shape)])
    assert seen == [theta.strides] * 2


# ---------------------------------------------------------------- files


def test_a_file_holds_arrays_and_text_only(tmp_path):
    trained(Adam()).save(tmp_path / "adam.npz")
    with np.load(tmp_path / "adam.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["0/m", "0/v", "description"]
        description = json.loads(str(file["description"]))
    assert description["optimizer"] == "Adam"
    assert description["config"]["beta_2"] == 0.999


def test_the_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(SGD()).save("state")
    assert os.listdir(tmp_path) == ["state"]
    assert SGD.load("state").iterations == 1


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    trained(SGD(0.5)).save(path)
    old = path.read_bytes()
    with pytest.raises(TypeError, match="cannot be saved"):
        trained(SGD(lambda t: 0.1)).save(path)

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        trained(SGD()).save(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["state.npz"]


def test_the_file_is_written_beside_its_place(tmp_path, monkeypatch):
    moved = []
    monkeypatch.setattr(_saving.os, "replace", lambda old, new: moved.append((old, new)))
    trained(SGD()).save(tmp_path / "state.npz")
    ((old, new),) = moved
    assert os.path.dirname(old) == str(tmp_path)
    assert new == str(tmp_path / "state.npz")


def test_saving_into_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        SGD().save(tmp_path / "none" / "state.npz")


def test_loading_what_is_no_optimizer(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"no zip file")
    for write in (
        lambda: None,
        lambda: path.write_bytes(b""),
        lambda: np.savez(path, a=np.ones(2)),
        lambda: np.savez(path, description="no json"),
        lambda: np.savez(path, description="{}"),
        lambda: np.savez(path, description="[1]"),
        lambda: np.savez(path, description='{"parameters": []}'),
        lambda: np.savez(path, description='{"parameters": [], "optimizer": "RMSprop"}'),
        lambda: np.savez(path, description=np.array([{}], object)),
        lambda: path.write_bytes(_npy(np.ones(2))),
        lambda: path.write_bytes(_truncated(tmp_path)),
    ):
        write()
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is not a saved optimizer: "):
            RMSprop.load(path)
    with pytest.raises(FileNotFoundError):
        RMSprop.load(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["config"].update(speed=3), "speed"),
        (lambda s: s.update(config=[1]), "sequence"),
        (lambda s: s["config"].update(rho=2), "^rho must be a number"),
        (lambda s: s["config"].update(learning_rate={}), "schedule is not one"),
        (lambda s: s["parameters"][0].update(dtype="int32"), "not int32"),
        (lambda s: s.pop("iterations"), "state is not one"),
    ],
)
def test_loading_what_another_program_changed(tmp_path, change, message):
    path = tmp_path / "x.npz"
    trained(RMSprop()).save(path)
    with np.load(path) as file:
        content = dict(file)
    state = json.loads(str(content.pop("description")))
    change(state)
    np.savez(path, description=json.dumps(state), **content)
    start = f"^{re.escape(str(path))} is not a saved RMSprop: "
    with pytest.raises(ValueError, match=f"{start}.*{message.removeprefix('^')}"):
        RMSprop.load(path)


class Payload:
    """What runs `touch` when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    """Write a saved file again, with its members changed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)


def objects(payload):
    """Return an array of objects, as np.save writes it."""
    return _npy(np.array([payload], object))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m, p: m.update({"0/v.npy": objects(p)}),
            "'0/v.npy' is neither a text nor an array of floats",
        ),
        (
            lambda m, p: m.update({"description.npy": objects(p)}),
            "'description.npy' is neither a text nor an array of floats",
        ),
        (
            lambda m, p: m.update({"9/w.npy": objects(p)}),
            "'9/w.npy' is neither a text nor an array of floats",
        ),
        (
            lambda m, p: m.update({"0/v.npy": pickle.dumps(p)}),
            "'0/v.npy' is neither a text nor an array of floats",
        ),
        (lambda m, p: m.update({"0/v": pickle.dumps(p)}), "'0/v' is not the name of an array"),
        (lambda m, p: m.update({"../v.npy": m["0/v.npy"]}), "'../v.npy' is not the name of"),
        (lambda m, p: m.update({"/0/v.npy": m["0/v.npy"]}), "'/0/v.npy' is not the name of"),
        (lambda m, p: m.update({"0/../v.npy": m["0/v.npy"]}), "'0/../v.npy' is not the name of"),
        (lambda m, p: m.update({"0/a/v.npy": m["0/v.npy"]}), "'0/a/v.npy' is not the name of"),
        (lambda m, p: m.update({"1/v.npy": m["0/v.npy"]}), "'1/v.npy' belongs to no parameter"),
        (
            lambda m, p: m.update({"0/v.npy": _npy(np.ones(2, int))}),
            "'0/v.npy' is neither a text nor an array of floats",
        ),
        (lambda m, p: m.update({"0/v.npy": m["0/v.npy"][:-1]}), "'0/v.npy' is not as long as it"),
        (lambda m, p: m.update({"0/v.npy": m["0/v.npy"] + b" "}), "'0/v.npy' is not as long as it"),
        (lambda m, p: m.update({"0/v.npy": _huge()}), "'0/v.npy' is not as long as it"),
        (
            lambda m, p: m.update({"0/v.npy": b"\x93NUMPY\x02" + m["0/v.npy"][7:]}),
            "'0/v.npy' is neither a text nor an array of floats",
        ),
        (lambda m, p: m.update({"0/v.npy": m["description.npy"]}), "'0/v.npy' holds <U"),
        (
            lambda m, p: m.update({"description.npy": m["0/v.npy"]}),
            "'description.npy' holds float64",
        ),
        (lambda m, p: m.pop("description.npy"), "description.npy"),
    ],
)
def test_a_saved_file_is_data(tmp_path, monkeypatch, change, message):
    path, proof = tmp_path / "state.npz", tmp_path / "executed"
    trained(RMSprop()).save(path)
    RMSprop.load(path)
    rewritten(path, lambda members: change(members, Payload(str(proof))))
    read = []
    monkeypatch.setattr(_saving, "read_array", lambda *args: read.append(args))
    if "belongs" in message:
        monkeypatch.undo()  # known only once the description was read
    start = re.escape(f"{path} is not a saved optimizer: ")
    with pytest.raises(ValueError, match=f"^{start}.*{re.escape(message)}"):
        RMSprop.load(path)
    assert not proof.exists()
    assert not read


def test_no_damage_to_a_file_is_more_than_a_damaged_file(tmp_path):
    path, rng, refused = tmp_path / "state.npz", np.random.default_rng(0), 0
    trained(RMSprop()).save(path)
    written = path.read_bytes()
    for _ in range(300):
        content = bytearray(written)
        content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        try:
            RMSprop.load(path)
        except ValueError:
            refused += 1
    assert refused > 200


def test_other_forms_of_a_zip_file_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    trained(RMSprop()).save(path)
    rewritten(path, lambda members: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"optimizer: '\w+\.npy' is compressed$"):
        RMSprop.load(path)
    trained(RMSprop()).save(path)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("0/v.npy", b"")
    with pytest.raises(ValueError, match=r"optimizer: '0/v\.npy' stands in it twice$"):
        RMSprop.load(path)


def test_a_fortran_array_in_a_file_is_read_as_it_is(tmp_path):
    path, optimizer = tmp_path / "state.npz", RMSprop()
    theta = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    optimizer.step([theta], [theta.copy(order="F")])
    optimizer.save(path)
    v = optimizer.slot("v")[0]
    rewritten(path, lambda members: members.update({"0/v.npy": _npy(np.asfortranarray(v))}))
    np.testing.assert_array_equal(RMSprop.load(path).slot("v")[0], v)


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path])
def test_any_kind_of_path(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(RMSprop()).save(kind("x.npz"))
    assert os.listdir(tmp_path) == ["x.npz"]
    assert RMSprop.load(kind("x.npz")).iterations == 1


def test_threads_may_save_to_one_path(tmp_path):
    path, optimizer = tmp_path / "state.npz", trained(RMSprop())
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(optimizer.save, path) for _ in range(200)]:
            done.result()
    assert os.listdir(tmp_path) == ["state.npz"]
    assert RMSprop.load(path).iterations == 1


def test_a_file_can_be_read_by_whom_the_system_lets(tmp_path):
    (tmp_path / "usual").touch()
    SGD().save(tmp_path / "state.npz")
    assert (tmp_path / "state.npz").stat().st_mode == (tmp_path / "usual").stat().st_mode


def _huge():
    """Return the header of an array larger than any memory."""
    buffer = io.BytesIO()
    description = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _truncated(folder):
    trained(RMSprop()).save(folder / "whole.npz")
    return (folder / "whole.npz").read_bytes()[:-60]


def test_loading_the_file_of_another_method(tmp_path):
    path = tmp_path / "adam.npz"
    trained(Adam()).save(path)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} holds a Adam, not a RMSprop$"):
        RMSprop.load(path)
