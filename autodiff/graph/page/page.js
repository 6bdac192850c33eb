"use strict";
const { graph, lines, steps, views, start } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const canvas = at("canvas"), panel = at("panel"), slider = at("step"), search = document.querySelector("input[type=search]");
const SVG = "http://www.w3.org/2000/svg";

function element(tag, attributes = {}, ...children) {
  const made = ["svg", "rect", "path", "g", "text", "circle", "title"].includes(tag)
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== "" && child !== undefined && child !== null));
  return made;
}

// --- what boxes and edges are, as bits and as classes: only what changes is touched ---------------------------------

const LATER = 1, UNMADE = 2, COLD = 4, NOW = 8, SWEEP = 16, STEP = 31, PICKED = 32, UP = 64, DOWN = 128, TRACE = 224, HIT = 256;
const CLASSES = [[LATER, "later"], [UNMADE, "unmade"], [COLD, "cold"], [NOW, "now"], [SWEEP, "sweep"], [PICKED, "picked"],
  [UP, "up"], [DOWN, "down"], [HIT, "hit"]];

function mark(thing, bits, all) {
  const changed = (thing.state ^ bits) & all;
  if (!changed) return;
  for (const [bit, name] of CLASSES) if (changed & bit) thing.element.classList.toggle(name, Boolean(bits & bit));
  thing.state ^= changed;
}

// --- when everything became known: after how many steps ------------------------------------------------------------

const ranAt = graph.ops.map(() => 0), madeAt = graph.values.map(() => 0), gradientAt = graph.values.map(() => Infinity);
steps.forEach(([, op, made, gradients], n) => {
  if (op >= 0 && !ranAt[op]) ranAt[op] = n + 1;
  for (const value of made) madeAt[value] = n + 1;
  for (const value of gradients) gradientAt[value] = n + 1;
});
const users = graph.values.map(() => []);
graph.ops.forEach((op, n) => { for (const x of new Set(op.operands)) if (typeof x === "number") users[x].push(n); });

// --- the views: one picture a depth --------------------------------------------------------------------------------

let view = null, shown = -1, moment = steps.length, picked = -1, hovered = -1;
let x = 0, y = 0, scale = 1;

function build(n) {
  const given = views[n];
  const svg = n === start ? canvas.querySelector("svg") : document.getElementById(`view-${n}`).content.firstElementChild;
  const boxes = given.boxes.map(([title, phase, ops, value, held]) => ({
    title, phase, ops, value, held, from: [], to: [], state: 0, element: null, words: "",
    begins: ops.length ? Math.min(...ops.map((op) => ranAt[op])) : 0,
  }));
  const elements = svg.querySelectorAll(".n"), paths = svg.querySelectorAll(".e"), frames = svg.querySelectorAll(".m");
  const ofOp = new Map(), ofValue = new Map();
  boxes.forEach((box, k) => {
    const own = box.element = elements[k];
    own.box = k;
    for (const op of box.ops) {
      if (!ofOp.has(op)) ofOp.set(op, k);
      for (const value of graph.ops[op].outputs) if (!ofValue.has(value)) ofValue.set(value, k);
    }
    for (const value of box.value < 0 ? box.held : [box.value, ...box.held]) if (!ofValue.has(value)) ofValue.set(value, k);
    const facts = box.ops.map((op) => `${lines[op]} ${graph.ops[op].line ?? ""} ${(graph.ops[op].scope ?? []).join(" ")}`);
    box.words = [own.textContent, box.title, ...facts, ...box.held.map((v) => graph.values[v].label)].join(" ").toLowerCase();
    const frame = own.querySelector("rect");
    const [left, top, wide] = ["x", "y", "width"].map((name) => Number(frame.getAttribute(name)));
    if (gradientAt[box.value] < Infinity && !own.querySelector(".grad"))
      own.append(element("circle", { class: "mark", cx: left + wide, cy: top, r: 3.5 }));
    box.middle = [left + wide / 2, top + Number(frame.getAttribute("height")) / 2];
  });
  const edges = given.edges.map(([from, to], k) => {
    boxes[from].to.push(to);
    boxes[to].from.push(from);
    return { from, to, element: paths[k], state: 0 };
  });
  const clusters = given.clusters.map((inside, k) => ({ inside: new Set(inside), element: frames[k], cover: null, number: k }));
  clusters.forEach((cluster) => { cluster.element.cluster = cluster; });
  return { ...given, svg, boxes, edges, clusters, ofOp, ofValue };
}

