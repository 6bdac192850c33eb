"""Flat memory behind the optimizers: whatever is done to a parameter, the next step is torch's; three equal forms."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import tape
from autodiff.kernels import compiled
from autodiff.primitive import registry
from nn import optim
from nn.optim import optimizer as shared
from nn.optim.adadelta import adadelta
from nn.optim.adagrad import adagrad
from nn.optim.adam import adam
from nn.optim.adamax import adamax
from nn.optim.asgd import asgd
from nn.optim.lion import lion
from nn.optim.nadam import nadam
from nn.optim.passes import program
from nn.optim.radam import radam
from nn.optim.rmsprop import rmsprop
from nn.optim.rprop import rprop
from nn.optim.sgd import sgd

SHAPES = [(3, 4), (3,), (2, 3), ()]
METHODS: dict[str, Callable[..., Any]] = {
    "SGD": lambda lib, ps: lib.SGD(ps, 0.1),
    "momentum": lambda lib, ps: lib.SGD(ps, 0.1, 0.9, weight_decay=0.1),
    "Adam": lambda lib, ps: lib.Adam(ps, 0.1, weight_decay=0.1),
    "AdamW": lambda lib, ps: lib.AdamW(ps, 0.1, amsgrad=True),
    "RMSprop": lambda lib, ps: lib.RMSprop(ps, 0.1, momentum=0.5),
    "Adagrad": lambda lib, ps: lib.Adagrad(ps, 0.1, lr_decay=0.1, initial_accumulator_value=0.5),
    "NAdam": lambda lib, ps: lib.NAdam(ps, 0.1),
}


@pytest.fixture(params=["numpy", "compiled"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run every test with NumPy's kernels and with the compiled loops."""
    if request.param == "compiled":
        pytest.importorskip("numba")
        monkeypatch.setattr(shared, "SMALL", 0)
        yield
    else:
        with compiled.without():
            yield


def values(seed: int, dtype: Any = np.float64) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]


class Side:
    """One library's parameters and optimizer, driven alike."""

    def __init__(self, lib: Any, tensor: Any, make: Any, no_grad: Any, init: Any, ours: bool) -> None:
        self.lib, self.tensor, self.make, self.no_grad, self.init, self.ours = lib, tensor, make, no_grad, init, ours
        self.params = [lib.Parameter(tensor(a)) for a in values(0)]
        self.optimizer = make(self.params)

    def step(self, seed: int, params: Any = None, skip: tuple[int, ...] = ()) -> None:
        for i, (p, g) in enumerate(zip(params or self.params, values(seed), strict=True)):
            p.grad = None if i in skip else self.tensor(g.astype(p.detach().numpy().dtype))
        self.optimizer.step()


@pytest.fixture(params=METHODS)
def sides(request: pytest.FixtureRequest, torch: Any) -> Iterator[list[Side]]:
    method = METHODS[request.param]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # what it keeps of numbers, too
    yield [
        Side(nn, ad.tensor, lambda ps: method(optim, ps), ad.no_grad, nn.init, True),
        Side(torch.nn, torch.tensor, lambda ps: method(torch.optim, ps), torch.no_grad, torch.nn.init, False),
    ]
    torch.set_default_dtype(before)


def agree(sides: list[Side], rtol: float = 1e-11) -> None:
    for p, q in zip(sides[0].params, sides[1].params, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=rtol, atol=rtol)


def flats(side: Side) -> list[Any]:
    return [flat for _, _, every in side.optimizer._laid.values() for flat in every]


def moved(side: Side) -> bool:
    """Say whether every parameter is a view of its group's flat memory."""
    for flat in flats(side):
        if len(flat.homes) != 1 or not all(np.shares_memory(p.data, flat.homes[0]) for p in flat.params):
            return False
    return {id(p) for flat in flats(side) for p in flat.params} == {id(p) for p in side.params}


# --- whatever is done to a parameter, and one more step --------------------------------------------------------------


def load_module(side: Side) -> None:
    model = side.lib.Module()
    for name, p in zip("abcd", side.params, strict=True):
        setattr(model, name, p)
    model.load_state_dict({name: side.tensor(a) for name, a in zip("abcd", values(20), strict=True)})


def load_optimizer(side: Side) -> None:
    side.optimizer.load_state_dict(copy.deepcopy(side.optimizer.state_dict()))


def write(side: Side) -> None:
    with side.no_grad():
        side.params[0] *= 0.5
        side.params[1][1:] = 2.0
        side.params[2].add_(1.0)


def initialise(side: Side) -> None:
    side.init.ones_(side.params[0])
    side.init.constant_(side.params[2], 0.25)


def replace_data(side: Side) -> None:
    side.params[0].data = side.tensor(values(21)[0])
    side.params[3].data = side.tensor(values(21)[3])


