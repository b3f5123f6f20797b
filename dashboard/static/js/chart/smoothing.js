// Debiased exponential moving average, as loss curves are usually smoothed; NaN and infinity neither show nor spread.

/**
 * `weight` 0 is the raw curve, towards 1 ever smoother. The bias towards 0 of the first values is divided out (Adam, arXiv 1412.6980).
 * Where a value is no number stands NaN, or with `isSkipping` the average so far, so that the line goes on.
 */
export function smooth(values, weight, isSkipping = false) {
  const smoothed = new Float64Array(values.length);
  let average = 0;
  let weightSum = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    const isNumber = Number.isFinite(value);
    if (isNumber) {
      average = weight * average + (1 - weight) * value;
      weightSum = weight * weightSum + (1 - weight);
    }
    smoothed[i] = (isNumber || isSkipping) && weightSum > 0 ? average / weightSum : NaN;
  }
  return smoothed;
}

/** Falling, rising or level, over the last tenth of a smoothed curve. */
export function trend(values) {
  const before = values.length - Math.max(3, Math.ceil(values.length / 10));
  const [first, last] = [values[Math.max(0, before)], values.at(-1)];
  if (values.length < 3 || !Number.isFinite(first) || !Number.isFinite(last)) return "level";
  if (Math.abs(last - first) <= 0.005 * Math.abs(first)) return "level";
  return last < first ? "falling" : "rising";
}
