"""The page of a graph, in a real browser where there is one, and the graph as JSON."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph.page.timeline import timeline
from autodiff.graph.pictures import render
from autodiff.graph.words import export

needs_graphviz = pytest.mark.skipif(not render.available(), reason="there is no Graphviz here")


def training_step():
    """The graph of a step of training a small network."""
    ad.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

    def step(x, labels):
        loss = nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return ad.trace(step)(ad.ones(5, 4), np.array([0, 1, 2, 0, 1]))


def product():
    """The graph of a * b + a, where no sweep was recorded."""
    a, b = (ad.tensor(x, requires_grad=True) for x in (2.0, 3.0))
    a.name, b.name = "a", "b"
    return ad.draw(a * b + a)


def loop():
    """The graph of a loop of twelve rounds."""
    w = ad.tensor(0.9, requires_grad=True)
    w.name = "w"

    def f(x):
        for _ in range(12):
            x = np.tanh(x * w)
        return x

    return ad.draw(f, ad.tensor(1.0, requires_grad=True))


def odd():
    """A graph of all kinds of arrays, of which nothing may be said in the wrong way."""

    def f(empty, i, c, big):
        with np.errstate(all="ignore"):
            return empty * 2, i > 2, i + 2**62, c * 1j, np.stack([c, c]), np.log(big * 0 - 1), big.astype(np.float16)

    return ad.trace(f)(ad.zeros(0, 3), ad.arange(5), ad.tensor(1 + 2j), ad.rand(5, 50))


def failed():
    """What is left of a model that raised."""
    with pytest.raises(ValueError, match="linear") as caught:
        ad.trace(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(9, 3)))(ad.ones(2, 4))
    return caught.value.graph


# --- steps ---------------------------------------------------------------------------------------------------------


def test_a_recorded_sweep_is_stepped_as_it_ran():
    graph = training_step()
    steps = timeline(graph)
    assert [step.op for step in steps] == graph.ops
    shown = {v: n for n, step in enumerate(steps) for v in step.gradients}
    assert set(shown) == {v for v in graph.values if v.gradient is not None}
    for v, n in shown.items():
        assert steps[n].phase == "backward"
        if v.name in ("0.weight", "2.bias"):
            assert steps[n].op.outputs[0].name == f"{v.name}.grad"


def test_a_sweep_that_was_not_recorded_goes_backwards():
    graph = product()
    shown = [step.gradients[0] for step in timeline(graph) if step.phase == "backward"]
    names = [v.name or v.op.name for v in shown]
    assert names == ["add", "multiply", "a", "b"]  # a only after both of its uses


# --- JSON ----------------------------------------------------------------------------------------------------------


def test_json_is_the_record():
    graph = training_step()
    tree = json.loads(graph.json())
    assert [op["name"] for op in tree["ops"]] == [op.name for op in graph.ops]
    values = graph.values
    for op, recorded in zip(tree["ops"], graph.ops, strict=True):
        given = [values[x] for x in op["operands"] if isinstance(x, int)]
        assert given == [x for x in recorded.operands if x in values]
        assert [values[v] for v in op["outputs"]] == list(recorded.outputs)
    assert [values[w["target"]].name for w in tree["writes"]] == [w.target.name for w in graph.writes]
    assert graph.json() == training_step().json()


def test_json_says_what_is_not_finite():
    with np.errstate(all="ignore"):
        graph = ad.trace(np.log)(ad.tensor([0.0, -1.0, 1.0]))
        large = ad.trace(np.log)(ad.arange(-50.0, 50.0))
    assert json.loads(graph.json())["values"][1]["array"] == {"elements": ["-Infinity", "NaN", 0]}
    found = json.loads(large.json())["values"][1]["array"]
    assert (found["nan"], found["inf"], found["size"]) == (50, 1, 100)


def test_model_explorer_gets_nodes_and_edges(tmp_path):
    graph = training_step()
    path = tmp_path / "graph.json"
    graph.json(path, form="model-explorer")
    (drawn,) = json.loads(path.read_text())["graphs"]
    nodes = {node["id"]: node for node in drawn["nodes"]}
    assert len(nodes) == len(graph.ops) + len(graph.sources)
    edges = [edge for node in drawn["nodes"] for edge in node.get("incomingEdges", ())]
    assert len(edges) == sum(len(op.inputs) for op in graph.ops)
    assert all(edge["sourceNodeId"] in nodes for edge in edges)
    with pytest.raises(ValueError, match='form is "ndtape" or "model-explorer"; got \'onnx\''):
        graph.json(form="onnx")


def test_rules_are_told_as_they_are_written():
    rules = {op.name: export.written(op.primitive) for op in training_step().ops}
    assert rules["multiply"] == [["a", "g * b"], ["b", "g * a"]]
    assert rules["linear"][2] == ["bias", "g"]


# --- the page ------------------------------------------------------------------------------------------------------


@needs_graphviz
def test_a_page_is_whole_and_stays_the_same(tmp_path):
    path = tmp_path / "page.html"
    text = training_step().html(path)
    assert path.read_text(encoding="utf-8") == text == training_step().html()
    assert "color-scheme: dark" in product().html(theme="dark").partition("<head>")[0]
    assert {*re.findall(r"\w+://[^\s\"']+", text)} == {"http://www.w3.org/2000/svg"}  # a name, not an address


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pages in files."""
    if not render.available():
        pytest.skip("there is no Graphviz here")
    folder = tmp_path_factory.mktemp("pages")
    training_step().html(folder / "step.html")
    product().html(folder / "product.html")
    evil = ad.tensor(2.0, requires_grad=True)
    evil.name = "</script>\"'\n<b>&amp;\\"
    ad.draw(evil * evil).html(folder / "evil.html")
    for made in (loop, odd, failed):
        made().html(folder / f"{made.__name__}.html")
    ad.trace(lambda x: x)(ad.ones(2)).html(folder / "one.html")
    ad.trace(lambda: None)().html(folder / "none.html")
    return folder


