// Compare: the runs' curves over one another, a picture per stage, each from the stage's own step 0; and the phone's choice of run.

import { drawStage, MOST_RUNS } from "./chart/overlay.js";
import * as numbers from "./chart/numbers.js";
import { onThemeChange } from "./chart/theme.js";
import { askBlocks, FEW_POINTS } from "./live/series.js";

/** Choosing a metric takes effect at once; without scripts the form has a button. */
function start(data) {
  numbers.useUnits(data.units);
  const look = lookFrom(location.search, data);
  for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
  for (const form of document.querySelectorAll("form[method=get]")) form.addEventListener("formdata", ({ formData }) => keepLook(formData, look));
  bindColumns();
  const pictures = data.stages.map((stage) => new Picture(data, stage, look));
  bindLook(look, data, () => pictures.forEach((picture) => picture.show()));
  onThemeChange(() => pictures.forEach((picture) => picture.draw()));
}

/** One stage: its curves come in one request, asked anew when x counts something else. */
class Picture {
  constructor(data, stage, look) {
    Object.assign(this, { data, stage, look });
    this.host = document.querySelector(`[data-overlay="${stage.index}"]`);
    this.runs = data.runs.filter((run) => stage.runs.includes(run.id)).slice(0, MOST_RUNS);
    this.show();
    new ResizeObserver(() => this.draw()).observe(this.host.parentElement);
  }

  async show() {
    const { measure } = this.look;
    try {
      if (this.measure !== measure) await this.read(measure);
      this.draw();
    } catch {
      this.failed();
    }
  }

  async read(measure) {
    const query = { run: this.runs.map((run) => run.id), metric: this.data.curve, stage: this.stage.index, max_points: FEW_POINTS };
    const blocks = await askBlocks(this.data.many, measure === "step" ? query : { ...query, x: measure });
    const ofRun = (run) => blocks.find((block) => block.run === run.id);
    this.curves = this.runs.filter(ofRun).map((run) => ({ run, block: ofRun(run) }));
    this.measure = measure;
  }

  draw() {
    if (this.curves && this.measure === this.look.measure) drawStage(this.host, this.data, this.stage, this.curves, this.look);
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
  return { measure, isLog, isClipped: params.get("clip") === "1" };
}

function keepLook(formData, look) {
  if (look.measure !== "step") formData.set("x", look.measure);
  if (look.isClipped) formData.set("clip", "1");
}

/** The controls above the pictures; what is chosen stands in the URL. */
function bindLook(look, data, redraw) {
  const controls = [
    ...[...document.querySelectorAll("button[data-x]")].map((button) => ({ button, isOn: () => look.measure === button.dataset.x, press: () => (look.measure = button.dataset.x) })),
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
  const settings = { x: look.measure === "step" ? null : look.measure, y: look.isLog === data.curve.includes("loss") ? null : look.isLog ? "log" : "linear", clip: look.isClipped ? "1" : null };
  for (const [name, value] of Object.entries(settings)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  return `${location.pathname}?${params.toString().replaceAll("%2C", ",")}`;
}

/** On a phone the matrix shows the baseline and one other run. */
function bindColumns() {
  for (const button of document.querySelectorAll("[data-show-column]")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-show-column]")) each.setAttribute("aria-pressed", String(each === button));
      for (const each of document.querySelectorAll("[data-columns]")) each.dataset.columns = button.dataset.showColumn;
    });
  }
}

const found = document.getElementById("compare-data");
if (found) start(JSON.parse(found.textContent));
