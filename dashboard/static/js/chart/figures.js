// A metric's figure in words: the newest, or the one at a place of the axis.

import * as small from "./kind-small.js";
import { format } from "./units.js";

const MISSING = "—";

export function newestText(view, metric) {
  const newest = small.newestOf(view, metric) ?? view.store.series(metric).newest;
  return newest ? format(metric, newest.value) : MISSING;
}

export function textAt(view, metric, x) {
  const { stage, step } = view.axis.find(x);
  const row = small.readAt(view, stage, step, metric).rows[0];
  return row ? format(metric, row.value) : MISSING;
}
