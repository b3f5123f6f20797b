// The chart as a table, for readers of text: a row for every validation, at most 200.

import { lowerBound } from "../live/curves.js";
import { TRAIN, VALIDATION } from "./kind-loss.js";
import { METRIC as RATE } from "./kind-rate.js";
import { nearestIndex } from "./layers.js";
import * as numbers from "./numbers.js";

const MOST_ROWS = 200;

export function drawTable(body, view) {
  const rows = view.stages.flatMap((stage) => rowsOf(view, stage));
  const every = Math.ceil(rows.length / MOST_ROWS);
  body.replaceChildren(...rows.filter((_, i) => i % every === 0 || i === rows.length - 1).map(element));
}

/** The steps of the validations; without any, ten even ones. */
function rowsOf(view, stage) {
  const [train, checked, rate] = [TRAIN, VALIDATION, RATE].map((metric) => view.store.shown(metric, stage.index));
  const some = train.step.filter((_, i) => i % Math.max(1, Math.floor(train.step.length / 10)) === 0);
  const steps = checked.step.length ? checked.step : some;
  return Array.from(steps, (step) => [
    numbers.steps(step + stage.offset),
    `${stage.index} ${stage.name}`,
    numbers.value(train.value[nearestIndex(train.step, step)]),
    numbers.value(checked.value[checked.step.indexOf(step)]),
    numbers.rate(rate.value[lowerBound(rate.step, step)]),
  ]);
}

function element(cells) {
  const row = document.createElement("tr");
  cells.forEach((text, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    cell.textContent = text;
    if (i > 1) cell.className = "number";
    row.append(cell);
  });
  return row;
}
