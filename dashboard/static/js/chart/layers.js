// What a chart draws of a stage's curve: ascending places with one value each, or with both extremes of what stands there.

import { lowerBound } from "../live/curves.js";
import { smooth } from "./smoothing.js";

/** The curve itself; `low` and `high` are its extremes where an entry stands for many points. */
export function rawLayer(view, stage, curve, style) {
  const layer = { stage, x: view.axis.places(stage.index, curve.step), y: curve.value, ...style };
  return curve.isBuckets ? { ...layer, low: curve.min, high: curve.max, count: curve.count } : layer;
}

export function smoothLayer(view, stage, curve, style, weight = view.smoothing) {
  return { stage, x: view.axis.places(stage.index, curve.step), y: smooth(curve.value, weight, true), ...style };
}

/** The indices [from, to) of the entries in a window, and one more at either side so that the line reaches its edges. */
export function inside(layer, [low, high]) {
  const from = lowerBound(layer.x, low);
  const to = lowerBound(layer.x, high);
  return [Math.max(0, from - 1), Math.min(layer.x.length, to + 1)];
}

/** Every finite value in the window, extremes included; between two entries those on either side. */
export function valuesIn(layers, range) {
  const found = gather(layers, (layer) => within(layer, range));
  return found.length ? found : gather(layers, (layer) => inside(layer, range));
}

function within({ x }, [low, high]) {
  const from = lowerBound(x, low);
  let to = lowerBound(x, high);
  while (to < x.length && x[to] <= high) to += 1;
  return [from, to];
}

function gather(layers, part) {
  const parts = layers.map((layer) => ({ layer, part: part(layer) }));
  const found = new Float64Array(parts.reduce((sum, { part: [from, to] }) => sum + 2 * (to - from), 0));
  let count = 0;
  for (const { layer, part: [from, to] } of parts) {
    const { low = layer.y, high = layer.y } = layer;
    for (let i = from; i < to; i += 1) {
      if (Number.isFinite(low[i])) found[count++] = low[i];
      if (high !== low && Number.isFinite(high[i])) found[count++] = high[i];
    }
  }
  return found.subarray(0, count);
}

/** The entries that reach beyond the limits: {x, isAbove}, and whether each is a bucket of many. */
export function beyond(layers, range, [low, high]) {
  const found = [];
  for (const layer of layers) {
    const { x, low: lowest = layer.y, high: highest = layer.y } = layer;
    const [from, to] = inside(layer, range);
    for (let i = from; i < to; i += 1) {
      if (x[i] < range[0] || x[i] > range[1]) continue;
      if (highest[i] > high) found.push({ x: x[i], isAbove: true, value: highest[i], isBucket: layer.count?.[i] > 1 });
      if (lowest[i] < low) found.push({ x: x[i], isAbove: false, value: lowest[i], isBucket: layer.count?.[i] > 1 });
    }
  }
  return found;
}

/** The index of the element nearest to the wanted one; -1 of an empty list. */
export function nearestIndex(sorted, wanted) {
  if (!sorted.length) return -1;
  const at = Math.min(lowerBound(sorted, wanted), sorted.length - 1);
  return at > 0 && wanted - sorted[at - 1] <= sorted[at] - wanted ? at - 1 : at;
}
