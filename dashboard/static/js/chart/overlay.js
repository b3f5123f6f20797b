// Several runs on one picture: run colours with their dashes, a dot where each ends, the baseline on top.

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";
import { clipTo, disc } from "./bands.js";
import { paintClipped } from "./clipped.js";
import { beyond, nearestIndex, valuesIn } from "./layers.js";
import { projection, strokeLayer } from "./lines.js";
import { isTime } from "./measures.js";
import * as numbers from "./numbers.js";
import { scaleOf, ticks } from "./scales.js";
import { smooth } from "./smoothing.js";
import { readTheme, RUN_DASHES } from "./theme.js";
import { fill } from "./words.js";
import { amountTicks, durationTicks } from "./x-ticks.js";

const SYNC = "compare";
const SMOOTHING = 0.6;
const HEIGHT = 230;
const LEAST_PX = 4;
const FOLLOWED = ["mousemove", "mouseleave", "setcursor"]; // a selection belongs to the picture in which it was drawn
export const MOST_RUNS = 8;

/**
 * Draws one stage; `curves` is a list of {run, block}, the baseline first; `look` is {measure, isLog, isClipped}; `window` the stretch of x
 * that is shown, or null. Drawn again it replaces what was there. A drag is told as "zoomed" of the host (detail: [low, high]), a double
 * click too (detail: null).
 */
export function drawStage(host, data, stage, curves, look, window = null) {
  const theme = readTheme();
  const shown = curves.slice(0, MOST_RUNS).filter(({ block }) => block.step.length && (look.measure === "step" || block.x)).map((each) => layerOf(each, look, theme));
  host.plot?.destroy();
  host.plot = null;
  host.classList.toggle("is-empty", !shown.length);
  host.textContent = shown.length ? "" : data.words.none;
  if (!shown.length) return;
  const picture = pictureOf([...shown.slice(1), shown[0]], stage, look, data, window);
  host.plot = new uPlot(options(host, picture, data, theme), [picture.range], host);
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", sentence(data, stage, shown));
}

/** A training curve is smoothed, what validation measured stands as it is. Every stage begins at its own 0. */
function layerOf({ run, block }, { measure }, theme) {
  const x = measure === "step" ? Float64Array.from(block.step) : isTime(measure) ? block.x.map((each) => each - block.x[0]) : block.x;
  const y = block.metric.startsWith("train/") ? smooth(block.value, SMOOTHING, true) : block.value;
  return { run, step: block.step, x, y, stroke: theme.runs[run.colour - 1], width: 1.75, dash: RUN_DASHES[run.colour - 1] };
}

function pictureOf(layers, stage, { measure, isLog, isClipped }, data, window) {
  const range = window ?? [0, measure === "step" ? stage.num_steps : Math.max(...layers.map(({ x }) => x.at(-1)))];
  const scale = scaleOf(valuesIn(layers, range), { isLog: isLog ?? data.curve.includes("loss"), isClipped });
  return { layers, range, scale, measure, isWhole: !window, hidden: scale.limits ? beyond(layers, range, scale.limits) : [] };
}

function sentence(data, stage, shown) {
  const ends = shown.map(({ run, y }) => fill(data.words.ends, { run: run.name, value: numbers.value(y.at(-1)) }));
  return fill(data.words.sentence, { metric: data.curve, stage: stage.name, runs: ends.join("; ") });
}

function options(host, picture, data, theme) {
  const { scale, range } = picture;
  return {
    width: host.clientWidth || 260,
    height: HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    scales: { x: { time: false, range: () => range }, y: { distr: 100, fwd: scale.fold, bwd: scale.unfold, range: () => scale.range } },
    axes: axes(theme, picture),
    series: [{}],
    cursor: cursor(host),
    hooks: { draw: [(plot) => paint(plot, picture, theme)], setCursor: [(plot) => showValues(host, plot, picture, data)], setSelect: [(plot) => zoomed(host, plot)] },
  };
}

