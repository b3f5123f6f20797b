// A chart of any metric: one line in the colours of the stages. Small it has no axes; in full screen it does.

import { rawLayer, nearestIndex, smoothLayer } from "./layers.js";
import { dotLayer, RAW_WIDTH, strokeLayer } from "./lines.js";
import * as numbers from "./numbers.js";
import { stageColour } from "./theme.js";
import { format } from "./units.js";
import { fill } from "./words.js";

export const hasLog = false;
const FEW = 60;

export function layers(view, theme, metric) {
  const isDense = isSmoothed(metric) && view.smoothing > 0;
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    const curve = view.store.shown(metric, stage.index);
    const raw = { ...rawLayer(view, stage, curve, { stroke: solid, width: isDense ? RAW_WIDTH : 1.25, alpha: isDense ? 0.26 : 1 }), role: isDense ? "raw" : "line" };
    const shown = isDense ? [raw, { ...smoothLayer(view, stage, curve, { stroke: solid, width: 1.25 }), role: "smooth" }] : [raw];
    return view.hidden.has(`s${stage.index}`) ? [] : shown;
  });
}

/** What validation measures comes rarely and is not smoothed. */
function isSmoothed(metric) {
  return !metric.startsWith("validation/");
}

export function paint(ctx, project, shown) {
  for (const layer of shown) {
    strokeLayer(ctx, project, layer);
    if (layer.role === "line" && layer.x.length < FEW) dotLayer(ctx, project, layer, { radius: 2, fill: layer.stroke, width: 0 });
  }
}

export function paintOver() {}

/** The newest value and its run step; null before the first. */
export function newestOf(view, metric) {
  const stage = view.stages.findLast((each) => view.store.curve(metric, each.index).length);
  if (!stage) return null;
  const curve = view.store.curve(metric, stage.index);
  return { value: curve.lastValue, step: curve.lastStep + stage.offset };
}

export function readAt(view, stage, step, metric) {
  const curve = view.store.shown(metric, stage.index);
  const at = nearestIndex(curve.step, step);
  if (at < 0 || step > curve.lastStep + 0.5) return { step, rows: [] };
  return { step: curve.step[at], rows: [{ key: metric, mark: "solid", name: metric, value: curve.value[at], text: format(metric, curve.value[at]) }] };
}

export function sentence(view, metric) {
  const newest = newestOf(view, metric);
  if (!newest) return metric;
  return fill(view.words.metric_sentence, { metric, value: format(metric, newest.value), step: numbers.steps(newest.step) });
}
