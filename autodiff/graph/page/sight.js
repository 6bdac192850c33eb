// What is in sight: moving and zooming, and the fingers, wheels and windows that ask for it.

let x = 0, y = 0, scale = 1, placed = null, printed = false; // what placed it, until the reader moves it
const FAR = 0.4; // below this no text can be read: boxes are painted, with those names that fit
const far = () => scale < FAR;
const screen = ([left, top]) => [left * scale + x, top * scale + y];

function settle() {
  view.svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  trim();
  redraw();
}

// Only what is in the window or near it stands in the document: pictures of thousands of boxes stay quick.
function trim() {
  const { clientWidth: wide, clientHeight: high } = canvas, around = 0.15;
  const [left, right] = [-around * wide, (1 + around) * wide].map((edge) => (edge - x) / scale);
  const [top, bottom] = [-around * high, (1 + around) * high].map((edge) => (edge - y) / scale);
  stand(({ bounds: [a, b, c, d] }) => printed || (!far() && c >= left && a <= right && d >= top && b <= bottom));
}

function stand(seen) {
  let next = null; // what stands behind this in the document, where the later is drawn upon the earlier
  for (const thing of view.parts) {
    const away = !seen(thing);
    if (next?.home !== thing.home) next = null;
    if (away !== thing.away) {
      thing.away = away;
      if (away) thing.element.remove();
      else {
        dress(thing);
        thing.home.insertBefore(thing.element, next?.element ?? null);
      }
    }
    if (!away) next = thing;
  }
}

// Shows all of it if that can be read, else its beginning.
function fit() {
  const { clientWidth: wide, clientHeight: high } = canvas, all = Math.min(wide / view.width, high / view.height);
  scale = all < 0.85 ? 1 : Math.min(all, 1.5);
  x = view.width * scale <= wide ? (wide - view.width * scale) / 2 : 0;
  y = view.height * scale <= high ? (high - view.height * scale) / 2 : 0;
  placed = fit;
  settle();
}

function whole() {
  const { clientWidth: wide, clientHeight: high } = canvas;
  scale = Math.min(wide / view.width, high / view.height, 1.5);
  [x, y] = [(wide - view.width * scale) / 2, (high - view.height * scale) / 2];
  placed = whole;
  settle();
}

function zoom(factor, left = canvas.clientWidth / 2, top = canvas.clientHeight / 2) {
  const wanted = Math.min(Math.max(scale * factor, Math.min(0.02, canvas.clientHeight / view.height)), 8);
  glide(left - (left - x) * (wanted / scale), top - (top - y) * (wanted / scale), wanted);
}

// Moves to a place: at once where it is another size or far off, or no motion is wanted.
let gliding = 0;
const still = matchMedia("(prefers-reduced-motion: reduce)");
function glide(left, top, size = scale) {
  cancelAnimationFrame(gliding);
  placed = null;
  const [a, b] = [x, y], begin = performance.now();
  const jump = still.matches || size !== scale || Math.hypot(left - x, top - y) > 2 * canvas.clientWidth;
  const move = (now) => {
    const share = jump ? 1 : Math.min(Math.max((now - begin) / 160, 0), 1), eased = share * (2 - share);
    [x, y, scale] = [a + (left - a) * eased, b + (top - b) * eased, size];
    settle();
    if (share < 1) gliding = requestAnimationFrame(move);
  };
  move(begin);
}

// Brings a box into the window, and `near` enough to be read: by the shortest way, or into the middle from far off.
function reveal(k, near = false) {
  const { bounds: [a, b, c, d], middle } = view.boxes[k], { clientWidth: wide, clientHeight: high } = canvas;
  if (near && far()) return glide(wide / 2 - middle[0] * 0.85, high / 2 - middle[1] * 0.85, 0.85);
  const way = (low, high, length) => {
    const rim = Math.max(0, Math.min(48, (length - (high - low)) / 2));
    const off = low < rim ? rim - low : high > length - rim ? length - rim - high : 0;
    return Math.abs(off) < length / 2 ? off : (length - low - high) / 2;
  };
  const [right, down] = [way(a * scale + x, c * scale + x, wide), way(b * scale + y, d * scale + y, high)];
  if (right || down) glide(x + right, y + down);
}

function central() {
  const middle = [(canvas.clientWidth / 2 - x) / scale, (canvas.clientHeight / 2 - y) / scale];
  return nearest(middle, Infinity);
}

function nearest([left, top], most) {
  let best = null;
  for (const box of view.boxes) {
    const [a, b, c, d] = box.bounds, off = Math.hypot(Math.max(a - left, 0, left - c), Math.max(b - top, 0, top - d));
    if (off < most) [best, most] = [box, off];
  }
  return best;
}

function boxAt(event) {
  if (!far() || event.target === map) return event.target.closest?.(".n")?.box ?? -1;
  const area = canvas.getBoundingClientRect();
  return nearest([(event.clientX - area.left - x) / scale, (event.clientY - area.top - y) / scale], 5 / scale)?.element.box ?? -1;
}

// --- fingers and wheels --------------------------------------------------------------------------------------------

for (const kind of ["pointerdown", "pointermove"])
  map.addEventListener(kind, (event) => {
    event.stopPropagation();
    if (!event.buttons) return;
    map.setPointerCapture(event.pointerId);
    placed = null;
    x = canvas.clientWidth / 2 - event.offsetX / view.small * scale;
    y = canvas.clientHeight / 2 - event.offsetY / view.small * scale;
    settle();
  });
map.addEventListener("click", (event) => event.stopPropagation());

const fingers = new Map();
let travelled = 0;
canvas.addEventListener("pointerdown", (event) => {
  cancelAnimationFrame(gliding);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  if (fingers.size === 1) travelled = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY], other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]), area = canvas.getBoundingClientRect();
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
  if (travelled > 4) placed = null;
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

// --- windows, themes and paper -------------------------------------------------------------------------------------

function recolour() {
  colours.clear();
  redraw();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
addEventListener("resize", () => (placed ?? settle)());

addEventListener("beforeprint", () => { // all of it, on one sheet
  printed = true;
  stand(() => true);
});
addEventListener("afterprint", () => {
  printed = false;
  settle();
});
