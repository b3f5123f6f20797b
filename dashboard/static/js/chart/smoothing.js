// Debiased exponential moving average, as loss curves are usually smoothed; NaN and infinity neither show nor spread.

/** `weight` 0 is the raw curve, towards 1 ever smoother. The bias towards 0 of the first values is divided out (Adam, arXiv 1412.6980). */
export function smooth(values, weight) {
  let average = 0;
  let weightSum = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return NaN;
    average = weight * average + (1 - weight) * value;
    weightSum = weight * weightSum + (1 - weight);
    return average / weightSum;
  });
}
