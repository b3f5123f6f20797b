// Where steps stand on the page's x axis: by steps, samples and time, on one axis, overlaid and in panels.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Axis } from "../../dashboard/static/js/chart/axis.js";
import { measuresOf } from "../../dashboard/static/js/chart/measures.js";
import { Store } from "../../dashboard/static/js/live/store.js";

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);
const attempt = (number, first_step) => ({ number, first_step, last_step: null, outcome: "" });

function stage(index, offset, numSteps, lastStep, attempts = [attempt(1, 1)]) {
  return { index, name: `Stage ${index}`, offset, num_steps: numSteps, last_step: lastStep, status: "running", attempts, results: {}, error: "" };
}

/** Two stages of 100 and 50 steps; the second has made 10. */
function store(progress = {}, attempts = undefined, status = "running") {
  const run = new Store({ run: { status }, stages: [stage(1, 0, 100, 100, attempts), stage(2, 100, 50, 10)], events: [], cursor: 0 });
  for (const [metric, curves] of Object.entries(progress)) curves.forEach(([steps, values], i) => run.curve(metric, i + 1).merge(steps, values));
  return run;
}

const samples = { "progress/samples": [[[50, 100], [1600, 3200]], [[10], [640]]] };
const T = 1_764_000_000;
const wall = { "progress/wall": [[[1, 50, 100], [T + 1, T + 50, T + 100]], [[1, 10], [T + 302, T + 320]]] };

test("steps follow one another", () => {
  const axis = new Axis(store(), "step", "one");
  assert.deepEqual(axis.range, [0, 150]);
  assert.equal(axis.at(2, 10), 110);
  assert.deepEqual([...axis.places(2, [1, 2])], [101, 102]);
  const { stage: found, step } = axis.find(110);
  assert.deepEqual([found.index, step], [2, 10]);
});

test("samples lie on the stage's own curve and go on at its pace", () => {
  const axis = new Axis(store(samples), "samples", "one");
  close(axis.at(1, 75), 2400);
  close(axis.at(2, 10), 3840);
  close(axis.range[1], 3200 + 50 * 64);
  close(axis.places(2, [5, 20])[0], 3200 + 320);
  close(axis.find(3520).step, 5);
});

test("a stage without figures goes at the pace of the others", () => {
  const axis = new Axis(store({ "progress/samples": [[[100], [3200]], [[], []]] }), "samples", "one");
  close(axis.range[1], 3200 + 50 * 32);
});

test("the clock keeps the pause between two stages", () => {
  const axis = new Axis(store(wall), "wall", "one");
  close(axis.at(1, 100), 100);
  close(axis.at(2, 0), 300);
  close(axis.at(2, 10), 320);
});

test("active time takes the pause out, between stages and between attempts", () => {
  const resumed = { "progress/wall": [[[1, 50, 51, 100], [T + 1, T + 50, T + 950, T + 999]], [[1, 10], [T + 2002, T + 2020]]] };
  const axis = new Axis(store(resumed, [attempt(1, 1), attempt(2, 51)]), "active", "one");
  close(axis.at(1, 50), 50);
  close(axis.at(1, 51), 51);
  close(axis.at(2, 0), 100);
});

test("active time is the server's where it knows it: work that was lost counts, and new points go on from there", () => {
  const run = store({}, [attempt(1, 1), attempt(2, 51)]);
  const step = Uint32Array.from([1, 50, 51, 60]);
  const value = Float64Array.from([T + 1, T + 50, T + 951, T + 960]);
  const block = { metric: "progress/wall", stage: null, step, value, min: value, max: value, notFinite: null, numPoints: 4, isBuckets: false, cursor: 1 };
  run.load({ ...block, x: Float64Array.from([11, 60, 81, 90]) });
  run.curve("progress/wall", 1).merge([61], [T + 961]);
  const axis = new Axis(run, "active", "one");
  close(axis.at(1, 50), 50);
  close(axis.at(1, 51), 71);
  close(axis.at(1, 61), 81);
});

