// What is asked of the server: many series in one request, each once, windows anew, failures again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { SeriesLoader } from "../../dashboard/static/js/live/series.js";
import { Store } from "../../dashboard/static/js/live/store.js";

const attempt = (number, first_step, last_step) => ({ number, first_step, last_step, outcome: "" });

function loader(answer, attempts = [attempt(1, 1, 4000)]) {
  const stages = [{ index: 1, name: "Foundation", offset: 0, num_steps: 4000, last_step: 4000, status: "running", attempts, results: {}, error: "" }];
  const metrics = ["train/loss", "train/grad_norm", "validation/loss"];
  const store = new Store({ run: { status: "running" }, stages, events: [], metrics, cursor: 3 });
  const asked = [];
  const ask = async (path, query, signal) => {
    asked.push({ path, ...query });
    return answer(query, asked.length, signal);
  };
  return { store, asked, loading: new SeriesLoader(store, { run: 7, path: "/one", many: "/many" }, ask) };
}

const block = (metric, steps, parts = {}) => {
  const value = Float64Array.from(steps, () => 1);
  return { metric, run: 7, stage: null, step: Uint32Array.from(steps), value, min: value, max: value, notFinite: null, numPoints: steps.length, isBuckets: false, cursor: 3, ...parts };
};
const coarse = (metric) => block(metric, [2000, 4000], { isBuckets: true, numPoints: 4000 });

test("what comes into view at once is one request, and is not asked again", async () => {
  const { loading, asked, store } = loader(({ metric }) => metric.map((each) => block(each, [1, 2])));
  loading.want("train/loss");
  loading.want("train/grad_norm");
  await wait(40);
  loading.want("train/loss");
  await wait(40);
  assert.deepEqual(asked, [{ path: "/many", run: 7, metric: ["train/loss", "train/grad_norm"], max_points: 600 }]);
  assert.equal(store.series("train/loss").state, "read");
  assert.equal(store.series("validation/loss").state, "unread");
});

test("a metric that the server leaves out has no points", async () => {
  const { loading, store } = loader(() => []);
  loading.want("train/loss");
  await wait(40);
  assert.deepEqual([store.series("train/loss").state, store.series("train/loss").numPoints], ["read", 0]);
});

test("what fails is told, and read when it is tried again", async () => {
  const { loading, store } = loader(({ metric }, times) => {
    if (times === 1) throw new TypeError("Failed to fetch");
    return metric.map((each) => block(each, [1]));
  });
  let failures = 0;
  loading.addEventListener("failed", () => (failures += 1));
  loading.want("train/loss");
  await wait(40);
  assert.equal(store.series("train/loss").state, "failed");
  await loading.retry();
  assert.deepEqual([failures, store.series("train/loss").state], [1, "read"]);
});

test("a window asks again only for what is coarse, once after a gesture", async () => {
  const answer = ({ metric, stage, from, to }) => (stage ? metric.map((each) => block(each, [from, to], { stage })) : [coarse("train/loss"), block("validation/loss", [500])]);
  const { loading, asked, store } = loader(answer);
  loading.want("train/loss");
  loading.want("validation/loss");
  await wait(40);
  loading.look(new Map([[1, [90, 120]]]));
  loading.look(new Map([[1, [100, 110]]]));
  await wait(200);
  assert.deepEqual(asked.slice(1), [{ path: "/many", run: 7, metric: ["train/loss"], stage: 1, from: 100, to: 110, max_points: 2000 }]);
  assert.deepEqual([...store.shown("train/loss", 1).step], [100, 110, 2000, 4000]);
  loading.look(null);
  assert.deepEqual([...store.shown("train/loss", 1).step], [2000, 4000]);
});

test("the answer for a window that the reader has left is thrown away", async () => {
  const { loading, store } = loader(async ({ metric, stage, from, to }) => {
    if (!stage) return [coarse("train/loss")];
    await wait(60);
    return metric.map((each) => block(each, [from, to], { stage }));
  });
  loading.want("train/loss");
  await wait(40);
  loading.look(new Map([[1, [100, 110]]]));
  await wait(150);
  loading.look(null);
  await wait(100);
  assert.equal(store.series("train/loss").detail, null);
});

test("what an older attempt had made is asked from where it was made again", async () => {
  const answer = ({ metric, attempt: number }) => (number ? [block("train/loss", [300, 400], { stage: 1 })] : metric.map((each) => block(each, [1, 2])));
  const { loading, asked, store } = loader(answer, [attempt(1, 1, 400), attempt(2, 300, null)]);
  loading.want("train/loss");
  await wait(40);
  assert.deepEqual(asked[1], { path: "/one", metric: "train/loss", stage: 1, attempt: 1, from: 300, max_points: 600 });
  assert.deepEqual([...store.lost[0].curve.step], [300, 400]);
});
