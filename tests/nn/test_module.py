"""Module: the tree of attributes, its walks, its state dict and its errors."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import autodiff as ad
import nn


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.scale = nn.Parameter(np.ones(4, np.float32))
        self.register_buffer("seen", ad.zeros(1))
        self.register_buffer("cache", ad.zeros(2), persistent=False)
        self.body = nn.Sequential(nn.Dropout(0.2), nn.Flatten())

    def forward(self, x: ad.Tensor) -> ad.Tensor:
        return self.body(self.fc(x) * self.scale)


def names(pairs) -> list[str]:
    return [name for name, _ in pairs]


def test_walks_are_deterministic_and_in_the_order_of_assignment() -> None:
    model = nn.Sequential(Block(), nn.Linear(4, 2, bias=False))
    assert names(model.named_parameters()) == ["0.scale", "0.fc.weight", "0.fc.bias", "1.weight"]
    assert names(model.named_modules()) == ["", "0", "0.fc", "0.body", "0.body.0", "0.body.1", "1"]
    assert names(model.named_buffers()) == ["0.seen", "0.cache"]
    assert names(model[0].named_children()) == ["fc", "body"]
    assert list(model.state_dict()) == ["0.scale", "0.seen", "0.fc.weight", "0.fc.bias", "1.weight"]
    assert names(model.named_parameters(prefix="net"))[0] == "net.0.scale"
    assert names(model.named_parameters(recurse=False)) == []
    assert len(list(model.modules())) == 7
    assert len(list(model.buffers())) == 2


def test_every_parameter_is_named_by_its_path() -> None:
    model = nn.Sequential(OrderedDict(encoder=nn.Sequential(nn.Linear(2, 3)), head=nn.Linear(3, 1)))
    assert all(p.name == name for name, p in model.named_parameters())
    assert model.encoder[0].bias.name == "encoder.0.bias"


def test_a_name_given_by_the_user_and_a_first_name_of_a_shared_parameter_stay() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Linear(2, 2)
            self.decode = nn.Linear(2, 2)
            self.decode.weight = self.encode.weight
            self.gain = nn.Parameter(np.ones(1))

    own = nn.Parameter(np.ones(1))
    own.name = "temperature"
    model = nn.Sequential(Tied())
    model[0].gain = own
    assert model[0].decode.weight.name == "0.encode.weight"
    assert own.name == "temperature"


def test_a_shared_parameter_is_yielded_once_but_saved_under_both_keys() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert names(model.named_parameters()) == ["0.weight", "0.bias"]
    assert len(list(model.parameters())) == 2
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert names(model.named_parameters(remove_duplicate=False)) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert model(ad.ones(1, 2)).shape == (1, 2)
    assert len(model) == 3


def test_parameter_requires_grad_and_shares_what_it_is_given() -> None:
    array = np.zeros(2)
    parameter = nn.Parameter(array)
    assert parameter.requires_grad
    assert parameter.data is array
    assert repr(parameter).startswith("Parameter containing:\ntensor(")
    assert not nn.Parameter(ad.ones(2), requires_grad=False).requires_grad
    assert type(parameter * 2) is ad.Tensor


def test_repr_is_torchs(torch) -> None:

    def build(lib, base):
        class Block(base):
            def __init__(self) -> None:
                super().__init__()
                self.fc = lib.Linear(3, 4)
                self.act = lib.ReLU(inplace=True)
                self.body = lib.Sequential(lib.Dropout(0.2), lib.Flatten(), lib.ReLU())

            def extra_repr(self) -> str:
                return "width=3"

        return lib.Sequential(
            Block(), lib.Linear(4, 2, bias=False), lib.Tanh(), lib.Sigmoid(), lib.Sequential(), lib.CrossEntropyLoss()
        )

    assert repr(build(nn, nn.Module)) == repr(build(torch.nn, torch.nn.Module))


def test_train_and_eval_reach_every_module() -> None:
    model = nn.Sequential(Block())
    assert all(not m.training for m in model.eval().modules())
    assert all(m.training for m in model.train().modules())
    with pytest.raises(ValueError, match="boolean"):
        model.train("yes")


def test_zero_grad_forgets_or_fills() -> None:
    model = nn.Linear(2, 1)
    model(ad.ones(1, 2)).sum().backward()
    model.zero_grad(set_to_none=False)
    assert model.weight.grad.tolist() == [[0.0, 0.0]]
    model.zero_grad()
    assert model.weight.grad is None


def test_frozen_parameters_get_no_gradient() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].requires_grad_(False)
    model(ad.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None


def test_to_casts_in_place_what_floats_and_nothing_else() -> None:
    model = Block()
    model.register_buffer("count", ad.tensor([3]))
    weight = model.fc.weight
    model(ad.ones(1, 3)).sum().backward()
    assert model.to(np.float64) is model
    assert model.fc.weight is weight
    assert weight.dtype == weight.grad.dtype == model.seen.dtype == np.float64
    assert model.count.dtype.kind == "i"
    assert model(ad.ones(2, 3, dtype=np.float64)).dtype == np.float64
    with pytest.raises(TypeError, match="int64"):
        model.to(np.int64)


def test_apply_visits_children_first() -> None:
    seen = []
    model = nn.Sequential(nn.Sequential(nn.Tanh()))
    assert model.apply(seen.append) is model
    assert seen == [model[0][0], model[0], model]


def test_get_submodule_walks_a_path() -> None:
    model = nn.Sequential(Block())
    assert model.get_submodule("0.body.1") is model[0].body[1]
    assert model.get_submodule("") is model
    with pytest.raises(AttributeError, match=r"no submodule 'nope'; its children are: fc, body"):
        model.get_submodule("0.nope")


def test_forward_must_be_written() -> None:
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)


@pytest.mark.parametrize(("value", "what"), [(nn.Tanh(), "module"), (nn.Parameter(np.ones(1)), "parameters")])
def test_forgetting_super_init_is_said(value: object, what: str) -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.part = value

    with pytest.raises(AttributeError, match=rf"cannot assign {what} before Module.__init__\(\) call"):
        Forgetful()


def test_an_attribute_keeps_its_role() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"cannot assign 'Tensor' as parameter 'weight'"):
        model[0].weight = ad.ones(2, 2)
    with pytest.raises(TypeError, match=r"as child module '0'"):
        setattr(model, "0", 3)
    model[0].bias = None
    assert model(ad.ones(1, 2)).shape == (1, 2)
    assert names(model.named_parameters()) == ["0.weight"]
    model[0].bias = nn.Parameter(np.zeros(2, np.float32))
    assert names(model.named_parameters()) == ["0.weight", "0.bias"]
    del model[0].bias
    assert names(model.named_parameters()) == ["0.weight"]


def test_registration_refuses_bad_names_and_values() -> None:
    module = nn.Module()
    with pytest.raises(KeyError, match="must not be empty or contain a dot, got 'a.b'"):
        module.register_buffer("a.b", None)
    with pytest.raises(KeyError, match="already exists"):
        module.register_buffer("forward", None)
    with pytest.raises(TypeError, match="cannot assign 'int' object to buffer 'b'"):
        module.register_buffer("b", 3)
    with pytest.raises(TypeError, match="cannot assign 'Tensor' object to parameter 'p'"):
        module.register_parameter("p", ad.ones(1))
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        module.add_module("m", 3)
    module.register_buffer("b", ad.ones(1))
    with pytest.raises(TypeError, match="as buffer 'b'"):
        module.b = 3
    module.register_module("m", nn.Tanh())
    assert isinstance(module.m, nn.Tanh)


# --- state dicts ---------------------------------------------------------------------------------------------------


def test_a_state_dict_round_trips_and_shares_memory_with_the_model() -> None:
    source, target = Block(), Block()
    before = target.fc.weight
    keys = target.load_state_dict(source.state_dict())
    assert keys == ([], [])
    assert (keys.missing_keys, keys.unexpected_keys) == ([], [])
    assert target.fc.weight is before
    np.testing.assert_array_equal(target.fc.weight.data, source.fc.weight.data)
    source.state_dict()["scale"].data[0] = 7
    assert source.scale.data[0] == 7
    assert not source.state_dict()["scale"].requires_grad
    assert source.state_dict(keep_vars=True)["scale"] is source.scale


def test_loading_reports_all_that_is_wrong_at_once_and_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    state = {key: np.full(value.shape, 9.0) for key, value in before.items()}
    del state["0.bias"]
    state["extra"] = np.ones(1)
    state["1.weight"] = np.ones((3, 1))
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "loading state_dict for Sequential" in message
    assert 'Missing key(s) in state_dict: "0.bias"' in message
    assert 'Unexpected key(s) in state_dict: "extra"' in message
    assert "size mismatch for 1.weight: given shape (3, 1), expected (1, 3)" in message
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_loose_loading_returns_the_keys_but_not_wrong_shapes() -> None:
    model = nn.Linear(2, 1)
    keys = model.load_state_dict({"weight": np.ones((1, 2)), "other": np.ones(3)}, strict=False)
    assert keys.missing_keys == ["bias"]
    assert keys.unexpected_keys == ["other"]
    assert model.weight.tolist() == [[1.0, 1.0]]
    assert model.weight.dtype == np.float32
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        model.load_state_dict({"weight": np.ones((2, 1))}, strict=False)
    with pytest.raises(TypeError, match="dict-like"):
        model.load_state_dict([1])


def test_state_dict_keys_are_torchs_and_its_arrays_load(torch) -> None:
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    ours = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(ours(ad.tensor(x)).tolist(), theirs(torch.tensor(x)).tolist(), atol=1e-6)


def test_saved_weights_come_back(tmp_path) -> None:
    source, target = Block(), Block()
    nn.save(source.state_dict(), tmp_path / "weights.npz")
    target.load_state_dict(nn.load(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(target.fc.weight.data, source.fc.weight.data)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_model_is_independent_and_keeps_what_it_shares(twin) -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    other = twin(model)
    assert other[0] is other[2]
    assert isinstance(other[0].weight, nn.Parameter)
    assert other[0].weight.requires_grad
    assert other[0].weight.name == "0.weight"
    other[0].weight.data[...] = 0
    assert model[0].weight.data.any()
    other(ad.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is None


def test_call_passes_everything_to_forward() -> None:
    class Pair(nn.Module):
        def forward(self, a: int, *, b: int) -> tuple[int, int]:
            return a, b

    assert Pair()(1, b=2) == (1, 2)


# --- paths, casts, extra state -------------------------------------------------------------------------------------


def test_a_path_leads_to_a_parameter_or_a_buffer() -> None:
    model = nn.Sequential(Block())
    assert model.get_parameter("0.fc.weight") is model[0].fc.weight
    assert model.get_buffer("0.seen") is model[0].seen
    for ask, path, said in [
        (model.get_parameter, "0.seen", "'0.seen' is not a parameter"),
        (model.get_buffer, "0.fc.weight", "'0.fc.weight' is not a buffer"),
        (model.get_parameter, "0.fc.weights", "Linear has no attribute 'weights'; its state holds: weight, bias"),
        (model.get_buffer, "0.no.weight", "no submodule 'no'"),
    ]:
        with pytest.raises(AttributeError, match=said):
            ask(path)


def test_a_submodule_is_put_at_a_path() -> None:
    model = nn.Sequential(Block())
    model.set_submodule("0.fc", nn.Identity())
    model.set_submodule("0.body.2", nn.Tanh())
    assert isinstance(model[0].fc, nn.Identity)
    assert len(model[0].body) == 3
    with pytest.raises(AttributeError, match="no submodule 'new'"):
        model.set_submodule("0.new", nn.Tanh(), strict=True)
    with pytest.raises(ValueError, match="empty"):
        model.set_submodule("", nn.Tanh())
    with pytest.raises(ValueError, match="takes a Module, got int"):
        model.set_submodule("0.fc", 3)


def test_casts_by_name_and_by_device() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert model.double()[0].weight.dtype == np.float64
    assert model.half()[1].running_var.dtype == np.float16
    assert model.float()[1].num_batches_tracked.dtype == np.int64
    assert model.to("cpu") is model.cpu() is model.to(device="cpu")
    assert model.to(ad.ones(1, dtype=np.float64))[0].bias.dtype == np.float64
    assert model.type(np.float32)[1].num_batches_tracked.dtype == np.float32
    with pytest.raises(ValueError, match="the only device is 'cpu'"):
        model.to("cuda")


def test_loading_may_take_the_tensors_themselves() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    model[0].weight.requires_grad_(False)
    state = {key: ad.ones(*value.shape, dtype=np.float64) for key, value in model.state_dict().items()}
    model.load_state_dict(state, assign=True)
    assert model[0].weight.data is state["0.weight"].data
    assert model[0].weight.dtype == np.float64
    assert not model[0].weight.requires_grad
    assert model[1].bias.requires_grad
    assert model[1].running_mean.data is state["1.running_mean"].data


def test_a_module_may_save_what_is_no_tensor() -> None:
    class Counting(nn.Module):
        seen = 3

        def get_extra_state(self) -> object:
            return {"seen": self.seen}

        def set_extra_state(self, state: object) -> None:
            self.seen = state["seen"]

    source, target = nn.Sequential(Counting()), nn.Sequential(Counting())
    source[0].seen = 5
    assert source.state_dict() == {"0._extra_state": {"seen": 5}}
    assert target.load_state_dict(source.state_dict()) == ([], [])
    assert target[0].seen == 5
    with pytest.raises(RuntimeError, match='Missing key.*"0._extra_state"'):
        target.load_state_dict({})


def test_a_parameter_may_start_empty() -> None:
    assert nn.Parameter().shape == (0,)


def test_what_loading_answers_reads_as_torchs() -> None:
    layer = nn.Linear(1, 1)
    assert repr(layer.load_state_dict(layer.state_dict())) == "<All keys matched successfully>"
    answer = layer.load_state_dict({"bias": layer.bias}, strict=False)
    assert repr(answer) == "IncompatibleKeys(missing_keys=['weight'], unexpected_keys=[])"
