// One metric of one stage as an ascending list of points, and how new points join it: every step once, the newest attempt wins.

const NUMBERS = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** JSON has no NaN and no infinity: they travel as words; a missing value is NaN too. */
export function decode(value) {
  if (typeof value === "number") return value;
  return value in NUMBERS ? NUMBERS[value] : NaN;
}

export function emptyCurve() {
  return { step: [], value: [], min: [], max: [] };
}

/** The step from which on later attempts have made an attempt's points again; Infinity while none has. */
export function supersededFrom(number, attempts) {
  const later = attempts.filter((attempt) => attempt.number > number && attempt.first_step);
  return Math.min(Infinity, ...later.map((attempt) => attempt.first_step));
}

/** Which attempt made a step: the newest one that has begun at or before it. */
export function attemptOf(step, attempts) {
  const began = attempts.filter((attempt) => attempt.first_step && attempt.first_step <= step);
  return began.length ? began.at(-1).number : (attempts[0]?.number ?? 1);
}

/** The index of the first element that is not below the wanted one. */
export function lowerBound(sorted, wanted) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Removes the points from `step` on and returns them. */
export function cutFrom(curve, step) {
  const at = lowerBound(curve.step, step);
  const cut = {};
  for (const key of ["step", "value", "min", "max"]) cut[key] = curve[key].splice(at);
  return cut;
}

/** Adds points below `until`. A step that is there already is replaced, so that a message seen twice changes nothing. */
export function merge(curve, steps, values, until = Infinity) {
  for (let i = 0; i < steps.length; i += 1) {
    if (steps[i] >= until) continue;
    const value = decode(values[i]);
    const at = lowerBound(curve.step, steps[i]);
    const known = curve.step[at] === steps[i] ? 1 : 0;
    curve.step.splice(at, known, steps[i]);
    for (const key of ["value", "min", "max"]) curve[key].splice(at, known, value);
  }
  return curve;
}

/** Splits a series of the whole run into one curve per stage; `offsets` are the run steps of each stage's step 0. */
export function splitByStage(series, stages) {
  const curves = new Map(stages.map((stage) => [stage.index, emptyCurve()]));
  const low = series.min ?? series.value;
  const high = series.max ?? series.value;
  series.step.forEach((step, i) => {
    const stage = stages.findLast((each) => step > each.offset) ?? stages[0];
    const curve = curves.get(stage.index);
    curve.step.push(step - stage.offset);
    curve.value.push(decode(series.value[i]));
    curve.min.push(decode(low[i]));
    curve.max.push(decode(high[i]));
  });
  return curves;
}
