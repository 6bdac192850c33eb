// Running the program again: what is known at a moment, said in words as well.

const ordinals = [], counts = {}; // of each step the place among those of its phase
for (const [phase] of steps) ordinals.push(counts[phase] = (counts[phase] ?? 0) + 1);

function step(wanted, follow = false) {
  moment = Math.min(Math.max(wanted, 0), steps.length);
  slider.value = moment;
  const stepping = moment < steps.length || playing !== null;
  canvas.classList.toggle("stepping", stepping);
  turn(stepping);
  const now = stepping ? current() : -1, sweep = stepping && moment > 0 && steps[moment - 1][0] === "backward" && SWEEP;
  const along = stepping && swept() ? "from" : "to"; // a gradient comes from what its value went into
  if (follow && now >= 0) reveal(now);
  view.boxes.forEach((box, n) => {
    mark(box, (box.begins > moment && LATER) | (madeAt[box.value] > moment && UNMADE) | (!(gradientAt[box.value] <= moment) && COLD)
      | (n === now && (NOW | sweep)), STEP);
  });
  for (const edge of view.edges) {
    const later = view.boxes[edge.from].begins > moment || view.boxes[edge.to].begins > moment;
    mark(edge, (later && LATER) | (edge[along] === now && now >= 0 && (NOW | sweep)), STEP);
  }
  caption();
  redraw();
  tell();
}

// Whether the last step is one of a sweep that was not recorded, which completes a gradient and computes no value.
const swept = (n = moment) => n > 0 && steps[n - 1][2].length === 0;

function current(n = moment) {
  if (!n) return -1;
  const [, op, , gradients] = steps[n - 1];
  return (swept(n) ? view.ofValue.get(gradients[0]) : view.ofOp.get(op)) ?? -1;
}

// The moment at which the next box is done, or the one before: a box of many operations is one step, or one a round.
function stop(way) {
  const task = (n) => {
    const k = current(n), { ops, rounds } = view.boxes[k] ?? {}, [phase, op, , gradients] = steps[n - 1];
    const place = rounds && ops.indexOf(swept(n) ? graph.values[gradients[0]].op : op);
    return k < 0 ? "" : `${k} ${phase} ${rounds && Math.floor(place * rounds.length / ops.length)}`;
  };
  const last = (n) => n >= steps.length || (task(n) !== "" && task(n) !== task(n + 1));
  let n = moment + way;
  while (n > 0 && !last(n)) n += way;
  return n;
}

// --- loops that are drawn once: the round that the program is in ---------------------------------------------------

function turns(rounds, ops) {
  const size = ops.length / rounds.length;
  return rounds.map(([value, ...numbers], n) => {
    const begins = ops.slice(n * size, (n + 1) * size).reduce((first, op) => Math.min(first, ranAt[op]), Infinity);
    return { value, numbers, times: [begins, gradientAt[value]] };
  });
}

function turn(stepping) {
  const loops = view.clusters.filter(({ count }) => count > 1);
  for (const loop of loops) [loop.latest, loop.round] = [0, 0];
  for (const box of view.boxes) {
    if (!box.rounds) continue;
    let latest = 0, rest = 0;
    box.rounds.forEach(({ times }, n) => {
      for (const time of times) if (time <= moment && time > latest) [latest, rest] = [time, n];
    });
    box.round = rest;
    box.value = box.rounds[rest].value;
    write(box, box.rounds[rest].numbers);
    let within = box.rounds.length;
    for (const loop of box.around) {
      within /= loop.count;
      if (latest > loop.latest) [loop.latest, loop.round] = [latest, Math.floor(rest / within)];
      rest %= within;
    }
    if (box.count > 1) count(box, stepping && latest, rest);
  }
  for (const loop of loops) count(loop, stepping && loop.latest, loop.round);
}

const ruler = element("canvas").getContext("2d");
ruler.font = "10px Helvetica, Arial, 'Liberation Sans', sans-serif";

