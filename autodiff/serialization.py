"""Saving tensors, alone or in nested containers: NumPy's .npz or .safetensors. No pickle, so loading runs no code."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff.tensor import Tensor

_SINGLE, _STRUCTURE = "__tensor__", "__structure__"
_PLAIN = (str, int, float, bool, type(None))


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write tensors to a file of exactly this name: one tensor, a state_dict, or dicts, lists and tuples around them.

    A name that ends in `.safetensors` chooses that format (extra `safetensors`), which holds one dict of tensors; any
    other is written as NumPy's .npz, where strings, numbers and None may stand beside the tensors. The file appears
    when it is complete: where writing is cut short, what was there before is still there.

    >>> import autodiff as ad, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ad.save({"model": {"weight": ad.ones(2)}, "epoch": 3}, folder + "/checkpoint.npz")
    ...     ad.load(folder + "/checkpoint.npz")
    {'model': {'weight': tensor([1., 1.])}, 'epoch': 3}
    """
    path = os.fspath(path)
    part = f"{path}.part"
    try:
        if path.endswith(".safetensors"):
            _library().numpy.save_file(_flat(obj), part)
        else:
            with open(part, "wb") as file:
                np.savez(file, **_packed(obj))
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote, or any .npz or .safetensors file as a dict of tensors; bfloat16 comes as float32.

    The file's content decides, whatever its name. A pickle, which is what torch.save and pickle.dump write, raises
    ValueError: reading one runs the code that it names.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        head = file.read(9)
    if head[:2] == b"PK":
        return _read_npz(path)
    if head[8:] == b"{":
        return _read_safetensors(path)
    if head[:6] == b"\x93NUMPY":
        raise ValueError(f"load: {path} holds one .npy array; read it with np.load.")
    if head[:1] == b"\x80" or path.endswith((".pt", ".pth", ".pkl", ".pickle")):
        raise _refusal(path)
    raise ValueError(f"load: {path} is neither an .npz nor a .safetensors file; it begins with {head!r}.")


def _refusal(path: str) -> ValueError:
    return ValueError(
        f"load: {path} is a pickle, as torch.save and pickle.dump write it. Reading a pickle runs whatever code the "
        "file names, so it is not read. Where you trust the file and have PyTorch, convert it once:\n"
        f"    state = torch.load({path!r}, weights_only=True)\n"
        f"    np.savez({os.path.splitext(path)[0] + '.npz'!r}, **{{key: t.numpy() for key, t in state.items()}})"
    )


# --- .npz: arrays by name, and a JSON text that says what stood around them -------------------------------------------


def _packed(obj: Any) -> dict[str, Any]:
    """Return the arrays to write; a tensor or a dict of tensors is its own arrays, as any reader of .npz knows them."""
    if isinstance(obj, Tensor):
        return {_SINGLE: obj._data}
    arrays: dict[str, Any] = {}
    if _is_flat(obj):
        for key, value in obj.items():
            arrays[key] = _array(value, key)
    else:
        text = json.dumps(_structure(obj, "", arrays))
        arrays[_STRUCTURE] = np.frombuffer(text.encode(), np.uint8)
    return arrays


def _is_flat(obj: Any) -> bool:
    return (
        isinstance(obj, Mapping)
        and all(isinstance(key, str) for key in obj)
        and all(isinstance(value, (Tensor, np.ndarray)) for value in obj.values())
        and not {_SINGLE, _STRUCTURE} & set(obj)
    )


def _array(value: Any, where: str) -> Any:
    array = value._data if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
        given = f"an ndarray of {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(value).__name__}"
        model = "; give the state_dict() of a model or an optimizer" if hasattr(value, "state_dict") else ""
        raise TypeError(
            f"save: {where or 'obj'!r} is {given}; expected tensors, arrays of numbers, strings, numbers or None, in "
            f"dicts, lists or tuples{model}."
        )
    return array


def _structure(obj: Any, path: str, arrays: dict[str, Any]) -> Any:
    """Return what JSON can say of an object, and add its arrays under their paths."""
    if isinstance(obj, np.generic):
        obj = obj.item()
    if type(obj) in _PLAIN:
        return obj
    if isinstance(obj, Mapping):
        if not all(type(key) in _PLAIN for key in obj):
            raise TypeError(f"save: the keys of {path or 'obj'!r} must be strings, numbers or None, got {list(obj)}")
        kind = "counter" if isinstance(obj, Counter) else "dict"  # a scheduler's milestones are one
        return {kind: [[key, _structure(value, f"{path}{key}/", arrays)] for key, value in obj.items()]}
    if isinstance(obj, (list, tuple)):
        kind = "list" if isinstance(obj, list) else "tuple"
        return {kind: [_structure(value, f"{path}{i}/", arrays) for i, value in enumerate(obj)]}
    name = f"{len(arrays)}/{path}".removesuffix("/")  # numbered: the keys 1 and "1" may stand side by side
    arrays[name] = _array(obj, path.removesuffix("/"))
    return {"tensor" if isinstance(obj, Tensor) else "array": name}


def _restored(entry: Any, archive: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((kind, content),) = entry.items()
    match kind:
        case "dict" | "counter":
            entries = {key: _restored(value, archive) for key, value in content}
            return entries if kind == "dict" else Counter(entries)
        case "list":
            return [_restored(value, archive) for value in content]
        case "tuple":
            return tuple([_restored(value, archive) for value in content])
        case "tensor":
            return Tensor(archive[content])
    return archive[content]


def _read_npz(path: str) -> Any:
    with zipfile.ZipFile(path) as names:
        if any(name.endswith(".pkl") for name in names.namelist()):
            raise _refusal(path)
    with np.load(path, allow_pickle=False) as archive:
        if _STRUCTURE in archive.files:
            return _restored(json.loads(archive[_STRUCTURE].tobytes()), archive)
        entries = {key: Tensor(archive[key]) for key in archive.files}
    return entries[_SINGLE] if list(entries) == [_SINGLE] else entries


# --- .safetensors: through its library --------------------------------------------------------------------------------


def _library() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "a .safetensors file needs the safetensors library: pip install 'ndtape[safetensors]'"
        ) from None
    return safetensors


def _flat(obj: Any) -> dict[str, Any]:
    """Return the arrays of a dict of tensors, which is all that the format holds."""
    if not _is_flat(obj):
        raise TypeError(
            "save: a .safetensors file holds one dict of tensors by name, such as a state_dict; for nested dicts, "
            "numbers and strings choose a name that ends in .npz."
        )
    return {key: np.ascontiguousarray(_array(value, key)).reshape(value.shape) for key, value in obj.items()}


def _read_safetensors(path: str) -> dict[str, Tensor]:
    library = _library()
    try:
        with library.safe_open(path, framework="np") as file:
            kinds = {key: file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 (no iterator there)
            return {
                key: Tensor(_bfloat16(path, key) if kind == "BF16" else file.get_tensor(key))
                for key, kind in kinds.items()
            }
    except library.SafetensorError as error:
        raise ValueError(f"load: {path} is not a valid .safetensors file: {error}") from None


def _bfloat16(path: str, key: str) -> Any:
    """Return a bfloat16 entry, which NumPy has no name for, as float32: the upper half of its bits."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[key]
        begin, end = entry["data_offsets"]
        file.seek(8 + length + begin)
        bits = np.frombuffer(file.read(end - begin), "<u2")
    return (bits.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])
