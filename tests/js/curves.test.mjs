// How points join a curve: every step once, the newest attempt wins.
import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptOf, cutFrom, emptyCurve, merge, splitByStage, supersededFrom } from "../../dashboard/static/js/live/curves.js";

const attempts = [{ number: 1, first_step: 1 }, { number: 2, first_step: 4 }, { number: 3, first_step: 3 }];

test("a message seen twice changes nothing", () => {
  const curve = merge(merge(emptyCurve(), [1, 2, 3], [3, 2, 1]), [2, 3], [2, 1]);
  assert.deepEqual(curve.step, [1, 2, 3]);
  assert.deepEqual(curve.value, [3, 2, 1]);
});

test("points that come out of order stand in order", () => {
  assert.deepEqual(merge(merge(emptyCurve(), [5, 6], [5, 6]), [1, 2], [1, 2]).step, [1, 2, 5, 6]);
});

test("nan and infinity arrive as words and stay what they are", () => {
  assert.deepEqual(merge(emptyCurve(), [1, 2, 3, 4], ["nan", "inf", "-inf", null]).value, [NaN, Infinity, -Infinity, NaN]);
});

test("an attempt is superseded from the earliest step of any later one", () => {
  assert.equal(supersededFrom(1, attempts), 3);
  assert.equal(supersededFrom(3, attempts), Infinity);
});

test("an attempt that has not begun supersedes nothing", () => {
  assert.equal(supersededFrom(1, [...attempts.slice(0, 1), { number: 2, first_step: null }]), Infinity);
});

test("points of an older attempt behind a newer one's first step are left out", () => {
  assert.deepEqual(merge(emptyCurve(), [1, 2, 3, 4], [1, 1, 1, 1], supersededFrom(1, attempts)).step, [1, 2]);
});

test("cutting returns what was cut and keeps the rest", () => {
  const curve = merge(emptyCurve(), [1, 2, 3], [1, 2, 3]);
  assert.deepEqual(cutFrom(curve, 2).step, [2, 3]);
  assert.deepEqual(curve.step, [1]);
});

test("a step belongs to the newest attempt that had begun", () => {
  assert.equal(attemptOf(2, attempts), 1);
  assert.equal(attemptOf(9, attempts), 3);
});

test("a series of the run falls into its stages, each from its own step 1", () => {
  const stages = [{ index: 1, offset: 0 }, { index: 2, offset: 10 }];
  const curves = splitByStage({ step: [1, 10, 11, 12], value: [4, 3, 2, 1] }, stages);
  assert.deepEqual(curves.get(1).step, [1, 10]);
  assert.deepEqual(curves.get(2).step, [1, 2]);
});

test("buckets keep their extremes", () => {
  const curves = splitByStage({ step: [5], value: [2], min: [1], max: ["inf"] }, [{ index: 1, offset: 0 }]);
  assert.deepEqual(curves.get(1), { step: [5], value: [2], min: [1], max: [Infinity] });
});
