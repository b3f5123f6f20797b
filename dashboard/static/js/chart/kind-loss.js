// The loss chart: raw training loss faint, smoothed on top, validation as hollow dots on a dotted line, older attempts at half strength.

import { supersededFrom } from "../live/curves.js";
import { align } from "./align.js";
import { clipTo, paintEnd } from "./bands.js";
import { notFinite, rawLine, smoothLine, onRunAxis, trend } from "./curve.js";
import * as numbers from "./numbers.js";
import { smooth } from "./smoothing.js";
import { stageColour } from "./theme.js";
import { fill } from "./words.js";

const TRAIN = "train/loss";
const VALIDATION = "validation/loss";

// A hair over one: a line of one pixel is drawn piece by piece, and pieces that overlap would darken it.
const RAW_WIDTH = 1.05;

export const hasLog = true;

export function series(view, theme) {
  return view.stages.flatMap((stage) => {
    const { solid } = stageColour(theme, stage.index);
    return [
      { stroke: solid, width: RAW_WIDTH, alpha: 0.26, points: { show: false } },
      { stroke: solid, width: 1.75, points: { show: false } },
      { stroke: theme.ink2, width: 1, dash: [1, 3], points: { show: true, size: 6, width: 1.25, stroke: theme.ink2, fill: theme.surface } },
    ];
  });
}

export function data(view) {
  const curves = view.stages.flatMap((stage) => {
    const train = curveOf(view, TRAIN, stage);
    const checked = curveOf(view, VALIDATION, stage);
    return [rawLine(train, stage.offset), smoothLine(train, stage.offset, view.smoothing), onRunAxis(checked, stage.offset)];
  });
  return align(curves);
}

export function curveOf(view, metric, stage) {
  return view.store.series(metric).curves.get(stage.index);
}

/** Over the curves: older attempts with what was lost, the places that are no number, the newest point. */
export function paint(plot, view, theme) {
  const { ctx, bbox } = plot;
  ctx.save();
  clipTo(ctx, bbox);
  for (const lost of view.store.lost) paintLost(plot, lost, view, theme);
  for (const { x } of spoiltOf(view)) paintGap(plot, x, theme);
  ctx.restore();
  paintNewest(plot, view, theme);
}

/** Where the training loss is no number: what the page knew at first and what has come since, each place once. */
export function spoiltOf(view) {
  const known = view.store.notFinite.map(({ stage, step }) => ({ stage, step, x: view.store.stage(stage).offset + step }));
  const seen = view.stages.flatMap((stage) => notFinite(curveOf(view, TRAIN, stage), stage));
  return [...new Map([...known, ...seen].map((each) => [each.x, each])).values()];
}

function paintLost(plot, lost, view, theme) {
  const { ctx, bbox } = plot;
  const stage = view.store.stage(lost.stage);
  const points = lost.step.map((step, i) => [plot.valToPos(step + stage.offset, "x", true), plot.valToPos(lost.value[i], "y", true)]);
  ctx.strokeStyle = stageColour(theme, lost.stage).solid;
  ctx.globalAlpha = 0.5;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (const [x, y] of points) if (Number.isFinite(y)) ctx.lineTo(x, y);
  ctx.stroke();
  ctx.globalAlpha = 1;
  const label = fill(view.words.attempt_lost, { number: lost.attempt, count: numbers.steps(stepsLost(view, lost)) });
  const isInView = points.length && points.at(-1)[0] > bbox.left && points[0][0] < bbox.left + bbox.width;
  if (isInView && plot.width > 500) writeLabel(plot, label, points, theme);
}

/** How many steps an older attempt had made that a later one made again. */
function stepsLost(view, { stage, attempt, step }) {
  const { attempts } = view.store.stage(stage);
  const last = attempts.find((each) => each.number === attempt)?.last_step ?? step.at(-1);
  return last - Math.max(1, Math.min(supersededFrom(attempt, attempts), last)) + 1;
}

function writeLabel(plot, label, points, theme) {
  const { ctx, bbox } = plot;
  ctx.font = theme.font.replace("11px", `${11 * devicePixelRatio}px`);
  ctx.fillStyle = theme.ink3;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  const width = ctx.measureText(label).width;
  const left = Math.min(points.at(-1)[0] + 6 * devicePixelRatio, bbox.left + bbox.width - width);
  const highest = Math.min(...points.map(([, y]) => y).filter(Number.isFinite));
  ctx.fillText(label, left, Math.max(highest - 6 * devicePixelRatio, bbox.top + 14 * devicePixelRatio));
}

function paintGap(plot, x, theme) {
  const { ctx, bbox } = plot;
  ctx.strokeStyle = theme.error;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(plot.valToPos(x, "x", true), bbox.top);
  ctx.lineTo(plot.valToPos(x, "x", true), bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
}

function paintNewest(plot, view, theme) {
  const newest = newestOf(view);
  if (newest && view.now < view.total) paintEnd(plot, newest.x, newest.smoothed, stageColour(theme, newest.stage.index).solid, theme);
}

/** The newest training loss: its stage, run step, value, smoothed value and trend. */
export function newestOf(view) {
  const stage = view.stages.findLast((each) => curveOf(view, TRAIN, each).step.length);
  if (!stage) return null;
  const curve = curveOf(view, TRAIN, stage);
  const smoothed = smooth(curve.value, view.smoothing);
  const x = curve.step.at(-1) + stage.offset;
  return { stage, x, value: curve.value.at(-1), smoothed: smoothed.at(-1), trend: trend(smoothed) };
}

export function sentence(view) {
  const newest = newestOf(view);
  if (!newest) return view.words.nothing_yet;
  const values = { stage: newest.stage.name, value: numbers.value(newest.smoothed), step: numbers.steps(newest.x), trend: view.words[newest.trend] };
  return fill(view.words.loss_sentence, values);
}