@pytest.fixture
def opened(page, files):
    """A function that opens a page; at the end nothing may have been complained of or asked from elsewhere."""
    said, asked = [], []
    listeners = {
        "console": lambda message: said.append(message.text),
        "pageerror": lambda error: said.append(str(error)),
        "request": lambda request: asked.append(request.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)

    def goto(name):
        page.goto(f"file://{files}/{name}.html")
        return page

    yield goto
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert said == []
    assert all(url.startswith("file:") for url in asked)


def box(page, title):
    """The first box with a title."""
    return page.locator(".n", has_text=title).first


def test_hovering_tells_shape_rule_line_and_statistics(opened):
    page = opened("step")
    page.keyboard.press("f")
    box(page, "Linear").hover()
    text = page.inner_text("#panel")
    for fact in (
        "f32[5,8]",
        "linear(x, 0.weight, 0.bias)",
        "0: Linear",
        "test_page.py:",
        "bias:  g",
        "deviation",
        "Gradient",
    ):
        assert fact in text, fact
    page.mouse.move(5, 400)
    assert "operations" in page.inner_text("#panel")


def test_clicking_traces_ancestors_and_descendants(opened):
    page = opened("product")
    box(page, "multiply").click()
    assert [page.locator(kind).count() for kind in (".n.up", ".n.down", ".e.up", ".e.down")] == [2, 1, 2, 1]
    assert {text[0] for text in page.locator(".n.up").all_text_contents()} == {"a", "b"}
    assert "2 boxes before it, 1 box after it" in page.inner_text("#panel")
    page.keyboard.press("Escape")
    assert page.locator(".up, .down, .picked").count() == 0


def test_a_gradient_is_told_by_the_chain_rule_in_numbers(opened):
    page = opened("product")
    box(page, "a").click()
    text = page.inner_text("#panel")
    assert "by the chain rule, the sum of\n\nmultiply:  g * b  =  1 * 3\nadd:  g  =  1" in text
    page.keyboard.press("Home")
    assert "by the chain rule" not in page.inner_text("#panel")
    page = opened("loop")
    page.locator("#step").fill("35")
    box(page, "tanh").click()
    w, x = 0.9, 1.0
    for _ in range(7):
        x = np.tanh(x * w)
    assert page.inner_text(".big >> nth=0").startswith(f"{x:.6f}")
    assert "by the chain rule\n\nmultiply:  g * b  =  " in page.inner_text("#panel")


def test_searching_finds_names_shapes_and_operations(opened):
    page = opened("step")
    page.keyboard.press("/")
    page.keyboard.type("relu")
    hits = page.locator(".n.hit").count()
    assert page.inner_text("#found") == f"{hits} found"
    assert 0 < hits < page.locator("#canvas .n").count()
    page.keyboard.press("Enter")
    assert page.inner_text("#found") == f"1 of {hits}"
    assert page.locator(".n.picked.hit").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".n.hit").count() == 0


