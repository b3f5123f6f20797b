// How far a stage has come at a step, in steps, samples, tokens or seconds: read off the stage's progress curve, and back.

import { lowerBound } from "../live/curves.js";

/** Steps measure themselves. */
export class StepScale {
  constructor(numSteps) {
    this.length = numSteps;
    this.isKnown = true;
  }

  at(step) {
    return step;
  }

  stepAt(amount) {
    return amount;
  }

  places(steps, offset) {
    const x = new Float64Array(steps.length);
    for (let i = 0; i < x.length; i += 1) x[i] = steps[i] + offset;
    return x;
  }
}

/**
 * Straight between the known (step, amount) pairs, which both ascend; beyond them at the pace of the whole. `pace` (amount a step) serves
 * a stage that has no pair yet. Amounts count from the stage's own step 0.
 */
export class CurveScale {
  constructor(steps, amounts, numSteps, pace) {
    [this.steps, this.amounts] = [steps, amounts];
    this.isKnown = steps.length > 0;
    const last = steps.length - 1;
    this.pace = this.isKnown && amounts[last] > 0 ? amounts[last] / steps[last] : pace;
    this.length = this.at(numSteps);
  }

  at(step) {
    const { steps, amounts } = this;
    const after = lowerBound(steps, step);
    if (after === steps.length) return beyond(steps, amounts, step, this.pace);
    const [s0, a0] = after ? [steps[after - 1], amounts[after - 1]] : [0, 0];
    return a0 + ((amounts[after] - a0) * (step - s0)) / (steps[after] - s0);
  }

  stepAt(amount) {
    const { steps, amounts } = this;
    const after = lowerBound(amounts, amount);
    if (after === amounts.length) return beyond(amounts, steps, amount, 1 / this.pace);
    const [a0, s0] = after ? [amounts[after - 1], steps[after - 1]] : [0, 0];
    return amounts[after] === a0 ? steps[after] : s0 + ((steps[after] - s0) * (amount - a0)) / (amounts[after] - a0);
  }

  /** All steps of a curve in one pass. */
  places(wanted, offset) {
    const { steps, amounts } = this;
    const x = new Float64Array(wanted.length);
    for (let i = 0, k = 0; i < x.length; i += 1) {
      while (k < steps.length && steps[k] < wanted[i]) k += 1;
      x[i] = offset + (k < steps.length ? between(steps, amounts, k, wanted[i]) : beyond(steps, amounts, wanted[i], this.pace));
    }
    return x;
  }
}

function between(from, to, k, wanted) {
  const [f0, t0] = k ? [from[k - 1], to[k - 1]] : [0, 0];
  return t0 + ((to[k] - t0) * (wanted - f0)) / (from[k] - f0);
}

function beyond(from, to, wanted, pace) {
  const last = from.length - 1;
  return last < 0 ? wanted * pace : to[last] + (wanted - from[last]) * pace;
}
