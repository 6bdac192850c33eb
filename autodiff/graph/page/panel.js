// What is pointed at, in words; page.js calls `tell`.

function tell() {
  const stepping = canvas.classList.contains("stepping") ? current() : -1;
  const k = [hovered, picked, stepping].find((n) => n >= 0) ?? -1;
  panel.replaceChildren(...(k < 0 ? overview() : described(view.boxes[k], k === picked)));
}

const MEANINGS = {
  elementwise: "each element by itself: its gradient is g times the slope there",
  linear: "a linear map: its gradient is the transposed map of g, whatever the values were",
  bilinear: "linear in each of two operands: the gradient of one needs the value of the other",
  multilinear: "linear in each of its operands: the gradient of one needs the values of the others",
  reduction: "each element that is given feeds one element of the result",
  boolean: "true or false: no gradient goes through it", zero: "constant between its jumps: no gradient goes through it",
  other: "has rules of its own: click a box for them",
};

function overview() {
  const how = [element("h3", {}, "How to read it"),
    element("p", {}, "Point at a box for what it computed, click it for all it came from (blue) and all it went into (orange)."),
    steps.length ? element("p", {}, "The slider below runs the program again: values appear as they were computed, then gradients as the sweep reached them.") : ""];
  const phases = Object.entries(Object.groupBy(graph.ops, (op) => op.phase));
  const parameters = graph.values.filter((value) => value.role === "parameter");
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const legend = view.legend.map(([name, style]) => element("span", { style, title: MEANINGS[name] }, name));
  return [
    element("h2", {}, graph.title),
    graph.failed !== undefined ? element("p", { class: "alarm" }, `failed at ${lines[graph.failed].split("  # ")[0]}, ${graph.ops[graph.failed].line ?? ""}`) : "",
    graph.values.length ? "" : element("p", {}, "Nothing was recorded: no tensor was given, and no operation ran."),
    facts([
      ...phases.map(([phase, ops]) => [phase, counted(ops.length, "operation")]),
      ["parameters", count ? `${count.toLocaleString("en")} in ${counted(parameters.length, "array")}` : ""],
      ["returns", graph.outputs.map((v) => `${graph.values[v].label}: ${graph.values[v].type}`).join(", ")],
      ["drawn", `${boxes(view.boxes.length)}, ${counted(view.edges.length, "edge")}`],
    ]),
    ...(view.notes.length ? [element("h3", {}, "Folded"), element("p", {}, view.notes.join(" · "))] : []),
    ...(legend.length ? [element("h3", {}, "Legend"), element("div", { class: "legend" }, ...legend)] : []),
    element("p", {}, view.svg.querySelector(".e .dash") ? "- - -  kept for the backward pass" : ""),
    ...(graph.values.length ? how : []),
  ];
}

function facts(pairs) {
  return element("dl", {}, ...pairs.filter(([, fact]) => fact !== "" && fact !== undefined).flatMap(([name, fact]) => [
    element("dt", {}, name), element("dd", {}, fact)]));
}

function described(box, traced) {
  const size = box.ops.length / (box.rounds?.length ?? 1), own = box.ops.slice(box.round * size, (box.round + 1) * size);
  const ops = own.map((n) => graph.ops[n]), op = ops.length === 1 ? ops[0] : null;
  const value = graph.values[box.value];
  const parts = [element("h2", {}, box.title)];
  const chip = (text, tone) => text && element("span", { class: `chip ${tone ?? ""}` }, text);
  const kinds = [...new Set(ops.map(({ kind }) => kind))];
  if (box.rounds) parts.push(element("p", {}, `in ${roundOf(box)}`));
  parts.push(element("div", { class: "chips" }, chip(value?.type), chip(op ? op.kind : ops.length ? `${ops.length} operations` : value?.role),
    chip(ops.length ? box.phase : "", box.phase), op?.order ? chip(`order ${op.order}`) : ""));
  if (ops.length) {
    const most = 14;
    const from = Math.max(0, Math.min(own.findIndex((n) => ranAt[n] >= moment) - 5, ops.length - most));
    parts.push(element("pre", {}, from ? `… ${from} before\n` : "", ...own.slice(from, from + most).map((n) =>
      element("span", { class: ranAt[n] > moment ? "later" : ranAt[n] === moment && moment < steps.length && "now" }, `${lines[n].split("  # ")[0]}\n`)),
    ops.length > from + most ? `… ${ops.length - from - most} more` : ""));
  }
  if (box.notes) parts.push(element("pre", {}, box.notes.join("\n")));
  const sum = (name) => ops.reduce((total, one) => total + (one[name] ?? 0), 0);
  const seconds = ops.some((one) => one.seconds !== undefined) ? sum("seconds") : undefined;
  parts.push(facts([
    ["module", (ops[0]?.scope ?? []).filter((name, n) => ops.every(({ scope }) => scope?.[n] === name)).join(" › ")],
    ["line", [...new Set(ops.map((one) => one.line).filter(Boolean))].slice(0, 3).join(", ")],
    ["settings", op ? Object.entries(op.params ?? {}).map(([k, v]) => `${k}=${v}`).join(", ") : ""],
    ["keeps", sum("saved") ? `${bytes(sum("saved"))} for the backward pass` : ""],
    ["makes", sum("allocated") ? bytes(sum("allocated")) : ""],
    ["time", seconds === undefined ? undefined : `${number(seconds * 1e6)} µs`],
    ["class", !op && kinds.length ? kinds.join(", ") : ""],
  ]));
  if (op?.of !== undefined) parts.push(element("h3", {}, "Part of the gradient of"), links([graph.ops[op.of].outputs[0]]));
  if (op) parts.push(...rule(op.of === undefined ? op : graph.ops[op.of]));
  if (value) {
    parts.push(...content("Value", value.array, madeAt[box.value] <= moment, "forward", "not computed yet"));
    if (value.gradient) parts.push(...content("Gradient", value.gradient, gradientAt[box.value] <= moment, "backward", "the sweep has not come here yet"));
    const terms = gradientAt[box.value] <= moment ? chained(box.value) : [];
    if (terms.length) parts.push(element("p", {}, `by the chain rule${terms.length > 1 ? ", the sum of" : ""}`), element("pre", {}, terms.join("\n")));
  }
  if (op) {
    const given = [...new Set(op.operands.filter((n) => typeof n === "number"))];
    const into = [...new Set(op.outputs.flatMap((v) => users[v]))].map((n) => graph.ops[n].outputs[0]);
    if (given.length) parts.push(element("h3", {}, "Operands"), links(given));
    if (into.length) parts.push(element("h3", {}, "Used by"), links(into));
  }
  if (traced) parts.push(element("h3", {}, "Traced"), element("p", {}, `${boxes(view.traced.up)} before it, ${boxes(view.traced.down)} after it`));
  if (ops.length > 1 && views[shown + 1] && traced)
    parts.push(element("button", { class: "act", type: "button", onclick: deeper }, "Open it: next depth"));
  return parts;
}

