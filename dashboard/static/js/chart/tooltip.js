// What stood at a step: stage, attempt, losses and rate, in a box that opens towards the free side.

import { attemptOf, lowerBound } from "../live/curves.js";
import { nearestIndex } from "./align.js";
import { curveOf } from "./kind-loss.js";
import { METRIC as RATE } from "./kind-rate.js";
import * as numbers from "./numbers.js";
import { plannedAt } from "./planned.js";
import { smooth } from "./smoothing.js";
import { fill } from "./words.js";

export class Tooltip {
  constructor(host, view) {
    Object.assign(this, { host, view });
  }

  hide() {
    this.host.hidden = true;
  }

  /** `left` is the crosshair's place inside a box that is `width` wide. */
  show(x, left, width) {
    const found = readAt(this.view, x);
    if (!found) return this.hide();
    this.fillIn(found);
    this.host.hidden = false;
    const own = this.host.offsetWidth;
    const opensRight = left + 12 + own <= width || left < own + 12;
    this.host.style.left = `${Math.max(0, Math.min(width - own, opensRight ? left + 12 : left - 12 - own))}px`;
    return undefined;
  }

  fillIn({ stage, step, x, attempt, clock, rows }) {
    const put = (selector, text) => {
      this.host.querySelector(selector).textContent = text;
    };
    this.host.dataset.stage = stage.index;
    put(".tip-step", numbers.steps(x));
    put(".tip-clock", clock);
    put(".tip-number", stage.index);
    put(".tip-stage", stage.name);
    put(".tip-attempt", fill(this.view.words.attempt, { number: attempt }));
    this.host.querySelector(".tip-rows").replaceChildren(...rows.map(rowElement));
    this.host.dataset.step = step;
  }
}

function rowElement({ mark, name, text }) {
  const row = document.createElement("div");
  row.className = "tip-row";
  const [dot, label, value] = ["i", "span", "b"].map((tag) => document.createElement(tag));
  dot.className = `tip-mark tip-${mark}`;
  label.textContent = name;
  value.textContent = text;
  row.append(dot, label, value);
  return row;
}

/** What the store knows about a run step: its stage and the nearest measured values; null where nothing has been measured. */
export function readAt(view, x) {
  const stage = view.stages.findLast((each) => x > each.offset) ?? view.stages[0];
  const train = curveOf(view, "train/loss", stage);
  const wanted = x - stage.offset;
  const isAhead = !train.step.length || wanted > train.step.at(-1) + 0.5;
  const at = isAhead ? -1 : nearestIndex(train.step, wanted);
  const step = isAhead ? Math.max(1, Math.round(wanted)) : train.step[at];
  const rows = isAhead ? [] : lossRows(view, stage, train, at);
  rows.push(...rateRows(view, stage, step));
  return { stage, step, x: step + stage.offset, attempt: attemptOf(step, stage.attempts), clock: clockAt(view.store, stage, step), rows };
}

function lossRows(view, stage, train, at) {
  const { words } = view;
  const rows = [{ mark: "solid", name: words.train, text: numbers.value(smooth(train.value, view.smoothing)[at]) }];
  if (view.smoothing > 0) rows.push({ mark: "faint", name: words.raw, text: numbers.value(train.value[at]) });
  const checked = curveOf(view, "validation/loss", stage);
  const place = nearestIndex(checked.step, train.step[at]);
  if (place >= 0) rows.push({ mark: "hollow", name: words.validation, text: numbers.value(checked.value[place]) });
  return rows;
}

function rateRows(view, stage, step) {
  const { words } = view;
  const measured = curveOf(view, RATE, stage);
  const at = lowerBound(measured.step, step);
  if (at < measured.step.length) return [{ mark: "solid", name: words.rate, text: numbers.rate(measured.value[at]) }];
  const planned = plannedAt(stage.plan, step);
  return Number.isFinite(planned) ? [{ mark: "dashed", name: words.planned_rate, text: numbers.rate(planned) }] : [];
}

/** When a step was made, between the two events of its attempt around it; empty where that is not known. */
function clockAt(store, stage, step) {
  const attempt = attemptOf(step, stage.attempts);
  const own = store.events.filter((event) => event.stage === stage.index && event.attempt === attempt && (event.step ?? null) !== null);
  const after = own.find((event) => event.step >= step);
  const before = own.findLast((event) => event.step <= step) ?? startOf(store, stage, attempt);
  if (!after || !before) return "";
  const span = after.step - before.step || 1;
  const at = before.at + ((after.at - before.at) * (step - before.step)) / span;
  return new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

function startOf(store, stage, attempt) {
  const started = store.events.find((event) => event.kind === "started" && event.stage === stage.index && event.attempt === attempt);
  return started && { at: started.at, step: started.data?.resumed_from ?? 0 };
}
