// What the charts compute before they draw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { align, nearestIndex } from "../../dashboard/static/js/chart/align.js";
import { notFinite, rawLine, trend } from "../../dashboard/static/js/chart/curve.js";
import { marksOf, thinOut } from "../../dashboard/static/js/chart/markers.js";
import * as numbers from "../../dashboard/static/js/chart/numbers.js";
import { isAsPlanned, largestDifference, plannedAt } from "../../dashboard/static/js/chart/planned.js";
import { ticks, valueRange } from "../../dashboard/static/js/chart/scales.js";
import { smooth } from "../../dashboard/static/js/chart/smoothing.js";

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test("smoothing is debiased: a constant stays itself from the first value on", () => {
  for (const value of smooth([2, 2, 2], 0.9)) close(value, 2);
});

test("smoothing by hand", () => {
  const [first, second] = smooth([1, 2], 0.6);
  close(first, 1);
  close(second, (0.6 * 0.4 * 1 + 0.4 * 2) / (0.6 * 0.4 + 0.4));
});

test("weight 0 is the raw curve", () => assert.deepEqual(smooth([3, 1, 2], 0), [3, 1, 2]));

test("nan shows as a gap and does not spread", () => {
  const smoothed = smooth([1, NaN, Infinity, 1], 0.6);
  assert.ok(Number.isNaN(smoothed[1]) && Number.isNaN(smoothed[2]));
  close(smoothed[3], 1);
});

test("the planned rate lies on the straight line between two drawn steps", () => {
  close(plannedAt({ step: [1, 3], rate: [0, 1] }, 2), 0.5);
  assert.ok(Number.isNaN(plannedAt({ step: [1, 3], rate: [0, 1] }, 4)));
});

test("the largest difference counts only steps that plan and measurement both name", () => {
  const plan = { step: [1, 2, 5], rate: [0.1, 0.2, 0.5] };
  const measured = [0.1, 0.25, 9, 0.5];
  assert.equal(largestDifference(plan, { step: [1, 2, 3, 5], value: measured, min: measured, max: measured }).toFixed(6), "0.050000");
  assert.equal(largestDifference(plan, { step: [], value: [], min: [], max: [] }), null);
});

test("a bucket agrees with the plan while the plan lies between its extremes", () => {
  const difference = largestDifference({ step: [8], rate: [0.3] }, { step: [8], value: [0.2], min: [0.1], max: [0.4] });
  assert.ok(isAsPlanned(difference, 1));
});

test("a missing point is undefined and a NaN a gap", () => {
  const [x, a, b] = align([{ x: [1, 2], y: [5, NaN] }, { x: [2, 3], y: [7, 8] }]);
  assert.deepEqual(x, [1, 2, 3]);
  assert.deepEqual(a, [5, null, undefined]);
  assert.deepEqual(b, [undefined, 7, 8]);
});

test("the nearest of two neighbours", () => {
  assert.equal(nearestIndex([10, 20], 14), 0);
  assert.equal(nearestIndex([10, 20], 16), 1);
  assert.equal(nearestIndex([], 16), -1);
});

test("the raw line goes through both extremes of a bucket", () => {
  assert.deepEqual(rawLine({ step: [4, 8], value: [2, 2], min: [2, 1], max: [2, 3] }, 0), { x: [4, 6, 8], y: [2, 1, 3] });
});

test("places that are no number are found, also inside a bucket", () => {
  const curve = { step: [1, 2, 3], value: [1, NaN, 1], min: [1, NaN, 1], max: [1, NaN, Infinity] };
  assert.deepEqual(notFinite(curve, { index: 2, offset: 10 }).map(({ x }) => x), [12, 13]);
});

test("a trend", () => {
  assert.equal(trend([5, 4, 3, 2]), "falling");
  assert.equal(trend([2, 3, 4, 5]), "rising");
  assert.equal(trend([1, 1, 1, 1.001]), "level");
});

test("a log axis leaves out zero and negatives", () => {
  const [low, high] = valueRange([-1, 0, NaN, 0.5, 4], true);
  assert.ok(low > 0.4 && low < 0.5 && high > 4 && high < 4.6);
  assert.deepEqual(valueRange([0, -3], true), [0.1, 10]);
});

test("ticks are round", () => {
  assert.deepEqual(ticks(0, 26_000, false, 6), [0, 5000, 10_000, 15_000, 20_000, 25_000]);
  assert.deepEqual(ticks(0.5, 4.2, true, 7), [0.5, 0.7, 1, 1.5, 2, 3, 4]);
  assert.deepEqual(ticks(1e-6, 10, true, 7), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10].filter((_, i) => i % 2 === 0));
});

test("numbers in the product's own style", () => {
  assert.equal(numbers.value(0.59361), "0.5936");
  assert.equal(numbers.value(1184.3), "1,184");
  assert.equal(numbers.value(-0.00003), "−3.000e-5");
  assert.equal(numbers.value(NaN), "nan");
  assert.equal(numbers.value(undefined), "—");
  assert.equal(numbers.rate(3e-4), "3.000e-4");
  assert.equal(numbers.percent(0.72614), "72.61\u2009%");
  assert.equal(numbers.duration(3484), "58 m 04 s");
  assert.equal(numbers.duration(6780), "1 h 53 m");
  assert.equal(numbers.age(0.42), "0.4 s");
  assert.equal(numbers.stepTick(12_000), "12\u2009k");
  assert.equal(numbers.valueTick(3e-4, 1e-4), "3e-4");
});

test("a heavier mark wins over a checkpoint at the same place", () => {
  const stages = [{ index: 1, offset: 100, num_steps: 50 }];
  const events = [
    { kind: "saved", stage: 1, step: 20, at: 1, data: {} },
    { kind: "started", stage: 1, step: null, at: 2, data: { resumed_from: 20 } },
    { kind: "saved", stage: 1, step: 40, at: 3, data: {} },
    { kind: "started", stage: 1, step: null, at: 0, data: { resumed_from: null } },
  ];
  const marks = thinOut(marksOf(events, stages, [{ x: 141, stage: 1, step: 41 }]), (x) => x);
  assert.deepEqual(marks.map(({ x, shape }) => [x, shape]), [[120, "resume"], [141, "nan"]]);
});
