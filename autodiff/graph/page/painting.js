// What is painted: the small map, and a picture so far off that no text can be read, with those names that fit.

const map = at("map"), sky = at("sky");
let drawing = 0;
function redraw() { // what is painted, with the next frame
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    survey();
    sky.hidden = !far();
    if (far()) paint();
  });
}

const colours = new Map();
function colour(name) { // of the stylesheet, as the theme has it
  if (!colours.has(name)) {
    map.style.color = `var(--${name})`;
    colours.set(name, getComputedStyle(map).color);
  }
  return colours.get(name);
}
const ofState = (state) => colour(state & PICKED ? "focus" : state & NOW ? (state & SWEEP ? "backward" : "now") : state & HIT ? "hit"
  : state & UP ? "up" : state & DOWN ? "down" : "focus");

function pen(paper, wide, high, size, left, top) {
  const crisp = devicePixelRatio || 1, made = paper.getContext("2d");
  [paper.width, paper.height] = [wide * crisp, high * crisp];
  [paper.style.width, paper.style.height] = [`${wide}px`, `${high}px`];
  made.setTransform(crisp * size, 0, 0, crisp * size, crisp * left, crisp * top);
  return made;
}

// The small map in the corner, where the picture is larger than the window: all boxes, and what is in the window.
function survey() {
  const { clientWidth: wide, clientHeight: high } = canvas, spare = 4;
  map.hidden = view.width * scale <= wide + spare && view.height * scale <= high + spare;
  if (map.hidden) return;
  const most = Math.min(190, wide / 4, high / 3), small = view.small = Math.min(most / view.width, most / view.height, 0.2);
  const ink = pen(map, Math.max(view.width * small, 24), Math.max(view.height * small, 24), small, 0, 0);
  for (const { bounds: [a, b, c, d], phase, state } of view.boxes) {
    ink.globalAlpha = state & (LATER | ASIDE | MISSED) ? 0.25 : 1;
    ink.fillStyle = state & (NOW | PICKED | HIT) ? ofState(state) : colour(phase);
    ink.fillRect(a, b, Math.max(c - a, 1 / small), Math.max(d - b, 1 / small));
  }
  ink.globalAlpha = 1;
  ink.strokeStyle = colour("focus");
  ink.lineWidth = 1.5 / small;
  ink.strokeRect(-x / scale, -y / scale, wide / scale, high / scale);
}

// The picture from afar.
function paint() {
  const { clientWidth: wide, clientHeight: high } = canvas, ink = pen(sky, wide, high, scale, x, y), px = 1 / scale;
  const [left, top, right, bottom] = [-x * px, -y * px, (wide - x) * px, (high - y) * px];
  const seen = ({ bounds: [a, b, c, d] }) => c > left && a < right && d > top && b < bottom;
  const shape = ([a, b, c, d], fill, stroke, thick) => {
    const frame = [a, b, Math.max(c - a, 2 * px), Math.max(d - b, 2 * px)];
    [ink.fillStyle, ink.strokeStyle, ink.lineWidth] = [fill, stroke, thick * px];
    ink.fillRect(...frame);
    ink.strokeRect(...frame);
  };
  for (const cluster of view.clusters.filter(seen)) shape(cluster.bounds, ...tone(cluster), 1);
  for (const edge of view.edges.filter(seen)) {
    const line = edge.element.firstElementChild, bright = edge.state & (NOW | UP | DOWN);
    if (px > 25 && !bright) continue; // nobody could tell them apart
    ink.globalAlpha = edge.state & (LATER | ASIDE) && !bright ? 0.12 : 1;
    ink.strokeStyle = bright ? ofState(edge.state) : tone(edge, line)[1];
    ink.lineWidth = (bright ? 1.6 : 0.8) * px;
    ink.stroke(edge.path ??= new Path2D(line.getAttribute("d")));
  }
  ink.globalAlpha = 1;
  const found = view.boxes.filter(seen).sort((a, b) => (a.state & (HIT | NOW | PICKED)) - (b.state & (HIT | NOW | PICKED)));
  for (const box of found) {
    const bright = box.state & (HIT | NOW | PICKED | UP | DOWN) || box.element.box === hovered;
    ink.globalAlpha = box.state & (LATER | ASIDE | MISSED) ? 0.2 : 1;
    shape(box.bounds, tone(box)[0], bright ? ofState(box.state) : tone(box)[1], bright ? 2.5 : 0.8);
  }
  ink.globalAlpha = 1;
  for (const { bounds, cover } of view.clusters) if (cover) shape(bounds, colour("raised"), colour("soft"), 1);
  label(ink, [...view.clusters.filter(seen), ...found], px);
}

// The colours that a box, frame or edge is filled and drawn with, by the classes of its rectangle or line.
function tone(thing, drawn = thing.element.querySelector("rect")) {
  thing.tone ??= ["f", "s"].map((kind) => drawn.getAttribute("class").split(" ").find((name) => name[0] === kind)?.slice(1) ?? "n");
  return thing.tone.map((number) => (number === "n" ? "transparent" : colour(`p${number}`)));
}

// Writes the names that fit, those of outer frames first, at a size that can be read.
function label(ink, things, px) {
  const taken = [], size = 11 * px;
  ink.textBaseline = "middle";
  ink.lineJoin = "round";
  ink.lineWidth = 3 * px;
  for (const thing of things) {
    const [a, b, c, d] = thing.bounds, frame = thing.cover !== undefined, name = frame ? thing.name : thing.title;
    if (c - a < 3 * size || d - b < 1.2 * size || (thing.state & (LATER | ASIDE | MISSED))) continue;
    ink.font = `${frame ? 400 : 600} ${size}px sans-serif`;
    const text = [name, name.split(" ")[0]].find((words) => ink.measureText(words).width < c - a - 0.4 * size);
    if (!text) continue;
    const long = ink.measureText(text).width, from = frame ? a + 0.3 * size : (a + c - long) / 2;
    const middle = frame ? b + 0.8 * size : (b + d) / 2, room = [from, middle - 0.6 * size, from + long, middle + 0.6 * size];
    if (taken.some(([p, q, r, s]) => p < room[2] && r > room[0] && q < room[3] && s > room[1])) continue;
    taken.push(room);
    ink.strokeStyle = colour("paper");
    ink.fillStyle = colour("ink");
    if (frame) ink.strokeText(text, from, middle);
    ink.fillText(text, from, middle);
  }
}
