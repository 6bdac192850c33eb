// Searching, keys and buttons; the end of the script opens the first view.

let hits = [], hit = -1;
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = [];
  view.boxes.forEach((box, n) => { if (words.length && words.every((word) => told(box).includes(word))) hits.push(n); });
  const found = new Set(hits);
  view.boxes.forEach((box, n) => mark(box, found.has(n) ? HIT : hits.length && MISSED, SEARCH));
  hit = -1;
  redraw();
  at("found").textContent = words.length ? `${hits.length || "nothing"} found` : "";
  at("found").classList.toggle("alarm", words.length > 0 && !hits.length);
}

// All that is said of a box, in small letters.
function told(box) {
  const facts = () => box.ops.map((op) => `${lines[op]} ${graph.ops[op].line ?? ""} ${(graph.ops[op].scope ?? []).join(" ")}`);
  return box.words ??= [box.element.textContent, box.title, ...facts(), ...box.held.map((v) => graph.values[v].label)].join(" ").toLowerCase();
}

function turnTo(way) {
  if (!hits.length) return;
  hit = hit < 0 && way < 0 ? hits.length - 1 : (hit + way + hits.length) % hits.length;
  at("found").textContent = `${hit + 1} of ${hits.length}`;
  pickAndReveal(hits[hit], true);
}

function theme() {
  const root = document.documentElement.style;
  const dark = root.colorScheme ? root.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.colorScheme = dark ? "light" : "dark";
  recolour();
}

const KEYS = {
  ",": () => stepTo(stop(-1)), ".": () => stepTo(stop(1)), "<": () => stepTo(moment - 1), ">": () => stepTo(moment + 1),
  Home: () => stepTo(0), End: () => stepTo(steps.length), " ": play, "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), f: whole,
  t: theme, "?": () => at("keys").showModal(), "[": () => show(shown - 1), "]": () => show(shown + 1), c: foldAround, Enter: deeper, Escape: () => pick(-1), "/": () => search.focus(),
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
document.querySelector("footer").hidden = !steps.length;
for (const input of document.querySelectorAll("#depths input")) input.addEventListener("change", () => show(Number(input.value)));
const BUTTONS = { first: KEYS.Home, back: KEYS[","], next: KEYS["."], last: KEYS.End, play, in: KEYS["+"], out: KEYS["-"], fit: whole, theme, help: KEYS["?"] };
for (const [id, act] of Object.entries(BUTTONS)) at(id).addEventListener("click", act);
const runs = [];
for (const [phase] of steps) if (runs.at(-1)?.[0] === phase) runs.at(-1)[1]++; else runs.push([phase, 1]);
at("phases").append(...runs.map(([phase, count]) => element("i", { class: phase, style: `flex-grow: ${count}` }, element("span", {}, phase))));
show(start);
