// Several runs on one picture: run colours with their dashes, a dot where each ends, the baseline on top.

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";
import { decode } from "../live/curves.js";
import { align } from "./align.js";
import { clipTo, disc } from "./bands.js";
import * as numbers from "./numbers.js";
import { ticks, valueRange } from "./scales.js";
import { smooth } from "./smoothing.js";
import { readTheme, RUN_DASHES } from "./theme.js";
import { fill } from "./words.js";

const SYNC = "compare";
const SMOOTHING = 0.6;
const HEIGHT = 230;

/** Draws one stage; `curves` is a list of {run, series}, the baseline first. Drawn again it replaces what was there. */
export function drawStage(host, data, stage, curves) {
  const shown = curves.filter(({ series }) => series.step.length).map((each) => ({ ...each, line: lineOf(each.series) }));
  host.plot?.destroy();
  host.plot = null;
  host.classList.toggle("is-empty", !shown.length);
  host.textContent = shown.length ? "" : data.words.none;
  if (!shown.length) return;
  const drawn = [...shown.slice(1), shown[0]];
  host.plot = new uPlot(options(host, stage, drawn, data), align(drawn.map(({ line }) => line)), host);
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", sentence(data, stage, shown));
}

/** A training curve is smoothed, what validation measured stands as it is. */
function lineOf(series) {
  const values = series.value.map(decode);
  return { x: series.step, y: series.metric.startsWith("train/") ? smooth(values, SMOOTHING) : values };
}

function sentence(data, stage, shown) {
  const ends = shown.map(({ run, line }) => fill(data.words.ends, { run: run.name, value: numbers.value(line.y.at(-1)) }));
  return fill(data.words.sentence, { metric: data.curve, stage: stage.name, runs: ends.join("; ") });
}

function options(host, stage, drawn, data) {
  const theme = readTheme();
  const isLog = data.curve.includes("loss");
  const series = drawn.map(({ run }) => ({
    stroke: theme.runs[run.colour - 1],
    width: 1.75,
    dash: RUN_DASHES[run.colour - 1],
    points: { show: false },
  }));
  return {
    width: host.clientWidth || 260,
    height: HEIGHT,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    scales: { x: { time: false, range: [0, stage.num_steps] }, y: { distr: isLog ? 3 : 1, range: (plot) => valueRange(plot.data.slice(1).flat(), isLog) } },
    axes: axes(theme, isLog),
    series: [{}, ...series],
    cursor: { y: false, sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, points: { show: false } },
    hooks: { draw: [(plot) => paintEnds(plot, drawn, theme)], setCursor: [(plot) => showValues(host, plot, drawn, data)] },
  };
}

function axes(theme, isLog) {
  const shared = { stroke: theme.ink3, font: theme.font, ticks: { show: false }, border: { show: false } };
  const x = { ...shared, size: 26, gap: 6, grid: { show: false }, splits: (plot, i, low, high) => ticks(low, high, false, 4), values: (plot, all) => all.map(numbers.stepTick) };
  const y = { ...shared, filter: (plot, splits) => splits, size: 44, gap: 6, grid: { stroke: theme.line, width: 1 }, splits: (plot, i, low, high) => ticks(low, high, isLog, 5) };
  y.values = (plot, all) => all.map((each, i) => numbers.valueTick(each, Math.abs((all[i + 1] ?? all[i - 1]) - each)));
  return [x, y];
}

function paintEnds(plot, drawn, theme) {
  plot.ctx.save();
  clipTo(plot.ctx, plot.bbox, 6 * devicePixelRatio);
  for (const { run, line } of drawn) {
    const at = line.y.findLastIndex(Number.isFinite);
    if (at >= 0) disc(plot.ctx, plot.valToPos(line.x[at], "x", true), plot.valToPos(line.y[at], "y", true), 3, theme.runs[run.colour - 1], 1);
  }
  plot.ctx.restore();
}

/** Under the pointer: the step, and what each run had there. */
function showValues(host, plot, drawn, data) {
  const box = host.parentElement.querySelector("[data-values]");
  const { idx, left } = plot.cursor;
  const isShown = left >= 0 && idx !== null && idx !== undefined;
  box.hidden = !isShown;
  if (!isShown) return;
  const x = plot.data[0][idx];
  const parts = drawn.map(({ run, line }) => `${run.name} ${numbers.value(valueAt(line, x))}`);
  box.textContent = `${data.words.step} ${numbers.steps(x)} · ${[parts.at(-1), ...parts.slice(0, -1)].join(" · ")}`;
}

function valueAt(line, x) {
  const at = line.x.findLastIndex((each) => each <= x);
  return at < 0 || (at === line.x.length - 1 && x > line.x[at]) ? undefined : line.y[at];
}
