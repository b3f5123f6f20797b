// The run page: joins the run and lets every part of the page follow it.

import { AwareCurve } from "./chart/aware.js";
import { RunCharts } from "./chart/card.js";
import { bindControls } from "./chart/controls.js";
import { FullScreen } from "./chart/full-screen.js";
import { bindMainActs } from "./chart/main-acts.js";
import { drawDeployment } from "./chart/deployment.js";
import { drawScatter } from "./chart/scatter.js";
import * as numbers from "./chart/numbers.js";
import { secondsLeft } from "./chart/ruler.js";
import { onThemeChange } from "./chart/theme.js";
import { View } from "./chart/view.js";
import { fill } from "./chart/words.js";
import { Connection } from "./live/connection.js";
import { Log } from "./live/log.js";
import { Regions } from "./live/regions.js";
import { SeriesLoader } from "./live/series.js";
import { Speaker } from "./live/speaker.js";
import { LiveStatus } from "./live/status.js";
import { Store } from "./live/store.js";
import { bindMenus } from "./menu.js";

const data = JSON.parse(document.getElementById("run-data").textContent);
numbers.useUnits(data.units);
const skew = data.now - Date.now() / 1000;
const clock = () => Date.now() / 1000 + skew;

const store = new Store(data);
const view = new View(store, data.words);
const chartsRoot = document.querySelector("[data-charts]");
const loader = new SeriesLoader(store, { run: data.id, path: data.series, many: data.many });
const charts = chartsRoot && new RunCharts(chartsRoot, view, clock, loader);
const logRoot = document.querySelector("[data-log-root]");
const log = logRoot && new Log(logRoot, data.words);
const aware = new AwareCurve({ "train/loss": data.words.loss, "train/learning_rate": data.words.learning_rate });
const regions = new Regions(() => drawRegions());

if (charts) bindCharts();

const socket = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${data.socket}`;
const connection = new Connection(store, socket, { renew: () => renew() });
const speaker = new Speaker(document.querySelector("[data-spoken]"), document.querySelector("[data-spoken-now]"));
const status = new LiveStatus(store, connection, speaker, { words: data.words, clock, heartbeat: data.heartbeat });
document.addEventListener("anneal:run", ({ detail }) => detail.id === data.id && status.takeHeartbeat(detail));

function bindCharts() {
  bindControls(document, view);
  const full = new FullScreen(chartsRoot.querySelector("[data-full]"), view, charts.small, { run: data.name, exports: data.exports });
  document.addEventListener("painted", () => full.update());
  loader.addEventListener("read", () => full.update());
  bindMainActs(chartsRoot, view, data);
}

/** Too far behind to catch up: the page reads what the server says of the run now, then its curves. */
async function renew() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) throw Object.assign(new Error(`${response.status} of the page`), { status: response.status });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const before = store.cursor;
  store.renew(JSON.parse(page.getElementById("run-data").textContent));
  await Promise.all([loader.retry(), log?.catchUp(before, store.cursor)]);
  regions.refresh();
  charts?.draw();
}

connection.addEventListener("update", ({ detail: { changed, message } }) => {
  if (changed.some((what) => what !== "log")) charts?.update();
  if (changed.includes("state") || changed.includes("events")) regions.refresh();
  aware.take(message.points ?? []);
  for (const { stage, attempt, text } of message.log ?? []) log?.append(stage, attempt, text);
  drawProgress();
});

// After a break the page may show an old state: the parts that the server draws come anew, and curves that could not be read.
connection.addEventListener("state", ({ detail }) => {
  if (detail.phase !== "joined" || !detail.again) return;
  regions.refresh();
  loader.retry().catch(() => {});
});

/** Whole progress and what is left of the stage under way, beside the strip and on the phone. */
function drawProgress() {
  const done = store.stages.reduce((sum, stage) => sum + stage.last_step, 0);
  const left = store.stages.map((stage) => secondsLeft(stage, store, clock())).find((seconds) => seconds !== null);
  const text = left === undefined ? "" : fill(data.words.left, { time: numbers.rough(left) });
  for (const element of document.querySelectorAll("[data-progress]")) element.textContent = numbers.progress(done / view.total);
  for (const element of document.querySelectorAll("[data-share]")) element.textContent = shareOf(store.stage(Number(element.dataset.share)));
  for (const element of document.querySelectorAll("[data-left]")) element.textContent = text;
  drawAsides();
}

/** How far the jobs beside the run's own work have come. */
function drawAsides() {
  for (const { id, progress } of store.asides) {
    const element = document.querySelector(`[data-aside="${id}"]:has([data-what])`);
    if (!element || !progress.what) continue;
    element.querySelector("[data-what]").textContent = progress.total ? `${progress.what} ${progress.done} / ${progress.total}` : progress.what;
    const bar = element.querySelector("progress");
    if (progress.total) Object.assign(bar, { max: progress.total, value: progress.done });
    else bar.removeAttribute("value");
  }
}

function shareOf(stage) {
  return numbers.progress(stage.last_step / stage.num_steps);
}

/** What the server drew and only the page can finish: ages in the reader's time, and the pictures of the ledger and of the load test. */
function drawRegions() {
  drawAges();
  const [ledger, curve] = ["ledger-data", "aware-data"].map((id) => document.getElementById(id));
  if (ledger) drawScatter(document.querySelector("[data-scatter]"), JSON.parse(ledger.textContent), data.words);
  if (curve) aware.read(JSON.parse(curve.textContent));
  const points = document.getElementById("deployment-data");
  if (points) drawDeployment(document.querySelector("[data-deployment]"), JSON.parse(points.textContent), data.words);
}

function drawAges() {
  for (const element of document.querySelectorAll("[data-clock]")) element.textContent = clockTime(Number(element.dataset.clock));
  for (const element of document.querySelectorAll("[data-at]")) element.textContent = numbers.age(Math.max(0, clock() - Number(element.dataset.at)));
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = numbers.duration(clock() - Number(element.dataset.since));
}

/** In the reader's own zone. */
function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

bindMenus();
drawRegions();
drawProgress();
setInterval(() => document.hidden || drawAges(), 1000);
onThemeChange(() => drawRegions());
connection.start();
