"""`ad.profile`: its times and counts are true, its graph is that of a trace, and its timeline nests."""

import gc
import json
import time
import weakref
from itertools import combinations

import numpy as np
import pytest

import autodiff as ad
import nn


@ad.primitive(lambda g: slow(g))
def slow(x):
    """The identity, in 4 ms or more."""
    began = time.perf_counter()
    time.sleep(4e-3)
    TOOK.append(time.perf_counter() - began)
    return x * 1


TOOK = []


def training():
    ad.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(32, 3)
    )
    optimizer = nn.optim.Adam(model.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), [0, 2])
        loss.backward()
        optimizer.step()
        return loss

    step(ad.rand(2, 1, 6, 6))  # the optimizer lays its parameters out
    return step


def test_a_profile_has_the_graph_of_a_trace_and_keeps_no_array():
    x = ad.rand(2, 1, 6, 6)
    profile = ad.profile(training())(x)
    assert profile.graph.text() == ad.trace(training())(x).text()
    assert all(op.seconds > 0 for op in profile.graph.ops if op.name != "overlay")
    assert all(v.array is None or v.size == 1 for op in profile.graph.ops for v in op.outputs)
    assert all(op.seconds is None for op in ad.trace(training())(x).ops)

    seen = []

    def f(x):
        for _ in range(3):
            x = np.tanh(x)
            seen.append(weakref.ref(x.data))
        gc.collect()
        return [ref() is None for ref in seen]

    assert ad.profile(f)(x).result == [True, True, False]


def test_times_are_those_of_the_kernels_and_add_up():
    w = ad.ones(3, requires_grad=True)

    def step():
        y = slow(slow(w))
        y.sum().backward()

    profile = ad.profile(step, warmup=1)()
    (row,) = (row for row in profile.operations if (row.name, row.phase) == ("slow", "forward"))
    assert row.calls == 2
    assert sum(TOOK[-4:-2]) <= row.seconds <= profile.wall
    assert row.seconds == pytest.approx(sum(TOOK[-4:-2]), rel=0.1)
    assert profile.operations[0].name == "slow"
    assert profile.seconds == pytest.approx(sum(row.seconds for row in profile.operations))
    assert 0.7 * profile.wall < profile.seconds <= profile.wall  # the rest is Python


def test_modules_hold_what_their_parts_took():
    profile = ad.profile(training())(ad.rand(2, 1, 6, 6))
    outer, *inner = (row for row in profile.modules if row.name != "CrossEntropyLoss")
    parts = [row for row in inner if row.depth == 1]
    assert (outer.name, outer.depth) == ("Sequential", 0)
    assert [row.name for row in parts][:3] == ["0: Conv2d", "1: BatchNorm2d", "2: ReLU"]
    assert outer.seconds == pytest.approx(outer.own + sum(row.seconds for row in parts))
    assert outer.calls == sum(row.calls for row in parts)
    assert sum(row.calls for row in profile.operations) == len(profile.graph.ops)
    assert sum(row.allocated for row in profile.operations) == sum(op.allocated for op in profile.graph.ops)
    for name in ("biased_conv", "Sequential", "  0: Conv2d", "backward", "Adam"):
        assert name in str(profile)


def test_the_timeline_is_in_chromes_format_and_nests(tmp_path):
    profile = ad.profile(training())(ad.rand(2, 1, 6, 6))
    profile.chrome_trace(tmp_path / "step.json")
    trace = json.loads((tmp_path / "step.json").read_text())
    assert trace == profile.chrome_trace()
    assert trace["displayTimeUnit"] == "ms"
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    names = [event for event in trace["traceEvents"] if event["ph"] == "M"]
    assert {event["name"] for event in names} == {"process_name", "thread_name"}
    assert len(names) + len(spans) == len(trace["traceEvents"])
    for event in spans:
        assert {k: type(v) for k, v in event.items()} == {
            "name": str, "cat": str, "ph": str, "ts": float, "dur": float, "pid": int, "tid": int, "args": dict
        }  # fmt: skip
        assert event["ts"] >= 0
        assert event["dur"] >= 0
    ends = [(round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000)) for e in spans]
    for (a, b), (c, d) in combinations(ends, 2):
        assert b <= c or d <= a or (a <= c and d <= b) or (c <= a and b <= d)
    assert [e["name"] for e in spans[:4]] == ["forward", "Sequential", "0: Conv2d", "biased_conv"]
    assert sum(e["cat"] != "module" and "allocated" in e["args"] for e in spans) == len(profile.graph.ops)


def test_the_picture_is_coloured_by_time():
    drawn = ad.profile(training())(ad.rand(2, 1, 6, 6)).draw(depth=1)
    assert (drawn.look.overlay, drawn.look.depth) == ("time", 1)
    assert "in operations" in drawn.dot()


def test_what_raises_and_what_cannot_be_called():
    with pytest.raises(TypeError, match="a function or a module"):
        ad.profile(3)
    with pytest.raises(ZeroDivisionError) as caught:
        ad.profile(lambda x: np.exp(x) * (1 / 0))(ad.ones(2))
    assert [op.name for op in caught.value.graph.ops] == ["exp"]
    with pytest.raises(OSError, match="cannot be written"):
        ad.profile(np.exp)(ad.ones(2)).chrome_trace("/nowhere/at/all.json")
