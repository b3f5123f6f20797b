// The planned learning rate and how far the measured one is from it.

import { lowerBound } from "../live/curves.js";

/** The planned rate at a step of the stage; between two drawn steps on the straight line. */
export function plannedAt(plan, step) {
  const at = lowerBound(plan.step, step);
  if (at >= plan.step.length) return NaN;
  if (plan.step[at] === step || at === 0) return plan.step[at] === step ? plan.rate[at] : NaN;
  const share = (step - plan.step[at - 1]) / (plan.step[at] - plan.step[at - 1]);
  return plan.rate[at - 1] + share * (plan.rate[at] - plan.rate[at - 1]);
}

/**
 * The largest difference between plan and measurement, over the steps that both name exactly; null where there is none.
 * A bucket of many steps agrees as long as the planned rate lies between its extremes.
 */
export function largestDifference(plan, { step, value, min, max }) {
  let largest = null;
  for (let i = 0, k = 0; i < step.length && k < plan.step.length; ) {
    if (plan.step[k] < step[i]) k += 1;
    else if (plan.step[k] > step[i]) i += 1;
    else {
      if (Number.isFinite(value[i])) largest = Math.max(largest ?? 0, min[i] - plan.rate[k], plan.rate[k] - max[i]);
      i += 1;
    }
  }
  return largest;
}

/** Rounding in the last bits is no difference. */
export function isAsPlanned(difference, peak) {
  return difference <= 1e-9 * peak;
}
