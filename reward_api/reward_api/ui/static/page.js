// Keys, charts and what htmx is told: all else is HTML.
"use strict";

// --- addresses: an empty field is no filter ---------------------------------------------------------------------------

document.addEventListener("htmx:configRequest", (event) => {
  const { parameters, elt, verb } = event.detail;
  if (verb !== "get") return;
  for (const name of Object.keys(parameters)) {
    if (parameters[name] === "" && !elt.querySelector(`input[name="${name}"][data-keep]`)) delete parameters[name];
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && "once" in event.detail.elt.dataset) event.detail.elt.remove();
});
document.addEventListener("htmx:responseError", (event) => say(`The gateway answers ${event.detail.xhr.status}.`));
document.addEventListener("htmx:sendError", () => say("The gateway does not answer."));

function say(text) {
  let note = document.getElementById("note");
  if (!note) {
    note = document.createElement("p");
    note.id = "note";
    note.setAttribute("role", "status");
    document.body.append(note);
  }
  note.textContent = text;
  clearTimeout(note.timer);
  note.timer = setTimeout(() => note.remove(), 6000);
}

// --- keys -------------------------------------------------------------------------------------------------------------

const rows = () => [...document.querySelectorAll("[data-row]")];
let here = null;

function select(row) {
  document.querySelector("[data-row].here")?.classList.remove("here");
  if (!row) return;
  here = row.dataset.row;
  row.classList.add("here");
  row.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function move(by) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.row === here);
  select(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]);
}

const go = (selector) => {
  const links = document.querySelectorAll(selector);
  if (links.length) links[links.length - 1].click();
};

function toggleTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("touchstone-theme", root.dataset.theme);
  drawAll();
}

const help = () => {
  const dialog = document.getElementById("help");
  if (dialog.open) dialog.close();
  else dialog.showModal();
};

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: () => document.querySelector("[data-row].here a")?.click(),
  u: () => go("[data-up]"),
  "[": () => go("[data-prev]"),
  "]": () => go("[data-next]"),
  "/": () => document.getElementById("text")?.focus(),
  w: () => document.querySelector("#what-if > summary")?.click(),
  t: toggleTheme,
  "?": help,
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, textarea, select");
  if (field && event.key === "Escape") field.blur();
  if (field && event.key === "Enter" && event.ctrlKey) field.form?.requestSubmit();
  if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  const act = { theme: toggleTheme, help }[event.target.closest("[data-do]")?.dataset.do];
  if (act) act();
});

// --- charts -----------------------------------------------------------------------------------------------------------

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7"];
const plots = new Map();

function axes() {
  const style = { stroke: css("--muted"), font: "11px system-ui, sans-serif", grid: { stroke: css("--line"), width: 1 }, ticks: { show: false } };
  const incrs = [1, 2, 5].flatMap((one) => [0, 1, 2, 3, 4, 5, 6].map((power) => one * 10 ** power)).sort((a, b) => a - b);
  return [{ ...style, size: 26, incrs }, { ...style, size: 44 }];
}

const curve = (label, colour, more = {}) => ({ label, stroke: colour, width: 1.75, points: { size: 5, show: undefined }, spanGaps: true, ...more });

const CHARTS = {
  reward: (t) => ({
    data: [t.x, t.low, t.high, t.reward],
    series: [curve("low", "transparent", { width: 0, points: { show: false } }), curve("high", "transparent", { width: 0, points: { show: false } }), curve("mean reward", css("--c1"), { width: 2 })],
    bands: [{ series: [2, 1], fill: css("--band") }],
  }),
  components: (t) => {
    const names = Object.keys(t.components);
    return {
      data: [t.x, ...names.map((name) => t.components[name]), t.nulls],
      series: [...names.map((name, at) => curve(name, css(PALETTE[at % PALETTE.length]))), curve("null rate", css("--muted"), { dash: [4, 4] })],
    };
  },
  both: (t) => ({ data: [t.x, t.a, t.b], series: [curve("a", css("--c1")), curve("b", css("--c2"))] }),
};

function draw(element) {
  const trend = JSON.parse(element.dataset.trend);
  const chart = CHARTS[element.dataset.chart](trend);
  plots.get(element)?.destroy();
  const options = {
    width: Math.max(260, element.clientWidth),
    height: 170,
    scales: { x: { time: false } },
    axes: axes(),
    series: [{ label: "step" }, ...chart.series.map((one) => ({ ...one, value: (_, value) => (value == null ? "–" : value.toFixed(3)) }))],
    bands: chart.bands,
    cursor: { sync: { key: "steps" }, y: false, points: { size: 6 } },
    legend: { live: true },
  };
  const plot = new uPlot(options, chart.data, element);
  plots.set(element, plot);
  if (trend.step) {
    plot.over.style.cursor = "pointer";
    plot.over.addEventListener("click", () => {
      const at = plot.cursor.idx;
      if (at != null) location.href = trend.step + encodeURIComponent(trend.x[at]);
    });
  }
}

function drawAll() {
  for (const [element, plot] of plots) {
    if (!element.isConnected) {
      plot.destroy();
      plots.delete(element);
    }
  }
  document.querySelectorAll(".chart").forEach(draw);
}

let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(drawAll, 100);
});
document.addEventListener("htmx:afterSwap", () => {
  drawAll();
  if (here) select(rows().find((row) => row.dataset.row === here));
});
document.addEventListener("DOMContentLoaded", drawAll);
