// The ticks of the x axis: amounts (steps, samples, tokens), durations, and times by the reader's clock.

import * as numbers from "./numbers.js";
import { ticks } from "./scales.js";

const DAY = 86_400;
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 365 * DAY];

/** Whole amounts only: there is no half step. */
export function amountTicks(low, high, wanted) {
  const found = ticks(low, high, false, wanted).filter(Number.isInteger);
  const isShort = found.every((x) => x < 1000 || Math.abs(Number((x / (x < 1e6 ? 1e3 : 1e6)).toFixed(2)) * (x < 1e6 ? 1e3 : 1e6) - x) < 1e-6 * x); // 5.46 k must not stand for three ticks
  return found.map((x) => ({ x, text: isShort ? numbers.stepTick(x) : numbers.steps(x) }));
}

export function durationTicks(low, high, wanted) {
  const gap = gapFor(high - low, wanted);
  if (gap < 1) return ticks(low, high, false, wanted).map((x) => ({ x, text: `${x} ${numbers.units().s}` }));
  return roundTimes(low, high, gap).map((x) => ({ x, text: x === 0 ? "0" : numbers.shortDuration(x, gap) }));
}

/** `begin` is the Unix time of the axis's 0. Ticks stand on round times of the reader's zone. */
export function clockTicks(low, high, wanted, begin) {
  const gap = Math.max(1, gapFor(high - low, wanted));
  const zone = -60 * new Date(begin * 1000).getTimezoneOffset();
  return roundTimes(low + begin + zone, high + begin + zone, gap).map((local) => ({ x: local - begin - zone, text: clock(local - zone, gap) }));
}

function clock(seconds, gap) {
  const at = new Date(seconds * 1000);
  if (gap >= DAY) return at.toLocaleDateString([], { month: "short", day: "numeric" });
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return at.toLocaleTimeString([], gap < 60 ? { ...parts, second: "2-digit" } : parts);
}

function gapFor(width, wanted) {
  const rough = width / wanted;
  if (rough < 0.5) return 0;
  return SPANS.find((span) => span >= rough) ?? SPANS.at(-1) * Math.ceil(rough / SPANS.at(-1));
}

function roundTimes(low, high, gap) {
  const first = Math.ceil(low / gap - 1e-9);
  const count = Math.max(0, Math.floor(high / gap + 1e-9) - first + 1);
  return Array.from({ length: count }, (_, i) => (first + i) * gap);
}
