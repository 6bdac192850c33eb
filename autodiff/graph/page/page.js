"use strict";
// What the page shows: the record, a view for each depth, and what in it is pointed at, traced or closed.

const { graph, lines, steps, views, start } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const canvas = at("canvas"), panel = at("panel"), slider = at("step"), search = document.querySelector("input[type=search]");

function element(tag, attributes = {}, ...children) {
  const made = ["svg", "rect", "path", "g", "text", "circle"].includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== "" && child !== undefined && child !== null));
  return made;
}

// --- what boxes and edges are, as bits and as classes --------------------------------------------------------------

const LATER = 1, UNMADE = 2, COLD = 4, NOW = 8, SWEEP = 16, PICKED = 32, UP = 64, DOWN = 128, ASIDE = 256, HIT = 512, MISSED = 1024;
const STEP = LATER | UNMADE | COLD | NOW | SWEEP, TRACE = PICKED | UP | DOWN | ASIDE, SEARCH = HIT | MISSED;
const CLASSES = [[LATER, "later"], [UNMADE, "unmade"], [COLD, "cold"], [NOW, "now"], [SWEEP, "sweep"], [PICKED, "picked"],
  [UP, "up"], [DOWN, "down"], [ASIDE, "aside"], [HIT, "hit"], [MISSED, "missed"]];

function mark(thing, bits, all) {
  thing.state = (thing.state & ~all) | bits;
  if (!thing.away) dress(thing);
}

