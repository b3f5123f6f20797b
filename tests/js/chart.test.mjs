// What the charts compute before they draw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { beyond, inside, nearestIndex, valuesIn } from "../../dashboard/static/js/chart/layers.js";
import { pinched } from "../../dashboard/static/js/chart/gestures.js";
import { marksOf, thinOut } from "../../dashboard/static/js/chart/markers.js";
import * as numbers from "../../dashboard/static/js/chart/numbers.js";
import { isAsPlanned, largestDifference, plannedAt } from "../../dashboard/static/js/chart/planned.js";
import { folding, scaleOf, ticks } from "../../dashboard/static/js/chart/scales.js";
import { smooth, trend } from "../../dashboard/static/js/chart/smoothing.js";

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test("smoothing is debiased: a constant stays itself from the first value on", () => {
  for (const value of smooth([2, 2, 2], 0.9)) close(value, 2);
});

test("smoothing by hand", () => {
  const [first, second] = smooth([1, 2], 0.6);
  close(first, 1);
  close(second, (0.6 * 0.4 * 1 + 0.4 * 2) / (0.6 * 0.4 + 0.4));
});

test("weight 0 is the raw curve", () => assert.deepEqual([...smooth([3, 1, 2], 0)], [3, 1, 2]));

test("nan shows as a gap and does not spread", () => {
  const smoothed = smooth([1, NaN, Infinity, 1], 0.6);
  assert.ok(Number.isNaN(smoothed[1]) && Number.isNaN(smoothed[2]));
  close(smoothed[3], 1);
});

