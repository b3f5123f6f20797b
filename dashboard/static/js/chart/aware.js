// The training with rounding of a quantization: its loss and its learning rate over the steps, and how far it has come.

import { ticks } from "./scales.js";

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 480, height: 150, left: 62, right: 10, top: 10, bottom: 24 };
const METRICS = ["train/loss", "train/learning_rate"];

export class AwareCurve {
  constructor(words) {
    this.words = words;
    this.data = null;
  }

  /** What the server knows; points that came in the meantime and are newer stay. */
  read(data) {
    const isSame = this.data?.stage === data.stage && this.data.attempt === data.attempt;
    const known = isSame ? this.data.metrics : {};
    this.data = data;
    for (const [metric, curve] of Object.entries(known)) this.append(metric, curve.step, curve.value);
    this.draw();
  }

  take(points) {
    const mine = points.filter((each) => each.stage === this.data?.stage && each.attempt === this.data.attempt && METRICS.includes(each.metric));
    for (const each of mine) this.append(each.metric, each.step, each.value);
    if (mine.length) this.draw();
  }

  append(metric, steps, values) {
    const curve = (this.data.metrics[metric] ??= { step: [], value: [] });
    const last = curve.step.at(-1) ?? 0;
    steps.forEach((step, number) => {
      if (step <= last) return;
      curve.step.push(step);
      curve.value.push(Number(values[number]));
    });
  }

  draw() {
    this.drawProgress();
    const host = document.querySelector("[data-aware]");
    const drawn = METRICS.filter((metric) => this.data.metrics[metric]?.step.length);
    if (host) host.replaceChildren(...drawn.map((metric) => picture(this.data.metrics[metric], this.words[metric] ?? metric)));
  }

  drawProgress() {
    const [bar, counter] = ["[data-aware-bar]", "[data-aware-step]"].map((selector) => document.querySelector(selector));
    const step = this.data.metrics[METRICS[0]]?.step.at(-1);
    if (!bar || !step) return;
    bar.value = Math.max(bar.value, step);
    counter.textContent = String(bar.value);
  }
}

function picture(curve, name) {
  const finite = curve.value.filter(Number.isFinite);
  const high = Math.max(...finite, Number.MIN_VALUE);
  const x = (step) => BOX.left + ((step - 1) / Math.max(curve.step.at(-1) - 1, 1)) * (BOX.width - BOX.left - BOX.right);
  const y = (value) => BOX.height - BOX.bottom - (value / high) * (BOX.height - BOX.top - BOX.bottom);
  const svg = element("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": `${name}: ${short(finite.at(-1))}` });
  for (const value of ticks(0, high, false, 4)) {
    svg.append(element("line", { class: "scatter-grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: y(value), y2: y(value) }));
    svg.append(element("text", { class: "scatter-tick", x: BOX.left - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  const places = curve.step.flatMap((step, number) => (Number.isFinite(curve.value[number]) ? [`${x(step)},${y(curve.value[number])}`] : []));
  svg.append(element("polyline", { class: "aware-line", points: places.join(" ") }));
  svg.append(element("text", { class: "scatter-tick", x: BOX.left, y: BOX.height - 6 }, name));
  svg.append(element("text", { class: "scatter-tick", x: BOX.width - BOX.right, y: BOX.height - 6, "text-anchor": "end" }, String(curve.step.at(-1))));
  return svg;
}

function short(value) {
  if (value === undefined) return "";
  return value !== 0 && Math.abs(value) < 1e-3 ? Number(value.toPrecision(3)).toExponential() : Number(value.toPrecision(3)).toString();
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
