// How points join a curve: every step once, the newest attempt wins, memory stays bounded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptOf, Curve, splitByStage, supersededFrom } from "../../dashboard/static/js/live/curves.js";

const attempts = [{ number: 1, first_step: 1 }, { number: 2, first_step: 4 }, { number: 3, first_step: 3 }];
const list = (column) => [...column];
const curveOf = (...parts) => parts.reduce((curve, [steps, values, until]) => (curve.merge(steps, values, until), curve), new Curve());

test("a message seen twice changes nothing", () => {
  const curve = curveOf([[1, 2, 3], [3, 2, 1]]);
  assert.equal(curve.merge([2, 3], [2, 1]), 0);
  assert.deepEqual(list(curve.step), [1, 2, 3]);
  assert.deepEqual(list(curve.value), [3, 2, 1]);
});

test("a step that is there already is replaced", () => {
  assert.deepEqual(list(curveOf([[1, 2, 3], [3, 2, 1]], [[2], [9]]).value), [3, 9, 1]);
});

test("points that come out of order stand in order", () => {
  const curve = curveOf([[5, 6], [5, 6]], [[1, 2], [1, 2]]);
  assert.deepEqual(list(curve.step), [1, 2, 5, 6]);
  assert.deepEqual(list(curve.value), [1, 2, 5, 6]);
});

test("nan and infinity arrive as words and stay what they are", () => {
  const curve = curveOf([[1, 2, 3, 4], ["nan", "inf", "-inf", null]]);
  assert.deepEqual(list(curve.value), [NaN, Infinity, -Infinity, NaN]);
  assert.deepEqual(list(curve.spoilt), [1, 1, 1, 1]);
});

test("an attempt is superseded from the earliest step of any later one", () => {
  assert.equal(supersededFrom(1, attempts), 3);
  assert.equal(supersededFrom(3, attempts), Infinity);
});

test("an attempt that has not begun supersedes nothing", () => {
  assert.equal(supersededFrom(1, [...attempts.slice(0, 1), { number: 2, first_step: null }]), Infinity);
});

test("points of an older attempt behind a newer one's first step are left out", () => {
  assert.deepEqual(list(curveOf([[1, 2, 3, 4], [1, 1, 1, 1], supersededFrom(1, attempts)]).step), [1, 2]);
});

test("cutting returns what was cut and keeps the rest", () => {
  const curve = curveOf([[1, 2, 3], [1, 2, 3]]);
  const cut = curve.cutFrom(2);
  assert.deepEqual(list(cut.step), [2, 3]);
  assert.equal(cut.isTorn, false);
  assert.deepEqual(list(curve.step), [1]);
});

test("a cut through a bucket says so", () => {
  const curve = new Curve();
  curve.push(10, 1, 1, 1, 10, 0);
  curve.push(20, 1, 1, 1, 10, 0);
  assert.equal(curve.cutFrom(15).isTorn, true);
});

test("a step belongs to the newest attempt that had begun", () => {
  assert.equal(attemptOf(2, attempts), 1);
  assert.equal(attemptOf(9, attempts), 3);
});

const block = (parts) => ({ stage: null, isBuckets: false, numPoints: parts.step.length, min: parts.value, max: parts.value, notFinite: null, ...parts });

test("a series of the run falls into its stages, each from its own step 1", () => {
  const stages = [{ index: 1, offset: 0 }, { index: 2, offset: 10 }];
  const curves = splitByStage(block({ step: [1, 10, 11, 12], value: [4, 3, 2, 1] }), stages);
  assert.deepEqual(list(curves.get(1).step), [1, 10]);
  assert.deepEqual(list(curves.get(2).step), [1, 2]);
});

test("a stage without points between two others stays empty", () => {
  const stages = [{ index: 1, offset: 0 }, { index: 2, offset: 10 }, { index: 3, offset: 20 }];
  const curves = splitByStage(block({ step: [10, 21], value: [1, 2] }), stages);
  assert.equal(curves.get(2).length, 0);
  assert.deepEqual(list(curves.get(3).step), [1]);
});

test("a series of one stage has steps of that stage", () => {
  const curves = splitByStage({ ...block({ step: [1, 2], value: [1, 2] }), stage: 2 }, [{ index: 1, offset: 0 }, { index: 2, offset: 10 }]);
  assert.deepEqual(list(curves.get(2).step), [1, 2]);
});

test("buckets keep their extremes", () => {
  const series = { ...block({ step: [5], value: [2], min: [1], max: [Infinity], notFinite: [1] }), isBuckets: true, numPoints: 5 };
  const curve = splitByStage(series, [{ index: 1, offset: 0 }]).get(1);
  assert.deepEqual([...curve.step, ...curve.value, ...curve.min, ...curve.max, ...curve.spoilt], [5, 2, 1, Infinity, 1]);
  assert.ok(curve.isBuckets);
});

test("a million points stay within the limit, with every extreme and the mean", () => {
  const curve = new Curve(400);
  let sum = 0;
  for (let at = 0; at < 1_000_000; at += 1000) {
    const steps = Array.from({ length: 1000 }, (_, i) => at + i + 1);
    const values = steps.map((step) => (step === 123_456 ? 1e9 : step === 765_432 ? -5 : Math.sin(step)));
    sum += values.reduce((a, b) => a + b);
    curve.merge(steps, values);
  }
  assert.ok(curve.length <= 400 && curve.length >= 150, `${curve.length} entries`);
  assert.equal(curve.numPoints, 1_000_000);
  assert.equal(curve.lastStep, 1_000_000);
  assert.equal(Math.max(...curve.max), 1e9);
  assert.equal(Math.min(...curve.min), -5);
  const mean = curve.value.reduce((total, value, i) => total + value * curve.count[i], 0);
  assert.ok(Math.abs(mean - sum) < 1e-3 * sum);
});

test("thinning leaves a history of large buckets as fine as it was", () => {
  const curve = new Curve(400);
  for (let i = 1; i <= 200; i += 1) curve.push(i * 1000, i, i, i, 1000, 0);
  curve.merge(Array.from({ length: 300 }, (_, i) => 200_001 + i), new Array(300).fill(1));
  assert.deepEqual(list(curve.step.subarray(0, 199)), Array.from({ length: 199 }, (_, i) => (i + 1) * 1000));
  assert.ok(curve.length < 210);
});

test("a nan in a bucket is counted and spoils neither mean nor extremes", () => {
  const curve = new Curve(4);
  curve.merge([1, 2, 3, 4, 5, 6], [1, NaN, 3, 5, 7, Infinity]);
  assert.equal(curve.spoilt.reduce((a, b) => a + b), 2);
  assert.equal(Math.max(...curve.max), 7);
  assert.equal(Math.min(...curve.min), 1);
});

test("a late point inside a bucket joins it", () => {
  const curve = new Curve();
  curve.push(10, 2, 1, 3, 9, 0);
  assert.equal(curve.merge([5], [12]), 1);
  assert.deepEqual([curve.length, curve.max[0], curve.value[0], curve.count[0]], [1, 12, 3, 10]);
});
