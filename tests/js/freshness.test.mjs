// How fresh a live thing is, why, and what is said aloud of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawFreshness } from "../../dashboard/static/js/live/freshness-mark.js";
import { freshness, isDue, judge, usualInterval } from "../../dashboard/static/js/live/freshness.js";
import { Speaker } from "../../dashboard/static/js/live/speaker.js";

const words = {
  live: "Live", lost: "Lost", ago: "{age} ago", last_point: "Last point {age} ago", usual: "usually every {time}", no_point: "No point yet",
  heartbeat: "heartbeat of {worker} {age} ago", heartbeat_only: "Heartbeat {age} ago", connected: "connected", not_connected: "not connected for {age}",
};

for (const { word, ...given } of JSON.parse(readFileSync(new URL("../freshness.json", import.meta.url)))) {
  test(`the server's rule: ${JSON.stringify(given)} is ${word}`, () => assert.equal(freshness({ status: "running", ...given }), word));
}

test("the usual interval is the middle one, and none while too few points have come", () => {
  assert.equal(usualInterval([0, 2, 4, 9, 11]), 2);
  assert.equal(usualInterval([0, 2]), 0);
});

test("points are due only while a stage trains", () => {
  const stage = (status, firstStep) => ({ status, attempts: [{ number: 1, first_step: firstStep }] });
  assert.ok(isDue("running", [stage("completed", 1), stage("running", 1)]));
  assert.ok(!isDue("running", [stage("completed", 1), stage("running", null)]));
  assert.ok(!isDue("running", [stage("completed", 1)]));
  assert.ok(!isDue("completed", [stage("completed", 1)]));
  assert.ok(isDue("lost", [stage("queued", 1)]));
});

test("before the first point the heartbeat is what there is to go by", () => {
  const judged = judge({ pointAt: null, seenAt: 98, status: "running" }, 100);
  assert.deepEqual([judged.word, judged.age, judged.point], ["live", 2, null]);
  assert.equal(judge({ pointAt: null, seenAt: null, status: "running" }, 100), null);
});

test("a page that is not connected calls no worker lost", () => {
  const known = { pointAt: 60, seenAt: 61, status: "running" };
  assert.equal(judge(known, 100).word, "lost");
  assert.equal(judge({ ...known, offSince: 62 }, 100).word, "stale");
});

test("the tooltip gives last point, usual rate, heartbeat and connection", () => {
  const element = { classList: new Set(), querySelector: () => null, title: "" };
  element.classList.contains = element.classList.has;
  element.classList.remove = (...names) => names.forEach((name) => element.classList.delete(name));
  drawFreshness(element, judge({ pointAt: 99.6, seenAt: 98, status: "running" }, 100), words, { interval: 0.2, worker: "gpu-1" });
  assert.equal(element.title, "Last point 0.4 s ago (usually every 0.2 s), heartbeat of gpu-1 2 s ago, connected");
  assert.ok(element.classList.has("live"));
});

test("changes are spoken at most every ten seconds, the newest of them; a failure at once", () => {
  const timers = [];
  let now = 0;
  const [polite, assertive] = [{}, {}];
  const speaker = new Speaker(polite, assertive, { now: () => now, later: (speak, wait) => timers.push({ speak, wait }) });
  speaker.say("Live");
  assert.equal(timers[0].wait, 0);
  timers[0].speak();
  now = 4000;
  speaker.say("Slow");
  speaker.say("Stale");
  assert.equal(timers.length, 2);
  assert.equal(timers[1].wait, 6000);
  speaker.warn("Lost");
  assert.equal(assertive.textContent, "Lost");
  timers[1].speak();
  assert.equal(polite.textContent, "Lost");
});