test("a run that is over leaves no room for a future by time", () => {
  const axis = new Axis(store(wall, undefined, "stopped"), "active", "one");
  close(axis.range[1], 120);
  assert.equal(new Axis(store({}, undefined, "stopped"), "step", "one").range[1], 150);
});

test("overlaid stages all begin at 0, and a place has a step of each that is so long", () => {
  const axis = new Axis(store(), "step", "overlay");
  assert.deepEqual(axis.range, [0, 100]);
  assert.equal(axis.at(2, 10), 10);
  assert.deepEqual(axis.findAll(30).map(({ stage: each, step }) => [each.index, step]), [[1, 30], [2, 30]]);
  assert.deepEqual(axis.findAll(80).map(({ stage: each }) => each.index), [1]);
});

test("panels are equally wide, whatever the stages' lengths", () => {
  const axis = new Axis(store(), "step", "multiples");
  const [first, second] = axis.spans;
  close(first.to - first.from, second.to - second.from);
  close(axis.at(1, 50), 0.5);
  assert.deepEqual([axis.find(axis.at(2, 25)).stage.index, Math.round(axis.find(axis.at(2, 25)).step)], [2, 25]);
  const labels = axis.ticks(...axis.range, 600).map(({ text }) => text);
  assert.equal(labels.filter((text) => text === "0").length, 2);
});

test("a window in steps is the same piece of every axis", () => {
  for (const measure of ["step", "samples", "wall", "active"]) {
    const axis = new Axis(store({ ...samples, ...wall }), measure, "one");
    const [low, high] = axis.rangeOf([40, 105]);
    const [from, to] = axis.windowOf(low, high);
    close(from, 40);
    close(to, 105);
  }
});

test("a window that is exactly one stage stays within it, also in panels", () => {
  const axis = new Axis(store(), "step", "multiples");
  assert.deepEqual(axis.rangeOf([100, 150]).map((x) => Number(x.toFixed(6))), [1.08, 2.08]);
  assert.deepEqual(axis.rangeOf([0, 100]).map((x) => Number(x.toFixed(6))), [0, 1]);
});

test("a window asks each stage for its own steps", () => {
  assert.deepEqual([...new Axis(store(), "step", "one").spansOf([90, 120])], [[1, [90, 100]], [2, [1, 20]]]);
  assert.deepEqual([...new Axis(store(), "step", "one").spansOf([10, 20])], [[1, [10, 20]]]);
  assert.deepEqual([...new Axis(store(), "step", "overlay").spansOf([40, 80])], [[1, [40, 80]], [2, [40, 50]]]);
});

test("only measures that the run has figures for are offered", () => {
  assert.deepEqual(measuresOf(store(samples)), ["step", "samples"]);
  assert.deepEqual(measuresOf(store(wall)), ["step", "wall", "active"]);
});

test("ticks so near that a short form cannot tell them apart are written in full", () => {
  const texts = new Axis(store(), "step", "one").ticks(0, 150, 600).map(({ text }) => text);
  assert.deepEqual(texts, ["0", "50", "100", "150"]);
  const near = { ...stage(1, 0, 10_000, 10_000) };
  const axis = new Axis(new Store({ run: { status: "running" }, stages: [near], events: [], cursor: 0 }), "step", "one");
  assert.deepEqual(axis.ticks(5454, 5457, 400).map(({ text }) => text), ["5,454", "5,455", "5,456", "5,457"]);
});

test("ticks of time stand on round times", () => {
  const axis = new Axis(store(wall), "active", "one");
  assert.deepEqual(axis.ticks(0, 190, 480).map(({ x, text }) => [x, text]), [[0, "0"], [60, "1 m"], [120, "2 m"], [180, "3 m"]]);
  const clock = new Axis(store(wall), "wall", "one").ticks(0, 190, 480);
  assert.ok(clock.length >= 3 && clock.every(({ x }) => Math.abs(((x + T) % 60) - 0) < 1e-6));
});
