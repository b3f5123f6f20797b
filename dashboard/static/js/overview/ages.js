// Ages go on counting while a page is open, and the word beside one follows it: live, slow, stale, lost.

import * as numbers from "../chart/numbers.js";
import { judge } from "../live/freshness.js";
import { drawFreshness } from "../live/freshness-mark.js";

/** Draws every age of the page. `offSince` says since when no news could come; null while they can. */
export function drawAges(words, now, offSince) {
  for (const place of document.querySelectorAll("[data-age-of]")) write(place, numbers.age(Math.max(0, now - Number(place.dataset.ageOf))));
  for (const place of document.querySelectorAll("[data-lasts]")) write(place, numbers.duration(now - Number(place.dataset.lasts)));
  for (const place of document.querySelectorAll("[data-fresh]")) drawMark(place, words, now, offSince);
}

function drawMark(place, words, now, offSince) {
  const { pointAt, seenAt, status, interval, worker } = place.dataset;
  const known = { pointAt: Number(pointAt), seenAt: Number(seenAt), status, interval: Number(interval) || 0, offSince };
  const judged = judge(known, now);
  place.hidden = !judged;
  if (judged) drawFreshness(place, judged, words, { interval: known.interval, worker, isWorker: "beat" in place.dataset });
}

/** Takes what a message of the overview says of one run into its marks. */
export function takeFreshness(place, run) {
  const marks = place.matches("[data-fresh]") ? [place] : place.querySelectorAll("[data-fresh]");
  for (const mark of marks) {
    const known = { pointAt: run.at, seenAt: run.seen_at, interval: run.interval, status: run.status, worker: run.worker };
    for (const [name, value] of Object.entries(known)) mark.dataset[name] = value ?? "";
  }
}

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
