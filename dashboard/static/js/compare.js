// Compare: the runs' curves over one another, a picture per stage, each from the stage's own step 0; and the phone's choice of run.

import { drawStage, MOST_RUNS } from "./chart/overlay.js";
import * as numbers from "./chart/numbers.js";
import { onThemeChange } from "./chart/theme.js";
import { Regions } from "./live/regions.js";
import { askBlocks, FEW_POINTS } from "./live/series.js";

const FOLLOW_MS = 3000;
const REDRAW_MS = 10_000;

/** Choosing a metric takes effect at once; without scripts the form has a button. */
function start(data) {
  numbers.useUnits(data.units);
  const look = lookFrom(location.search, data);
  for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
  for (const form of document.querySelectorAll("form[method=get]")) form.addEventListener("formdata", ({ formData }) => keepLook(formData, look));
  const showColumn = bindColumns();
  bindRegions(data, showColumn);
  const pictures = data.stages.map((stage) => new Picture(data, stage, look));
  bindLook(look, data, () => pictures.forEach((picture) => picture.show()));
  onThemeChange(() => pictures.forEach((picture) => picture.draw()));
  document.addEventListener("anneal:run", ({ detail }) => pictures.forEach((picture) => picture.moved(detail.id)));
  document.addEventListener("visibilitychange", () => pictures.forEach((picture) => picture.follow()));
  addEventListener("popstate", () => {
    look.windows = windowsFrom(location.search);
    pictures.forEach((picture) => picture.show());
  });
}

/**
 * One stage: its curves come in one request, asked anew when x counts something else, when the reader zooms in and, every few seconds, while
 * one of its runs moves; the browser sends the tag of what it has, and the server only what is new.
 */
class Picture {
  constructor(data, stage, look) {
    Object.assign(this, { data, stage, look, isStale: false });
    this.host = document.querySelector(`[data-overlay="${stage.index}"]`);
    this.runs = data.runs.filter((run) => stage.runs.includes(run.id)).slice(0, MOST_RUNS);
    this.show();
    new ResizeObserver(() => this.draw()).observe(this.host.parentElement);
    this.host.addEventListener("zoomed", ({ detail }) => this.zoom(detail));
    this.host.addEventListener("pointerleave", () => this.follow());
  }

  get window() {
    return this.look.windows.get(this.stage.index) ?? null;
  }

  /** What is read: all of the stage, or the steps that the reader has zoomed into. */
  get query() {
    const { measure } = this.look;
    const query = { run: this.runs.map((run) => run.id), metric: this.data.curve, stage: this.stage.index, max_points: FEW_POINTS };
    if (measure !== "step") return { ...query, x: measure };
    return this.window ? { ...query, from: this.window[0], to: this.window[1] } : query;
  }

  async show() {
    try {
      if (this.asked !== JSON.stringify(this.query)) await this.read();
      this.draw();
    } catch {
      this.failed();
    }
  }

  async read() {
    const { query } = this;
    const asked = JSON.stringify(query);
    const blocks = await askBlocks(this.data.many, query);
    if (asked !== JSON.stringify(this.query)) return; // the reader looks at something else by now
    const ofRun = (run) => blocks.find((block) => block.run === run.id);
    this.curves = this.runs.filter(ofRun).map((run) => ({ run, block: ofRun(run) }));
    this.asked = asked;
  }

  draw() {
    if (this.curves && this.asked === JSON.stringify(this.query)) drawStage(this.host, this.data, this.stage, this.curves, this.look, this.window);
  }

  moved(id) {
    if (!this.runs.some((run) => run.id === id)) return;
    this.isStale = true;
    this.follow();
  }

  /** Nothing moves under the pointer, and nothing is asked for that nobody sees. A server that is away is asked again with the next news. */
  follow() {
    if (!this.isStale || this.timer || this.isHeld) return;
    this.timer = setTimeout(async () => {
      this.timer = null;
      if (this.isHeld) return;
      this.isStale = false;
      await this.read().catch(() => {});
      this.draw();
    }, FOLLOW_MS);
  }

  get isHeld() {
    return document.hidden || this.host.matches(":hover");
  }