def replace_in_part(side: Side) -> None:
    side.params[1].data[:2] = 0.125


def no_gradient(side: Side) -> None:
    side.step(22, skip=(0, 2))
    side.step(23, skip=(1,))


def freeze(side: Side) -> None:
    side.params[1].requires_grad_(False)
    side.params[1].grad = None
    side.step(24, skip=(1,))
    side.params[1].requires_grad_(True)


def zero_state(side: Side) -> None:
    for state in side.optimizer.state.values():
        for name in ("exp_avg", "momentum_buffer"):
            if name in state:
                state[name].zero_()


def replace_state(side: Side) -> None:
    for state in side.optimizer.state.values():
        for name in ("exp_avg", "momentum_buffer"):
            if name in state:
                state[name] = side.tensor(np.ones(state[name].shape))


def second_optimizer(side: Side) -> None:
    first, side.optimizer = side.optimizer, side.make(side.params)
    side.step(25)
    side.step(26)
    side.optimizer = first


def new_optimizer(side: Side) -> None:
    side.optimizer = side.make(side.params)


def pickled(side: Side) -> None:
    side.params, side.optimizer = pickle.loads(pickle.dumps((side.params, side.optimizer)))


def copied(side: Side) -> None:
    side.params, side.optimizer = copy.deepcopy((side.params, side.optimizer))


KEPT = [load_module, write, initialise, replace_in_part]
REBUILT = [zero_state, load_optimizer, replace_data, freeze, no_gradient, replace_state, new_optimizer, pickled, copied]


@pytest.mark.parametrize("event", [*KEPT, *REBUILT, second_optimizer], ids=lambda f: f.__name__)
def test_the_next_step_is_torchs(sides: list[Side], event: Callable[[Side], None]) -> None:
    for side in sides:
        side.step(1)
        side.step(2)
    assert moved(sides[0])
    before = [p.data for p in sides[0].params] if event in KEPT else []  # held by us, an array would not be moved
    for side in sides:
        event(side)
        if before and side.ours:
            assert all(p.data is view for p, view in zip(side.params, before, strict=True))
    del before
    for side in sides:
        side.step(3)
    if event is not second_optimizer:
        assert moved(sides[0])
    for side in sides:
        side.step(4)
    agree(sides)


def test_groups_may_be_added_and_hold_several_dtypes(sides: list[Side]) -> None:
    for side in sides:
        halves = [np.float32, np.float64, np.float32, np.float64]
        side.params = [side.lib.Parameter(side.tensor(a.astype(d))) for a, d in zip(values(0), halves, strict=True)]
        side.optimizer = side.make(side.params[:2])
        side.step(1)
        side.optimizer.add_param_group({"params": side.params[2:], "lr": 0.2})
        side.step(2)
        side.step(3)
    assert [p.dtype for p in sides[0].params] == halves
    assert moved(sides[0])
    agree(sides, rtol=1e-5)


def test_a_model_cast_to_another_dtype_goes_on(sides: list[Side]) -> None:
    for side in sides:
        model = side.lib.Module()
        for name, a in zip("abcd", values(0, np.float32), strict=True):
            setattr(model, name, side.lib.Parameter(side.tensor(a)))
        side.params = list(model.parameters())
        side.optimizer = side.make(side.params)
        side.step(1)
        if side.ours:
            model.to(np.float64)
        else:
            model.double()
            for state in side.optimizer.state.values():
                state.update({name: value.double() for name, value in state.items() if name != "step"})
        side.step(2)
    assert all(p.dtype == np.float64 for p in sides[0].params)
    agree(sides, rtol=1e-5)


def test_a_parameter_used_twice_and_two_parameters_of_one_array(sides: list[Side]) -> None:
    for side in sides:
        side.params[2] = side.lib.Parameter(side.tensor(values(0)[2]))
        side.params[0].data = side.params[0].data.reshape(4, 3)
        side.params[0].data = side.params[0].data[:2]  # a view, the shape of the third
        side.params[2].data = side.params[0].data  # now one memory
        side.optimizer = side.make(side.params)
        for seed in (1, 2):
            for p, g in zip(side.params, [values(seed)[2], *values(seed)[1:]], strict=True):
                p.grad = side.tensor(g)
            side.optimizer.step()
    assert np.shares_memory(sides[0].params[0].data, sides[0].params[2].data)
    agree(sides)


def test_a_parameter_replaced_in_the_module_is_the_optimizers_no_more(sides: list[Side]) -> None:
    for side in sides:
        model = side.lib.Module()
        for name, p in zip("abcd", side.params, strict=True):
            setattr(model, name, p)
        side.step(1)
        model.a = side.lib.Parameter(side.tensor(values(30)[0]))
        side.step(2, params=list(model.parameters()))
        side.params = [*model.parameters(), side.params[0]][1:]
    agree(sides)