// Gives an element the classes that have changed; what is out of sight waits until it comes into sight.
function dress(thing) {
  const changed = thing.state ^ thing.worn;
  if (!changed) return;
  for (const [bit, name] of CLASSES) if (changed & bit) thing.element.classList.toggle(name, Boolean(thing.state & bit));
  thing.worn = thing.state;
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

const part = (element, more) => ({ element, home: element.parentNode, state: 0, worn: 0, away: false, ...more });
const frameOf = (element) => ["x", "y", "width", "height"].map((name) => Number(element.querySelector("rect").getAttribute(name)));
const boundsOf = ([left, top, wide, high]) => [left, top, left + wide, top + high];

function build(n) {
  const given = views[n];
  const svg = at(`view-${n}`).content.firstElementChild;
  const [frames, paths, elements] = [...svg.children].map(({ children }) => [...children]);
  const ofOp = new Map(), ofValue = new Map();
  const boxes = given.boxes.map(([title, phase, ops, value, held, count, notes, rounds], k) => {
    const own = elements[k], frame = frameOf(own), [left, top, wide, high] = frame;
    own.box = k;
    for (const op of ops) {
      if (!ofOp.has(op)) ofOp.set(op, k);
      for (const output of graph.ops[op].outputs) if (!ofValue.has(output)) ofValue.set(output, k);
    }
    for (const source of value < 0 ? held : [value, ...held]) if (!ofValue.has(source)) ofValue.set(source, k);
    if (gradientAt[value] < Infinity && !own.querySelector(".grad"))
      own.append(element("circle", { class: "mark", cx: left + wide, cy: top, r: 3.5 }));
    const begins = ops.reduce((first, op) => Math.min(first, ranAt[op]), ops.length ? Infinity : madeAt[value] ?? 0);
    return part(own, { title, phase, ops, value, held, count, notes, begins, from: [], to: [], words: null, around: [],
      middle: [left + wide / 2, top + high / 2], bounds: boundsOf(frame), rounds: rounds && turns(rounds, ops), round: 0 });
  });
  const edges = given.edges.map(([from, to, ...bounds], k) => {
    boxes[from].to.push(to);
    boxes[to].from.push(from);
    return part(paths[k], { from, to, bounds });
  });
  for (const box of boxes) if (box.notes) box.begins = Math.max(0, ...box.from.map((k) => boxes[k].begins));
  const clusters = given.clusters.map(([count, ...inside], k) => {
    const own = frames[k], name = [...own.querySelectorAll("text")].map((text) => text.textContent).join(" ");
    return own.cluster = part(own, { count, name, inside: new Set(inside), bounds: boundsOf(frameOf(own)), cover: null });
  });
  for (const cluster of clusters) if (cluster.count > 1) for (const k of cluster.inside) boxes[k].around.push(cluster);
  return { ...given, svg, boxes, edges, clusters, ofOp, ofValue, parts: [...clusters, ...edges, ...boxes].reverse() };
}

const built = [];
// Shows a view at the place where the last one was: around what is picked, or what is in the middle of the window.
function show(n) {
  if (n === shown || !views[n]) return;
  const before = view, kept = picked, anchor = before && (before.boxes[kept] ?? (placed ? null : central()));
  const place = anchor && screen(anchor.middle);
  view = built[n] ??= build(n);
  shown = n;
  picked = hovered = -1;
  document.querySelectorAll("#depths input")[n].checked = true;
  const same = anchor ? counterpart(anchor) : -1;
  if (same >= 0) {
    if (kept >= 0) scale = Math.max(scale, 0.8);
    const [left, top] = view.boxes[same].middle;
    [x, y] = [place[0] - left * scale, place[1] - top * scale];
    settle();
  } else (placed ?? fit)();
  pick(kept >= 0 ? same : -1);
  step(moment);
  find();
  before?.svg.remove();
  canvas.prepend(view.svg);
}

function counterpart(box) {
  for (const op of box.ops) if (view.ofOp.has(op)) return view.ofOp.get(op);
  return view.ofValue.get(box.value) ?? -1;
}

// --- pointing, and tracing what it came from and where it goes -----------------------------------------------------

canvas.addEventListener("pointermove", (event) => { if (!fingers.size) hover(boxAt(event)); });
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("click", (event) => {
  if (travelled > 4) return;
  const frame = event.target.closest?.(".cover")?.cluster ?? event.target.closest?.(".m > text")?.parentNode.cluster;
  if (frame) fold(frame);
  else pick(boxAt(event));
});
canvas.addEventListener("dblclick", (event) => {
  const area = canvas.getBoundingClientRect();
  if (boxAt(event) < 0 || !deeper()) zoom(2, event.clientX - area.left, event.clientY - area.top);
});

function hover(k) {
  if (k === hovered) return;
  view.boxes[hovered]?.element.classList.remove("hover");
  view.boxes[hovered = k]?.element.classList.add("hover");
  canvas.classList.toggle("over", k >= 0);
  if (far()) redraw();
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
  seen.delete(from); // a loop comes back to where it began
  return seen;
}

function pick(k) {
  picked = k;
  const up = k < 0 ? new Set() : reach(k, "from"), down = k < 0 ? new Set() : reach(k, "to");
  const or = (bits) => bits || (k >= 0 && ASIDE);
  view.boxes.forEach((box, n) => mark(box, or((n === k && PICKED) | (up.has(n) && UP) | (down.has(n) && DOWN)), TRACE));
  for (const edge of view.edges) {
    const before = up.has(edge.from) && (edge.to === k || up.has(edge.to));
    const after = down.has(edge.to) && (edge.from === k || down.has(edge.from));
    mark(edge, or((before && UP) | (after && DOWN)), TRACE);
  }
  redraw();
  if (k >= 0) say(`${view.boxes[k].title}, ${graph.values[view.boxes[k].value]?.type ?? ""}`);
  view.traced = { up: up.size, down: down.size };
  tell();
}
const say = (words) => { at("said").textContent = words; }; // to a screen reader

function deeper() {
  const inner = view.boxes[picked]?.ops.length > 1 && shown + 1 < views.length;
  if (inner) show(shown + 1);
  return inner;
}

function walk(along, way) {
  if (!view.boxes.length) return;
  if (picked < 0) pickAndReveal(along === "from" ? view.boxes.length - 1 : 0);
  else if (along) {
    const near = view.boxes[picked][along].toSorted((a, b) => view.boxes[a].begins - view.boxes[b].begins);
    if (near.length) pickAndReveal(near.at(along === "from" ? -1 : 0)); // along the way that was computed last, or first
  } else pickAndReveal((picked + way + view.boxes.length) % view.boxes.length);
}

function pickAndReveal(k, near = false) {
  pick(k);
  reveal(k, near);
}

// A frame that is closed covers what it holds, in its place: nothing else moves.
function fold(cluster) {
  if (cluster.cover) {
    cluster.cover.remove();
    cluster.cover = null;
  } else {
    const [left, top, right, bottom] = cluster.bounds, middle = (left + right) / 2;
    cluster.cover = element("g", { class: "cover" },
      element("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: 5 }),
      element("text", { x: middle, y: (top + bottom) / 2 - 2 }, cluster.name),
      element("text", { x: middle, y: (top + bottom) / 2 + 13 }, boxes(cluster.inside.size)));
    cluster.cover.cluster = cluster;
    view.svg.append(cluster.cover);
  }
  redraw();
}

function foldAround() {
  const around = view.clusters.filter(({ inside }) => inside.has(picked)).sort((a, b) => a.inside.size - b.inside.size);
  const wanted = around.findLast(({ cover }) => cover) ?? around[0];
  if (wanted) fold(wanted);
}
