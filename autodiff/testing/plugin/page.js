"use strict";
const all = (selector) => [...document.querySelectorAll(selector)];
const checks = all(".check"), filters = all(".filters button"), search = document.querySelector("input");
const shown = document.querySelector("output"), expand = document.getElementById("expand");
document.documentElement.classList.add("js"); // without a script every row stands open

function open(check, wanted) {
  const button = check.querySelector("button");
  button.setAttribute("aria-expanded", wanted);
  check.querySelector(".more").classList.toggle("open", wanted);
}

function filter() {
  const verdict = filters.find((button) => button.getAttribute("aria-pressed") === "true").dataset.verdict;
  const words = search.value.toLowerCase().split(/\s+/);
  for (const check of checks) {
    const { verdict: own, words: text } = check.dataset;
    check.hidden = (verdict && own !== verdict) || !words.every((word) => text.includes(word));
  }
  const count = checks.filter((check) => !check.hidden).length;
  shown.textContent = count === checks.length ? "" : `${count} of ${checks.length} shown`;
}

for (const button of filters)
  button.addEventListener("click", () => {
    for (const other of filters) other.setAttribute("aria-pressed", other === button);
    filter();
  });
search.addEventListener("input", filter);
for (const check of checks)
  check.querySelector(".line").addEventListener("click", () => {
    if (!getSelection().toString()) open(check, check.querySelector("button").getAttribute("aria-expanded") !== "true");
  });
expand.addEventListener("click", () => {
  const wanted = expand.getAttribute("aria-pressed") !== "true";
  expand.setAttribute("aria-pressed", wanted);
  for (const check of checks) open(check, wanted);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    filter();
  }
});
