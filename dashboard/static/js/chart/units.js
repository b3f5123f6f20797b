// What a metric counts is in its name: shares, bytes, watts, degrees, rates.

import * as numbers from "./numbers.js";

const THIN = "\u2009";
const SIZES = [
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

// The first pattern that fits the name decides.
const UNITS = [
  [/(^|\/)(accuracy|macro_f1|f1|precision|recall)$/, (value) => numbers.percent(value)],
  [/_bytes$/, bytes],
  [/_percent$/, (value) => `${whole(value)}${THIN}%`],
  [/_(power_w|watts)$/, (value) => `${whole(value)} W`],
  [/_(temperature_c|celsius)$/, (value) => `${whole(value)} °C`],
  [/_per_second$/, (value) => `${numbers.value(value)} /s`],
];

/** A value as people read it: 72.61 %, 14.2 GB, 212 W, 71 °C, 118.2 /s; four digits where the name says nothing. */
export function format(metric, value) {
  const unit = Number.isFinite(value) && UNITS.find(([pattern]) => pattern.test(metric));
  return unit ? unit[1](value) : numbers.value(value);
}

/** A tick of the metric's own axis: units in place of powers of ten. */
export function tick(metric, value, gap) {
  return isPlain(metric) ? numbers.valueTick(value, gap) : format(metric, value);
}

/** Whether the name tells no unit; only such a figure is worth a logarithmic axis. */
export function isPlain(metric) {
  return !UNITS.some(([pattern]) => pattern.test(metric));
}

/** One decimal as long as it says something. */
function whole(value) {
  return Math.abs(value) < 10 ? value.toFixed(1) : numbers.steps(Math.round(value));
}

/** Decimal sizes: 14.2 GB. */
function bytes(value) {
  const [size, unit] = SIZES.find(([least]) => Math.abs(value) >= least) ?? [1, "B"];
  return `${(value / size).toFixed(size > 1 ? 1 : 0)} ${unit}`;
}
