// The learning rate: measured solid, planned dashed over it and alone in the future.

import { align } from "./align.js";
import { onRunAxis } from "./curve.js";
import { curveOf } from "./kind-loss.js";
import * as numbers from "./numbers.js";
import { isAsPlanned, largestDifference, plannedAt } from "./planned.js";
import { stageColour } from "./theme.js";
import { fill } from "./words.js";

export const METRIC = "train/learning_rate";
export const hasLog = false;

export function series(view, theme) {
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    return [
      { stroke: solid, width: 1.75, points: { show: false } },
      { stroke: theme.ink, width: 1, alpha: 0.75, dash: [4, 3], points: { show: false } },
      { stroke: solid, width: 1.5, dash: [4, 3], points: { show: false } },
    ];
  });
}

/** The plan is drawn in ink over what is measured and in the stage's colour over what is still to come. */
export function data(view) {
  const curves = view.stages.flatMap((stage) => {
    const plan = onRunAxis({ step: [0, ...stage.plan.step], value: [startOf(stage.plan), ...stage.plan.rate] }, stage.offset);
    const done = view.now;
    const now = plannedAt(stage.plan, done - stage.offset);
    return [onRunAxis(curveOf(view, METRIC, stage), stage.offset), before(plan, done, now), after(plan, done, now)];
  });
  return align(curves);
}

/** Where the warm-up begins; a plan without one begins at its first rate. */
function startOf(plan) {
  return plan.rate.length > 1 && plan.rate[0] < plan.rate[1] ? Math.max(0, 2 * plan.rate[0] - plan.rate[1]) : plan.rate[0];
}

/** The plan up to the newest point and from it on; both end in the rate planned for it. */
function before(line, done, now) {
  const count = line.x.filter((x) => x < done).length;
  return { x: [...line.x.slice(0, count), ...at(done, now)], y: [...line.y.slice(0, count), ...at(now, now)] };
}

function after(line, done, now) {
  const count = line.x.filter((x) => x <= done).length;
  return { x: [...at(done, now), ...line.x.slice(count)], y: [...at(now, now), ...line.y.slice(count)] };
}

function at(value, now) {
  return Number.isFinite(now) ? [value] : [];
}

export function paint() {}

/** Whether the measured rate is the planned one: {text, isFine}; null before the first point. */
export function verdict(view) {
  const found = view.stages.map((stage) => largestDifference(stage.plan, curveOf(view, METRIC, stage))).filter((each) => each !== null);
  if (!found.length) return null;
  const largest = Math.max(...found);
  const isFine = isAsPlanned(largest, Math.max(...view.stages.flatMap((stage) => stage.plan.rate)));
  return { isFine, text: fill(isFine ? view.words.as_planned : view.words.not_as_planned, { difference: isFine ? "0" : numbers.rate(largest) }) };
}

export function sentence(view) {
  const stage = view.stages.findLast((each) => curveOf(view, METRIC, each).step.length);
  if (!stage) return view.words.nothing_yet;
  const curve = curveOf(view, METRIC, stage);
  return fill(view.words.rate_sentence, { stage: stage.name, value: numbers.rate(curve.value.at(-1)), step: numbers.steps(curve.step.at(-1)) });
}
