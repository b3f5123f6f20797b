// What x can count: run steps, samples, tokens, time by the clock or time at work; and each stage's scale in it.

import { lowerBound } from "../live/curves.js";
import { WALL } from "../live/store.js";
import { CurveScale, StepScale } from "./scale-of-stage.js";

export const MEASURES = ["step", "samples", "tokens", "wall", "active"];
const METRICS = { samples: "progress/samples", tokens: "progress/tokens", wall: WALL, active: WALL };

/** The series that a measure is read off; steps need none. */
export function metricOf(measure) {
  return METRICS[measure] ?? null;
}

export function isTime(measure) {
  return measure === "wall" || measure === "active";
}

/** The measures that this run has figures for. */
export function measuresOf(store) {
  return MEASURES.filter((measure) => measure === "step" || store.metrics.has(METRICS[measure]));
}

/** One scale per stage, in order; a stage without figures goes at the pace of the others. */
export function scalesOf(store, measure) {
  if (measure === "step") return store.stages.map((stage) => new StepScale(stage.num_steps));
  const pairs = store.stages.map((stage) => pairsOf(store, measure, stage));
  const known = pairs.filter(({ steps }) => steps.length);
  const total = (name) => known.reduce((sum, pair) => sum + pair[name].at(-1), 0);
  const pace = total("steps") ? total("amounts") / total("steps") : 1;
  return pairs.map(({ steps, amounts, begin, usual }, i) => Object.assign(new CurveScale(steps, amounts, store.stages[i].num_steps, pace || 1), { begin, usual: usual ?? pace }));
}

/** An entry's largest value is the one at its last step, where the entry stands. */
function pairsOf(store, measure, stage) {
  const curve = store.curve(METRICS[measure], stage.index);
  if (!isTime(measure)) return { steps: curve.step, amounts: curve.max, begin: 0 };
  return kept(curve, measure, stage, store.series(WALL).along?.get(stage.index));
}

const scaleCache = new WeakMap();

/** Worked out anew only when the curve has grown. */
function kept(curve, measure, stage, along) {
  const key = `${measure}.${curve.version}.${stage.attempts.length}`;
  const known = scaleCache.get(curve);
  if (known?.key === key) return known.pair;
  const pair = secondsOf(curve, measure === "active" ? new Work(along, stage.attempts) : null);
  scaleCache.set(curve, { key, pair });
  return pair;
}

/** Seconds since the stage's step 0, by the clock or, with `work`, without the pauses. */
function secondsOf(curve, work) {
  const { step, max } = curve;
  const amounts = new Float64Array(step.length);
  if (!step.length) return { steps: step, amounts, begin: null };
  const usual = usualStep(step, max);
  const begin = max[0] - step[0] * usual;
  amounts[0] = max[0] - begin;
  for (let i = 1; i < step.length; i += 1) {
    const passed = work ? work.between(step[i - 1], step[i], max[i] - max[i - 1], usual) : max[i] - max[i - 1];
    amounts[i] = amounts[i - 1] + Math.max(0, passed);
  }
  return { steps: step, amounts, begin, usual };
}

/** Time at work between two steps: the server's figure; of steps that have come since then all time but the pause before an attempt. */
class Work {
  constructor(along, attempts) {
    this.along = along?.step.length ? along : null;
    this.until = this.along?.step.at(-1) ?? 0;
    this.starts = attempts.slice(1).map((attempt) => attempt.first_step).filter(Boolean);
  }

  between(from, to, passed, usual) {
    if (to <= this.until) return this.at(to) - this.at(from);
    const isPaused = this.starts.some((first) => first > from && first <= to);
    return isPaused ? (to - from) * usual : passed;
  }

  at(step) {
    const { along } = this;
    const after = lowerBound(along.step, step);
    if (along.step[after] === step || after === 0) return along.x[after];
    const share = (step - along.step[after - 1]) / (along.step[after] - along.step[after - 1]);
    return along.x[after - 1] + share * (along.x[after] - along.x[after - 1]);
  }
}

/** The middle duration of a step. */
function usualStep(step, wall) {
  const stride = Math.max(1, Math.floor(step.length / 200));
  const found = [];
  for (let i = stride; i < step.length; i += stride) found.push((wall[i] - wall[i - stride]) / (step[i] - step[i - stride]));
  return found.sort((a, b) => a - b)[found.length >> 1] ?? 0;
}
