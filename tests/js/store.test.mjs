// The page's picture of a run: contiguous cursors, nothing twice, older attempts set aside.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../dashboard/static/js/live/store.js";

const stage = (attempts) => ({ index: 1, name: "Foundation", offset: 0, num_steps: 100, last_step: 0, status: "running", results: {}, error: "", attempts });
const attempt = (number, first_step) => ({ number, first_step, last_step: null, outcome: "", worker: "w" });

function store(cursor = 0) {
  const data = { run: { status: "running" }, stages: [stage([attempt(1, 1)])], quantization: null, events: [], cursor, last_point_at: null };
  return new Store(data);
}

const points = (cursor, steps, number = 1) => ({
  cursor,
  at: cursor,
  points: [{ stage: 1, attempt: number, metric: "train/loss", step: steps, value: steps.map((step) => 10 - step + number / 10) }],
});
const curve = (of) => of.series("train/loss").curves.get(1);

test("updates join in order", () => {
  const run = store();
  assert.deepEqual(run.apply(points(1, [1, 2])), ["points"]);
  run.apply(points(2, [3]));
  assert.deepEqual(curve(run).step, [1, 2, 3]);
  assert.equal(run.stages[0].last_step, 3);
});

test("a gap is told and nothing behind it is taken", () => {
  const run = store();
  assert.deepEqual(run.apply(points(2, [5])), ["gap"]);
  assert.equal(run.cursor, 0);
  assert.deepEqual(curve(run).step, []);
});

test("an update seen before changes nothing", () => {
  const run = store(3);
  assert.deepEqual(run.apply(points(3, [1])), []);
  assert.deepEqual(curve(run).step, []);
});

test("what the series already holds is not added again", () => {
  const run = store(1);
  run.load({ metric: "train/loss", step: [1, 2, 3], value: [3, 2, 1], num_points: 3, buckets: false, cursor: 4 });
  run.apply({ ...points(2, [1]), at: 2 });
  assert.deepEqual(curve(run).value, [3, 2, 1]);
});

test("a new attempt sets aside what the older one made from its first step on", () => {
  const run = store();
  run.apply(points(1, [1, 2, 3, 4]));
  run.apply({ cursor: 2, at: 2, stages: [stage([attempt(1, 1), attempt(2, 3)])], ...{ points: points(2, [3], 2).points } });
  assert.deepEqual(curve(run).step, [1, 2, 3]);
  assert.equal(curve(run).value[2], 7.2);
  assert.deepEqual(run.lost.map(({ attempt: number, step }) => [number, step]), [[1, [3, 4]]]);
});

test("late points of a superseded attempt do not come back", () => {
  const run = store();
  run.apply({ cursor: 1, at: 1, stages: [stage([attempt(1, 1), attempt(2, 3)])] });
  run.apply(points(2, [2, 3, 4], 1));
  assert.deepEqual(curve(run).step, [2]);
});

test("a series that already knows the new attempt is not cut", () => {
  const run = store(1);
  run.load({ metric: "train/loss", step: [1, 2, 3, 4], value: [4, 3, 2, 1], num_points: 4, buckets: false, cursor: 9 });
  run.apply({ cursor: 2, at: 2, stages: [stage([attempt(1, 1), attempt(2, 3)])] });
  assert.deepEqual(curve(run).step, [1, 2, 3, 4]);
});

test("a state is news only when it differs", () => {
  const run = store();
  assert.deepEqual(run.apply({ cursor: 1, at: 1, run: { status: "running" } }), []);
  assert.deepEqual(run.apply({ cursor: 2, at: 1, run: { status: "stopping" } }), ["state"]);
});
