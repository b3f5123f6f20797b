// The honest words beside the loss chart: how much of the truth is drawn, what clipping hides, and where a log axis is linear.

import { lowerBound } from "../live/curves.js";
import { TRAIN } from "./kind-loss.js";
import * as numbers from "./numbers.js";
import { fill } from "./words.js";

export function writeBadges(root, view, chart) {
  write(root, "[data-hidden-points]", view.now === 0 ? "" : pointsText(view));
  write(root, "[data-clip-note]", chart.scale?.limits ? clipText(view.words, chart) : "");
  write(root, "[data-scale-note]", chart.scale?.kind === "symlog" ? fill(view.words.symlog, { middle: numbers.valueTick(chart.scale.middle) }) : "");
}

/** Of a zoomed picture the badge speaks of what is in the window. */
function pointsText(view) {
  const { shown, all } = view.window ? countInside(view) : countAll(view);
  const values = { shown: numbers.steps(shown), all: numbers.steps(Math.max(shown, all)) };
  return fill(shown < all ? view.words.points_shown : all === 1 ? view.words.one_point : view.words.points, values);
}

function countAll(view) {
  const { numPoints, curves } = view.store.series(TRAIN);
  return { shown: [...curves.values()].reduce((sum, curve) => sum + curve.length, 0), all: numPoints };
}

/** The window's own series knows how many points it stands for; an overview's buckets know it about. */
function countInside(view) {
  const counts = { shown: 0, all: 0 };
  for (const [index, [low, high]] of view.spans) {
    const { step, count } = view.store.shown(TRAIN, index);
    for (let i = lowerBound(step, low); i < step.length && step[i] <= high; i += 1) {
      counts.shown += 1;
      counts.all += count[i];
    }
  }
  const { detail } = view.store.series(TRAIN);
  return counts.shown < counts.all && detail ? { ...counts, all: detail.numPoints } : counts;
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