function cursor(host) {
  return {
    y: false,
    sync: { key: SYNC, setSeries: false, filters: { sub: (type) => FOLLOWED.includes(type) } },
    drag: { x: true, y: false, setScale: false, dist: 4 },
    points: { show: false },
    bind: { dblclick: () => () => tellZoom(host, null) },
  };
}

/** Whole places, as they stand in the address. */
function zoomed(host, plot) {
  const { left, width } = plot.select;
  if (width < LEAST_PX) return;
  const [low, high] = [Math.max(0, Math.floor(plot.posToVal(left, "x"))), Math.ceil(plot.posToVal(left + width, "x"))];
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  if (high - low > 1) tellZoom(host, [low, high]);
}

function tellZoom(host, detail) {
  host.dispatchEvent(new CustomEvent("zoomed", { detail }));
}

function axes(theme, { scale, measure }) {
  const shared = { stroke: theme.ink3, font: theme.font, ticks: { show: false }, border: { show: false }, filter: (plot, splits) => splits };
  const places = (plot, low, high) => (isTime(measure) ? durationTicks : amountTicks)(low, high, Math.max(2, Math.floor(plot.width / 80)));
  const x = { ...shared, size: 26, gap: 6, grid: { show: false }, splits: (plot, i, low, high) => places(plot, low, high).map((tick) => tick.x) };
  x.values = (plot, all) => places(plot, plot.scales.x.min, plot.scales.x.max).map((tick) => tick.text).slice(0, all.length);
  const y = { ...shared, scale: "y", size: 44, gap: 6, grid: { stroke: theme.line, width: 1 }, splits: (plot, i, low, high) => ticks(low, high, scale, 5) };
  y.values = (plot, all) => all.map((each, i) => numbers.valueTick(each, Math.abs((all[i + 1] ?? all[i - 1]) - each)));
  return [x, y];
}

function paint(plot, { layers, scale, hidden, isWhole }, theme) {
  const { ctx } = plot;
  const project = projection(plot, scale);
  ctx.save();
  clipTo(ctx, plot.bbox, 6 * devicePixelRatio);
  for (const layer of layers) strokeLayer(ctx, project, layer);
  for (const { x, y, stroke } of layers) {
    const at = y.findLastIndex(Number.isFinite);
    if (at >= 0 && (isWhole || x[at] < project.range[1])) disc(ctx, project.x(x[at]), project.y(y[at]), 3, stroke, 1);
  }
  paintClipped(ctx, project, hidden, theme);
  ctx.restore();
}

/** Beside the pointer, on its free side: the place, and what each run had there. Pictures that only follow show the crosshair. */
function showValues(host, plot, { layers, measure }, data) {
  const box = host.parentElement.querySelector("[data-values]");
  const { left, event } = plot.cursor;
  box.hidden = !(left >= 0) || !event;
  if (box.hidden) return;
  const x = plot.posToVal(left, "x");
  const head = document.createElement("b");
  head.textContent = isTime(measure) ? numbers.duration(x) : `${measure === "step" ? data.words.step : data.words[measure]} ${numbers.steps(Math.round(x))}`;
  box.replaceChildren(head, ...[layers.at(-1), ...layers.slice(0, -1)].map((layer) => valueRow(layer, x)));
  box.classList.toggle("is-left", left > plot.over.clientWidth / 2);
}

const KEY = "http://www.w3.org/2000/svg";

function valueRow({ run, x: places, y }, x) {
  const row = document.createElement("span");
  const [name, value] = ["span", "b"].map((tag) => document.createElement(tag));
  const [key, line] = ["svg", "path"].map((tag) => document.createElementNS(KEY, tag));
  key.setAttribute("class", `run-key r${run.colour}`);
  key.setAttribute("viewBox", "0 0 28 4");
  line.setAttribute("d", "M0 2h28");
  key.append(line);
  name.textContent = run.name;
  value.textContent = numbers.value(x > places.at(-1) ? undefined : y[nearestIndex(places, x)]);
  row.append(key, name, value);
  return row;
}