const built = [];
function show(n, keep = picked) {
  if (n === shown || !views[n] || views[n].boxes === undefined) return;
  const anchor = keep >= 0 && view ? view.boxes[keep] : null;
  const place = anchor && screen(anchor.middle);
  view?.svg.remove();
  view = built[n] ??= build(n);
  shown = n;
  canvas.append(view.svg);
  picked = hovered = -1;
  document.querySelectorAll("#depths input")[n].checked = true;
  const same = anchor ? counterpart(anchor) : -1;
  if (same >= 0) {
    const [left, top] = view.boxes[same].middle;
    scale = Math.max(scale, 0.8);
    [x, y] = [place[0] - left * scale, place[1] - top * scale];
    settle();
    pick(same);
  } else {
    fit();
    pick(-1);
  }
  step(moment);
  find();
}

function counterpart(box) {
  for (const op of box.ops) if (view.ofOp.has(op)) return view.ofOp.get(op);
  if (view.ofValue.has(box.value)) return view.ofValue.get(box.value);
  return -1;
}

// --- moving and zooming --------------------------------------------------------------------------------------------

const screen = ([left, top]) => [left * scale + x, top * scale + y];
const settle = () => { view.svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`; };

function fit() {
  const { clientWidth: wide, clientHeight: high } = canvas;
  const whole = Math.min(wide / view.width, high / view.height);
  scale = Math.min(Math.max(whole, 0.55), 1.5); // of what would be illegible the beginning is shown
  x = view.width * scale <= wide ? (wide - view.width * scale) / 2 : 0;
  y = view.height * scale <= high ? (high - view.height * scale) / 2 : 0;
  settle();
}

function whole() {
  const { clientWidth: wide, clientHeight: high } = canvas;
  scale = Math.min(wide / view.width, high / view.height, 1.5);
  [x, y] = [(wide - view.width * scale) / 2, (high - view.height * scale) / 2];
  settle();
}

function zoom(factor, left = canvas.clientWidth / 2, top = canvas.clientHeight / 2) {
  const wanted = Math.min(Math.max(scale * factor, 0.02), 8);
  x = left - (left - x) * (wanted / scale);
  y = top - (top - y) * (wanted / scale);
  scale = wanted;
  settle();
}

function reveal(k) {
  const [left, top] = screen(view.boxes[k].middle), { clientWidth: wide, clientHeight: high } = canvas;
  if (scale < 0.35) scale = 0.8;
  else if (left > 60 && left < wide - 60 && top > 40 && top < high - 40) return;
  const [a, b] = view.boxes[k].middle;
  [x, y] = [wide / 2 - a * scale, high / 2 - b * scale];
  settle();
}

const fingers = new Map();
let travelled = 0;
canvas.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  travelled = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY], other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]);
    const area = canvas.getBoundingClientRect();
    zoom(apart(now) / apart(before), (now[0] + other[0]) / 2 - area.left, (now[1] + other[1]) / 2 - area.top);
  }
  const share = other ? 0.5 : 1;
  x += (now[0] - before[0]) * share;
  y += (now[1] - before[1]) * share;
  travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
  if (travelled > 4 && !canvas.classList.contains("dragging")) {
    canvas.classList.add("dragging");
    canvas.setPointerCapture(event.pointerId);
  }
  fingers.set(event.pointerId, now);
  settle();
});
for (const kind of ["pointerup", "pointercancel"])
  canvas.addEventListener(kind, (event) => { fingers.delete(event.pointerId); canvas.classList.remove("dragging"); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const area = canvas.getBoundingClientRect(), lines = event.deltaMode === 1 ? 20 : 1;
  zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), event.clientX - area.left, event.clientY - area.top);
}, { passive: false });

// --- pointing, and tracing what it came from and where it goes -----------------------------------------------------

const boxAt = (target) => target.closest?.(".n")?.box ?? -1;
canvas.addEventListener("pointerover", (event) => { if (!fingers.size) hover(boxAt(event.target)); });
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("click", (event) => {
  if (travelled > 4) return;
  const cover = event.target.closest?.(".cover"), name = event.target.closest?.(".m > text");
  if (cover) fold(cover.cluster);
  else if (name) fold(name.parentNode.cluster);
  else pick(boxAt(event.target));
});
canvas.addEventListener("dblclick", (event) => { if (boxAt(event.target) >= 0) deeper(); });

function hover(k) {
  if (k === hovered) return;
  view.boxes[hovered]?.element.classList.remove("hover");
  view.boxes[hovered = k]?.element.classList.add("hover");
  tell();
}

function reach(from, along) {
  const seen = new Set(), waiting = [from];
  while (waiting.length)
    for (const next of view.boxes[waiting.pop()][along])
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
  return seen;
}

function pick(k) {
  picked = k;
  const up = k < 0 ? new Set() : reach(k, "from"), down = k < 0 ? new Set() : reach(k, "to");
  canvas.classList.toggle("traced", k >= 0);
  view.boxes.forEach((box, n) => mark(box, (n === k && PICKED) | (up.has(n) && UP) | (down.has(n) && DOWN), TRACE));
  for (const edge of view.edges) {
    const before = up.has(edge.from) && (edge.to === k || up.has(edge.to));
    const after = down.has(edge.to) && (edge.from === k || down.has(edge.from));
    mark(edge, (before && UP) | (after && DOWN), TRACE);
  }
  view.traced = { up: up.size, down: down.size };
  tell();
}

function deeper() {
  const box = view.boxes[picked];
  if (box && box.ops.length > 1 && views[shown + 1]?.boxes) show(shown + 1);
}

// A frame that is closed covers what it holds, in its place: nothing else moves.
function fold(cluster) {
  if (cluster.cover) {
    cluster.cover.remove();
    cluster.cover = null;
  } else {
    const [left, top, wide, high] = ["x", "y", "width", "height"].map((n) => Number(cluster.element.querySelector("rect").getAttribute(n)));
    const middle = left + wide / 2, count = cluster.inside.size;
    const cover = element("g", { class: "cover" }, element("rect", { x: left, y: top, width: wide, height: high, rx: 5 }),
      element("text", { x: middle, y: top + high / 2 - 2 }, cluster.element.querySelector("text")?.textContent ?? ""),
      element("text", { x: middle, y: top + high / 2 + 13 }, `${count} ${count === 1 ? "box" : "boxes"}`));
    cover.cluster = cluster;
    cluster.cover = cover;
    view.svg.append(cover);
  }
}

// --- stepping ------------------------------------------------------------------------------------------------------

function step(wanted, follow = false) {
  moment = Math.min(Math.max(wanted, 0), steps.length);
  slider.value = moment;
  const stepping = moment < steps.length || playing !== null;
  canvas.classList.toggle("stepping", stepping);
  const now = stepping ? current() : -1, sweep = stepping && moment > 0 && steps[moment - 1][0] === "backward" && SWEEP;
  const along = stepping && swept() ? "from" : "to"; // a gradient comes from what its value went into
  view.boxes.forEach((box, n) => {
    mark(box, (box.begins > moment && LATER) | (madeAt[box.value] > moment && UNMADE) | (!(gradientAt[box.value] <= moment) && COLD)
      | (n === now && (NOW | sweep)), STEP);
  });
  for (const edge of view.edges) {
    const later = view.boxes[edge.from].begins > moment || view.boxes[edge.to].begins > moment;
    mark(edge, (later && LATER) | (edge[along] === now && now >= 0 && (NOW | sweep)), STEP);
  }
  caption();
  if (follow && now >= 0) reveal(now);
  tell();
}

// Whether the last step is one of a sweep that was not recorded, which completes a gradient and computes no value.
const swept = () => moment > 0 && steps[moment - 1][2].length === 0;

function current() {
  if (!moment) return -1;
  const [, op, , gradients] = steps[moment - 1];
  return (swept() ? view.ofValue.get(gradients[0]) : view.ofOp.get(op)) ?? -1;
}

function caption() {
  const own = at("at");
  if (!moment) return own.replaceChildren(element("b", {}, "inputs"), `0 of ${steps.length}`);
  const [phase, op, , gradients] = steps[moment - 1];
  const gradient = swept() && `gradient of ${gradients.map((v) => graph.values[v].label).join(", ")}`;
  own.replaceChildren(element("b", { class: phase }, `${moment} of ${steps.length}`), gradient || lines[op] || "");
  own.title = own.textContent;
  slider.setAttribute("aria-valuetext", own.textContent);
}

let playing = null;
function play() {
  if (playing !== null) {
    clearInterval(playing);
    playing = null;
    step(moment);
  } else {
    if (moment === steps.length) step(0);
    playing = setInterval(() => {
      if (moment === steps.length) play();
      else step(moment + 1, true);
    }, Math.min(900, Math.max(120, 30000 / (steps.length || 1))));
  }
  at("play").textContent = playing === null ? "▶" : "❚❚";
}

function stepTo(n) {
  if (playing !== null) play();
  step(n, true);
}

// --- searching -----------------------------------------------------------------------------------------------------

let hits = [], turn = -1;
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = [];
  view.boxes.forEach((box, n) => {
    const found = words.length > 0 && words.every((word) => box.words.includes(word));
    mark(box, found && HIT, HIT);
    if (found) hits.push(n);
  });
  canvas.classList.toggle("searching", words.length > 0);
  turn = -1;
  at("found").textContent = words.length ? `${hits.length || "nothing"} found` : "";
}

function turnTo(way) {
  if (!hits.length) return;
  turn = (turn + way + hits.length) % hits.length;
  at("found").textContent = `${turn + 1} of ${hits.length}`;
  pick(hits[turn]);
  reveal(hits[turn]);
}

// --- what is pointed at, in words ----------------------------------------------------------------------------------

function tell() {
  const stepping = canvas.classList.contains("stepping") ? current() : -1;
  const k = [hovered, picked, stepping].find((n) => n >= 0) ?? -1;
  panel.replaceChildren(...(k < 0 ? overview() : described(view.boxes[k], k === picked)));
}

function overview() {
  const phases = Object.entries(Object.groupBy(graph.ops, (op) => op.phase));
  const parameters = graph.values.filter((value) => value.role === "parameter");
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const legend = view.legend.map(([name, style]) => element("span", { style }, name));
  return [
    element("h2", {}, graph.title),
    facts([
      ...phases.map(([phase, ops]) => [phase, `${ops.length.toLocaleString("en")} operations`]),
      ["parameters", count ? `${count.toLocaleString("en")} in ${parameters.length} arrays` : ""],
      ["returns", graph.outputs.map((v) => `${graph.values[v].label}: ${graph.values[v].type}`).join(", ")],
      ["drawn", `${view.boxes.length.toLocaleString("en")} boxes, ${view.edges.length.toLocaleString("en")} edges`],
    ]),
    ...(view.notes.length ? [element("h3", {}, "Folded"), element("p", {}, view.notes.join(" · "))] : []),
    element("h3", {}, "Legend"), element("div", { class: "legend" }, ...legend),
    element("p", {}, view.svg.querySelector(".e .dash") ? "- - -  kept for the backward pass" : ""),
    element("h3", {}, "How to read it"),
    element("p", {}, "Point at a box for what it computed, click it for all it came from (blue) and all it went into (orange)."),
    element("p", {}, "The slider below runs the program again: values appear as they were computed, then gradients as the sweep reached them."),
  ];
}

function facts(pairs) {
  return element("dl", {}, ...pairs.filter(([, fact]) => fact !== "" && fact !== undefined).flatMap(([name, fact]) => [
    element("dt", {}, name), element("dd", {}, fact)]));
}

function described(box, traced) {
  const ops = box.ops.map((n) => graph.ops[n]), op = ops.length === 1 ? ops[0] : null;
  const value = graph.values[box.value];
  const parts = [element("h2", {}, box.title)];
  const chip = (text, tone) => text && element("span", { class: `chip ${tone ?? ""}` }, text);
  const kinds = [...new Set(ops.map(({ kind }) => kind))];
  parts.push(element("div", {}, chip(value?.type), chip(op ? op.kind : ops.length ? `${ops.length} operations` : value?.role),
    chip(ops.length ? box.phase : "", box.phase), op?.order ? chip(`order ${op.order}`) : ""));
  if (ops.length) {
    const most = 14;
    parts.push(element("pre", {}, box.ops.slice(0, most).map((n) => lines[n].split("  # ")[0]).join("\n") + (ops.length > most ? `\n… ${ops.length - most} more` : "")));
  }
  const sum = (name) => ops.reduce((total, one) => total + (one[name] ?? 0), 0);
  const seconds = ops.some((one) => one.seconds !== undefined) ? sum("seconds") : undefined;
  parts.push(facts([
    ["module", (ops[0]?.scope ?? []).join(" › ")],
    ["line", [...new Set(ops.map((one) => one.line).filter(Boolean))].slice(0, 3).join(", ")],
    ["settings", op ? Object.entries(op.params ?? {}).map(([k, v]) => `${k}=${v}`).join(", ") : ""],
    ["keeps", sum("saved") ? `${bytes(sum("saved"))} for the backward pass` : ""],
    ["makes", sum("allocated") ? bytes(sum("allocated")) : ""],
    ["time", seconds === undefined ? undefined : `${number(seconds * 1e6)} µs`],
    ["class", !op && kinds.length ? kinds.join(", ") : ""],
  ]));
  if (op?.of !== undefined) parts.push(element("h3", {}, "Part of the gradient of"), links([graph.ops[op.of].outputs[0]]));
  if (op && graph.rules[op.name]) parts.push(...rule(op));
  if (value) {
    parts.push(...content("Value", value.array, madeAt[box.value] <= moment, "forward", "not computed yet"));
    if (value.gradient) parts.push(...content("Gradient", value.gradient, gradientAt[box.value] <= moment, "backward", "the sweep has not come here yet"));
  }
  if (op) {
    const given = [...new Set(op.operands.filter((n) => typeof n === "number"))];
    const into = [...new Set(op.outputs.flatMap((v) => users[v]))].map((n) => graph.ops[n].outputs[0]);
    if (given.length) parts.push(element("h3", {}, "Operands"), links(given));
    if (into.length) parts.push(element("h3", {}, "Used by"), links(into));
  }
  if (traced) parts.push(element("h3", {}, "Traced"), element("p", {}, `${view.traced.up} boxes before it, ${view.traced.down} after it`));
  if (ops.length > 1 && views[shown + 1]?.boxes && traced)
    parts.push(element("button", { class: "act", type: "button", onclick: deeper }, "Open it: next depth"));
  return parts;
}

function rule(op) {
  const several = op.phase === "forward" ? "Rule: the gradients of its operands" : "Rule: its own derivative";
  return [element("h3", {}, several), element("pre", {}, graph.rules[op.name].map(([name, code]) => `${name}:  ${code}`).join("\n"))];
}

function links(values) {
  const most = 12;
  return element("ul", {}, ...values.slice(0, most).map((v) => {
    const { label, type, op } = graph.values[v], k = view.ofValue.get(v) ?? -1;
    const text = `${label}: ${type}${op === undefined ? "" : `  ${graph.ops[op].name}`}`;
    return element("li", {}, k < 0 ? element("code", {}, text)
      : element("button", { type: "button", onclick: () => { pick(k); reveal(k); } }, text));
  }), values.length > most ? element("li", {}, `… ${values.length - most} more`) : "");
}

function content(title, array, known, tone, missing) {
  if (!array) return [];
  const heading = element("h3", {}, title);
  if (!known) return [heading, element("p", { class: "wait" }, missing)];
  if (array.elements !== undefined) return [heading, element("div", { class: tone }, elements(array.elements))];
  const alarms = [["NaN", array.nan], ["infinite", array.inf]].filter(([, count]) => count);
  const most = Math.max(...array.bars);
  const bars = array.bars.map((count, n) => element("rect", { x: n * 10 + 0.5, width: 9, y: 40 - 40 * count / most, height: 40 * count / most }));
  const zero = array.low < 0 && array.high > 0 ? -160 * array.low / (array.high - array.low) : null;
  const axis = element("path", { d: `M0 40H160${zero === null ? "" : `M${zero} 0V40`}`, "vector-effect": "non-scaling-stroke" });
  return [heading, element("div", { class: tone },
    array.bars.length ? element("svg", { class: "bars", viewBox: "0 0 160 41", preserveAspectRatio: "none" }, axis, ...bars) : "",
    array.bars.length ? element("div", { class: "ends" }, ...["low", "high"].map((end) => element("span", {}, number(array[end] ?? 0)))) : "",
    facts([["mean", number(array.mean ?? 0)], ["deviation", number(array.std ?? 0)], ["elements", array.size.toLocaleString("en")],
      ["zeros", array.zeros ? `${array.zeros.toLocaleString("en")} (${number(100 * array.zeros / array.size)} %)` : ""],
      ...alarms.map(([name, count]) => [name, element("span", { class: "alarm" }, count.toLocaleString("en"))])]))];
}

function elements(x) {
  if (!Array.isArray(x)) return element("div", { class: typeof x === "string" ? "big alarm" : "big" }, typeof x === "number" ? String(x) : `${x}`);
  const flat = x.flat(Infinity), largest = Math.max(...flat.map((n) => (typeof n === "number" ? Math.abs(n) : 0))) || 1;
  const rows = x.length && Array.isArray(x[0]) ? x.flat(depth(x) - 2) : [x];
  return element("table", {}, ...rows.map((row) => element("tr", {}, ...row.map((n) => typeof n === "number"
    ? element("td", { style: `--share: ${Math.round(45 * Math.abs(n) / largest)}%` }, number(n)) : element("td", { class: "alarm" }, String(n))))));
}

const depth = (x) => (Array.isArray(x) ? 1 + depth(x[0]) : 0);
const number = (n) => (typeof n === "number" ? (Number.isInteger(n) && Math.abs(n) < 1e6 ? String(n) : String(Number(n.toPrecision(4)))) : String(n));
function bytes(n) {
  const units = ["bytes", "KiB", "MiB", "GiB"], k = Math.min(Math.floor(Math.log2(n) / 10), 3);
  return `${number(Number((n / 1024 ** k).toPrecision(3)))} ${units[k]}`;
}

// --- buttons and keys ----------------------------------------------------------------------------------------------

function theme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (document.documentElement.style.colorScheme === "" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.style.colorScheme = dark ? "light" : "dark";
}

function walk(along, way) {
  if (picked < 0) return pickAndReveal(along === "from" ? view.boxes.length - 1 : 0);
  if (along) {
    const near = view.boxes[picked][along].toSorted((a, b) => view.boxes[a].begins - view.boxes[b].begins);
    if (near.length) pickAndReveal(near.at(along === "from" ? -1 : 0)); // along the way that was computed last, or first
  } else pickAndReveal((picked + way + view.boxes.length) % view.boxes.length);
}
function pickAndReveal(k) {
  pick(k);
  reveal(k);
}
function foldAround() {
  const around = view.clusters.filter(({ inside }) => inside.has(picked)).sort((a, b) => a.inside.size - b.inside.size);
  const closed = around.filter(({ cover }) => cover);
  const wanted = closed.at(-1) ?? around[0];
  if (wanted) fold(wanted);
}

const KEYS = {
  ",": () => stepTo(moment - 1), ".": () => stepTo(moment + 1), Home: () => stepTo(0), End: () => stepTo(steps.length),
  " ": play, "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: whole, t: theme, "?": () => at("keys").showModal(),
  "/": () => search.focus(), Escape: () => pick(-1), c: foldAround, Enter: deeper,
  ArrowUp: () => walk("from"), ArrowDown: () => walk("to"), ArrowLeft: () => walk("", -1), ArrowRight: () => walk("", 1),
};
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || at("keys").open) return;
  if (target === search) {
    if (key === "Enter") turnTo(event.shiftKey ? -1 : 1);
    if (key === "Escape") {
      search.value = "";
      find();
      canvas.focus();
    }
    return;
  }
  const control = target.closest("button, input, a, select"); // which has uses of its own for these keys
  if (control && (key === "Enter" || key === " " || key.startsWith("Arrow") || (target === slider && ["Home", "End"].includes(key)))) return;
  if (key >= "1" && key <= "9") show(Number(key) - 1);
  else if (Object.hasOwn(KEYS, key)) KEYS[key]();
  else return;
  event.preventDefault();
});

search.addEventListener("input", find);
slider.max = steps.length;
slider.addEventListener("input", () => stepTo(Number(slider.value)));
for (const input of document.querySelectorAll("#depths input")) input.addEventListener("change", () => show(Number(input.value)));
const BUTTONS = { first: KEYS.Home, back: KEYS[","], next: KEYS["."], last: KEYS.End, play, in: KEYS["+"], out: KEYS["-"], fit: whole, theme, help: KEYS["?"] };
for (const [id, act] of Object.entries(BUTTONS)) at(id).addEventListener("click", act);
const runs = [];
for (const [phase] of steps) if (runs.at(-1)?.[0] === phase) runs.at(-1)[1]++; else runs.push([phase, 1]);
at("phases").append(...runs.map(([phase, count]) => element("i", { class: phase, style: `flex-grow: ${count}` })));
addEventListener("resize", () => settle());

show(start);
