// Accuracy against latency, one circle per precision, its area the size on disk.

import { ticks } from "./scales.js";

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 560, height: 270, left: 56, right: 40, top: 26, bottom: 46 };
const LARGEST = 18;
const NEAR_X = 48;
const NEAR_Y = 60;

/** `limit` is the accuracy below which the gate lets nothing through, null where there is none; `gate` says so in words. */
export function drawScatter(host, { points, limit, gate }, words) {
  if (!host) return;
  host.replaceChildren();
  if (points.length) host.append(picture(points, limit, { ...words, gate }));
}

function picture(points, limit, words) {
  const svg = element("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": describe(points) });
  const x = axis(0, 1.15 * Math.max(...points.map((point) => point.latency_ms_p50)), BOX.left, BOX.width - BOX.right);
  const y = axis(...accuracyRange(points, limit), BOX.height - BOX.bottom, BOX.top);
  const places = points.map((point) => place(point, points, x, y));
  svg.append(...gateLines(limit, y, words.gate), ...gridLines(x, y), caption(words.latency), ...line(points, x, y), ...places.flatMap((each) => circle(each, places)));
  return svg;
}

function describe(points) {
  return points.map((point) => `${point.name}: ${(100 * point.accuracy).toFixed(2)} %, ${point.latency_ms_p50.toFixed(1)} ms`).join("; ");
}

/** At least two points of accuracy high, so that noise does not look like a cliff. */
function accuracyRange(points, limit) {
  const shares = [...points.map((point) => point.accuracy), ...(limit === null ? [] : [limit])].map((share) => 100 * share);
  const middle = (Math.min(...shares) + Math.max(...shares)) / 2;
  const half = Math.max(1, 0.8 * (Math.max(...shares) - Math.min(...shares)));
  return [middle - half, middle + half];
}

function axis(low, high, from, to) {
  return { low, high, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** Everything below the limit is tinted. */
function gateLines(limit, y, words) {
  if (limit === null) return [];
  const [left, right, top, bottom] = [BOX.left, BOX.width - BOX.right, y.at(100 * limit), BOX.height - BOX.bottom];
  return [
    element("rect", { class: "scatter-gate", x: left, y: top, width: right - left, height: Math.max(0, bottom - top) }),
    element("line", { class: "scatter-limit", x1: left, x2: right, y1: top, y2: top }),
    element("text", { class: "scatter-limit-text", x: right - 4, y: top + 14, "text-anchor": "end" }, words),
  ];
}

function gridLines(x, y) {
  const rows = ticks(y.low, y.high, false, 5).flatMap((value) => [
    element("line", { class: "scatter-grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: y.at(value), y2: y.at(value) }),
    element("text", { class: "scatter-tick", x: BOX.left - 8, y: y.at(value) + 4, "text-anchor": "end" }, value.toFixed(1)),
  ]);
  const columns = ticks(x.low, x.high, false, 5).map((value) =>
    element("text", { class: "scatter-tick", x: x.at(value), y: BOX.height - BOX.bottom + 18, "text-anchor": "middle" }, String(value)),
  );
  return [...rows, ...columns];
}

function caption(text) {
  return element("text", { class: "scatter-tick", x: (BOX.left + BOX.width - BOX.right) / 2, y: BOX.height - 8, "text-anchor": "middle" }, text);
}

function line(points, x, y) {
  const sorted = points.toSorted((a, b) => a.latency_ms_p50 - b.latency_ms_p50);
  const places = sorted.map((point) => `${x.at(point.latency_ms_p50)},${y.at(100 * point.accuracy)}`);
  return [element("polyline", { class: "scatter-line", points: places.join(" ") })];
}

function place(point, points, x, y) {
  const largest = Math.max(...points.map((each) => each.size_bytes ?? 1));
  const radius = Math.max(6, LARGEST * Math.sqrt((point.size_bytes ?? 1) / largest));
  return { ...point, radius, left: x.at(point.latency_ms_p50), top: y.at(100 * point.accuracy) };
}

/** The name stands above its circle, or below where another circle lies close above. */
function circle(point, places) {
  const { precision, radius, left, top } = point;
  const isAbove = (each) => each !== point && Math.abs(each.left - left) < NEAR_X && each.top <= top && top - each.top < NEAR_Y;
  const label = places.some(isAbove) ? top + radius + 15 : top - radius - 7;
  return [
    element("circle", { class: `scatter-disc precision-${precision}`, cx: left, cy: top, r: radius }),
    element("circle", { class: `scatter-dot precision-${precision}`, cx: left, cy: top, r: 2.5 }),
    element("text", { class: "scatter-label", x: left, y: label, "text-anchor": "middle" }, point.name),
  ];
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