  /** A stretch of x, or null for all of it. */
  zoom(window) {
    if (window) this.look.windows.set(this.stage.index, window);
    else this.look.windows.delete(this.stage.index);
    history.pushState(history.state, "", address(this.look, this.data));
    this.show();
  }

  /** The reason and a way on, in the picture's place. */
  failed() {
    const again = document.createElement("button");
    again.className = "button small";
    again.textContent = this.data.words.try_again;
    again.addEventListener("click", () => this.show());
    this.host.plot?.destroy();
    this.host.plot = null;
    this.host.classList.add("is-empty");
    this.host.replaceChildren(this.data.words.failed, again);
  }
}

function lookFrom(search, data) {
  const params = new URLSearchParams(search);
  const measure = data.measures.includes(params.get("x")) ? params.get("x") : "step";
  const isLog = { linear: false, log: true }[params.get("y")] ?? data.curve.includes("loss");
  return { measure, isLog, isClipped: params.get("clip") === "1", windows: windowsFrom(search) };
}

/** `zoom=1:20-80,3:0-40`: of each stage the stretch of x that is shown. */
function windowsFrom(search) {
  const parts = [...(new URLSearchParams(search).get("zoom") ?? "").matchAll(/(\d+):(\d+)-(\d+)/g)];
  return new Map(parts.map(([, stage, low, high]) => [Number(stage), [Number(low), Number(high)]]).filter(([, [low, high]]) => low < high));
}

function keepLook(formData, look) {
  if (look.measure !== "step") formData.set("x", look.measure);
  if (look.isClipped) formData.set("clip", "1");
}

/** The controls above the pictures; what is chosen stands in the URL. */
function bindLook(look, data, redraw) {
  const controls = [
    ...[...document.querySelectorAll("button[data-x]")].map((button) => ({ button, isOn: () => look.measure === button.dataset.x, press: () => Object.assign(look, { measure: button.dataset.x, windows: new Map() }) })),
    ...[...document.querySelectorAll("button[data-y]")].map((button) => ({ button, isOn: () => look.isLog === (button.dataset.y === "log"), press: () => (look.isLog = button.dataset.y === "log") })),
    ...[...document.querySelectorAll("button[data-clip]")].map((button) => ({ button, isOn: () => look.isClipped, press: () => (look.isClipped = !look.isClipped) })),
  ];
  const show = () => controls.forEach(({ button, isOn }) => button.setAttribute("aria-pressed", String(isOn())));
  for (const { button, press } of controls) {
    if (button.dataset.x) button.hidden = !data.measures.includes(button.dataset.x);
    button.addEventListener("click", () => {
      press();
      show();
      history.replaceState(history.state, "", address(look, data));
      redraw();
    });
  }
  show();
}

function address(look, data) {
  const params = new URLSearchParams(location.search);
  const settings = { x: look.measure === "step" ? null : look.measure, y: look.isLog === data.curve.includes("loss") ? null : look.isLog ? "log" : "linear", clip: look.isClipped ? "1" : null, zoom: [...look.windows].map(([stage, window]) => `${stage}:${window.join("-")}`).join(",") };
  for (const [name, value] of Object.entries(settings)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  return `${location.pathname}?${params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}

/** On a phone the matrix shows the baseline and one other run. Returns what shows the chosen one again. */
function bindColumns() {
  const show = () => {
    const chosen = document.querySelector("[data-show-column][aria-pressed=true]")?.dataset.showColumn ?? "1";
    for (const each of document.querySelectorAll("[data-columns]")) each.dataset.columns = chosen;
  };
  for (const button of document.querySelectorAll("[data-show-column]")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-show-column]")) each.setAttribute("aria-pressed", String(each === button));
      show();
    });
  }
  return show;
}

/** Matrix and verdict come from the server again now and then, while one of the runs moves. */
function bindRegions(data, onReplaced) {
  const regions = new Regions(onReplaced);
  let redrawnAt = performance.now();
  document.addEventListener("anneal:run", ({ detail }) => {
    if (document.hidden || performance.now() - redrawnAt < REDRAW_MS || !data.runs.some((run) => run.id === detail.id)) return;
    redrawnAt = performance.now();
    regions.refresh();
  });
}

const found = document.getElementById("compare-data");
if (found) start(JSON.parse(found.textContent));
