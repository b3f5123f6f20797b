// From a stage's curve to what a chart draws: run steps, and both extremes where a point stands for many.

import { smooth } from "./smoothing.js";

/** {x, y} of the values on the run's axis. */
export function onRunAxis(curve, offset, values = curve.value) {
  return { x: curve.step.map((step) => step + offset), y: values };
}

/** The raw line. A bucket is drawn as its lowest and its highest value, so that no spike is lost. */
export function rawLine(curve, offset) {
  const x = [];
  const y = [];
  curve.step.forEach((step, i) => {
    if (curve.min[i] < curve.max[i]) {
      x.push(((curve.step[i - 1] ?? 0) + step) / 2 + offset);
      y.push(curve.min[i]);
    }
    x.push(step + offset);
    y.push(curve.min[i] < curve.max[i] ? curve.max[i] : curve.value[i]);
  });
  return { x, y };
}

export function smoothLine(curve, offset, weight) {
  return onRunAxis(curve, offset, smooth(curve.value, weight));
}

/** Where the curve is not a number: NaN or infinite. */
export function notFinite(curve, stage) {
  const found = [];
  curve.step.forEach((step, i) => {
    const spoilt = !Number.isFinite(curve.value[i]) || !Number.isFinite(curve.min[i]) || !Number.isFinite(curve.max[i]);
    if (spoilt) found.push({ x: step + stage.offset, stage: stage.index, step });
  });
  return found;
}

/** Falling, rising or level, over the last tenth of a smoothed curve. */
export function trend(values) {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 3) return "level";
  const last = finite.at(-1);
  const before = finite.at(-Math.max(3, Math.ceil(finite.length / 10)));
  if (Math.abs(last - before) <= 0.005 * Math.abs(before)) return "level";
  return last < before ? "falling" : "rising";
}
