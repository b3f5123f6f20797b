// Writes a run's newest numbers into every place that shows it: strip, share, loss, sparkline, age.

import { value } from "../chart/numbers.js";

const WIDTH = 100;
const [MARGIN, HEIGHT] = [2, 24];
const LEAST_MOVE = 0.3;
const SVG = "http://www.w3.org/2000/svg";

export function showRun(place, run) {
  barsOf(place).forEach((bar, i) => bar.setAttribute("width", `${(bar.dataset.width * share(run, i)).toFixed(2)}%`));
  const done = shareDone(place, run);
  if (done !== null) write(place, "[data-percent]", `${Math.floor(100 * done + 1e-6)} %`);
  if (run.loss !== null) showLoss(place, run, done);
}

/** The share of the whole run that is done, by the steps of its stages; null where the place has no strip. */
function shareDone(place, run) {
  const bars = barsOf(place);
  const total = bars.reduce((sum, bar) => sum + Number(bar.dataset.steps), 0);
  return total ? bars.reduce((sum, bar, i) => sum + bar.dataset.steps * share(run, i), 0) / total : null;
}

function barsOf(place) {
  return [...place.querySelectorAll(".strip .solid")];
}

function share(run, i) {
  return Math.min(1, run.progress[i] ?? 0);
}

function showLoss(place, run, done) {
  const loss = typeof run.loss === "string" ? Number(run.loss.replace("inf", "Infinity")) : run.loss;
  write(place, "[data-loss]", value(loss));
  for (const each of place.querySelectorAll("td[data-loss]")) each.classList.toggle("worse", Number.isNaN(loss));
  const isOfThisStage = run.progress[run.stage - 1] > 0;
  if (done !== null && isOfThisStage && loss > 0 && Number.isFinite(loss)) for (const spark of place.querySelectorAll("[data-spark]")) append(spark, run.stage, done, loss);
}

/** Adds the newest point, on the axis that the server chose; what lies beyond it stays at the edge. */
function append(spark, stage, done, loss) {
  const x = WIDTH * done;
  if (x < Number(spark.dataset.x ?? 0) + LEAST_MOVE) return;
  spark.dataset.x = x;
  const [low, high] = [Number(spark.dataset.low), Number(spark.dataset.high)];
  const up = (high - Math.log(loss)) / Math.max(high - low, 1e-9);
  const y = MARGIN + (HEIGHT - 2 * MARGIN) * Math.min(1, Math.max(0, up));
  const line = spark.querySelector(`[data-stage="${stage}"]`) ?? begin(spark, stage);
  line.setAttribute("points", `${line.getAttribute("points")} ${x.toFixed(1)},${y.toFixed(1)}`.trim());
  const dot = spark.querySelector(".dot");
  dot?.setAttribute("d", `M${x.toFixed(1)},${y.toFixed(1)}h0`);
  dot?.setAttribute("class", `dot ${line.getAttribute("class")}`);
}

function begin(spark, stage) {
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("class", `s${((stage - 1) % 5) + 1}`);
  line.setAttribute("points", "");
  line.dataset.stage = stage;
  spark.prepend(line);
  return line;
}

function write(place, selector, text) {
  for (const each of place.querySelectorAll(selector)) if (each.textContent !== text) each.textContent = text;
}
