// What stood at a step: stage, attempt and the nearest lines, in a box that opens towards the free side.

import { attemptOf } from "../live/curves.js";
import * as numbers from "./numbers.js";
import { colourNumber } from "./theme.js";
import { fill } from "./words.js";

const MOST_ROWS = 5;
const AIR = 12;

export class Tooltip {
  constructor(host, view) {
    Object.assign(this, { host, view });
  }

  hide() {
    this.host.hidden = true;
  }

  /** `left` and `top` are the pointer's place in the plot of `chart`; the rows come from all `charts`, nearest first chosen. */
  show({ x, left, top, chart, charts }) {
    const found = this.view.axis.findAll(x);
    const main = found.find(({ stage }) => stage === this.view.axis.find(x).stage) ?? found[0];
    if (!main) return this.hide();
    const rows = found.flatMap(({ stage, step }) => charts.flatMap((each) => rowsOf(each, this.view, stage, step)));
    const step = rows.find((row) => row.stage === main.stage)?.step ?? Math.max(1, Math.round(main.step));
    this.fillIn({ ...main, step: Math.min(step, main.stage.num_steps) }, nearest(rows, chart, top), found.length > 1);
    this.place(left, chart.plot.over.clientWidth, charts[0].offsetTop);
    return undefined;
  }

  place(left, width, top) {
    this.host.hidden = false;
    this.host.style.top = `${top + AIR}px`;
    const own = this.host.offsetWidth;
    const opensRight = left + AIR + own <= width || left < own + AIR;
    this.host.style.left = `${Math.max(0, Math.min(width - own, opensRight ? left + AIR : left - AIR - own))}px`;
  }

  fillIn({ stage, step }, rows, isOverlay) {
    const put = (selector, text) => {
      this.host.querySelector(selector).textContent = text;
    };
    this.host.dataset.stage = isOverlay ? "" : colourNumber(stage.index);
    put(".tip-step", numbers.steps(isOverlay || this.view.layout !== "one" ? step : step + stage.offset));
    put(".tip-clock", isOverlay ? "" : clockAt(this.view.store, stage, step));
    this.host.querySelector(".tip-where").hidden = isOverlay;
    put(".tip-number", stage.index);
    put(".tip-stage", stage.name);
    put(".tip-attempt", fill(this.view.words.attempt, { number: attemptOf(step, stage.attempts) }));
    this.host.querySelector(".tip-rows").replaceChildren(...rows.map((row) => rowElement(row, isOverlay)));
    this.host.dataset.step = step;
  }
}

function rowsOf(chart, view, stage, step) {
  const found = chart.kind.readAt(view, stage, step, chart.metric);
  return found.rows.map((row) => ({ ...row, stage, chart, step: found.step }));
}

/** In the order of the legend; of too many those nearest to the pointer, the pointed chart's own before others. */
function nearest(rows, chart, top) {
  if (rows.length <= MOST_ROWS) return rows;
  const distance = (row) => (row.chart === chart ? Math.abs(chart.plot.valToPos(row.value, "y") - (top ?? 0)) : 1e6);
  const kept = new Set(rows.toSorted((a, b) => distance(a) - distance(b)).slice(0, MOST_ROWS));
  return rows.filter((row) => kept.has(row));
}

function rowElement({ mark, name, text, stage }, isOverlay) {
  const row = document.createElement("div");
  row.className = "tip-row";
  row.dataset.stage = colourNumber(stage.index);
  const [dot, label, value] = ["i", "span", "b"].map((tag) => document.createElement(tag));
  dot.className = `tip-mark tip-${mark}`;
  label.textContent = isOverlay ? `${stage.index} ${name}` : name;
  value.textContent = text;
  row.append(dot, label, value);
  return row;
}

/** When a step was made: by its progress series where that is there, else between the two events of its attempt around it. */
function clockAt(store, stage, step) {
  const at = wallAt(store, stage, step) ?? betweenEvents(store, stage, step);
  return at ? new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }) : "";
}

function wallAt(store, stage, step) {
  if (store.metrics.get("progress/wall")?.state !== "read") return null;
  const curve = store.curve("progress/wall", stage.index);
  const at = curve.step.findIndex((each) => each >= step);
  return at < 0 ? null : curve.max[at];
}

function betweenEvents(store, stage, step) {
  const attempt = attemptOf(step, stage.attempts);
  const own = store.events.filter((event) => event.stage === stage.index && event.attempt === attempt && (event.step ?? null) !== null);
  const after = own.find((event) => event.step >= step);
  const before = own.findLast((event) => event.step <= step) ?? startOf(store, stage, attempt);
  if (!after || !before) return null;
  const span = after.step - before.step || 1;
  return before.at + ((after.at - before.at) * (step - before.step)) / span;
}

function startOf(store, stage, attempt) {
  const started = store.events.find((event) => event.kind === "started" && event.stage === stage.index && event.attempt === attempt);
  return started && { at: started.at, step: started.data?.resumed_from ?? 0 };
}
