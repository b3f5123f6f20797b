// When the page draws: at the next frame, at most a quarter of the time, never while nobody looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Painter } from "../../dashboard/static/js/live/painter.js";

function painting(cost) {
  const page = Object.assign(new EventTarget(), { hidden: false });
  const clock = { now: 1000, drawn: [] };
  const draw = () => {
    clock.drawn.push(clock.now);
    clock.now += cost;
  };
  const frames = [];
  const painter = new Painter(draw, { now: () => clock.now, page, frame: (callback) => frames.push(callback) });
  return { painter, page, clock, frame: () => frames.splice(0).forEach((callback) => callback()) };
}

test("many updates before a frame are one draw", () => {
  const { painter, clock, frame } = painting(4);
  painter.ask();
  painter.ask();
  frame();
  frame();
  assert.equal(clock.drawn.length, 1);
});

test("after a draw it rests three times as long", async () => {
  const { painter, clock, frame } = painting(10);
  painter.ask();
  frame();
  painter.ask();
  frame();
  assert.equal(clock.drawn.length, 1);
  await wait(60);
  frame();
  assert.equal(clock.drawn.length, 2);
});

test("a hidden page does not draw, and draws once when it is looked at again", () => {
  const { painter, page, clock, frame } = painting(4);
  page.hidden = true;
  painter.ask();
  frame();
  assert.equal(clock.drawn.length, 0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  frame();
  assert.equal(clock.drawn.length, 1);
});
