// The loss chart: raw training loss faint, smoothed on top, validation as hollow dots on a dotted line, older attempts at half strength.

import { supersededFrom } from "../live/curves.js";
import { paintEnd } from "./bands.js";
import { nearestIndex, rawLayer, smoothLayer } from "./layers.js";
import { dotLayer, RAW_WIDTH, strokeLayer } from "./lines.js";
import * as numbers from "./numbers.js";
import { smooth, trend } from "./smoothing.js";
import { stageColour } from "./theme.js";
import { fill } from "./words.js";

export const TRAIN = "train/loss";
export const VALIDATION = "validation/loss";
export const metrics = [TRAIN, VALIDATION];
export const hasLog = true;
const SPOILT_APART = 6;

/** In the order in which they are drawn; the name of each is its key in the legend. */
export function layers(view, theme) {
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    const [train, checked] = [view.store.shown(TRAIN, stage.index), view.store.shown(VALIDATION, stage.index)];
    return [
      { ...rawLayer(view, stage, train, { stroke: solid, width: RAW_WIDTH, alpha: view.smoothing > 0 ? 0.26 : 1 }), key: "train", role: "raw" },
      { ...smoothLayer(view, stage, train, { stroke: solid, width: 1.75 }), key: "train", role: "smooth" },
      { ...rawLayer(view, stage, checked, { stroke: theme.ink2, width: 1, dash: [1, 3] }), key: "validation", role: "dots" },
    ].filter((layer) => view.isShown(layer.key, stage));
  });
}

export function paint(ctx, project, shown, view, theme) {
  const lost = view.store.lost.filter((each) => each.curve.length && view.isShown("train", { index: each.stage })).map((each) => lostLayer(each, view, theme));
  paintSpoilt(ctx, project, view, theme);
  for (const layer of [...lost, ...shown]) {
    strokeLayer(ctx, project, layer);
    if (layer.role === "dots") dotLayer(ctx, project, layer, { radius: 3, fill: theme.surface });
  }
  for (const layer of lost) writeLost(ctx, project, layer, view, theme);
}

/** Over everything, also over the edge of the plot. */
export function paintOver(plot, view, theme) {
  const newest = newestOf(view);
  if (!newest || view.now >= view.total || !view.isShown("train", newest.stage)) return;
  paintEnd(plot, view.axis.at(newest.stage.index, newest.step), newest.smoothed, stageColour(theme, newest.stage.index).solid, theme);
}

/** Where the training loss is no number: what the page knew at first and what has come since, each place once. */
export function spoiltOf(view) {
  const found = new Map();
  const add = (stage, step) => found.set(`${stage}.${step}`, { stage, step });
  for (const { stage, step } of view.store.notFinite) add(stage, step);
  for (const { index } of view.stages) {
    const { step, spoilt, count } = view.store.shown(TRAIN, index);
    for (let i = 0; i < step.length; i += 1) if (spoilt[i] && !isKnown(view, index, step[i] - count[i], step[i])) add(index, step[i]);
  }
  return [...found.values()];
}

/** A bucket that holds a place which is known by its own step needs no mark of its own. */
function isKnown(view, index, after, upTo) {
  return view.store.notFinite.some(({ stage, step }) => stage === index && step > after && step < upTo);
}

/** Thin red lines where the loss is no number, as far as they can be told apart. */
function paintSpoilt(ctx, { bbox, x, range }, view, theme) {
  ctx.strokeStyle = theme.error;
  ctx.globalAlpha = 0.6;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  let last = -Infinity;
  for (const place of spoiltOf(view).map(({ stage, step }) => view.axis.at(stage, step)).sort((a, b) => a - b)) {
    if (place < range[0] || place > range[1] || x(place) - last < SPOILT_APART * devicePixelRatio) continue;
    last = x(place);
    ctx.moveTo(last, bbox.top);
    ctx.lineTo(last, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function lostLayer({ stage: index, attempt, curve }, view, theme) {
  const stage = view.store.stage(index);
  const style = { stroke: stageColour(theme, index).solid, width: RAW_WIDTH, alpha: 0.5, attempt, curve };
  return { ...rawLayer(view, stage, curve, style), x: view.axis.placesOfLost(index, curve.step, supersededFrom(attempt, stage.attempts)) };
}

function writeLost(ctx, project, layer, view, theme) {
  const { stage, attempt, curve } = layer;
  const isInView = layer.x.at(-1) > project.range[0] && layer.x[0] < project.range[1];
  const label = fill(view.words.attempt_lost, { number: attempt, count: numbers.steps(stepsLost(stage, attempt, curve)) });
  if (isInView && project.bbox.width > 440 * devicePixelRatio) writeLabel(ctx, project, label, layer, theme);
}

/** How many steps an older attempt had made that a later one made again. */
function stepsLost({ attempts }, number, curve) {
  const last = attempts.find((each) => each.number === number)?.last_step ?? curve.lastStep;
  return last - Math.max(1, Math.min(supersededFrom(number, attempts), last)) + 1;
}

function writeLabel(ctx, { bbox, x, y }, label, layer, theme) {
  const ratio = devicePixelRatio;
  ctx.font = theme.font.replace("11px", `${11 * ratio}px`);
  ctx.fillStyle = theme.ink3;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  const left = Math.min(x(layer.x.at(-1)) + 6 * ratio, bbox.left + bbox.width - ctx.measureText(label).width);
  const highest = layer.y.reduce((most, value) => (Number.isFinite(value) ? Math.min(most, y(value)) : most), Infinity);
  const top = Math.max(highest - 6 * ratio, bbox.top + 14 * ratio);
  ctx.strokeStyle = theme.surface; // a halo: the words may lie over another stage's line
  ctx.lineWidth = 3 * ratio;
  ctx.strokeText(label, left, top);
  ctx.fillText(label, left, top);
}

/** The newest training loss: its stage and step, value, smoothed value and trend. */
export function newestOf(view) {
  const stage = view.stages.findLast((each) => view.store.curve(TRAIN, each.index).length);
  if (!stage) return null;
  const curve = view.store.curve(TRAIN, stage.index);
  const smoothed = smooth(curve.value, view.smoothing, true);
  return { stage, step: curve.lastStep, value: curve.lastValue, smoothed: smoothed.at(-1), trend: trend(smoothed) };
}

/** What stood at a step: rows for the tooltip. */
export function readAt(view, stage, step) {
  const train = view.store.shown(TRAIN, stage.index);
  const at = nearestIndex(train.step, step);
  if (at < 0 || step > train.lastStep + 0.5) return { step: Math.max(1, Math.round(step)), rows: [] };
  const { words } = view;
  const rows = [{ key: "train", mark: "solid", name: words.train, value: smooth(train.value.subarray(0, at + 1), view.smoothing, true)[at] }];
  if (view.smoothing > 0) rows.push({ key: "train", mark: "faint", name: words.raw, value: train.value[at] });
  const checked = view.store.shown(VALIDATION, stage.index);
  const place = nearestIndex(checked.step, train.step[at]);
  if (place >= 0) rows.push({ key: "validation", mark: "hollow", name: words.validation, value: checked.value[place] });
  const shown = rows.filter(({ key }) => view.isShown(key, stage));
  return { step: train.step[at], rows: shown.map((row) => ({ ...row, text: numbers.value(row.value) })) };
}

export function sentence(view) {
  const newest = newestOf(view);
  if (!newest) return view.words.nothing_yet;
  const step = numbers.steps(newest.step + newest.stage.offset);
  return fill(view.words.loss_sentence, { stage: newest.stage.name, value: numbers.value(newest.smoothed), step, trend: view.words[newest.trend] });
}
