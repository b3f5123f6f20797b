// Draws what was judged into a page: dot, word, age, and the measured reason as a tooltip.

import * as numbers from "../chart/numbers.js";
import { fill } from "../chart/words.js";

const WORDS = ["live", "slow", "stale", "lost"];

/** `judged` as from freshness.js; what is known of the rate and the worker is told in the tooltip. A worker itself makes no points. */
export function drawFreshness(element, judged, words, { interval = 0, worker = "", isWorker = false } = {}) {
  if (!element.classList.contains(judged.word)) {
    element.classList.remove(...WORDS);
    element.classList.add(judged.word);
  }
  write(element.querySelector("[data-word]"), words[judged.word]);
  const age = element.querySelector("[data-age]");
  write(age, age?.hasAttribute("data-ago") ? fill(words.ago, { age: numbers.age(judged.age) }) : numbers.age(judged.age));
  const reason = [...reasons(judged, words, { interval, worker, isWorker }), connection(judged, words)].join(", ");
  if (element.title !== reason) element.title = reason;
}

/** "Last point 0.4 s ago (usually every 0.2 s)", "heartbeat of gpu-1 1 s ago" */
function reasons({ point, heartbeat }, words, { interval, worker, isWorker }) {
  if (isWorker) return [fill(words.heartbeat_only, { age: numbers.age(heartbeat) })];
  const usual = interval && point !== null ? ` (${fill(words.usual, { time: numbers.age(interval) })})` : "";
  const first = point === null ? words.no_point : fill(words.last_point, { age: numbers.age(point) }) + usual;
  return heartbeat === null ? [first] : [first, fill(words.heartbeat, { worker, age: numbers.age(heartbeat) })];
}

function connection({ off }, words) {
  return off === null ? words.connected : fill(words.not_connected, { age: numbers.age(off) });
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
