// What x can count: run steps, samples, tokens, time by the clock or time at work; and each stage's scale in it.

import { CurveScale, StepScale } from "./scale-of-stage.js";

export const MEASURES = ["step", "samples", "tokens", "wall", "active"];
const METRICS = { samples: "progress/samples", tokens: "progress/tokens", wall: "progress/wall", active: "progress/wall" };

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
  return kept(curve, measure, stage);
}

const scaleCache = new WeakMap();

/** Seconds since the stage's step 0. At work: where an attempt goes on, the time since the last one's end is one usual step. */
function kept(curve, measure, stage) {
  const key = `${measure}.${curve.version}.${stage.attempts.length}`;
  const known = scaleCache.get(curve);
  if (known?.key === key) return known.pair;
  const pair = secondsOf(curve, measure, stage.attempts);
  scaleCache.set(curve, { key, pair });
  return pair;
}

function secondsOf(curve, measure, attempts) {
  const { step, max } = curve;
  const amounts = new Float64Array(step.length);
  if (!step.length) return { steps: step, amounts, begin: null };
  const usual = usualStep(step, max);
  const starts = measure === "active" ? attempts.slice(1).map((attempt) => attempt.first_step).filter(Boolean) : [];
  const begin = max[0] - step[0] * usual;
  let pauses = 0;
  for (let i = 0; i < step.length; i += 1) {
    const before = i ? step[i - 1] : 0;
    const made = (step[i] - before) * usual;
    if (i && starts.some((first) => first > before && first <= step[i])) pauses += Math.max(0, max[i] - max[i - 1] - made);
    amounts[i] = Math.max(i ? amounts[i - 1] : 0, max[i] - begin - pauses);
  }
  return { steps: step, amounts, begin, usual };
}

/** The middle duration of a step. */
function usualStep(step, wall) {
  const stride = Math.max(1, Math.floor(step.length / 200));
  const found = [];
  for (let i = stride; i < step.length; i += stride) found.push((wall[i] - wall[i - stride]) / (step[i] - step[i - stride]));
  return found.sort((a, b) => a - b)[found.length >> 1] ?? 0;
}
