// One metric of one stage as ascending columns, and how new points join it: every step once, the newest attempt wins.

const NUMBERS = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const COLUMNS = { step: Uint32Array, value: Float64Array, min: Float64Array, max: Float64Array, count: Uint32Array, spoilt: Uint32Array };
const NAMES = Object.keys(COLUMNS);

/** JSON has no NaN and no infinity: they travel as words; a missing value is NaN too. */
export function decode(value) {
  if (typeof value === "number") return value;
  return value in NUMBERS ? NUMBERS[value] : NaN;
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

/**
 * An entry is a point, or a bucket of `count` neighbours under their last step: mean, min and max of the finite ones, and how many
 * were `spoilt` (no finite number). Appending costs O(1) on average; beyond `limit` entries neighbours are joined, extremes kept.
 */
export class Curve {
  #held;
  #views = null;

  constructor(limit = 4000) {
    this.limit = limit;
    this.length = 0;
    this.numPoints = 0;
    this.version = 0;
    this.#held = hold(16);
  }

  get #all() {
    this.#views ??= Object.fromEntries(NAMES.map((name) => [name, this.#held[name].subarray(0, this.length)]));
    return this.#views;
  }

  get step() {
    return this.#all.step;
  }

  get value() {
    return this.#all.value;
  }

  get min() {
    return this.#all.min;
  }

  get max() {
    return this.#all.max;
  }

  get count() {
    return this.#all.count;
  }

  get spoilt() {
    return this.#all.spoilt;
  }

  get isBuckets() {
    return this.numPoints > this.length;
  }

  get lastStep() {
    return this.length ? this.#held.step[this.length - 1] : 0;
  }

  get lastValue() {
    return this.length ? this.#held.value[this.length - 1] : undefined;
  }

  /** Adds an entry behind all others. */
  push(step, value, min = value, max = value, count = 1, spoilt = Number.isFinite(value) ? 0 : 1) {
    if (this.length === this.#held.step.length) this.#grow();
    this.#write(this.length, step, value, min, max, count, spoilt);
    this.length += 1;
    this.numPoints += count;
    this.#changed();
  }

  /** Adds points below `until` and returns how many are new. A step that is there already is replaced. */
  merge(steps, values, until = Infinity) {
    const before = this.numPoints;
    for (let i = 0; i < steps.length; i += 1) {
      if (steps[i] >= until) continue;
      if (steps[i] > this.lastStep || !this.length) this.push(steps[i], decode(values[i]));
      else this.#insert(steps[i], decode(values[i]));
    }
    if (this.length > this.limit) this.#thin();
    return this.numPoints - before;
  }

  #insert(step, value) {
    const at = lowerBound(this.step, step);
    const isKnown = this.#held.step[at] === step && this.#held.count[at] === 1;
    if (!isKnown) this.#makeRoom(at);
    this.#write(at, step, value, value, value, 1, Number.isFinite(value) ? 0 : 1);
    if (!isKnown) this.numPoints += 1;
    if (!isKnown && this.#held.count[at + 1] > 1) this.#joinNext(at);
    this.#changed();
  }

  #makeRoom(at) {
    if (this.length === this.#held.step.length) this.#grow();
    for (const name of NAMES) this.#held[name].copyWithin(at + 1, at, this.length);
    this.length += 1;
  }

  /** A late point that belongs into the bucket behind it. */
  #joinNext(at) {
    this.#write(at, ...this.#join(at, at + 2));
    for (const name of NAMES) this.#held[name].copyWithin(at + 1, at + 2, this.length);
    this.length -= 1;
  }

  /** Removes the entries from `step` on and returns them as a curve. `isTorn`: a bucket had points on both sides. */
  cutFrom(step) {
    const cut = new Curve(this.limit);
    const at = lowerBound(this.step, step);
    const before = at ? this.#held.step[at - 1] : 0;
    cut.isTorn = at < this.length && this.#held.count[at] > 1 && before + 1 < step;
    for (let i = at; i < this.length; i += 1) cut.push(...NAMES.map((name) => this.#held[name][i]));
    this.length = at;
    this.numPoints -= cut.numPoints;
    this.#changed();
    return cut;
  }

  /** Joins neighbours until each entry stands for about as many points as every other. */
  #thin() {
    const share = Math.ceil((2 * this.numPoints) / this.limit);
    const thinned = new Curve(this.limit);
    for (let from = 0, to; from < this.length; from = to) {
      let count = this.#held.count[from];
      for (to = from + 1; to < this.length && count + this.#held.count[to] <= share; to += 1) count += this.#held.count[to];
      thinned.push(...this.#join(from, to));
    }
    this.#held = thinned.#held;
    this.length = thinned.length;
    this.#changed();
  }

  #join(from, to) {
    const { step, value, min, max, count, spoilt } = this.#held;
    let [sum, fine, low, high, all, bad] = [0, 0, NaN, NaN, 0, 0];
    for (let i = from; i < to; i += 1) {
      const finite = Number.isFinite(value[i]) ? count[i] - spoilt[i] : 0;
      sum += finite ? (value[i] - sum) * (finite / (fine + finite)) : 0;
      fine += finite;
      if (Number.isFinite(min[i])) low = low <= min[i] ? low : min[i];
      if (Number.isFinite(max[i])) high = high >= max[i] ? high : max[i];
      all += count[i];
      bad += spoilt[i];
    }
    return [step[to - 1], fine ? sum : NaN, low, high, all, bad];
  }

  #write(at, step, value, min, max, count, spoilt) {
    const held = this.#held;
    held.step[at] = step;
    held.value[at] = value;
    held.min[at] = min;
    held.max[at] = max;
    held.count[at] = count;
    held.spoilt[at] = spoilt;
  }

  #grow() {
    const larger = hold(2 * this.#held.step.length);
    for (const name of NAMES) larger[name].set(this.#held[name]);
    this.#held = larger;
  }

  #changed() {
    this.#views = null;
    this.version += 1;
  }
}

function hold(capacity) {
  return Object.fromEntries(NAMES.map((name) => [name, new COLUMNS[name](capacity)]));
}

/** Splits a block of the whole run into one curve per stage; a block of one stage gives that stage's alone. */
export function splitByStage(block, stages, limit) {
  const curves = new Map(stages.map((stage) => [stage.index, new Curve(limit)]));
  const count = block.isBuckets ? Math.max(1, Math.round(block.numPoints / block.step.length)) : 1;
  let at = block.stage ? stages.findIndex((stage) => stage.index === block.stage) : 0;
  for (let i = 0; i < block.step.length; i += 1) {
    while (!block.stage && stages[at + 1] && block.step[i] > stages[at + 1].offset) at += 1;
    const step = block.step[i] - (block.stage ? 0 : stages[at].offset);
    const spoilt = block.notFinite?.[i] ?? (Number.isFinite(block.value[i]) ? 0 : 1);
    curves.get(stages[at].index).push(step, block.value[i], block.min[i], block.max[i], count, spoilt);
  }
  return curves;
}
