"""Hooks around calls, backward passes and state dicts, as torch runs them; errors that say where they rose."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn


def play(lib: Any, tensor: Any, use: Any) -> list[Any]:
    """Return what hooks heard in a small model of either library."""
    model = lib.Sequential(lib.Linear(2, 3), lib.Tanh(), lib.Linear(3, 1)).double()
    state = {key: np.cos(np.arange(v.numpy().size)).reshape(v.shape) for key, v in model.state_dict().items()}
    model.load_state_dict({key: tensor(value) for key, value in state.items()})
    log: list[Any] = []
    x = tensor(np.array([[0.5, -1.0], [2.0, 0.25]]))
    x.requires_grad_()
    use(model, x, log, tensor)
    values = [x.grad, *(p.grad for p in model.parameters())]
    return [*log, *(None if v is None else v.numpy().round(12).tolist() for v in values)]


def numbers(grads: Any) -> Any:
    return [None if g is None else g.detach().numpy().round(12).tolist() for g in grads]


def forward_order(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    model[0].register_forward_pre_hook(lambda m, args: log.append(("pre 1", len(args))))
    model[0].register_forward_pre_hook(lambda m, args: log.append("pre 0"), prepend=True)
    model[0].register_forward_hook(lambda m, args, y: log.append(("after", tuple(y.shape))))
    model[0].register_forward_hook(lambda m, args, kw, y: log.append(("first", kw)), prepend=True, with_kwargs=True)
    model(x).sum().backward()


def forward_changes(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    model[0].register_forward_pre_hook(lambda m, args: args[0] * 2)
    model[1].register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    model[1].register_forward_hook(lambda m, args, y: y * args[0])
    model[2].register_forward_pre_hook(lambda m, args, kw: ((args[0] * 3,), kw), with_kwargs=True)
    model(x).sum().backward()


def backward_order(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    for i, layer in enumerate([*model, model]):
        layer.register_full_backward_pre_hook(lambda m, gy, i=i: log.append((i, "pre", numbers(gy))))
        layer.register_full_backward_hook(lambda m, gx, gy, i=i: log.append((i, numbers(gx), numbers(gy))))
        layer.register_full_backward_hook(lambda m, gx, gy, i=i: log.append((i, "first")), prepend=True)
    model(x).sum().backward()


def backward_changes(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    model[0].register_full_backward_hook(lambda m, gx, gy: (gx[0] * 3,))
    model[1].register_full_backward_hook(lambda m, gx, gy: (gx[0] + gy[0],))
    model[2].register_full_backward_pre_hook(lambda m, gy: (gy[0] * 2,))
    model(x).sum().backward()


def no_input_needs_one(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    model[0].register_full_backward_hook(lambda m, gx, gy: log.append((numbers(gx), numbers(gy))))
    model(x.detach()).sum().backward()


def taken_away(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    handle = model[0].register_forward_hook(lambda m, args, y: log.append("never"))
    handle.remove()
    with model[0].register_forward_hook(lambda m, args, y: log.append("once")):
        model(x)
    model(x)


def through_state(model: Any, x: Any, log: list[Any], tensor: Any) -> None:
    model[0].register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("saving", prefix, keep)))
    model[2].register_state_dict_post_hook(lambda m, state, prefix, meta: log.append((prefix, list(state))))

    def rename(m: Any, state: Any, prefix: str, *rest: Any) -> None:
        log.append((prefix, rest[1], rest[-1]))
        state[prefix + "weight"] = state.pop(prefix + "w")

    def loaded(m: Any, keys: Any) -> None:
        log.append((list(keys.missing_keys), list(keys.unexpected_keys)))
        keys.missing_keys.clear()

    model[2].register_load_state_dict_pre_hook(rename)
    model.register_load_state_dict_post_hook(loaded)
    state = dict(model.state_dict(prefix="net."))
    log.append(list(state))
    state = dict(model.state_dict())
    state["2.w"] = state.pop("2.weight")
    del state["0.bias"]
    state["z"] = state["2.w"]
    log.append(tuple(map(list, model.load_state_dict(state, strict=False))))
    model(x).sum().backward()


@pytest.mark.parametrize(
    "use",
    [
        forward_order,
        forward_changes,
        backward_order,
        backward_changes,
        no_input_needs_one,
        taken_away,
        through_state,
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
def test_hooks_run_as_in_torch(torch: Any, use: Any) -> None:
    assert play(nn, ad.tensor, use) == play(torch.nn, torch.tensor, use)


def test_a_call_hook_runs_after_an_error_if_asked() -> None:
    layer, log = nn.Linear(2, 1), []
    layer.register_forward_hook(lambda m, args, y: log.append("plain"))
    layer.register_forward_hook(lambda m, args, y: log.append(y), always_call=True)
    with pytest.raises(ValueError, match="linear"):
        layer(ad.ones(1, 3))
    assert log == [None]


def test_two_inputs_and_two_outputs_are_watched() -> None:
    class Both(nn.Module):
        def forward(self, a: Any, n: int, b: Any) -> Any:
            return a * b, n, a + b

    both, log = Both(), []
    both.register_full_backward_hook(lambda m, gx, gy: log.append((numbers(gx), numbers(gy))))
    a, b = ad.tensor([2.0], requires_grad=True), ad.tensor([5.0], requires_grad=True)
    product, n, total = both(a, 7, b)
    (product + 10 * total).backward()
    assert n == 7
    assert log == [([[15.0], None, [12.0]], [[1.0], None, [10.0]])]
    assert (a.grad.tolist(), b.grad.tolist()) == ([15.0], [12.0])


def test_the_watched_pass_is_differentiable() -> None:
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, gx, gy: (gx[0] * 2,))
    x = ad.tensor([0.3], requires_grad=True, dtype=float)
    (g,) = ad.grad(layer(x).sum(), x, create_graph=True)
    (h,) = ad.grad(g.sum(), x)
    t = np.tanh(0.3)
    np.testing.assert_allclose(g.tolist(), [2 * (1 - t * t)])
    np.testing.assert_allclose(h.tolist(), [-8 * t * (1 - t * t)])  # doubled a second time on its way


def test_wrong_answers_of_hooks_are_refused() -> None:
    layer = nn.Tanh()
    x = ad.ones(2, requires_grad=True)
    with (
        layer.register_full_backward_hook(lambda m, gx, gy: (gx[0], gx[0])),
        pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"),
    ):
        layer(x).sum().backward()
    with (
        layer.register_forward_pre_hook(lambda m, args, kw: args, with_kwargs=True),
        pytest.raises(RuntimeError, match=r"\(new_args, new_kwargs\), but got tuple"),
    ):
        layer(x)


def test_a_copy_has_hooks_of_its_own() -> None:
    layer, log = nn.Tanh(), []
    handle = layer.register_forward_hook(lambda m, args, y: log.append(1))
    other = copy.deepcopy(layer)
    handle.remove()
    layer(ad.ones(1))
    assert not log
    other(ad.ones(1))
    assert log == [1]


# --- where an error rose -------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Tanh(), nn.Linear(3, 2))
        self.heads = nn.ModuleList([nn.Linear(2, 1)])

    def forward(self, x: Any) -> Any:
        return self.heads[0](self.encoder(x))


def notes(model: Any, x: Any) -> list[str]:
    with pytest.raises(ValueError, match="linear") as caught:
        model(x)
    return caught.value.__notes__


def test_an_error_names_the_layer_by_its_path() -> None:
    model = Net()
    assert notes(model, ad.ones(1, 5)) == ["in model.encoder.1 (Linear)"]
    assert notes(model.encoder, ad.ones(1, 5)) == ["in model.1 (Linear)"]
    assert notes(nn.Linear(3, 2), ad.ones(1, 5)) == ["in Linear"]
    model.encoder = nn.Identity()
    model.register_forward_hook(lambda m, args, y: None)
    assert notes(model, ad.ones(1, 3)) == ["in model.heads.0 (Linear)"]
