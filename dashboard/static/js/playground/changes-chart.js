// The drawing of changes.js: an SVG with a band per stage and a line per class.

import { words } from "./dom.js";
import { stepOf } from "./changes.js";
import { colourOfClass } from "./words.js";

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 226, 44, 84, 26, 24];
const DASHES = { blue: "", coral: "6 3", grey: "2 3", green: "9 3 2 3", magenta: "12 3", azure: "4 2", olive: "1 3", plum: "14 3 3 3" };
const LEAST_APART = 15;

export function drawChart(place, stages, rows, at) {
  const total = stages.reduce((sum, stage) => sum + stage.num_steps, 0) || 1;
  const x = (step) => LEFT + (step / total) * (WIDTH - LEFT - RIGHT);
  const y = (share) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  place.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  place.replaceChildren(...bands(stages, x), ...axes(y, x, total));
  if (!rows.length) return;
  const classes = Object.keys(rows[0].probabilities);
  const steps = rows.map((row) => stepOf(row, stages));
  for (const name of classes) place.append(...line(name, classes, rows, steps, x, y));
  place.append(...endLabels(rows.at(-1), classes, x(steps.at(-1)), y));
  place.append(make("line", { class: "marker", x1: x(steps[at]), x2: x(steps[at]), y1: TOP, y2: HEIGHT - BOTTOM }));
  place.setAttribute("aria-label", `${rows.length}: ${classes.map((name) => `${name} ${(100 * rows.at(-1).probabilities[name]).toFixed(1)} %`).join(", ")}`);
}

function bands(stages, x) {
  let from = 0;
  return stages.flatMap((stage) => {
    const [left, right] = [x(from), x(from + stage.num_steps)];
    from += stage.num_steps;
    const number = ((stage.index - 1) % 5) + 1;
    const band = make("rect", { class: `band s${number}`, x: left, y: TOP, width: Math.max(right - left, 0), height: HEIGHT - TOP - BOTTOM });
    const rule = make("rect", { class: `rule s${number}`, x: left, y: TOP - 3, width: Math.max(right - left, 0), height: 3 });
    const wide = right - left > 90;
    const name = make("text", { class: `name text-s${number}`, x: left + 6, y: TOP + 14 }, wide ? `${stage.index} ${stage.name}` : stage.index);
    const silent = stage.is_askable || right - left < 140 ? [] : [make("text", { class: "silent", x: left + 6, y: TOP + 30 }, words.not_asked)];
    return [band, rule, name, ...silent];
  });
}

function axes(y, x, total) {
  const levels = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    make("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(share), y2: y(share) }),
    make("text", { class: "tick", x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, `${100 * share} %`),
  ]);
  const step = niceStep(total / 6);
  const ticks = Array.from({ length: Math.floor(total / step) + 1 }, (_, number) =>
    make("text", { class: "tick", x: x(number * step), y: HEIGHT - 8, "text-anchor": "middle" }, short(number * step)),
  );
  return [...levels, ...ticks];
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

function short(step) {
  return step >= 10_000 ? `${step / 1000} k` : step.toLocaleString("en");
}

function line(name, classes, rows, steps, x, y) {
  const colour = colourOfClass(name, classes);
  const points = rows.map((row, at) => `${x(steps[at]).toFixed(1)},${y(row.probabilities[name]).toFixed(1)}`);
  const dots = rows.map((row, at) => make("circle", { class: `dot ${colour}`, cx: x(steps[at]), cy: y(row.probabilities[name]), r: rows.length > 30 ? 0 : 2 }));
  return [make("polyline", { class: `curve ${colour}`, points: points.join(" "), "stroke-dasharray": DASHES[colour] }), ...dots];
}

/** The names at the ends of the lines, moved apart where they would cover each other. */
function endLabels(row, classes, at, y) {
  const sorted = classes.map((name) => ({ name, y: y(row.probabilities[name]) })).sort((one, other) => one.y - other.y);
  sorted.forEach((label, number) => {
    if (number) label.y = Math.max(label.y, sorted[number - 1].y + LEAST_APART);
  });
  const too = Math.max(0, (sorted.at(-1)?.y ?? 0) - (HEIGHT - BOTTOM));
  return sorted.map((label) => make("text", { class: `end ${label.name === bestOf(row) ? "best" : ""}`, x: at + 8, y: label.y + 4 - too }, label.name));
}

function bestOf({ probabilities }) {
  return Object.entries(probabilities).reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

function make(name, attributes, text = "") {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== "") made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