test("smoothing that skips goes on through what is no number", () => {
  const smoothed = smooth([NaN, 1, NaN, 1], 0.6, true);
  assert.ok(Number.isNaN(smoothed[0]));
  close(smoothed[2], 1);
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

test("the nearest of two neighbours", () => {
  assert.equal(nearestIndex([10, 20], 14), 0);
  assert.equal(nearestIndex([10, 20], 16), 1);
  assert.equal(nearestIndex([], 16), -1);
});

const layer = (x, y, parts = {}) => ({ x: Float64Array.from(x), y: Float64Array.from(y), ...parts });

test("a window takes one entry more at either side, so that the line reaches its edges", () => {
  assert.deepEqual(inside(layer([1, 2, 3, 4, 5], [0, 0, 0, 0, 0]), [2.5, 3.5]), [1, 4]);
  assert.deepEqual(inside(layer([], []), [0, 1]), [0, 0]);
});

test("the range of values knows the extremes in the window and nothing outside it", () => {
  const low = Float64Array.from([0, 1, -7]);
  const high = Float64Array.from([90, 5, 8]);
  assert.deepEqual([...valuesIn([layer([1, 2, 3], [1, 2, NaN], { low, high })], [2, 3])], [1, 5, -7, 8]);
  assert.deepEqual([...valuesIn([layer([1, 2, 3], [1, NaN, Infinity])], [1, 3])], [1]);
});

test("a trend", () => {
  assert.equal(trend([5, 4, 3, 2]), "falling");
  assert.equal(trend([2, 3, 4, 5]), "rising");
  assert.equal(trend([1, 1, 1, 1.001]), "level");
});

const values = (...list) => Float64Array.from(list);

test("a log axis of positive values has air on both sides", () => {
  const { kind, range } = scaleOf(values(0.5, 4), { isLog: true });
  assert.equal(kind, "log");
  assert.ok(range[0] > 0.4 && range[0] < 0.5 && range[1] > 4 && range[1] < 4.6);
});

test("a log axis survives zeros and negatives: linear in the middle, decades on both sides", () => {
  const { kind, range, middle, fold, unfold } = scaleOf(values(-100, -1, 0, 0.01, 1, 100), { isLog: true });
  assert.equal(kind, "symlog");
  assert.equal(middle, 0.01);
  for (const value of [-100, -0.5, 0, 0.003, 7]) close(unfold(fold(value)) / (value || 1), value ? 1 : 0);
  assert.ok(fold(-100) < fold(-1) && fold(-1) < fold(0) && fold(0) < fold(0.01));
  assert.deepEqual(ticks(...range, { kind, middle }, 6), [-100, -1, 0, 1, 100]);
});

test("one tiny value does not press all others into a line", () => {
  const { kind, fold } = scaleOf(values(1e-300, 0.2, 0.5, 3, 40), { isLog: true });
  assert.equal(kind, "symlog");
  assert.ok(fold(40) - fold(0.2) > 0.3 * (fold(40) - fold(1e-300)));
  assert.equal(scaleOf(values(1e-9, 3), { isLog: true }).kind, "log");
});

test("the largest and the smallest numbers there are fold onto an axis", () => {
  for (const list of [values(0, 1e300), values(1e-300, 1e300), values(-1e300, 0, 1e-300), values(1e-300, 2e-300)]) {
    for (const isLog of [false, true]) {
      const { range, fold, kind, middle } = scaleOf(list, { isLog });
      assert.ok(range.every(Number.isFinite) && range[0] < range[1] && range.map(fold).every(Number.isFinite), `${list} ${range}`);
      assert.ok(ticks(...range, { kind, middle }).every(Number.isFinite));
    }
  }
});

test("a window between two entries has their height", () => {
  assert.deepEqual([...valuesIn([layer([1, 9], [3, 5])], [4, 5])], [3, 5]);
});

test("without values an axis has a range all the same", () => {
  assert.deepEqual(scaleOf(values(), { isLog: true }).range, [0.1, 10]);
  assert.deepEqual(scaleOf(values()).range, [0, 1]);
});

test("clipping fits the axis to nearly all values and names what lies beyond", () => {
  const y = Array.from({ length: 200 }, (_, i) => 1 + Math.sin(i));
  y[50] = 900;
  y[90] = -400;
  const { range, limits } = scaleOf(values(...y), { isClipped: true });
  assert.ok(range[1] < 4 && range[0] > -2);
  const found = beyond([layer(y.map((_, i) => i), y)], [0, 60], limits);
  assert.deepEqual(found.map(({ x, isAbove, value }) => [x, isAbove, value]), [[50, true, 900]]);
});

test("clipping hides nothing where nothing sticks out", () => {
  assert.equal(scaleOf(values(...Array.from({ length: 200 }, (_, i) => i)), { isClipped: true }).limits, null);
});

test("two fingers keep hold of the values they took", () => {
  assert.deepEqual(pinched([25, 75], [0, 100], [0, 100], 100), [25, 75]);
  assert.deepEqual(pinched([25, 75], [35, 85], [0, 100], 100), [-10, 90]);
  assert.equal(pinched([25, 26], [0, 100], [0, 100], 100), null);
});

test("ticks are round", () => {
  assert.deepEqual(ticks(0, 26_000, false, 6), [0, 5000, 10_000, 15_000, 20_000, 25_000]);
  assert.deepEqual(ticks(0.5, 4.2, true, 7), [0.5, 0.7, 1, 1.5, 2, 3, 4]);
  assert.deepEqual(ticks(1e-6, 10, true, 7), [1e-6, 1e-4, 1e-2, 1]);
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
  const marks = marksOf(events, stages, [{ stage: 1, step: 41 }], [{ stage: 1, step: 40 }, { stage: 1, step: 5 }]);
  const shown = thinOut(marks.map((mark) => ({ ...mark, x: mark.step })), (x) => x);
  assert.deepEqual(shown.map(({ x, shape }) => [x, shape]), [[5, "evaluation"], [20, "resume"], [41, "nan"]]);
});

test("of a stop and the resume at the same step the resume is seen", () => {
  const stages = [{ index: 1, offset: 0, num_steps: 50 }];
  const events = [{ kind: "stopped", stage: 1, step: 20, data: {} }, { kind: "started", stage: 1, step: null, data: { resumed_from: 20 } }];
  const shown = thinOut(marksOf(events, stages, []).map((mark) => ({ ...mark, x: mark.step })), (x) => x);
  assert.deepEqual(shown.map(({ shape }) => shape), ["resume"]);
});

test("gates and notes have their shapes", () => {
  const stages = [{ index: 1, offset: 0, num_steps: 50 }];
  const events = [{ kind: "gate", stage: 1, step: 9, data: {} }, { kind: "note", stage: 1, step: 30, data: {} }];
  assert.deepEqual(marksOf(events, stages, []).map(({ shape }) => shape), ["gate", "note"]);
});

test("marks never lie nearer than their distance, however many there are", () => {
  const marks = Array.from({ length: 3000 }, (_, i) => ({ x: (i * 7919) % 1000, rank: i % 3 }));
  const places = thinOut(marks, (x) => x).map(({ x }) => x);
  assert.ok(places.length > 40);
  assert.ok(places.every((x, i) => !i || x - places[i - 1] >= 12));
});
