// The value axis: linear, logarithmic, or logarithmic on both sides of a linear middle where there are zeros and negatives.

const LOG_STEPS = [1, 1.5, 2, 3, 4, 5, 7];
const MOST_DECADES = 6; // below the largest value, before the middle begins
const WIDEST = 1e20; // beyond it one tiny value would press all others into a line
const CLIP = { share: 0.01, air: 0.25 };

/** How values fold onto the axis and back. `kind` is linear, log or symlog; `middle` is where the linear part of symlog ends. */
export function folding(kind, middle = 1) {
  if (kind === "log") return { kind, middle, fold: (value) => (value > 0 ? Math.log10(value) : -330), unfold: (place) => 10 ** place };
  if (kind === "symlog") return { kind, middle, fold: (value) => Math.sign(value) * logOne(Math.abs(value), middle), unfold: (place) => Math.sign(place) * middle * (10 ** Math.abs(place) - 1) };
  return { kind: "linear", middle, fold: (value) => value, unfold: (place) => place };
}

/** log10(1 + size / middle), also where the quotient would overflow. */
function logOne(size, middle) {
  return size > 1e15 * middle ? Math.log10(size) - Math.log10(middle) : Math.log10(1 + size / middle);
}

/**
 * The scale for finite values in a typed array: its folding, its range with a little air, and with `isClipped` the limits beyond which
 * nothing is shown, or null where nothing lies beyond them.
 */
export function scaleOf(values, { isLog = false, isClipped = false } = {}) {
  const [low, high] = ends(values);
  const folded = foldingFor(values, low, high, isLog);
  const range = rangeOf(low, high, folded);
  const limits = isClipped ? clipLimits(values, folded) : null;
  const isCut = limits && (low < limits[0] || high > limits[1]);
  return { ...folded, range: isCut ? [Math.max(range[0], limits[0]), Math.min(range[1], limits[1])] : range, limits: isCut ? limits : null };
}

function ends(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

function foldingFor(values, low, high, isLog) {
  if (!isLog) return folding("linear");
  return low > 0 && !(high / low >= WIDEST) ? folding("log") : folding("symlog", middleOf(values));
}

/** A power of ten below nearly all sizes that are not zero, at most six decades under the largest. */
function middleOf(values) {
  const sizes = values.map(Math.abs).filter((each) => each > 0).sort();
  if (!sizes.length) return 1;
  const small = sizes[Math.floor(sizes.length / 50)];
  return 10 ** Math.max(Math.floor(Math.log10(small)), Math.ceil(Math.log10(sizes.at(-1))) - MOST_DECADES);
}

function rangeOf(low, high, { kind, fold, unfold }) {
  if (low > high) return kind === "log" ? [0.1, 10] : [0, 1];
  if (kind === "linear") return linearRange(low, high);
  const air = Math.max(0.04 * (fold(high) - fold(low)), 0.01);
  return [fold(low) - air, fold(high) + air].map((place) => bounded(unfold(place)));
}

/** Air must not carry the largest numbers there are into infinity, nor the smallest into 0. */
function bounded(value) {
  if (value === 0) return Number.MIN_VALUE;
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));
}

function linearRange(low, high) {
  const air = 0.05 * (high - low) || 0.05 * Math.abs(high) || 1;
  return [low >= 0 && low < air * 2 ? Math.min(0, low) : low - air, high + air];
}

/** The middle 98 % of what is shown and a quarter of their height beyond it. */
function clipLimits(values, { fold, unfold }) {
  if (values.length < 20) return null;
  const sorted = values.slice().sort();
  const at = (share) => fold(sorted[Math.round(share * (sorted.length - 1))]);
  const [low, high] = [at(CLIP.share), at(1 - CLIP.share)];
  const air = CLIP.air * (high - low);
  return air > 0 ? [unfold(low - air), unfold(high + air)] : null;
}

/** Four to six round numbers between low and high; on a log axis even ones first, whole decades where there are many. */
export function ticks(low, high, scale, wanted = 6) {
  const kind = scale === true ? "log" : (scale.kind ?? "linear");
  if (kind === "symlog") return symlogTicks(low, high, scale.middle, wanted);
  const found = kind === "log" ? logTicks(low, high, wanted) : linearTicks(low, high, wanted);
  return found.length >= 2 ? found : linearTicks(low, high, wanted);
}

/** Zero, and whole decades on both sides of the linear middle, whose own ends would crowd around zero. */
function symlogTicks(low, high, middle, wanted) {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const decades = [];
  for (let size = 10 * middle; size <= largest * 1.0001; size *= 10) decades.push(Number(size.toPrecision(3)));
  const every = Math.max(1, Math.ceil((decades.length * (low < 0 && high > 0 ? 2 : 1)) / wanted));
  const kept = decades.toReversed().filter((_, i) => i % every === 0);
  const found = [...kept.map((each) => -each), 0, ...kept.toReversed()].filter((each) => each >= low && each <= high);
  return found.length >= 2 ? found : linearTicks(low, high, wanted);
}

function linearTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999);
  const first = Math.ceil(low / gap - 1e-9);
  const count = Math.floor((high - first * gap) / gap + 1e-9) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => Number(((first + i) * gap).toPrecision(12)));
}

function logTicks(low, high, wanted) {
  const decades = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) decades.push(power);
  const within = (each) => each >= low * 0.9999 && each <= high * 1.0001;
  const stepped = (steps) => decades.flatMap((power) => steps.map((step) => Number((step * 10 ** power).toPrecision(3)))).filter(within);
  const fitting = decades.length <= wanted + 2 ? [LOG_STEPS, [1, 2, 5]].map(stepped).find((found) => found.length <= wanted + 2) : null;
  if (fitting) return fitting;
  const whole = decades.map((power) => Number((10 ** power).toPrecision(3))).filter(within);
  const every = Math.ceil(whole.length / wanted);
  return whole.filter((_, i) => i % every === 0);
}