def test_stepping_shows_values_and_then_gradients(opened):
    page = opened("product")
    value, grad = (box(page, "multiply").locator(name).last for name in (".value", ".grad"))
    assert value.is_visible()
    assert grad.is_visible()
    page.keyboard.press("Home")
    assert not value.is_visible()
    assert page.locator(".n.later").count() == 2
    page.keyboard.press(".")
    assert value.is_visible()
    assert not grad.is_visible()
    assert page.locator(".n.now").text_content() == box(page, "multiply").text_content()
    for _ in range(3):
        page.keyboard.press(".")
    assert grad.is_visible()
    assert "gradient of" in page.inner_text("#at")
    assert not box(page, "a").locator(".grad").first.is_visible()
    page.locator("#step").fill("6")
    assert page.locator(".n.cold").count() == 0
    page.keyboard.press("Home")
    page.locator("#play").click()
    page.locator("#at", has_text="forward 1 of 2").wait_for()
    page.locator("#play").click()


def test_the_depth_is_switched_in_place(opened):
    page = opened("step")
    labels = page.locator("#depths span").all_inner_texts()
    assert labels[0] == "0"
    assert labels[-1] == "all"
    counts = []
    for _ in range(10):
        page.keyboard.press("[")
    for n in range(len(labels)):
        page.keyboard.press("]" if n else "[")
        counts.append(page.evaluate("view.boxes.length"))
    assert counts == sorted(set(counts))
    page.keyboard.press("0")
    page.keyboard.press("Home")
    page.keyboard.press(".")  # by boxes: of many operations, the last
    assert page.inner_text("#at") == "forward 3 of 4: Sequential: linear, f32[5,3]"
    page.keyboard.press("<")
    assert page.inner_text("#at") == "forward 2 of 4: Sequential: relu, f32[5,8]"
    unwritten = "Boolean(view.boxes.find(({ title }) => title === '0.weight after').state & LATER)"
    assert page.evaluate(unwritten)  # what an update writes is not there before
    page.keyboard.press("End")
    assert not page.evaluate(unwritten)
    assert page.inner_text("#at").startswith("update 9 of 9: SGD 2.bias: subtract")
    box(page, "Sequential").dblclick()
    assert page.evaluate("view.boxes.length") == counts[1]
    assert page.locator(".n.picked").count() == 1
    scale = page.evaluate("scale")
    box(page, "Linear").dblclick()  # in which there is nothing more
    assert page.evaluate("scale") == 2 * scale
    page.keyboard.press("Escape")
    page.mouse.wheel(0, -300)  # what is moved to stays in the middle
    before = page.evaluate("central().value")
    page.keyboard.press("]")
    assert page.evaluate("central().value") == before


