// Binary update frames, on bytes that Python's struct has made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrames } from "../../dashboard/static/js/live/frames.js";

// Two frames back to back: one with points of two metrics, one with a line of the log.
const BYTES = [
  "QU5ORgEAAAAQAQAAtQAAAAwAAAAAAAAAAAAQQCBJ2kF7InJ1biI6IHsic3RhdHVzIjogInJ1bm5pbmcifSwgInBvaW50cyI6IFt7InN0YWdlIjogMSwgImF0",
  "dGVtcHQiOiAxLCAibWV0cmljIjogInRyYWluL2xvc3MiLCAiY291bnQiOiAzfSwgeyJzdGFnZSI6IDEsICJhdHRlbXB0IjogMSwgIm1ldHJpYyI6ICJ0cmFp",
  "bi9nclx1MDBmNlx1MDBkZmUiLCAiY291bnQiOiAxfV19ICAgAAAAAAAA9D8AAAAAAAD4fwAAAAAAAPD/BwAAAAgAAAAJAAAAAAAAAAAAAAAAABBACQAAAAAA",
  "AABBTk5GAQAAAFgAAAAzAAAAAAAAAAIAAAAAAAAAAAAAQHsibG9nIjogW3sic3RhZ2UiOiAxLCAiYXR0ZW1wdCI6IDEsICJ0ZXh0IjogIm9rIn1dfSAgICAg",
].join("");
const buffer = () => Uint8Array.from(Buffer.from(BYTES, "base64")).buffer;

test("a message holds several frames", () => {
  const updates = readFrames(buffer());
  assert.deepEqual(updates.map(({ type, cursor, at }) => [type, cursor, at]), [["update", 12, 1764000000.25], ["update", 2 ** 33, 2]]);
  assert.deepEqual(updates[0].run, { status: "running" });
  assert.deepEqual(updates[1].log, [{ stage: 1, attempt: 1, text: "ok" }]);
  assert.deepEqual(updates[1].points, []);
});

test("points keep every bit, also behind an odd number of steps", () => {
  const [loss, size] = readFrames(buffer())[0].points;
  assert.deepEqual([loss.stage, loss.attempt, loss.metric], [1, 1, "train/loss"]);
  assert.deepEqual([...loss.step], [7, 8, 9]);
  assert.deepEqual([...loss.value], [1.25, NaN, -Infinity]);
  assert.deepEqual([size.metric, [...size.step], [...size.value]], ["train/größe", [9], [4]]);
});

test("bytes that are no frame are refused", () => assert.throws(() => readFrames(new ArrayBuffer(32)), /No frame/));
