// Brings curves with different steps onto one list of steps, as uPlot wants them.

/**
 * Takes [{x, y}, ...] with ascending x and returns [x, y1, y2, ...]. Where a curve has no point stands `undefined` (the line goes on),
 * where its value is NaN or infinite `null` (the line breaks).
 */
export function align(curves) {
  const all = new Set(curves.flatMap((curve) => curve.x));
  const x = [...all].sort((a, b) => a - b);
  const place = new Map(x.map((each, i) => [each, i]));
  return [x, ...curves.map((curve) => spread(curve, place, x.length))];
}

function spread(curve, place, length) {
  const y = new Array(length).fill(undefined);
  curve.x.forEach((each, i) => {
    y[place.get(each)] = Number.isFinite(curve.y[i]) ? curve.y[i] : null;
  });
  return y;
}

/** The index of the element nearest to the wanted one; -1 of an empty list. */
export function nearestIndex(sorted, wanted) {
  if (!sorted.length) return -1;
  let best = 0;
  let high = sorted.length - 1;
  while (best < high) {
    const middle = (best + high) >> 1;
    if (sorted[middle] < wanted) best = middle + 1;
    else high = middle;
  }
  const before = best - 1;
  return before >= 0 && wanted - sorted[before] <= sorted[best] - wanted ? before : best;
}
