// A stage's curriculum: behind its switch, with the measures of difficulty that the data of all its tasks has what for.

import { measuresOf } from "./offers.js";
import { show } from "./show.js";

const STEADY = "flattening";

/** A measure that the data cannot give stays in sight while it has a weight. */
export function fitCurriculum(stage, tasks) {
  const part = stage.querySelector("[data-curriculum]");
  const { checked } = part.querySelector("[data-switch]");
  const offered = common(tasks);
  for (const field of fields(part)) {
    const applies = offered.includes(field.dataset.field) || weight(field) !== 0;
    show(field, checked && (field.dataset.field === STEADY || applies));
  }
}

/** Switched on, it begins with a measure that can be taken. */
export function startCurriculum(stage, tasks) {
  const offered = common(tasks);
  const measures = fields(stage.querySelector("[data-curriculum]")).filter((field) => field.dataset.field !== STEADY);
  if (measures.some((field) => weight(field) && offered.includes(field.dataset.field))) return;
  for (const field of measures) field.querySelector("input").value = field.dataset.field === offered[0] ? "1" : "0";
}

function common(tasks) {
  const [first = [], ...others] = tasks.map(measuresOf);
  return first.filter((measure) => others.every((measures) => measures.includes(measure)));
}

function fields(part) {
  return [...part.querySelectorAll("[data-field]")];
}

function weight(field) {
  return Number(field.querySelector("input").value);
}
