// A small chart of any metric: one line in the colours of the stages, no axes.

import { align } from "./align.js";
import { rawLine, smoothLine } from "./curve.js";
import { curveOf } from "./kind-loss.js";
import * as numbers from "./numbers.js";
import { stageColour } from "./theme.js";
import { fill } from "./words.js";

export const hasLog = false;
const FEW = 60;

export function series(view, theme, metric) {
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    const dots = { show: (plot, i) => isSparse(metric) && plot.data[i].length < FEW, size: 4, fill: solid, width: 0 };
    return [
      { stroke: solid, width: 1.05, alpha: 0.26, points: { show: false } },
      { stroke: solid, width: 1.25, points: dots },
    ];
  });
}

export function data(view, metric) {
  const curves = view.stages.flatMap((stage) => {
    const curve = curveOf(view, metric, stage);
    return [rawLine(curve, stage.offset), smoothLine(curve, stage.offset, isSparse(metric) ? 0 : view.smoothing)];
  });
  return align(curves);
}

/** What validation measures comes rarely and is not smoothed. */
function isSparse(metric) {
  return !metric.startsWith("train/");
}

export function paint() {}

export function newestOf(view, metric) {
  const stage = view.stages.findLast((each) => curveOf(view, metric, each).step.length);
  if (!stage) return null;
  const curve = curveOf(view, metric, stage);
  return { value: curve.value.at(-1), x: curve.step.at(-1) + stage.offset };
}

export function sentence(view, metric) {
  const newest = newestOf(view, metric);
  if (!newest) return metric;
  return fill(view.words.metric_sentence, { metric, value: format(metric, newest.value), step: numbers.steps(newest.x) });
}

/** Accuracies and F1 as percent, everything else with four digits. */
export function format(metric, value) {
  return /(^|\/)(accuracy|macro_f1)$/.test(metric) ? numbers.percent(value) : numbers.value(value);
}