# --- aliases ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("late", [False, True])
def test_an_alias_of_a_parameter_sees_every_step(method: str, late: bool) -> None:
    own = np.ones((2, 3))
    p, q = nn.Parameter(own), nn.Parameter(np.ones(3))
    optimizer = METHODS[method](optim, [p, q])
    aliases: list[Any] = []

    def take() -> None:
        aliases.extend([p.detach().data, q.data[1:], q.data.reshape(3, 1), memoryview(q.data)])

    for step in range(3):
        if step == late:
            take()
        p.grad, q.grad = ad.ones(2, 3), ad.ones(3)
        if step == 1:
            q.grad = None  # laid out anew
        optimizer.step()
    np.testing.assert_array_equal(aliases[0], p.data)
    np.testing.assert_array_equal(aliases[1], q.data[1:])
    np.testing.assert_array_equal(aliases[2][:, 0], q.data)
    np.testing.assert_array_equal(np.asarray(aliases[3]), q.data)
    np.testing.assert_array_equal(own, p.data)  # the user's own array


def test_memory_of_somebody_elses_is_not_left() -> None:
    raw = bytearray(np.ones(3))
    p = nn.Parameter(np.frombuffer(memoryview(raw)).reshape(3))
    p.grad = ad.tensor(np.ones(3))
    optim.SGD([p], 1.0).step()
    np.testing.assert_array_equal(np.frombuffer(raw), 0)


def test_a_read_only_parameter_is_refused() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    p = nn.Parameter(array)
    p.grad = ad.tensor(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([p]).step()


def test_a_write_to_one_parameter_is_none_to_its_neighbours() -> None:
    p, q = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))
    optimizer = optim.SGD([p, q], 0.5)
    p.grad, q.grad = ad.tensor(np.ones(2)), ad.tensor(np.ones(2))
    optimizer.step()
    assert tape.memory(p.data) is not tape.memory(q.data)
    x = ad.tensor(np.ones(2), requires_grad=True)
    with_p = (p * x).sum()
    with ad.no_grad():
        q *= 2
    with_p.backward()
    stale = (p * x).sum()
    optimizer.step()
    with pytest.raises(ad.AutodiffError, match="changed in place"):
        stale.backward()


@pytest.mark.parametrize("method", METHODS)
def test_the_axis_order_of_a_parameter_is_kept(method: str) -> None:
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 3, 4, 5))

    def trained(layout: Callable[[Any], Any], given: Callable[[Any], Any]) -> nn.Parameter:
        p = nn.Parameter(layout(start.copy()))
        optimizer = METHODS[method](optim, [p, nn.Parameter(np.ones(1))])
        for g in grads:
            p.grad = ad.as_tensor(given(g.copy()))
            optimizer.step()
        return p

    last = lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)  # noqa: E731
    plain = trained(np.ascontiguousarray, np.ascontiguousarray)
    for layout, given in ((last, last), (last, np.ascontiguousarray), (np.ascontiguousarray, last)):
        p = trained(layout, given)
        assert p.data.strides == layout(start).strides
        np.testing.assert_array_equal(p.data, plain.data)
    strided = trained(lambda a: np.repeat(a, 2, axis=-1)[..., ::2], np.ascontiguousarray)
    np.testing.assert_array_equal(strided.data, plain.data)


# --- three forms of one update ----------------------------------------------------------------------------------------

