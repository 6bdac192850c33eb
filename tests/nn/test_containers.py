"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict: what a list or a dict does, and torch's text."""

from __future__ import annotations

import copy
import operator
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn


def kinds(modules: Any) -> str:
    return " ".join(type(m).__name__ for m in modules)


OPERATIONS: dict[str, Any] = {
    "append": lambda m, lib: m.append(lib.Sigmoid()),
    "extend": lambda m, lib: m.extend([lib.Sigmoid(), lib.GELU()]),
    "insert first": lambda m, lib: m.insert(0, lib.Sigmoid()),
    "insert": lambda m, lib: m.insert(1, lib.Sigmoid()),
    "insert last": lambda m, lib: m.insert(3, lib.Sigmoid()),
    "set": lambda m, lib: m.__setitem__(-1, lib.Sigmoid()),
    "del": lambda m, lib: m.__delitem__(0),
    "del slice": lambda m, lib: m.__delitem__(slice(0, 2)),
    "pop": lambda m, lib: m.pop(1),
    "pop last": lambda m, lib: m.pop(-1),
    "get slice": lambda m, lib: m[1:],
    "steps": lambda m, lib: m[::2],
    "too far": lambda m, lib: m[3],
    "too far back": lambda m, lib: m[-4],
    "set too far": lambda m, lib: m.__setitem__(7, lib.Sigmoid()),
    "not a module": lambda m, lib: m.append(3),
    "add a list": lambda m, lib: operator.add(m, [lib.GELU()]),
    "add": lambda m, lib: m + type(m)(*([[lib.GELU()]] if isinstance(m, lib.ModuleList) else [lib.GELU()])),
    "add to it": lambda m, lib: m.__iadd__(m[:1]),
    "times": lambda m, lib: m * 2,
    "times nothing": lambda m, lib: m * 0,
    "times in place": lambda m, lib: m.__imul__(3),
}


def after(lib: Any, name: str, operation: Any) -> Any:
    layers = [lib.Tanh(), lib.ReLU(), lib.Softplus()]
    model = lib.Sequential(*layers) if name == "Sequential" else lib.ModuleList(layers)
    try:
        answer = operation(model, lib)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        return type(error), repr(model)
    return repr(answer), repr(model), kinds(model), len(model)


@pytest.mark.parametrize("name", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_lists_do_what_torchs_do(torch: Any, name: str, operation: Any) -> None:
    assert after(nn, name, operation) == after(torch.nn, name, operation)


def test_a_module_is_put_before_the_last() -> None:
    assert kinds(operator.add(nn.ModuleList([nn.Tanh(), nn.ReLU()]), [nn.GELU()])) == "Tanh ReLU GELU"
    layers = nn.ModuleList([nn.Tanh(), nn.ReLU()])
    layers.insert(-1, nn.GELU())
    assert kinds(layers) == "Tanh GELU ReLU"


def test_names_of_a_sequential_are_kept_until_it_is_numbered_anew() -> None:
    model = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.Tanh()))
    assert list(model[:1].state_dict()) == ["a.weight", "a.bias"]
    assert model.a is model[0]
    del model[1]
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_identity_takes_any_argument_and_returns_its_input() -> None:
    x = ad.ones(2)
    assert nn.Identity(3, unused=0.5)(x) is x
    assert repr(nn.Identity(3)) == "Identity()"


def test_modules_in_a_list_are_in_the_model() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
            self.choices = nn.ModuleDict({"x": nn.Linear(2, 1)})

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return self.choices["x"](x)

    model = copy.deepcopy(Net())
    assert len(list(model.parameters())) == 8
    assert list(model.state_dict())[-1] == "choices.x.bias"
    model(ad.ones(1, 2)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    with pytest.raises(NotImplementedError, match="ModuleList"):
        model.layers(3)


def test_module_dict() -> None:
    modules = nn.ModuleDict({"b": nn.Tanh(), "a": nn.ReLU()})
    assert list(modules) == ["b", "a"] == list(modules.keys())
    assert "a" in modules
    assert len(modules) == 2
    modules["c"] = nn.GELU()
    modules.update([("a", nn.Sigmoid())])
    assert kinds(modules.values()) == "Tanh Sigmoid GELU"
    assert kinds([modules.pop("a")]) == "Sigmoid"
    del modules["c"]
    assert [key for key, _ in modules.items()] == ["b"]
    modules.clear()
    assert repr(modules) == "ModuleDict()"
    with pytest.raises(KeyError, match="already exists"):
        modules["keys"] = nn.Tanh()
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        modules["x"] = 3
    with pytest.raises(TypeError, match="mapping or pairs"):
        modules.update([3])
    with pytest.raises(KeyError, match="zz"):
        modules["zz"]


def test_parameter_list() -> None:
    values = nn.ParameterList([ad.ones(2), nn.Parameter(np.zeros(3)), 5])
    assert [type(v).__name__ for v in values] == ["Parameter", "Parameter", "int"]
    assert list(values.state_dict()) == ["0", "1"]
    values += [ad.ones(1)]
    values[-2] = ad.zeros(4)
    assert [v.shape for v in values] == [(2,), (3,), (4,), (1,)]
    assert len(values[1:]) == 3
    assert all(p.requires_grad for p in values.parameters())
    with pytest.raises(IndexError, match="index 4 is out of range"):
        values[4]
    with pytest.raises(TypeError, match="extend takes an iterable, got Tensor"):
        values.extend(ad.ones(2))


def test_parameter_dict() -> None:
    values = nn.ParameterDict({"b": ad.ones(2), "a": ad.zeros(3)})
    assert list(values) == ["a", "b"] == list(reversed(values))[::-1]
    assert list(values.state_dict()) == ["a", "b"]
    values["c"] = 3
    assert values.get("c") == 3
    assert values.get("zz", 4) == 4
    assert values.setdefault("d", ad.ones(1)).requires_grad
    assert list(values | nn.ParameterDict({"e": ad.ones(1)})) == ["a", "b", "c", "d", "e"]
    assert values.popitem()[0] == "d"
    assert values.pop("c") == 3
    assert list(values.fromkeys(["x", "y"], 1).values()) == [1, 1]
    assert values.copy()["a"] is values["a"]
    del values["a"]
    assert len(values) == 1
    assert "a" not in values
    values.clear()
    assert not list(values.parameters())
    with pytest.raises(KeyError, match="zz"):
        values["zz"]


def test_parameters_read_as_torchs_do(torch: Any) -> None:
    def text(lib: Any, ones: Any) -> list[str]:
        class Net(lib.Module):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.a = lib.ParameterList([ones(2)])
                self.b = lib.ParameterList([ones(2, 3), 5, lib.Tanh()])
                self.c = lib.ModuleDict({"x": lib.ModuleList([lib.Tanh(), lib.Tanh(), lib.ReLU()])})

        return repr(Net()).replace("torch.", "")

    assert text(nn, ad.ones) == text(torch.nn, torch.ones)
