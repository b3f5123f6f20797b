// The learning rate: measured solid, planned dashed over it and alone in the future.

import { lowerBound } from "../live/curves.js";
import { rawLayer } from "./layers.js";
import { strokeLayer } from "./lines.js";
import * as numbers from "./numbers.js";
import { isAsPlanned, largestDifference, plannedAt } from "./planned.js";
import { stageColour } from "./theme.js";
import { fill } from "./words.js";

export const METRIC = "train/learning_rate";
export const metrics = [METRIC];
export const hasLog = false;

/** The plan is drawn in ink over what is measured and in the stage's colour over what is still to come. */
export function layers(view, theme) {
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    const measured = rawLayer(view, stage, view.store.shown(METRIC, stage.index), { stroke: solid, width: 1.75 });
    const plan = withStart(stage.plan);
    const done = Math.min(stage.num_steps, Math.max(0, view.now - stage.offset));
    const [before, after] = [part(plan, 0, done), part(plan, done, stage.num_steps)];
    return [
      { ...measured, key: "rate" },
      { ...planLayer(view, stage, before), stroke: theme.ink, width: 1, alpha: 0.75, dash: [4, 3], key: "planned" },
      { ...planLayer(view, stage, after), stroke: solid, width: 1.5, dash: [4, 3], key: "planned" },
    ].filter((layer) => view.isShown(layer.key, stage));
  });
}

function planLayer(view, stage, { step, rate }) {
  return { stage, x: view.axis.places(stage.index, step), y: Float64Array.from(rate) };
}

/** Where the warm-up begins; a plan without one begins at its first rate. */
function withStart(plan) {
  const first = plan.rate.length > 1 && plan.rate[0] < plan.rate[1] ? Math.max(0, 2 * plan.rate[0] - plan.rate[1]) : plan.rate[0];
  return { step: [0, ...plan.step], rate: [first, ...plan.rate] };
}

/** The plan from one step to another; both ends stand on its line. */
function part(plan, from, to) {
  if (from >= to) return { step: [], rate: [] };
  const [first, last] = [lowerBound(plan.step, from), lowerBound(plan.step, to)];
  const ends = [[from, plannedAt(plan, from)], [to, plannedAt(plan, to)]];
  const [head, tail] = ends.map(([step, rate], i) => (Number.isFinite(rate) && plan.step[i ? last : first] !== step ? { step: [step], rate: [rate] } : { step: [], rate: [] }));
  const cut = (list) => list.slice(first, plan.step[last] === to ? last + 1 : last);
  return { step: [...head.step, ...cut(plan.step), ...tail.step], rate: [...head.rate, ...cut(plan.rate), ...tail.rate] };
}

export function paint(ctx, project, shown) {
  for (const layer of shown) strokeLayer(ctx, project, layer);
}

export function paintOver() {}

/** Whether the measured rate is the planned one: {text, isFine}; null before the first point. */
export function verdict(view) {
  const found = view.stages.map((stage) => largestDifference(stage.plan, view.store.curve(METRIC, stage.index))).filter((each) => each !== null);
  if (!found.length) return null;
  const largest = Math.max(...found);
  const isFine = isAsPlanned(largest, Math.max(...view.stages.flatMap((stage) => stage.plan.rate)));
  return { isFine, text: fill(isFine ? view.words.as_planned : view.words.not_as_planned, { difference: isFine ? "0" : numbers.rate(largest) }) };
}

/** What stood at a step, or is planned for it. */
export function readAt(view, stage, step) {
  const measured = view.store.shown(METRIC, stage.index);
  const at = lowerBound(measured.step, step);
  const planned = plannedAt(stage.plan, Math.round(step));
  const row = at < measured.step.length ? { key: "rate", mark: "solid", name: view.words.rate, value: measured.value[at] } : { key: "planned", mark: "dashed", name: view.words.planned_rate, value: planned };
  return { step, rows: Number.isFinite(row.value) && view.isShown(row.key, stage) ? [{ ...row, text: numbers.rate(row.value) }] : [] };
}

export function sentence(view) {
  const stage = view.stages.findLast((each) => view.store.curve(METRIC, each.index).length);
  if (!stage) return view.words.nothing_yet;
  const curve = view.store.curve(METRIC, stage.index);
  return fill(view.words.rate_sentence, { stage: stage.name, value: numbers.rate(curve.lastValue), step: numbers.steps(curve.lastStep) });
}
