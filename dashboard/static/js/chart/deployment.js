// Throughput against p99: a line for each protocol, a point for each number of clients.

import { ticks } from "./scales.js";
import { fill } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 560, height: 300, left: 56, right: 40, top: 30, bottom: 46 };
const NEAR = 16;

/** Draws the rows of a deployment table into the host; nothing where there is none yet. */
export function drawDeployment(host, rows, words) {
  if (!host) return;
  host.replaceChildren();
  if (rows.length) host.append(picture(rows, words));
}

function picture(rows, words) {
  const svg = element("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": describe(rows, words) });
  const x = axis(1.12 * Math.max(...rows.map((row) => row.throughput_per_s)), BOX.left, BOX.width - BOX.right);
  const y = axis(1.15 * Math.max(...rows.map((row) => row.latency_ms_p99)), BOX.height - BOX.bottom, BOX.top);
  const protocols = [...new Set(rows.map((row) => row.protocol))];
  const lines = protocols.map((protocol) => line(rows.filter((row) => row.protocol === protocol), x, y));
  svg.append(...gridLines(x, y), ...captions(words), ...lines, ...points(rows, x, y, words), ...legend(rows, protocols));
  return svg;
}

function describe(rows, words) {
  const of = (row) => `${row.name}, ${fill(words.at_a_time, { count: row.concurrency })}: ${row.throughput_per_s.toFixed(1)}/s, ${row.latency_ms_p99.toFixed(1)} ms`;
  return rows.map(of).join("; ");
}

function axis(high, from, to) {
  return { high, at: (value) => from + (value / high) * (to - from) };
}

function gridLines(x, y) {
  const rows = ticks(0, y.high, false, 5).flatMap((value) => [
    element("line", { class: "scatter-grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: y.at(value), y2: y.at(value) }),
    element("text", { class: "scatter-tick", x: BOX.left - 8, y: y.at(value) + 4, "text-anchor": "end" }, String(value)),
  ]);
  const columns = ticks(0, x.high, false, 5).map((value) =>
    element("text", { class: "scatter-tick", x: x.at(value), y: BOX.height - BOX.bottom + 18, "text-anchor": "middle" }, String(value)),
  );
  return [...rows, ...columns];
}

function captions(words) {
  const middle = (BOX.left + BOX.width - BOX.right) / 2;
  return [
    element("text", { class: "scatter-tick", x: middle, y: BOX.height - 8, "text-anchor": "middle" }, words.throughput),
    element("text", { class: "scatter-tick", x: BOX.left, y: 16 }, words.latency_p99),
  ];
}

function line(rows, x, y) {
  const places = rows.toSorted((a, b) => a.concurrency - b.concurrency).map((row) => `${x.at(row.throughput_per_s)},${y.at(row.latency_ms_p99)}`);
  return element("polyline", { class: `deployment-line protocol-${rows[0].protocol}`, points: places.join(" ") });
}

/** A number stands above its point, and is left out where one stands there already. */
function points(rows, x, y, words) {
  const taken = [];
  return rows.flatMap((row) => {
    const [left, top] = [x.at(row.throughput_per_s), y.at(row.latency_ms_p99)];
    const dot = element("circle", { class: `scatter-dot protocol-${row.protocol}`, cx: left, cy: top, r: 4 });
    dot.append(element("title", {}, `${row.name}, ${fill(words.at_a_time, { count: row.concurrency })}`));
    if (taken.some(([other, height]) => Math.abs(other - left) < NEAR && Math.abs(height - top) < NEAR)) return [dot];
    taken.push([left, top]);
    return [dot, element("text", { class: "scatter-label", x: left, y: top - 9, "text-anchor": "middle" }, String(row.concurrency))];
  });
}

function legend(rows, protocols) {
  return protocols.flatMap((protocol, index) => {
    const left = BOX.width - BOX.right - 70 * (protocols.length - index);
    const { name } = rows.find((row) => row.protocol === protocol);
    return [
      element("circle", { class: `scatter-dot protocol-${protocol}`, cx: left, cy: 12, r: 4 }),
      element("text", { class: "scatter-label", x: left + 9, y: 16 }, name),
    ];
  });
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
