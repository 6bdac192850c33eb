"""The reverse sweep: what grad() and backward() promise about graphs of any shape and derivatives of any order."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest

import autodiff as ad


def leaf(*values: float, dtype: Any = np.float64) -> ad.Tensor:
    return ad.tensor(np.array(values if len(values) != 1 else values[0], dtype), requires_grad=True)


def test_a_chain_of_a_hundred_thousand_operations() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_a_long_chain_is_dropped_without_deep_recursion() -> None:
    y = leaf(1.0)
    for _ in range(100_000):
        y = y * 1.0
    del y


def test_fan_out_is_complete_before_it_is_split() -> None:
    a = leaf(2.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.item() == 4.0


def test_diamonds_on_diamonds() -> None:
    x = leaf(0.5)
    y = x
    for _ in range(30):  # 2**30 paths
        y = y + y
    (g,) = ad.grad(y, x)
    assert g.item() == 2.0**30


def test_paths_of_unequal_length_meet() -> None:
    x = leaf(3.0)
    short, long = x * 2, x
    for _ in range(10):
        long = long * 1.5
    (g,) = ad.grad(short * long + x, x)
    assert g.item() == pytest.approx(4 * 3 * 1.5**10 + 1)


def test_gradients_add_up_over_backward_calls() -> None:
    x = leaf(3.0)
    (x * x).backward()
    (2 * x).backward()
    assert x.grad.item() == 8.0
    x.grad = None
    x.square().backward()
    assert x.grad.item() == 6.0


def test_accumulation_never_writes_into_another_tensors_gradient() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward()
    kept = y.grad.numpy().copy()
    (x * 10).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [11.0, 11.0])
    np.testing.assert_array_equal(y.grad.numpy(), kept)


def test_accumulation_never_writes_into_the_gradient_given() -> None:
    x, v = leaf(1.0, 2.0), ad.tensor(np.array([1.0, 10.0]))
    y = x + 0.0
    (y + x).backward(v)
    (x * 1.0).backward(v)
    np.testing.assert_array_equal(v.numpy(), [1.0, 10.0])
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 30.0])


def test_a_rule_that_hands_on_its_gradient_does_not_share_it() -> None:
    x, q = leaf(1.5, 2.5), leaf(0.0, 0.0)
    fraction, _ = np.modf(x)
    y = (fraction + q) * 2.0
    (y * 1.0 + x * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5.0, 5.0])
    np.testing.assert_array_equal(q.grad.numpy(), [2.0, 2.0])


def test_a_rule_that_returns_a_saved_operand_does_not_get_it_overwritten() -> None:
    half_square = ad.primitive(lambda g, x: x, name="half_square")(lambda x: x * x / 2)
    x = leaf(1.5, 2.5)
    (half_square(x) + x * 1.0).sum().backward()
    np.testing.assert_array_equal(x.detach().numpy(), [1.5, 2.5])
    np.testing.assert_array_equal(x.grad.numpy(), [2.5, 3.5])


# --- several outputs ---


def test_an_unused_output_has_no_gradient_rather_than_zeros() -> None:
    seen: list[Any] = []

    @ad.outputs(lambda g, x: seen.append([g[0], g[1]]) or g[0] * np.cos(x))
    def sine_and_cosine(x: Any) -> Any:
        return np.sin(x), np.cos(x)

    x = leaf(0.5)
    sine, _ = sine_and_cosine(x)
    sine.backward()
    assert x.grad.item() == pytest.approx(np.cos(0.5))
    assert seen[0][1] is None


def test_all_outputs_of_an_operation_feed_back() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    a, b = np.split(x, 2)
    (g,) = ad.grad((a * 2 + b * a).sum(), x)
    np.testing.assert_array_equal(g.numpy(), [5.0, 6.0, 1.0, 2.0])


def test_numpys_own_result_type_comes_back() -> None:
    result = np.linalg.slogdet(leaf(*[0.0] * 4).reshape(2, 2) + np.array([[3.0, 1.0], [0.0, 2.0]]))
    assert type(result).__name__ == "SlogdetResult"
    assert result.logabsdet.requires_grad


def test_grad_of_several_outputs_sums_and_weighs_them() -> None:
    x = leaf(2.0)
    (g,) = ad.grad([x * x, 3 * x], x, [ad.tensor(10.0, dtype=np.float64), None])
    assert g.item() == 43.0


def test_the_same_output_twice_counts_twice() -> None:
    x = leaf(2.0)
    y = x * x
    assert ad.grad([y, y], x)[0].item() == 8.0


def test_an_input_that_is_the_output() -> None:
    x = leaf(2.0)
    assert ad.grad(x, x)[0].item() == 1.0
    y = x * 3
    assert [g.item() for g in ad.grad(y, [y, x])] == [1.0, 3.0]


def test_the_same_input_twice() -> None:
    x = leaf(2.0)
    first, second = ad.grad(x * x, [x, x])
    assert first.item() == second.item() == 4.0


def test_gradients_of_inner_nodes() -> None:
    x = leaf(0.5)
    inner = np.sin(x)
    outer = inner * inner
    g_inner, g_x = ad.grad(outer, [inner, x])
    assert g_inner.item() == pytest.approx(2 * np.sin(0.5))
    assert g_x.item() == pytest.approx(2 * np.sin(0.5) * np.cos(0.5))


def test_grad_leaves_other_leaves_and_dot_grad_alone() -> None:
    x, w = leaf(2.0), leaf(3.0)
    ad.grad(x * w, x)
    assert x.grad is None
    assert w.grad is None


def test_unused_inputs_are_an_error_or_none() -> None:
    x, unused = leaf(2.0), leaf(3.0)
    with pytest.raises(ad.AutodiffError, match="input 1 .*not used.*allow_unused=True"):
        ad.grad(x * x, [x, unused])
    assert ad.grad(x * x, [x, unused], allow_unused=True)[1] is None


# --- retaining and freeing ---


def test_retain_graph_allows_another_backward() -> None:
    x = leaf(2.0)
    y = x**3
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24.0


def test_a_second_backward_through_a_freed_graph_says_what_to_do() -> None:
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(ad.AutodiffError, match=r"swept before.*multiply.*retain_graph=True"):
        y.backward()


def test_the_part_of_a_graph_that_was_not_swept_is_still_there() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * x
    ad.grad(z, y)
    assert ad.grad(y, x)[0].item() == 4.0


def test_a_branch_that_does_not_lead_to_the_inputs_is_not_swept() -> None:
    x, w = leaf(1.0), leaf(2.0)
    u, v = np.sin(x), np.exp(w)
    ad.grad(u + v, x)
    assert ad.grad(v, w)[0].item() == pytest.approx(np.exp(2.0))


def test_create_graph_retains() -> None:
    x = leaf(2.0)
    y = x**3
    (first,) = ad.grad(y, x, create_graph=True)
    (again,) = ad.grad(y, x)
    assert first.item() == again.item() == 12.0


# --- any order ---


def test_third_and_fourth_derivatives() -> None:
    x = leaf(0.7)
    y, expected = np.sin(x) * x, [0.7 * np.cos(0.7) + np.sin(0.7)]
    expected += [
        2 * np.cos(0.7) - 0.7 * np.sin(0.7),
        -3 * np.sin(0.7) - 0.7 * np.cos(0.7),
        -4 * np.cos(0.7) + 0.7 * np.sin(0.7),
    ]
    for value in expected:
        (y,) = ad.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(value, rel=1e-12)


def test_a_deep_chain_at_second_order() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    (g,) = ad.grad(y * y, x, create_graph=True)
    assert ad.grad(g, x)[0].item() == 2.0


def test_backward_with_create_graph_leaves_a_gradient_that_can_be_differentiated() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    (second,) = ad.grad(x.grad, x)
    assert second.item() == 12.0


def test_a_gradient_penalty_trains() -> None:
    w = leaf(0.5)
    (g,) = ad.grad(np.exp(w) * w, w, create_graph=True)
    (g * g).backward()
    first, second = np.exp(0.5) * 1.5, np.exp(0.5) * 2.5
    assert w.grad.item() == pytest.approx(2 * first * second)


def test_the_cotangent_can_be_differentiated() -> None:
    x, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (pulled,) = ad.grad(x * x, x, v, create_graph=True)
    (pushed,) = ad.grad(pulled, v, ad.ones(2, dtype=np.float64))
    np.testing.assert_array_equal(pushed.numpy(), [2.0, 4.0])


def test_a_gradient_without_create_graph_is_a_plain_value() -> None:
    x = leaf(2.0)
    (g,) = ad.grad(x * x, x)
    assert not g.requires_grad
    assert g.is_leaf


# --- hooks ---


def test_a_hook_sees_the_complete_gradient_and_may_replace_it() -> None:
    x = leaf(2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10)
    (y * 2 + y).backward()
    assert seen == [3.0]
    assert x.grad.item() == 90.0


def test_a_hook_on_a_leaf_and_its_removal() -> None:
    x = leaf(2.0)
    handle = x.register_hook(lambda g: g * 0)
    (x * x).backward()
    assert x.grad.item() == 0.0
    handle.remove()
    (x * x).backward()
    assert x.grad.item() == 4.0


def test_hooks_work_under_create_graph() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (g,) = ad.grad(y, x, create_graph=True)  # 2x * x
    assert ad.grad(g, x)[0].item() == 8.0


def test_hooks_and_retained_gradients_of_one_output_among_several() -> None:
    x = leaf(1.0, 2.0)
    first, second = np.split(x, 2)
    first.register_hook(lambda g: g * 10)
    second.retain_grad()
    (first * second).sum().backward()
    assert second.grad.tolist() == [1.0]
    assert x.grad.tolist() == [20.0, 1.0]


def test_a_hook_cannot_change_the_shape() -> None:
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ad.AutodiffError, match=r"hook.*shape \(\).*\(2,\)"):
        (x * 2).sum().backward()


def test_what_a_hook_writes_in_place_stays_its_own() -> None:
    x = leaf(1.0, 2.0)

    def spoil(g: ad.Tensor) -> None:
        g.numpy()[:] = -1

    y = x * 1.0
    y.register_hook(spoil)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 1.0])


def test_retain_grad_keeps_the_gradient_of_an_inner_tensor() -> None:
    x = leaf(2.0)
    inner, plain = x * 3, x * 4
    inner.retain_grad()
    (inner * inner + plain).backward()
    assert inner.grad.item() == 12.0
    assert plain.grad is None


def test_leaves_without_requires_grad_get_nothing() -> None:
    x, c = leaf(2.0), ad.tensor(3.0)
    (x * c).backward()
    assert c.grad is None


# --- values that changed ---


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.mul_(3),
        lambda w: w.__imul__(3),
        lambda w: w.__setitem__(0, 7.0),
        lambda w: w.T.mul_(3),
        lambda w: w[1:].fill_(0.0),
        lambda w: np.multiply(w, 3, out=w),
        lambda w: w.detach().zero_(),
        lambda w: w.copy_(ad.zeros(3, 2)),
    ],
)
def test_a_saved_value_written_in_place_is_noticed_also_through_a_view(write: Any) -> None:
    w = ad.tensor(np.ones((3, 2)), requires_grad=True)
    w.name = "W"
    x = ad.tensor(np.ones((4, 2)), requires_grad=True)
    y = (x @ w.T).sum()
    with ad.no_grad():
        write(w)
    with pytest.raises(ad.AutodiffError, match=r"matmul saved .*changed in place.*after backward"):
        y.backward()


def test_a_write_after_backward_or_before_forward_is_fine() -> None:
    w = leaf(1.0, 2.0)
    for _ in range(3):
        (w * w).sum().backward()
        with ad.no_grad():
            w -= 0.1 * w.grad
        w.grad = None


def test_a_write_to_what_no_rule_saved_is_fine() -> None:
    w = leaf(1.0, 2.0)
    y = (w + 1.0).sum()
    with ad.no_grad():
        w *= 5
    y.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [1.0, 1.0])


# --- shapes and dtypes of gradients ---


def test_a_gradient_has_the_shape_and_dtype_of_its_operand() -> None:
    a, b = ad.tensor(np.ones((1, 3), np.float32), requires_grad=True), leaf(*range(4)).reshape(4, 1)
    (g,) = ad.grad((a * b).sum(), a)
    assert (g.shape, g.dtype) == ((1, 3), np.float32)
    np.testing.assert_array_equal(g.numpy(), np.full((1, 3), 6.0))


def test_a_real_operand_of_a_complex_result_has_a_real_gradient() -> None:
    a = leaf(1.0, 2.0)
    (g,) = ad.grad((a * (1 + 2j)).real.sum(), a)
    assert g.dtype == np.float64


def test_float16_sums_do_not_stall() -> None:
    x = ad.tensor(np.zeros((), np.float16), requires_grad=True)
    (x + ad.tensor(np.zeros(4096, np.float16))).sum().backward()  # counting in float16 stalls at 2048
    assert x.grad.item() == 4096.0


def test_size_zero_graphs() -> None:
    x = ad.tensor(np.zeros((0, 3)), requires_grad=True)
    (np.exp(x) * 2).sum().backward()
    assert x.grad.shape == (0, 3)


# --- threads ---


def test_threads_sweep_their_own_graphs() -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            rng = np.random.default_rng(seed)
            for _ in range(100):
                x = ad.tensor(rng.normal(size=5), requires_grad=True)
                y = x
                for _ in range(5):
                    y = np.tanh(y) * x
                y.sum().backward()
                z = x.detach().requires_grad_()
                expected = ad.functional.grad(
                    lambda t: (np.tanh(np.tanh(np.tanh(np.tanh(np.tanh(t) * t) * t) * t) * t) * t).sum()
                )(z)
                np.testing.assert_allclose(x.grad.numpy(), expected.detach().numpy())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_threads_may_share_a_leaf() -> None:
    x = leaf(1.0, 2.0)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(ad.grad((x * x).sum(), x)[0].numpy())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for g in found:
        np.testing.assert_array_equal(g, [2.0, 4.0])


def test_a_branch_that_does_not_lead_to_the_input_is_neither_run_nor_freed() -> None:
    x, w = ad.tensor(1.0, requires_grad=True), ad.tensor(2.0, requires_grad=True)
    u, v = np.sin(x), np.exp(w)
    ran = []
    v.register_hook(lambda _: ran.append("exp"))
    (slope,) = ad.grad(u + v, x)
    assert slope.item() == pytest.approx(math.cos(1.0))
    assert not ran
    assert ad.grad(v, w)[0].item() == pytest.approx(math.exp(2.0))


def test_complex_outputs_need_their_gradient() -> None:
    z = ad.tensor(1.0 + 2.0j, requires_grad=True)
    with pytest.raises(ad.AutodiffError, match=r"complex output c64\[\] needs its gradient.*abs\(y\)"):
        (z * z).backward()