def test_a_loop_that_is_drawn_once_shows_the_round_that_is_run(opened):
    page = opened("loop")
    multiply, number = box(page, "multiply"), "text.value >> nth=1"
    page.locator("#step").fill("13")
    w, x = 0.9, 1.0
    for _ in range(6):
        x = np.tanh(x * w)
    assert multiply.locator(number).text_content() == f"{x * w:.4g}"
    assert box(page, "tanh").locator(number).text_content() == f"{x:.4g}"  # of round 6, which it has come to
    assert page.inner_text("#at") == "forward 13 of 24: multiply, f32[], round 7 of 12"
    assert "in round 7 of 12" in page.inner_text("#panel")
    assert page.locator(".m").text_content() == "loop7/12"
    page.keyboard.press("End")
    assert multiply.locator(number).text_content() == "0.9"  # the sweep came to the first round last
    assert page.locator(".m").text_content() == "loop\u00d712"


# Texts that lead out of their box or lie on another text, of all depths, at some moments.
ILLEGIBLE = """() => views.flatMap((_, n) => [0.2, 0.4, 0.8, 1].flatMap((share) => {
    show(n);
    stand(() => true);
    step(Math.round(share * steps.length));
    return view.boxes.flatMap(({ element, bounds: [left, top, right, bottom] }) => {
        const texts = [...element.querySelectorAll("text")].map((text) => [text.textContent, text.getBBox()]);
        const over = (a, b) => Math.min(a.x + a.width, b.x + b.width) > Math.max(a.x, b.x) + 0.5
            && Math.min(a.y + a.height, b.y + b.height) > Math.max(a.y, b.y) + 3;
        const out = (a) => a.x < left || a.x + a.width > right || a.y < top - 1 || a.y + a.height > bottom + 1;
        const bad = ([, a], k) => out(a) || texts.slice(0, k).some(([, b]) => over(a, b));
        return texts.filter(bad).map(([text]) => [n, share, text]);
    });
}))"""


@pytest.mark.parametrize("name", ["step", "loop", "odd", "evil"])
def test_every_text_can_be_read(opened, name):
    assert opened(name).evaluate(ILLEGIBLE) == []


def test_from_afar_a_picture_is_painted_and_can_still_be_pointed_at(opened):
    page = opened("step")
    middle = page.evaluate("(scale = 0.1, settle(), screen(view.boxes[3].middle))")
    assert page.locator(".n").count() == 0
    area = page.locator("#canvas").bounding_box()
    page.mouse.click(area["x"] + middle[0], area["y"] + middle[1])
    assert page.evaluate("picked") == 3
    page.locator("#sky").wait_for(state="visible")
    ink = "new Set(sky.getContext('2d').getImageData(0, 0, sky.width, sky.height).data).size"
    assert page.evaluate(ink) > 20
    page.keyboard.press("/")
    page.keyboard.type("matmul")
    page.keyboard.press("Enter")  # which goes near enough to read
    assert page.locator(".n.picked.hit").is_visible()
    assert not page.locator("#sky").is_visible()


def test_a_failure_is_told(opened):
    page = opened("failed")
    assert "failed at %3: ? = linear(%2, 2.weight, 2.bias), test_page.py:" in page.inner_text("#panel")
    page.keyboard.press(",")
    page.keyboard.press(".")
    assert page.inner_text("#at") == "forward 3 of 3: linear, failed, in 2: Linear"


@pytest.mark.parametrize("name", ["odd", "one", "none"])
def test_every_key_on_every_kind_of_array(opened, name):
    page = opened(name)
    page.emulate_media(reduced_motion="reduce")
    for _ in range(page.evaluate("view.boxes.length") + 1):
        page.keyboard.press("ArrowRight")
        text, alarms = page.inner_text("#panel"), page.locator("#panel .alarm").all_inner_texts()
        assert set(alarms) <= {"250"}, text  # NaN, of which there are as many
        assert "NaN" not in text.replace("NaN\n250", ""), text
    for key in (
        "ArrowUp",
        "ArrowDown",
        "c",
        "c",
        "Enter",
        ",",
        ".",
        " ",
        " ",
        "f",
        "+",
        "-",
        "t",
        "t",
        "[",
        "]",
        "Home",
        "End",
    ):
        page.keyboard.press(key)
    assert ("Nothing was recorded" in page.inner_text("#panel")) == (name == "none")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint')), scale = 0.1, dispatchEvent(new Event('resize'))")
    assert page.locator(".n").count() == page.evaluate("view.boxes.length")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", reduced_motion="no-preference")