SETTINGS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda ps: optim.SGD(ps, 0.1),
    "decay": lambda ps: optim.SGD(ps, 0.1, weight_decay=0.1),
    "momentum": lambda ps: optim.SGD(ps, 0.1, 0.9),
    "dampening": lambda ps: optim.SGD(ps, 0.1, 0.9, 0.3, 0.1),
    "Nesterov": lambda ps: optim.SGD(ps, 0.1, 0.9, nesterov=True, maximize=True),
    "Nesterov, decay": lambda ps: optim.SGD(ps, 0.1, 0.9, 0, 0.1, True),
    "Adam": lambda ps: optim.Adam(ps, 0.1),
    "Adam, decay": lambda ps: optim.Adam(ps, 0.1, weight_decay=0.1, maximize=True),
    "amsgrad": lambda ps: optim.Adam(ps, ad.tensor(0.1), amsgrad=True),
    "AdamW": lambda ps: optim.AdamW(ps, 0.1),
    "AdamW, amsgrad": lambda ps: optim.AdamW(ps, 0.1, amsgrad=True),
    "RMSprop": lambda ps: optim.RMSprop(ps, 0.1, weight_decay=0.1),
    "RMSprop, momentum": lambda ps: optim.RMSprop(ps, 0.1, momentum=0.9, maximize=True),
    "RMSprop, centered": lambda ps: optim.RMSprop(ps, 0.1, centered=True, eps=0.1),
    "RMSprop, both": lambda ps: optim.RMSprop(ps, 0.1, 0.9, 0.1, 0.1, 0.9, True),
    "Adagrad": lambda ps: optim.Adagrad(ps, 0.1, 0.1, 0.1, 0.5),
    "Adamax": lambda ps: optim.Adamax(ps, 0.1, weight_decay=0.1),
    "NAdam": lambda ps: optim.NAdam(ps, 0.1, weight_decay=0.1, momentum_decay=0.1),
    "NAdam, decoupled": lambda ps: optim.NAdam(ps, 0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "RAdam": lambda ps: optim.RAdam(ps, 0.1, (0.9, 0.8), weight_decay=0.1),
    "RAdam, decoupled": lambda ps: optim.RAdam(ps, ad.tensor(0.1), weight_decay=0.1, decoupled_weight_decay=True),
    "Adadelta": lambda ps: optim.Adadelta(ps, 0.1, weight_decay=0.1),
    "Rprop": lambda ps: optim.Rprop(ps, 0.1, step_sizes=(0.08, 0.13)),
    "ASGD": lambda ps: optim.ASGD(ps, 0.1, 0.1, t0=1, weight_decay=0.1),
    "Lion": lambda ps: optim.Lion(ps, 0.1, weight_decay=0.1),
    "Adagrad, plain": lambda ps: optim.Adagrad(ps, maximize=True),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_functional_form_gives_the_same_bits(name: str, dtype: Any) -> None:
    finals = []
    for traced in (False, True):
        params = [nn.Parameter(a) for a in values(0, dtype)]
        optimizer = SETTINGS[name](params)
        step = ad.trace(optimizer.step) if traced else optimizer.step
        for seed in range(1, 4):
            for p, g in zip(params, values(seed, dtype), strict=True):
                p.grad = ad.tensor(g)
            step()
        finals.append(
            [params, *[[s[key] for s in optimizer.state.values()] for key in optimizer.state.get(params[0], ())]]
        )
    for ours, theirs in zip(*finals, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a.data, b.data, strict=True)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 0.0])
@pytest.mark.parametrize("name", SETTINGS)
def test_special_values_do_too(name: str, special: float) -> None:
    finals = []
    for traced in (False, True):
        p = nn.Parameter(np.array([1.0, special, 2.0], np.float32))
        optimizer = SETTINGS[name]([p])
        step = ad.trace(optimizer.step) if traced else optimizer.step
        for g in ([special, 1.0, 3.0], [1.0, 1.0, 1.0]):
            p.grad = ad.tensor(np.array(g, np.float32))
            with np.errstate(all="ignore"):
                step()
        finals.append(p.data)
    np.testing.assert_array_equal(*finals)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_step_makes_no_temporaries(name: str) -> None:
    params = [nn.Parameter(np.ones(2**16, np.float32)), nn.Parameter(np.ones(2**16, np.float32))]
    optimizer = SETTINGS[name](params)
    for p in params:
        p.grad = ad.ones(2**16)
    for _ in range(2):
        optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**15


@pytest.mark.parametrize(
    ("method", "form"),
    [
        (optim.SGD, sgd),
        (optim.Adam, adam),
        (optim.AdamW, adam),
        (optim.RMSprop, rmsprop),
        (optim.Adagrad, adagrad),
        (optim.Adamax, adamax),
        (optim.NAdam, nadam),
        (optim.RAdam, radam),
        (optim.Adadelta, adadelta),
        (optim.Rprop, rprop),
        (optim.ASGD, asgd),
        (optim.Lion, lion),
    ],
)
def test_an_update_is_an_entry_without_derivative_that_knows_its_functional_form(method: Any, form: Any) -> None:
    entry = registry[method._kernel]
    assert not entry.differentiable
    assert entry.kernel is form


def test_the_optimizers_of_a_trace_and_of_plain_steps_are_one() -> None:
    p = nn.Parameter(np.ones(3))
    optimizer = optim.Adam([p])
    run = SimpleNamespace(plain=optimizer.step, traced=ad.trace(optimizer.step))
    q = nn.Parameter(np.ones(3))
    other = optim.Adam([q])
    for way in ("plain", "traced", "traced", "plain"):
        p.grad = q.grad = ad.tensor(np.ones(3))
        getattr(run, way)()
        other.step()
    np.testing.assert_array_equal(p.data, q.data)
    assert optimizer.state[p]["step"].item() == 4


def test_passes_take_a_form_of_plain_operations_alone() -> None:
    with pytest.raises(TypeError, match="plain operations on what it is given"):
        program(lambda p, g: (p - g * 2.0,), ("", ""))
    steps, copies, count = program(lambda p, g, m, lr: (p - g * lr, m), ("", "", "", ""))
    assert (steps, copies, count) == ([(np.multiply, (1, 3), 1), (np.subtract, (0, 1), 0)], [], 0)
