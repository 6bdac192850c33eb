"""no_grad, enable_grad, set_grad_enabled and detect_anomaly: as blocks, as decorators, per thread, and after errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad


def leaf() -> ad.Tensor:
    return ad.tensor([1.0, 2.0], requires_grad=True)


def records() -> bool:
    recorded = (leaf() * 2).requires_grad
    assert recorded == ad.is_grad_enabled()
    return bool(recorded)


def test_blocks_nest() -> None:
    assert records()
    with ad.no_grad():
        assert not records()
        with ad.enable_grad():
            assert records()
            with ad.no_grad():
                assert not records()
            assert records()
        assert not records()
    assert records()


@pytest.mark.parametrize("decorate", [ad.no_grad, ad.no_grad()])
def test_as_decorators_with_and_without_parentheses(decorate: Any) -> None:
    @decorate
    def evaluate() -> bool:
        """Say whether it records."""
        return records()

    assert not evaluate()
    assert records()
    assert evaluate.__name__ == "evaluate"
    assert evaluate.__doc__ == "Say whether it records."


def test_a_decorated_function_may_call_itself() -> None:
    @ad.no_grad()
    def count(n: int) -> int:
        assert not records()
        return n if n == 0 else count(n - 1)

    count(3)
    assert records()


def test_enable_grad_decorates_inside_no_grad() -> None:
    @ad.enable_grad()
    def train() -> bool:
        return records()

    with ad.no_grad():
        assert train()
        assert not records()


@pytest.mark.parametrize("mode", [ad.no_grad, ad.enable_grad, lambda: ad.set_grad_enabled(False), ad.detect_anomaly])
def test_an_error_restores_the_mode(mode: Any) -> None:
    with pytest.raises(KeyError), mode():
        raise KeyError
    assert records()


def test_set_grad_enabled_as_a_statement_and_as_a_block() -> None:
    ad.set_grad_enabled(False)
    assert not records()
    ad.set_grad_enabled(True)
    assert records()
    with ad.set_grad_enabled(False):
        assert not records()
        with ad.set_grad_enabled(True):
            assert records()
        assert not records()
    assert records()


def test_set_grad_enabled_as_a_decorator() -> None:
    @ad.set_grad_enabled(False)
    def evaluate() -> bool:
        return records()

    assert records()
    assert not evaluate()
    assert not evaluate()
    assert records()


def test_a_block_object_can_be_used_again() -> None:
    quiet = ad.no_grad()
    for _ in range(2):
        with quiet:
            assert not records()
        assert records()
    with quiet, quiet:
        assert not records()
    assert records()


def test_a_decorated_generator_is_quiet_only_while_it_runs() -> None:
    @ad.no_grad()
    def batches() -> Iterator[Any]:
        for _ in range(2):
            got = yield records()
            assert got is None or got == "sent"
            assert not records()

    assert [(quiet, records()) for quiet in batches()] == [(False, True), (False, True)]
    running = batches()
    next(running)
    running.send("sent")
    assert records()


def test_a_decorated_generator_takes_throw_close_and_returns() -> None:
    events = []

    @ad.no_grad()
    def generator() -> Iterator[int]:
        try:
            yield 1
        except KeyError:
            events.append(("thrown", records()))
        try:
            yield 2
        finally:
            events.append(("closed", records()))
        return 3

    running = generator()
    assert next(running) == 1
    assert running.throw(KeyError()) == 2
    running.close()
    assert events == [("thrown", False), ("closed", False)]
    assert records()

    def outer() -> Iterator[int]:
        events.append((yield from generator()))

    assert list(outer()) == [1, 2]
    assert events[-1] == 3


def test_a_generator_inside_a_block_does_not_leak_it() -> None:
    def plain() -> Iterator[int]:
        with ad.no_grad():
            yield 1

    running = plain()
    next(running)
    running.close()
    assert records()


def test_modes_are_per_thread() -> None:
    seen: list[bool] = []
    with ad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(records()))
        thread.start()
        thread.join()
    assert seen == [True]
    entered, leave = threading.Event(), threading.Event()

    def quiet() -> None:
        with ad.no_grad():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=quiet)
    thread.start()
    entered.wait()
    assert records()
    leave.set()
    thread.join()


def test_backward_runs_under_no_grad() -> None:
    x = leaf()
    y = (x * x).sum()
    with ad.no_grad():
        y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])
    assert not x.grad.requires_grad


def test_create_graph_records_also_inside_no_grad() -> None:
    x = leaf()
    y = (x * x * x).sum()
    with ad.no_grad():
        (g,) = ad.grad(y, x, create_graph=True)
    assert g.requires_grad


def test_a_leaf_made_under_no_grad_may_require_a_gradient() -> None:
    with ad.no_grad():
        x = ad.tensor(1.0, requires_grad=True)
    assert (x * 2).requires_grad


# --- anomaly ---


def test_anomaly_names_the_operation_and_the_line_that_made_the_first_nan_forward() -> None:
    x = ad.tensor([1.0, -1.0], requires_grad=True)
    with (
        ad.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"log\(f32\[2\]\).*NaN.*test_modes.py:\d+"),
        np.errstate(all="ignore"),
    ):
        np.log(x)


def test_anomaly_names_the_operation_whose_rule_made_the_first_nan_backward() -> None:
    x = ad.tensor([1.0, 0.0], requires_grad=True)
    with ad.detect_anomaly():
        root = np.sqrt(x)
        y = (root * 3.0).sum()
        with pytest.raises(FloatingPointError, match=r"rule of sqrt.*test_modes.py:\d+"):
            y.backward()


def test_anomaly_lets_an_infinity_that_was_given_pass() -> None:
    x = ad.tensor([1.0, np.inf])
    with ad.detect_anomaly():
        assert np.isinf((x * 2).numpy()[1])


def test_anomaly_off_says_nothing() -> None:
    x = ad.tensor([0.0], requires_grad=True)
    np.sqrt(x).sum().backward()
    assert np.isinf(x.grad.numpy()).all()


def test_anomaly_under_no_grad_still_checks() -> None:
    with ad.detect_anomaly(), ad.no_grad(), np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="log"):
        np.log(ad.tensor([-1.0]))


def test_anomaly_as_a_decorator() -> None:
    @ad.detect_anomaly()
    def loss(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.log(x)

    with pytest.raises(FloatingPointError, match="log"):
        loss(ad.tensor([-1.0]))
    assert records()


def test_one_switch_may_be_held_by_two_threads_at_once() -> None:
    quiet, gate = ad.no_grad(), threading.Barrier(2)
    seen = {}

    def work(outer: bool) -> None:
        with ad.set_grad_enabled(outer):
            gate.wait(10)
            with quiet:
                gate.wait(10)
            gate.wait(10)
            seen[outer] = ad.is_grad_enabled()

    threads = [threading.Thread(target=work, args=(outer,)) for outer in (True, False)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert seen == {True: True, False: False}
