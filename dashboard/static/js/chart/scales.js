// Where an axis begins and ends, and where its ticks stand.

const LOG_STEPS = [1, 1.5, 2, 3, 4, 5, 7];

/** The range of a value axis with a little air. A log axis leaves out what it cannot show: zero, negatives, NaN. */
export function valueRange(values, isLog) {
  const shown = values.filter((each) => Number.isFinite(each) && (!isLog || each > 0));
  if (!shown.length) return isLog ? [0.1, 10] : [0, 1];
  const low = shown.reduce((a, b) => Math.min(a, b));
  const high = shown.reduce((a, b) => Math.max(a, b));
  return isLog ? logRange(low, high) : linearRange(low, high);
}

function logRange(low, high) {
  const air = Math.max((high / low) ** 0.04, 1.02);
  return [low / air, high * air];
}

function linearRange(low, high) {
  const air = 0.05 * (high - low) || 0.05 * Math.abs(high) || 1;
  return [low >= 0 && low < air * 2 ? Math.min(0, low) : low - air, high + air];
}

/** Four to six round numbers between low and high; on a log axis even ones first, whole decades where there are many. */
export function ticks(low, high, isLog, wanted = 6) {
  const found = isLog ? logTicks(low, high, wanted) : linearTicks(low, high, wanted);
  return found.length >= 2 ? found : linearTicks(low, high, wanted);
}

function linearTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
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
  const many = decades.flatMap((power) => LOG_STEPS.map((step) => Number((step * 10 ** power).toPrecision(3)))).filter(within);
  if (many.length <= wanted + 2) return many;
  const few = decades.flatMap((power) => [1, 2, 5].map((step) => Number((step * 10 ** power).toPrecision(3)))).filter(within);
  if (few.length <= wanted + 2) return few;
  const whole = decades.map((power) => Number((10 ** power).toPrecision(3))).filter(within);
  const every = Math.ceil(whole.length / wanted);
  return whole.filter((_, i) => i % every === 0);
}
