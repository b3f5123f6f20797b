// The page's picture of a run: contiguous cursors, nothing twice, older attempts set aside, series that come while updates come.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../dashboard/static/js/live/store.js";

const stage = (attempts) => ({ index: 1, name: "Foundation", offset: 0, num_steps: 100, last_step: 0, status: "running", results: {}, error: "", attempts });
const attempt = (number, first_step) => ({ number, first_step, last_step: null, outcome: "", worker: "w" });

function store(cursor = 0, metrics = []) {
  const data = { run: { status: "running" }, stages: [stage([attempt(1, 1)])], quantization: null, events: [], metrics, cursor, last_point_at: null };
  return new Store(data);
}

const points = (cursor, steps, number = 1) => ({
  cursor,
  at: cursor,
  points: [{ stage: 1, attempt: number, metric: "train/loss", step: steps, value: steps.map((step) => 10 - step + number / 10) }],
});
const curve = (of) => of.curve("train/loss", 1);
const steps = (of) => [...curve(of).step];
const block = (step, cursor, parts = {}) => {
  const value = Float64Array.from(step, (each) => 10 - each);
  return { metric: "train/loss", stage: null, step: Uint32Array.from(step), value, min: value, max: value, notFinite: null, numPoints: step.length, isBuckets: false, cursor, ...parts };
};

test("updates join in order", () => {
  const run = store();
  assert.deepEqual(run.apply(points(1, [1, 2])), ["points"]);
  run.apply(points(2, [3]));
  assert.deepEqual(steps(run), [1, 2, 3]);
  assert.equal(run.stages[0].last_step, 3);
  assert.equal(run.series("train/loss").numPoints, 3);
});

test("the age of an older attempt's last point is no news of the new one", () => {
  const run = store();
  run.apply(points(1, [1, 2]));
  run.apply({ cursor: 2, at: 60, stages: [{ ...stage([attempt(1, 1)]), last_step: 2 }] });
  assert.equal(run.lastPointAt, 1);
  run.apply({ cursor: 3, at: 60, stages: [{ ...stage([attempt(1, 1), attempt(2, null)]), last_step: 2 }] });
  assert.equal(run.lastPointAt, null);
  run.apply(points(4, [3], 2));
  assert.equal(run.lastPointAt, 4);
});

test("a gap is told and nothing behind it is taken", () => {
  const run = store();
  assert.deepEqual(run.apply(points(2, [5])), ["gap"]);
  assert.equal(run.cursor, 0);
  assert.deepEqual(steps(run), []);
});

test("an update seen before changes nothing", () => {
  const run = store(3);
  assert.deepEqual(run.apply(points(3, [1])), []);
  assert.deepEqual(steps(run), []);
});

test("what the series already holds is not added again", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([1, 2, 3], 4));
  run.apply({ ...points(2, [1]), at: 2 });
  assert.deepEqual([...curve(run).value], [9, 8, 7]);
});

test("updates that come while the series is read join behind it", () => {
  const run = store(1, ["train/loss"]);
  run.reading("train/loss");
  run.apply(points(2, [3]));
  run.apply(points(3, [4]));
  assert.deepEqual(steps(run), []);
  run.load(block([1, 2, 3], 2));
  assert.deepEqual(steps(run), [1, 2, 3, 4]);
  assert.equal(run.series("train/loss").numPoints, 4);
});

test("a metric that nobody has asked for keeps only its newest value", () => {
  const run = store(0, ["train/loss"]);
  run.apply(points(1, [1, 2]));
  assert.deepEqual(steps(run), []);
  assert.equal(run.series("train/loss").newest.value, 8.1);
  assert.equal(run.stages[0].last_step, 2);
});

test("a new attempt sets aside what the older one made from its first step on", () => {
  const run = store();
  run.apply(points(1, [1, 2, 3, 4]));
  run.apply({ cursor: 2, at: 2, stages: [stage([attempt(1, 1), attempt(2, 3)])], ...{ points: points(2, [3], 2).points } });
  assert.deepEqual(steps(run), [1, 2, 3]);
  assert.equal(curve(run).value[2], 7.2);
  assert.deepEqual(run.lost.map(({ attempt: number, curve: lost }) => [number, [...lost.step]]), [[1, [3, 4]]]);
  assert.equal(run.series("train/loss").numPoints, 3);
});

test("late points of a superseded attempt do not come back", () => {
  const run = store();
  run.apply({ cursor: 1, at: 1, stages: [stage([attempt(1, 1), attempt(2, 3)])] });
  run.apply(points(2, [2, 3, 4], 1));
  assert.deepEqual(steps(run), [2]);
});

test("a series that already knows the new attempt is not cut", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([1, 2, 3, 4], 9));
  run.apply({ cursor: 2, at: 2, stages: [stage([attempt(1, 1), attempt(2, 3)])] });
  assert.deepEqual(steps(run), [1, 2, 3, 4]);
});

test("a bucket that a new attempt tears is read again", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([50, 100], 1, { isBuckets: true, numPoints: 100, notFinite: [0, 0] }));
  run.apply({ cursor: 2, at: 2, stages: [stage([attempt(1, 1), attempt(2, 80)])] });
  assert.equal(run.series("train/loss").state, "unread");
});

test("a state is news only when it differs", () => {
  const run = store();
  assert.deepEqual(run.apply({ cursor: 1, at: 1, run: { status: "running" } }), []);
  assert.deepEqual(run.apply({ cursor: 2, at: 1, run: { status: "stopping" } }), ["state"]);
});

test("progress without points moves the stage", () => {
  const run = store();
  assert.deepEqual(run.apply({ cursor: 1, at: 1, progress: [{ stage: 1, last_step: 40 }] }), ["points"]);
  assert.equal(run.stages[0].last_step, 40);
});

test("inside the window stand its finer points, outside the overview", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([20, 40, 60, 80], 1, { isBuckets: true, numPoints: 80, notFinite: [0, 0, 0, 0] }));
  const spans = new Map([[1, [38, 42]]]);
  run.loadDetail("train/loss", [{ ...block([38, 39, 40, 41, 42], 1), stage: 1 }], spans);
  assert.deepEqual([...run.shown("train/loss", 1).step], [20, 38, 39, 40, 41, 42, 60, 80]);
  assert.deepEqual(steps(run), [20, 40, 60, 80]);
});

test("new points inside the window join its finer curve, also while it is read", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([20, 40], 1, { isBuckets: true, numPoints: 40, notFinite: [0, 0] }));
  const spans = new Map([[1, [38, 100]]]);
  run.readingDetail("train/loss");
  run.apply(points(2, [41]));
  run.loadDetail("train/loss", [{ ...block([38, 39, 40], 1), stage: 1 }], spans);
  run.apply(points(3, [42]));
  assert.deepEqual([...run.shown("train/loss", 1).step], [20, 38, 39, 40, 41, 42]);
});

test("a window that is left takes its finer points along", () => {
  const run = store(1, ["train/loss"]);
  run.load(block([20, 40], 1, { isBuckets: true, numPoints: 40, notFinite: [0, 0] }));
  run.loadDetail("train/loss", [{ ...block([38, 39, 40], 1), stage: 1 }], new Map([[1, [38, 40]]]));
  run.dropDetailsOutside(new Map([[1, [39, 40]]]));
  assert.ok(run.series("train/loss").detail);
  run.dropDetailsOutside(null);
  assert.deepEqual([...run.shown("train/loss", 1).step], [20, 40]);
});
