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
let x = 0, y = 0, scale = 1;

function build(n) {
  const given = views[n];
  const svg = n === start ? canvas.querySelector("svg") : document.getElementById(`view-${n}`).content.firstElementChild;
  const boxes = given.boxes.map(([title, phase, ops, value, held, notes]) => ({
    title, phase, ops, value, held, notes, from: [], to: [], state: 0, worn: 0, away: false, element: null, words: "",
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
    const [left, top, wide, high] = ["x", "y", "width", "height"].map((name) => Number(frame.getAttribute(name)));
    if (gradientAt[box.value] < Infinity && !own.querySelector(".grad"))
      own.append(element("circle", { class: "mark", cx: left + wide, cy: top, r: 3.5 }));
    box.middle = [left + wide / 2, top + high / 2];
    box.bounds = [left, top, left + wide, top + high];
  });
  const edges = given.edges.map(([from, to, ...bounds], k) => {
    boxes[from].to.push(to);
    boxes[to].from.push(from);
    return { from, to, bounds, element: paths[k], state: 0, worn: 0, away: false };
  });
  for (const box of boxes) if (box.notes) box.begins = Math.max(0, ...box.from.map((k) => boxes[k].begins));
  const clusters = given.clusters.map((inside, k) => ({ inside: new Set(inside), element: frames[k], cover: null, number: k }));
  clusters.forEach((cluster) => { cluster.element.cluster = cluster; });
  return { ...given, svg, boxes, edges, clusters, ofOp, ofValue };
}

const built = [];
function show(n, keep = picked) {
  if (n === shown || !views[n]) return;
  const anchor = keep >= 0 && view ? view.boxes[keep] : null;
  const place = anchor && screen(anchor.middle);
  const before = view;
  view = built[n] ??= build(n);
  shown = n;
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
  before?.svg.remove();
  canvas.append(view.svg);
}

function counterpart(box) {
  for (const op of box.ops) if (view.ofOp.has(op)) return view.ofOp.get(op);
  if (view.ofValue.has(box.value)) return view.ofValue.get(box.value);
  return -1;
}

// --- moving and zooming --------------------------------------------------------------------------------------------

const screen = ([left, top]) => [left * scale + x, top * scale + y];
function settle() {
  view.svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  trim();
  survey();
}

// What lies far outside is taken out, and texts too small to be read: pictures of thousands of boxes stay quick.
function trim() {
  const { clientWidth: wide, clientHeight: high } = canvas, around = 0.35;
  const [left, right] = [-around * wide, (1 + around) * wide].map((edge) => (edge - x) / scale);
  const [top, bottom] = [-around * high, (1 + around) * high].map((edge) => (edge - y) / scale);
  const size = scale < 0.3 ? "far" : "";
  if (view.size !== size) view.svg.setAttribute("class", view.size = size);
  for (const things of [view.boxes, view.edges])
    for (const thing of things) {
      const [a, b, c, d] = thing.bounds, away = c < left || a > right || d < top || b > bottom;
      if (away === thing.away) continue;
      thing.away = away;
      thing.element.style.display = away ? "none" : "";
      if (!away) dress(thing);
    }
}

function fit() {
  const { clientWidth: wide, clientHeight: high } = canvas;
  const whole = Math.min(wide / view.width, high / view.height);
  scale = Math.min(Math.max(whole, 0.85), 1.5); // of what would be illegible the beginning is shown
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

// The small map in the corner, where the picture is larger than the window: all boxes, and what is in the window.
const map = at("map");
function survey() {
  const { clientWidth: wide, clientHeight: high } = canvas, spare = 4;
  map.hidden = view.width * scale <= wide + spare && view.height * scale <= high + spare;
  if (map.hidden) return;
  const small = Math.min(190 / view.width, 190 / view.height, 0.2), crisp = devicePixelRatio || 1;
  view.small = small;
  const [across, down] = [Math.max(view.width * small, 24), Math.max(view.height * small, 24)];
  [map.width, map.height] = [across * crisp, down * crisp];
  [map.style.width, map.style.height] = [`${across}px`, `${down}px`];
  const pen = map.getContext("2d");
  pen.scale(crisp * small, crisp * small);
  for (const { bounds: [a, b, c, d], phase, state } of view.boxes) {
    pen.globalAlpha = state & (LATER | ASIDE | MISSED) ? 0.25 : 1;
    pen.fillStyle = colour(state & (NOW | PICKED) ? "now" : state & HIT ? "hit" : phase);
    pen.fillRect(a, b, Math.max(c - a, 1 / small), Math.max(d - b, 1 / small));
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = colour("focus");
  pen.lineWidth = 1.5 / small;
  pen.strokeRect(-x / scale, -y / scale, wide / scale, high / scale);
}

const colours = new Map();
function colour(name) { // of the stylesheet, as the theme has it
  if (!colours.has(name)) {
    map.style.color = `var(--${name})`;
    colours.set(name, getComputedStyle(map).color);
  }
  return colours.get(name);
}

let surveying = 0;
const surveyed = () => { surveying ||= requestAnimationFrame(() => { surveying = 0; survey(); }); };
for (const kind of ["pointerdown", "pointermove"])
  map.addEventListener(kind, (event) => {
    event.stopPropagation();
    if (!event.buttons) return;
    map.setPointerCapture(event.pointerId);
    x = canvas.clientWidth / 2 - event.offsetX / view.small * scale;
    y = canvas.clientHeight / 2 - event.offsetY / view.small * scale;
    settle();
  });
map.addEventListener("click", (event) => event.stopPropagation());

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
  surveyed();
  at("said").textContent = k < 0 ? "" : `${view.boxes[k].title}, ${graph.values[view.boxes[k].value]?.type ?? ""}`;
  view.traced = { up: up.size, down: down.size };
  tell();
}

function deeper() {
  const box = view.boxes[picked];
  if (box && box.ops.length > 1 && views[shown + 1]) show(shown + 1);
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
      element("text", { x: middle, y: top + high / 2 + 13 }, boxes(count)));
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
  surveyed();
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
    mark(box, found ? HIT : words.length && MISSED, SEARCH);
    if (found) hits.push(n);
  });
  turn = -1;
  surveyed();
  at("found").textContent = words.length ? `${hits.length || "nothing"} found` : "";
}

