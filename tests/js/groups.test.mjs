// The metrics of a run in order: groups, pins, patterns, what the browser remembers, and units.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, nameInGroup, PINNED, prefixOf } from "../../dashboard/static/js/chart/grouping.js";
import { Remembered } from "../../dashboard/static/js/chart/remembered.js";
import { format, isPlain, tick } from "../../dashboard/static/js/chart/units.js";

const names = (groups) => groups.map(({ group, metrics }) => [group, ...metrics].join(" "));

test("groups come by prefix: what trains, validates and tests first, the machine last, whatever order the metrics came in", () => {
  const metrics = ["system/cpu_percent", "test/f1", "experts/layer_10/load", "experts/layer_2/load", "odd", "validation/accuracy", "train/loss/a", "train/grad_norm"];
  const wanted = ["train/ train/grad_norm train/loss/a", "validation/ validation/accuracy", "test/ test/f1", " odd", "experts/ experts/layer_2/load experts/layer_10/load", "system/ system/cpu_percent"];
  assert.deepEqual(names(arrange(metrics)), wanted);
  assert.deepEqual(names(arrange(metrics.toReversed())), wanted);
});

test("pinned metrics stand on top and nowhere else", () => {
  assert.deepEqual(names(arrange(["train/a", "train/b"], { pinned: new Set(["train/b", "gone"]) })), [`${PINNED} train/b`, "train/ train/a"]);
});

test("a pattern leaves what it finds, and finds it again the next time", () => {
  const regex = /loss/gi;
  for (const round of [1, 2]) assert.deepEqual(names(arrange(["train/Loss/a", "train/rate"], { regex })), ["train/ train/Loss/a"], `round ${round}`);
});

test("a name inside its group is short, a pinned one whole, odd ones stay whole", () => {
  assert.equal(nameInGroup("train/loss/match", prefixOf("train/loss/match")), "loss/match");
  assert.equal(nameInGroup("train/loss", PINNED), "train/loss");
  assert.equal(nameInGroup("odd", prefixOf("odd")), "odd");
  assert.equal(prefixOf("/x"), "/");
});

test("names are remembered until they are pressed again, and without a storage as long as the page lasts", () => {
  const storage = new Map();
  storage.getItem = storage.get;
  storage.setItem = storage.set;
  new Remembered("k", storage).toggle("a");
  assert.ok(new Remembered("k", storage).has("a"));
  new Remembered("k", storage).toggle("a");
  assert.ok(!new Remembered("k", storage).has("a"));
  const forbidden = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("no"); } };
  const kept = new Remembered("k", forbidden);
  kept.toggle("b");
  assert.ok(kept.has("b"));
});

test("figures carry the unit that their name tells", () => {
  assert.equal(format("validation/accuracy", 0.7261), "72.61\u2009%");
  assert.equal(format("system/gpu_memory_bytes", 14.2e9), "14.2 GB");
  assert.equal(format("system/cpu_percent", 96.4), "96\u2009%");
  assert.equal(format("system/gpu_power_w", 212.3), "212 W");
  assert.equal(format("system/gpu_temperature_c", 71), "71 °C");
  assert.equal(format("train/samples_per_second", 1184.2), "1,184 /s");
  assert.equal(format("train/loss", 0.59361), "0.5936");
  assert.equal(format("system/memory_bytes", NaN), "nan");
});

test("an axis counts in the unit of its metric", () => {
  assert.equal(tick("system/gpu_memory_bytes", 2e10, 5e9), "20.0 GB");
  assert.equal(tick("train/grad_norm", 0.5, 0.1), "0.5");
  assert.ok(isPlain("train/loss") && !isPlain("validation/accuracy"));
});