// Writes the numbers of another round into a box, smaller where they would take more room than there is.
function write(box, numbers) {
  const written = box.element.querySelectorAll("text.value, text.grad"); // each a name and a number
  numbers.forEach(([text, bars], n) => {
    const [name, number] = [written[2 * n], written[2 * n + 1]], kind = name.classList.contains("value") ? "value" : "grad";
    if (number.textContent === text) return;
    number.textContent = text;
    const room = number.getAttribute("x") - name.getAttribute("x") - 4;
    number.style.fontSize = `${Math.min(10, 10 * room / ruler.measureText(text).width)}px`;
    const line = box.element.querySelector(`path.${kind}.fn`), filled = box.element.querySelector(`path.${kind}:not(.fn)`);
    if (!line || !filled) return;
    const [left, base, wide] = line.getAttribute("d").match(/-?[\d.]+/g).map(Number), most = Math.max(...bars), one = wide / bars.length;
    filled.setAttribute("d", bars.map((count, k) => `M${left + k * one},${base}v${-Math.ceil(12 * count / most)}h${one}V${base}z`).join(""));
  });
}

// Writes the round in the place of the number of rounds.
function count(thing, known, round) {
  const times = `×${thing.count.toLocaleString("en")}`;
  thing.times ??= [...thing.element.querySelectorAll("text")].findLast((text) => text.textContent === times);
  if (thing.times) thing.times.textContent = known ? `${round + 1}/${thing.count}` : times;
}

const roundOf = ({ rounds, round }) => (rounds ? `round ${round + 1} of ${rounds.length}` : "");

// --- in words ------------------------------------------------------------------------------------------------------

function caption() {
  const own = at("at");
  if (!moment) own.replaceChildren(element("b", {}, "inputs: "), `nothing has run yet, 0 of ${steps.length} steps`);
  else {
    const [phase] = steps[moment - 1];
    own.replaceChildren(element("b", { class: phase }, `${phase} ${ordinals[moment - 1]} of ${counts[phase]}: `), happened());
  }
  own.title = own.textContent;
  slider.setAttribute("aria-valuetext", own.textContent);
}

function happened() {
  const [, n, made, gradients] = steps[moment - 1], op = graph.ops[n], box = view.boxes[current()];
  const around = box?.ops.length > (box?.rounds?.length ?? 1) ? box.title.replace(/ ×[\d,]+$/, "") : ""; // it holds several operations
  const name = made.length ? [around, op.name].filter(Boolean).join(": ") : "";
  const labels = gradients.map((v) => graph.values[v].label + (made.length || graph.values[v].op === undefined ? "" : ` (${op.name})`));
  const types = made.map((v) => graph.values[v].name ?? graph.values[v].type);
  const what = gradients.length ? `gradient of ${labels.join(", ")}` : n === graph.failed ? "failed"
    : types.slice(0, 2).join(", ") + (types.length > 2 ? ", …" : "");
  const module = gradients.length || around ? "" : op.scope?.at(-1);
  return [name, what, box && roundOf(box), module && `in ${module}`].filter(Boolean).join(", ");
}

// --- by itself -----------------------------------------------------------------------------------------------------

let playing = null;
function play() {
  if (playing !== null) {
    clearInterval(playing);
    playing = null;
    step(moment);
  } else if (steps.length) {
    if (moment === steps.length) step(0);
    playing = setInterval(() => {
      if (moment === steps.length) play();
      else step(stop(1), true);
    }, Math.min(900, Math.max(120, 30000 / Math.min(steps.length, view.boxes.length))));
  }
  at("play").setAttribute("aria-label", playing === null ? "Play" : "Pause");
  at("play").replaceChildren(playing === null ? "▶" : "❚❚", element("span", {}, playing === null ? " Play" : " Pause"));
}

function stepTo(n) {
  if (playing !== null) play();
  step(n, true);
  say(at("at").textContent);
}