function turnTo(way) {
  if (!hits.length) return;
  turn = (turn + way + hits.length) % hits.length;
  at("found").textContent = `${turn + 1} of ${hits.length}`;
  pick(hits[turn]);
  reveal(hits[turn]);
}

// --- buttons and keys ----------------------------------------------------------------------------------------------

function recolour() {
  colours.clear();
  survey();
}

function theme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (document.documentElement.style.colorScheme === "" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.style.colorScheme = dark ? "light" : "dark";
  recolour();
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
  " ": play, "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), f: whole, t: theme, "[": () => show(shown - 1), "]": () => show(shown + 1), "?": () => at("keys").showModal(),
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
  if (key >= "0" && key <= "9") show(views.findIndex(({ label }) => label === key));
  else if (Object.hasOwn(KEYS, key)) KEYS[key]();
  else return;
  event.preventDefault();
});

search.addEventListener("input", find);
slider.max = steps.length;
slider.addEventListener("input", () => stepTo(Number(slider.value)));
at("depths").hidden = views.length < 2;
for (const input of document.querySelectorAll("#depths input")) input.addEventListener("change", () => show(Number(input.value)));
const BUTTONS = { first: KEYS.Home, back: KEYS[","], next: KEYS["."], last: KEYS.End, play, in: KEYS["+"], out: KEYS["-"], fit: whole, theme, help: KEYS["?"] };
for (const [id, act] of Object.entries(BUTTONS)) at(id).addEventListener("click", act);
const runs = [];
for (const [phase] of steps) if (runs.at(-1)?.[0] === phase) runs.at(-1)[1]++; else runs.push([phase, 1]);
at("phases").append(...runs.map(([phase, count]) => element("i", { class: phase, style: `flex-grow: ${count}` })));
addEventListener("resize", settle);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
