// The honest words beside the loss chart: how much of the truth is drawn, what clipping hides, and where a log axis is linear.

import { TRAIN } from "./kind-loss.js";
import * as numbers from "./numbers.js";
import { fill } from "./words.js";

export function writeBadges(root, view, chart) {
  write(root, "[data-hidden-points]", view.now === 0 ? "" : pointsText(view));
  write(root, "[data-clip-note]", chart.scale?.limits ? clipText(view.words, chart) : "");
  write(root, "[data-scale-note]", chart.scale?.kind === "symlog" ? fill(view.words.symlog, { middle: numbers.valueTick(chart.scale.middle) }) : "");
}

/** Of a zoomed picture the badge still speaks of the whole curve, as far as it is drawn. */
function pointsText(view) {
  const { numPoints } = view.store.series(TRAIN);
  const curves = view.stages.map(({ index }) => view.store.shown(TRAIN, index));
  const shown = curves.reduce((sum, curve) => sum + curve.length, 0);
  const isWhole = curves.every((curve) => !curve.isBuckets);
  const values = { shown: numbers.steps(shown), all: numbers.steps(isWhole ? shown : Math.max(shown, numPoints)) };
  return fill(isWhole ? view.words.points : view.words.points_shown, values);
}

/** "3 points above 4.2 hidden by clipping", or how many buckets reach beyond. */
function clipText(words, { beyond, scale }) {
  const sides = [true, false].map((isAbove) => beyond.filter((each) => each.isAbove === isAbove));
  const parts = sides.flatMap((places, i) => (places.length ? [sideText(words, places, i === 0, scale.limits[1 - i])] : []));
  return parts.join(" · ");
}

function sideText(words, places, isAbove, limit) {
  const kind = places.some((each) => each.isBucket) ? "buckets" : places.length === 1 ? "point" : "points";
  return fill(words[`clip_${kind}_${isAbove ? "above" : "below"}`], { count: numbers.steps(places.length), limit: numbers.short(limit) });
}

function write(root, selector, text) {
  const element = root.querySelector(selector);
  if (!element) return;
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}
