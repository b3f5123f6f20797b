// The binary form of series, on bytes that Python's struct has made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readBlocks } from "../../dashboard/static/js/live/blocks.js";

// Three blocks: buckets of a whole run; raw points of run 8, stage 2, attempt 3 with an x; an empty series.
const BYTES = [
  "QU5OTAIBCgCoAAAABwAAAAAAAAAAAAAAAwAAAAQAAAAJAAAAAAEAAAAAAAACAAAAdHJhaW4vbG9zcwAAAAAAAAAAAAAAAABAAAAAAAAA+H+cdQCIPOQ3fgAA",
  "AAAAAPA/AAAAAAAA+H8AAAAAAADgPwAAAAAAAAhAAAAAAAAA+H8AAAAAAADwfwMAAAAGAAAACQAAAAAAAAAAAAAAAwAAAAEAAAAAAAAAQU5OTAICCgCAAAAA",
  "CAAAAAIAAAADAAAAAwAAAAAAAAADAAAAAAAAAAUAAAAAAAAAwrUvVmVybHVzdAAAAAAAAAAAAAAAAOA/WfP4wh9upYEAAAAAAADwfwAAAAAAACRAAAAAAACA",
  "NEAAAAAAAAA/QAEAAAACAAAAAwAAAAAAAABBTk5MAgAEADgAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABsZWVyAAAAAA==",
].join("");
const buffer = () => Uint8Array.from(Buffer.from(BYTES, "base64")).buffer;
const list = (column) => [...column];

test("buckets bring their extremes and how many of each are no number", () => {
  const [block] = readBlocks(buffer());
  assert.deepEqual([block.metric, block.run, block.stage, block.attempt, block.isBuckets], ["train/loss", 7, null, null, true]);
  assert.deepEqual([block.numPoints, block.numNotFinite, block.cursor], [2 ** 40 + 9, 4, 2 ** 33]);
  assert.deepEqual(list(block.step), [3, 6, 9]);
  assert.deepEqual(list(block.value), [2, NaN, 1e300]);
  assert.deepEqual(list(block.min), [1, NaN, 0.5]);
  assert.deepEqual(list(block.max), [3, NaN, Infinity]);
  assert.deepEqual(list(block.notFinite), [0, 3, 1]);
  assert.equal(block.x, null);
});

test("raw points are their own extremes, and may have an x of their own", () => {
  const block = readBlocks(buffer())[1];
  assert.deepEqual([block.metric, block.run, block.stage, block.attempt, block.isBuckets, block.numPoints], ["µ/Verlust", 8, 2, 3, false, 3]);
  assert.deepEqual(list(block.value), [0.5, -1e-300, Infinity]);
  assert.equal(block.min, block.value);
  assert.deepEqual(list(block.x), [10, 20.5, 31]);
  assert.deepEqual(list(block.step), [1, 2, 3]);
});

test("a series without points is a block of its own", () => {
  const blocks = readBlocks(buffer());
  assert.equal(blocks.length, 3);
  assert.deepEqual([blocks[2].metric, blocks[2].step.length], ["leer", 0]);
});

test("an empty answer has no block, and other bytes are refused", () => {
  assert.deepEqual(readBlocks(new ArrayBuffer(0)), []);
  const other = new Uint8Array(buffer());
  other[4] = 1;
  assert.throws(() => readBlocks(other.buffer), /version 2/);
});