def test_a_frame_closes_over_what_it_holds(opened):
    page = opened("step")
    page.keyboard.press("2")
    frame = page.locator(".m", has_text="Sequential").first
    frame.locator("text").first.click()
    assert page.locator(".cover").count() == 1
    assert "boxes" in page.locator(".cover").text_content()
    page.locator(".cover").click()
    assert page.locator(".cover").count() == 0


def test_keys_walk_along_the_graph(opened):
    page = opened("product")
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".n.picked").text_content().startswith("add")
    page.keyboard.press("ArrowUp")
    assert page.locator(".n.picked").text_content().startswith("multiply")
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")


# Pairs of ink and paper whose contrast is less than WCAG 2.2 asks of text (level AA), or of a line.
CONTRAST = """() => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (name) => {
        pen.fillStyle = /^[a-z]+$|^p\\d/.test(name) ? colour(name) : name;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const inks = ["ink", "soft", "alarm", "focus", "now", "forward", "backward", "update", "tangent"];
    const pairs = inks.map((ink) => [ink, "raised", 4.5]);
    pairs.push(["ink", "band", 4.5], ["soft", "band", 4.5], ["now", "band", 4.5], ["soft", "paper", 4.5]);
    pairs.push(...["hit", "up", "down", "now", "focus"].map((line) => [line, "paper", 3]));
    for (const { element } of view.boxes)
        for (const { classList } of element.querySelectorAll("text"))
            pairs.push(["p" + classList[0].slice(1), tone({ element })[0], 4.5]);
    return pairs.filter(([ink, paper, least]) => ratio(ink, paper) < least);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(page, opened, scheme):
    page.emulate_media(color_scheme=scheme)
    opened("step")
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] > 128"
    assert page.evaluate(paper) == (scheme == "light")
    assert page.evaluate(CONTRAST) == []
    page.keyboard.press("t")
    assert page.evaluate(paper) == (scheme == "dark")


def test_names_are_text(opened):
    page = opened("evil")
    page.keyboard.press("ArrowDown")
    shown = "</script>\"'\\n<b>&amp;\\"
    assert shown in page.locator(".n").first.text_content()
    assert shown in page.inner_text("#panel h2")


@pytest.mark.long
def test_a_page_of_two_thousand_boxes_is_quick(page, tmp_path):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.fc1, self.fc2 = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return x + self.fc2(np.tanh(self.fc1(self.norm(x))))

    def step(x):
        loss = np.mean(model(x) ** 2)
        loss.backward()
        return loss

    model = nn.Sequential(*[Block() for _ in range(100)])
    path = tmp_path / "large.html"
    text = ad.trace(step)(ad.ones(4, 8)).html(path)
    assert len(text.encode()) <= 5e6
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(f"file://{path}")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].domComplete") <= 2000
    first = "(begin) => { show(views.length - 1); canvas.offsetWidth; return performance.now() - begin; }"
    assert page.evaluate(f"({first})(performance.now())") <= 300
    assert page.evaluate("view.boxes.length") >= 2000
    took = """async (act, around) => {
        const times = [];
        for (let n = 0; n < 5; n++) {
            around();
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            const begin = performance.now();
            act(n);
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            times.push(performance.now() - begin);
        }
        return times.sort((a, b) => a - b)[2];
    }"""
    acts = {
        "switch": "(n) => show(n % 2 ? 0 : views.length - 1)",
        "search": "(n) => { search.value = ['matmul', 'f32', 'fc1', '', 'none'][n]; find(); }",
        "hover": "(n) => hover(40 * n)",
        "trace": "(n) => pick(200 * n + 7)",
        "step": "(n) => stepTo(300 * n + 5)",
        "next": "() => step(moment + 1)",
    }
    for seen in ("fit", "whole"):
        times = {name: page.evaluate(f"() => ({took})({act}, {seen})") for name, act in acts.items()}
        assert max(times.values()) <= 100, (seen, times)
