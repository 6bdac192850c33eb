"""ad.save and ad.load: what comes back, in which formats, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn

NESTED = {
    "model": {"weight": ad.tensor([[1.0, -2.0]]), "steps": ad.tensor(3)},
    "optimizer": {
        "state": {0: {"step": 5, "exp_avg": np.arange(3.0)}, "0": "text"},
        "groups": [{"betas": (0.9, 0.99)}],
    },
    "epoch": np.int64(7),
    "loss": float("inf"),
    "random": 2**127 + 1,
    "scheduler": None,
    "empty": [(), {}, True, np.zeros(())],
    "milestones": Counter({5: 2}),
    3: (ad.ones(2, dtype=np.float16), float("-inf")),
}


def same(a: Any, b: Any) -> None:
    if isinstance(b, np.generic):
        b = b.item()
    assert type(a) is type(b)
    if isinstance(b, dict):
        assert list(a) == list(b)
        for key in b:
            same(a[key], b[key])
    elif isinstance(b, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(b, (ad.Tensor, np.ndarray)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    else:
        assert a == b


def test_containers_come_back_as_they_were(tmp_path: Any) -> None:
    path = tmp_path / "checkpoint.npz"
    ad.save(NESTED, path)
    same(ad.load(path), NESTED)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    for obj in ([ad.ones(2), 1], 3.5, None, {"__tensor__": ad.ones(2)}, {}, {1: ad.ones(1)}):
        ad.save(obj, path)
        same(ad.load(path), obj)


def test_a_state_dict_is_an_ordinary_npz(tmp_path: Any) -> None:
    path = tmp_path / "weights.npz"
    layer = nn.Linear(2, 3)
    nn.save(layer.state_dict(), path)
    with np.load(path) as archive:
        assert archive.files == ["weight", "bias"]
    np.savez(path, weight=np.ones((3, 2), np.float32), bias=np.zeros(3, np.float32))
    layer.load_state_dict(nn.load(path))
    assert layer(ad.ones(2)).tolist() == [2, 2, 2]


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Any) -> None:
    path = tmp_path / "weights.npz"
    ad.save({"w": ad.ones(2)}, path)
    with pytest.raises(TypeError, match="save: 'model/layer' is a Linear;.*give the state_dict"):
        ad.save({"w": ad.zeros(2), "model": {"layer": nn.Linear(1, 1)}}, path)
    same(ad.load(path), {"w": ad.ones(2)})
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_saved_is_named(tmp_path: Any) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(TypeError, match="save: 'obj' is a Linear; .* state_dict"):
        ad.save(nn.Linear(1, 1), path)
    with pytest.raises(TypeError, match="save: 'x' is an ndarray of object"):
        ad.save({"x": np.array([None])}, path)
    with pytest.raises(TypeError, match="save: the keys of 'obj' must be strings"):
        ad.save({(1, 2): ad.ones(1)}, path)


def test_pickles_are_refused_with_the_reason_and_the_remedy(tmp_path: Any) -> None:
    ran = []

    class Evil:
        def __reduce__(self) -> Any:
            return ran.append, (1,)

    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "b.pth").write_bytes(pickle.dumps({"w": 1}, protocol=0))
    for name in ("a.pkl", "b.pth"):
        with pytest.raises(ValueError, match=r"runs whatever code.*(?s:.*)weights_only=True.*\n *np.savez\('.*\.npz'"):
            ad.load(tmp_path / name)
    np.save(tmp_path / "c.npy", np.ones(2))
    with pytest.raises(ValueError, match="one .npy array; read it with np.load"):
        ad.load(tmp_path / "c.npy")
    np.savez(tmp_path / "d.npz", x=np.array([Evil()], dtype=object))
    with pytest.raises(ValueError, match="(?i)pickle"):
        ad.load(tmp_path / "d.npz")
    (tmp_path / "e.bin").write_bytes(b"text")
    with pytest.raises(ValueError, match="neither an .npz nor a .safetensors"):
        ad.load(tmp_path / "e.bin")
    assert not ran


def test_what_torch_saves_is_refused_and_its_remedy_works(torch: Any, tmp_path: Any) -> None:
    theirs, ours, path = torch.nn.Linear(2, 3), nn.Linear(2, 3), str(tmp_path / "weights.pt")
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save(theirs.state_dict(), path, **options)
        with pytest.raises(ValueError, match="is a pickle") as caught:
            nn.load(path)
    exec("\n".join(line.strip() for line in str(caught.value).splitlines()[1:]), {"torch": torch, "np": np})
    ours.load_state_dict(nn.load(tmp_path / "weights.npz"))
    x = np.array([[0.5, -1.0]], np.float32)
    np.testing.assert_allclose(ours(ad.tensor(x)).detach(), theirs(torch.tensor(x)).detach(), rtol=1e-6)
    ours.load_state_dict(torch.nn.Linear(2, 3).state_dict())  # as it is, without a file


def test_safetensors_go_through_its_library(tmp_path: Any) -> None:
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "weights.safetensors"
    state = {
        "weight": ad.tensor(np.arange(6.0).reshape(2, 3).T),
        "half": ad.tensor(np.ones(2, np.float16)),
        "steps": ad.tensor(3),
        "none": ad.zeros(0, 2),
    }
    ad.save(state, path)
    assert {key: x.shape for key, x in library.load_file(path).items()} == {key: x.shape for key, x in state.items()}
    loaded = ad.load(path)
    same({key: loaded[key] for key in state}, state)
    with pytest.raises(TypeError, match="one dict of tensors by name.*npz"):
        ad.save({"model": state}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not a valid .safetensors"):
        ad.load(path)


def test_bfloat16_comes_as_float32(tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    header = {"x": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    (tmp_path / "x.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"\x80\x3f\x20\xc0")
    same(ad.load(tmp_path / "x.safetensors"), {"x": ad.tensor([[1.0], [-2.5]])})


def test_without_the_library_the_extra_is_named(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install 'ndtape\[safetensors\]'"):
        ad.save({"x": ad.ones(1)}, tmp_path / "x.safetensors")