function rule({ name }) {
  const rules = graph.rules[name] ?? [];
  return rules.length ? [element("h3", {}, `Rule of ${name}: the gradients of its operands`),
    element("pre", {}, rules.map(([operand, code]) => `${operand}:  ${code}`).join("\n"))] : [];
}

// What a number's gradient is made of: for each of its uses the rule, and the rule with the numbers in it.
function chained(v) {
  const known = (x) => (typeof x === "number" ? graph.values[x].array?.elements : Number(x.literal));
  return [...new Set(users[v])].flatMap((n) => {
    const op = graph.ops[n], y = op.outputs[0], g = graph.values[y].gradient?.elements, rules = graph.rules[op.name] ?? [];
    if (op.phase !== "forward" || typeof g !== "number" || rules.length !== op.operands.length) return [];
    const numbers = { g, y: known(y), ...Object.fromEntries(rules.map(([name], k) => [name, known(op.operands[k])])) };
    return rules.filter((_, k) => op.operands[k] === v).map(([, code]) => {
      let whole = true; // whether every name in it, but those of functions, is that of a number
      const written = code.replace(/(?<![\w.])[A-Za-z_]\w*(?![\w(])/g, (name) => {
        const found = numbers[name];
        whole &&= name === "np" || typeof found === "number";
        return typeof found !== "number" ? name : found < 0 ? `(${number(found)})` : number(found);
      });
      return `${op.name}:  ${code}${whole && written !== code ? `  =  ${written}` : ""}`;
    });
  });
}

function links(values) {
  const most = 12;
  return element("ul", {}, ...values.slice(0, most).map((v) => {
    const { label, type, op } = graph.values[v], k = view.ofValue.get(v) ?? -1;
    const text = `${label}: ${type}${op === undefined ? "" : `  ${graph.ops[op].name}`}`;
    return element("li", {}, k < 0 ? element("code", {}, text)
      : element("button", { type: "button", onclick: () => pickAndReveal(k, true) }, text));
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
  const sound = (n) => !/NaN|Infinity|nan|inf/.test(n), text = (n) => (typeof n === "number" ? number(n) : String(n));
  if (!Array.isArray(x)) return element("div", { class: sound(x) ? "big" : "big alarm" }, String(x));
  const flat = x.flat(Infinity), largest = Math.max(...flat.map((n) => (typeof n === "number" ? Math.abs(n) : 0))) || 1;
  if (!flat.length) return element("p", {}, "no elements");
  const rows = Array.isArray(x[0]) ? x.flat(depth(x) - 2) : [x];
  const share = (n) => (typeof n === "number" ? `--share: ${Math.round(45 * Math.abs(n) / largest)}%` : undefined);
  return element("table", {}, ...rows.map((row) => element("tr", {}, ...row.map((n) =>
    element("td", { class: sound(n) ? undefined : "alarm", style: share(n) }, text(n))))));
}

const counted = (n, one, several = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : several}`;
const boxes = (n) => counted(n, "box", "boxes");
const depth = (x) => (Array.isArray(x) ? 1 + depth(x[0]) : 0);
const number = (n) => (typeof n === "number" ? (Number.isInteger(n) && Math.abs(n) < 1e6 ? String(n) : String(Number(n.toPrecision(4)))) : String(n));
function bytes(n) {
  const units = ["bytes", "KiB", "MiB", "GiB"], k = Math.min(Math.floor(Math.log2(n) / 10), 3);
  return `${number(Number((n / 1024 ** k).toPrecision(3)))} ${units[k]}`;
}
