// Numbers in the product's own style: four significant digits, short steps, true minus.

const MINUS = "−";
const group = new Intl.NumberFormat("en-US");

export function steps(count) {
  return group.format(count);
}

/** Four significant digits: 0.5936, 1.473, 1,184; very small and very large ones as 3.000e-4. NaN is `nan`, missing is —. */
export function value(number) {
  if (number === null || number === undefined) return "—";
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number > 0 ? "inf" : `${MINUS}inf`;
  return sign(number) + unsigned(Math.abs(number));
}

function sign(number) {
  return number < 0 ? MINUS : "";
}

function unsigned(size) {
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) return size.toExponential(3).replace("e+", "e");
  if (size >= 1000) return group.format(Math.round(size));
  return size.toPrecision(4);
}

/** A limit in a sentence, two digits: 4.2, 0.031, 1.5e5. */
export function short(number) {
  const size = Math.abs(number);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return sign(number) + size.toExponential(1).replace("e+", "e");
  return sign(number) + group.format(Number(size.toPrecision(2)));
}

/** A learning rate, exact: 3.000e-4. */
export function rate(number) {
  if (!Number.isFinite(number)) return value(number);
  return number === 0 ? "0" : number.toExponential(3).replace("e+", "e");
}

/** A share as percent with two decimals and a thin space. */
export function percent(share, digits = 2) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(digits)}\u2009%` : value(share);
}

/** How much is done, in whole percent: 100 only at the end. */
export function progress(share) {
  return percent(Math.floor(100 * share + 1e-6) / 100, 0);
}

/** A tick of the step axis: 400, 4 k, 1.5 k, 2 M, 3 G. */
export function stepTick(step) {
  if (step < 1000) return String(step);
  const [size, unit] = step < 1e6 ? [step / 1e3, "k"] : step < 1e9 ? [step / 1e6, "M"] : [step / 1e9, "G"];
  return `${Number(size.toFixed(2))}\u2009${unit}`;
}

/** A tick of a value axis, as short as the step between ticks allows. */
export function valueTick(number, gap) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size < 1e-3 || size >= 1e5) return sign(number) + size.toExponential(1).replace(/\.0e/, "e").replace("e+", "e");
  const digits = Math.max(0, Math.min(4, Math.ceil(-Math.log10(gap || size) - 1e-9)));
  return sign(number) + size.toFixed(digits);
}

// The units of time in the page's language.
const unit = { s: "s", m: "m", h: "h", d: "d" };

export function useUnits(units) {
  Object.assign(unit, units);
}

export function units() {
  return unit;
}

/** A tick of a time axis, without the parts that are zero: 20 m, 1 m 30 s, 1 h 30 m, 2 d. */
export function shortDuration(seconds) {
  const parts = [[86_400, unit.d], [3600, unit.h], [60, unit.m], [1, unit.s]];
  let left = Math.round(seconds);
  const shown = parts.flatMap(([size, name]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? [`${count} ${name}`] : [];
  });
  return shown.slice(0, 2).join(" ") || `0 ${unit.s}`;
}

/** Two units at most: 38 s, 58 m 04 s, 1 h 53 m, 2 d 3 h. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} ${unit.s}`;
  if (whole < 3600) return two(Math.floor(whole / 60), unit.m, whole % 60, unit.s);
  if (whole < 86_400) return two(Math.floor(whole / 3600), unit.h, Math.floor((whole % 3600) / 60), unit.m);
  return `${Math.floor(whole / 86_400)} ${unit.d} ${Math.floor((whole % 86_400) / 3600)} ${unit.h}`;
}

function two(large, largeUnit, small, smallUnit) {
  return `${large} ${largeUnit} ${String(small).padStart(2, "0")} ${smallUnit}`;
}

/** What is left, no finer than anyone can know: 38 s, 12 m, 1 h 53 m. */
export function rough(seconds) {
  return seconds < 60 || seconds >= 3600 ? duration(seconds) : `${Math.round(seconds / 60)} ${unit.m}`;
}

/** One unit: 0.4 s, 6 s, 12 m, 2 h, 3 d. */
export function age(seconds) {
  if (seconds < 1) return `${Math.max(0.1, seconds).toFixed(1)} ${unit.s}`;
  if (seconds < 60) return `${Math.floor(seconds)} ${unit.s}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${unit.m}`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} ${unit.h}` : `${Math.floor(seconds / 86_400)} ${unit.d}`;
}
