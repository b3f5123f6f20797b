// The lines of a log: pieces, levels, what was found, and what a filter leaves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLines, levelOf } from "../../dashboard/static/js/live/log-lines.js";
import { compile, isMatch, passes, pieces, step } from "../../dashboard/static/js/live/log-search.js";

const texts = (lines) => lines.all.map((line) => line.text);

test("a text that ends in the middle of a line goes on with the next one of its attempt", () => {
  const lines = new LogLines();
  assert.equal(lines.append(1, 1, "one\ntw"), 0);
  assert.equal(lines.append(1, 2, "other\n"), 2);
  assert.equal(lines.append(1, 1, "o\nthree\n"), 1);
  assert.deepEqual(texts(lines), ["one", "two", "other", "three"]);
});

test("empty lines are lines, and a text's last line break begins none", () => {
  const lines = new LogLines();
  lines.append(1, 1, "a\n\nb\n");
  assert.deepEqual(texts(lines), ["a", "", "b"]);
});

test("earlier texts come in front, and a line that was cut between two parts is one again", () => {
  const lines = new LogLines();
  lines.append(1, 2, "new\n");
  lines.append(1, 1, "gin: late\nend\n");
  const count = lines.prepend([{ stage: 1, attempt: 1, text: "first\nbe" }, { stage: 1, attempt: 3, text: "x" }]);
  assert.equal(count, 2);
  assert.deepEqual(texts(lines), ["first", "x", "new", "begin: late", "end"]);
});

test("a line is known by the level that it names", () => {
  assert.equal(levelOf("2026-01-01 ERROR boom"), "error");
  assert.equal(levelOf("RuntimeError: out of memory"), "error");
  assert.equal(levelOf("UserWarning: lr is 0"), "warning");
  assert.equal(levelOf("[INFO] epoch 1"), "info");
  assert.equal(levelOf("debug: x"), "debug");
  assert.equal(levelOf("mean squared error 0.3, no warning"), "");
});

test("a traceback is an error from its first line to the one that names it", () => {
  const lines = new LogLines();
  lines.append(1, 1, 'Traceback (most recent call last):\n  File "x.py", line 1\n    boom()\nValueError: no\nafter\n');
  assert.deepEqual(lines.all.map((line) => line.level), ["error", "error", "error", "error", ""]);
});

test("a wrong pattern says what is wrong, an empty one finds nothing", () => {
  assert.equal(compile("(").regex, null);
  assert.match(compile("(").problem, /group/i);
  assert.deepEqual(compile(""), { regex: null, problem: "" });
});

test("what was found is marked piece by piece, hostile text stays text", () => {
  const { regex } = compile("b+");
  assert.deepEqual(pieces(regex, "<b>xBBx"), [
    { text: "<", isMatch: false },
    { text: "b", isMatch: true },
    { text: ">x", isMatch: false },
    { text: "BB", isMatch: true },
    { text: "x", isMatch: false },
  ]);
  assert.deepEqual(pieces(compile("x*").regex, "ab"), [{ text: "ab", isMatch: false }]);
});

test("a pattern finds the same line again", () => {
  const { regex } = compile("a");
  assert.ok(isMatch(regex, "a") && isMatch(regex, "a"));
});

test("filters are by level, by stage and by attempt", () => {
  const line = { stage: 2, attempt: 1, level: "error" };
  assert.ok(passes(line, { level: "", part: "" }));
  assert.ok(passes(line, { level: "error", part: "2.1" }));
  assert.ok(passes(line, { level: "", part: "2" }));
  assert.ok(!passes(line, { level: "", part: "2.2" }));
  assert.ok(!passes(line, { level: "info", part: "" }));
});

test("next and previous go round", () => {
  assert.equal(step([2, 5, 9], 5, 1), 9);
  assert.equal(step([2, 5, 9], 9, 1), 2);
  assert.equal(step([2, 5, 9], -1, -1), 9);
  assert.equal(step([], 0, 1), -1);
});
