// Any metric as a table, for readers of text: even rows over its points, at most 200, with the extremes that a thinned row stands for.

import * as numbers from "./numbers.js";
import { format } from "./units.js";

const MOST_ROWS = 200;

/** Rows of cells: run step, stage, value, lowest and highest; the last two are empty where a row is one point. */
export function rowsOf(view, metric) {
  const rows = view.stages.flatMap((stage) => rowsOfStage(view.store.shown(metric, stage.index), stage, metric));
  const every = Math.ceil(rows.length / MOST_ROWS);
  return rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
}

function rowsOfStage({ step, value, min, max }, stage, metric) {
  return Array.from(step, (each, i) => {
    const ends = min[i] < max[i] ? [format(metric, min[i]), format(metric, max[i])] : ["", ""];
    return [numbers.steps(each + stage.offset), `${stage.index} ${stage.name}`, format(metric, value[i]), ...ends];
  });
}

export function drawMetricTable(body, view, metric) {
  const rows = rowsOf(view, metric);
  body.replaceChildren(...rows.map(element));
  body.closest("table").classList.toggle("is-raw", rows.every((cells) => !cells.at(-1)));
}

function element(cells) {
  const row = document.createElement("tr");
  cells.forEach((text, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.scope = "row";
    cell.textContent = text;
    if (i > 1) cell.className = "number";
    row.append(cell);
  });
  return row;
}
