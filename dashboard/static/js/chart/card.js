// The charts of a run as one picture: strip, loss, events and rate on one axis, the small ones beneath, one crosshair and one now line.

import { Painter } from "../live/painter.js";
import { Lane } from "./lane.js";
import * as small from "./kind-small.js";
import { verdict } from "./kind-rate.js";
import * as numbers from "./numbers.js";
import { Ruler } from "./ruler.js";
import { drawTable } from "./table.js";
import { onThemeChange } from "./theme.js";
import { Tooltip } from "./tooltip.js";
import { fill } from "./words.js";
import "./live-chart.js";

const DRAWN_LARGE = ["train/loss", "validation/loss", "train/learning_rate"];

export class RunCharts {
  constructor(root, view, clock) {
    Object.assign(this, { root, view, clock });
    this.find = (selector) => root.querySelector(selector);
    [this.loss, this.rate] = ["loss", "rate"].map((kind) => this.find(`live-chart[kind=${kind}]`));
    this.ruler = new Ruler(this.find("[data-ruler]"), view, clock);
    this.lane = new Lane(this.find("[data-lane]"), view);
    this.tooltip = new Tooltip(this.find("[data-tooltip]"), view);
    this.painter = new Painter(() => this.draw());
    this.mount();
    this.listen();
  }

  get charts() {
    return [...this.root.querySelectorAll("live-chart")];
  }

  mount() {
    this.addSmall();
    for (const chart of [this.loss, this.rate]) chart.mount(this.view);
    this.draw();
  }

  listen() {
    this.root.addEventListener("laid-out", () => this.drawAround());
    this.root.addEventListener("point-at", (event) => this.pointAt(event));
    this.view.addEventListener("change", (event) => this.lookChanged(event.detail));
    onThemeChange(() => this.rebuild());
    this.find("[data-reset]").addEventListener("click", () => this.view.reset());
    document.querySelector("[data-table-toggle]").addEventListener("click", (event) => this.toggleTable(event.currentTarget));
  }

  /** New data has arrived: draw soon, unless the reader holds the picture. */
  update() {
    if (this.view.isFollowing) this.painter.ask();
  }

  draw() {
    this.addSmall();
    for (const chart of this.charts) chart.draw();
    this.drawAround();
    this.drawWords();
  }

  drawAround() {
    const plot = this.loss.plot;
    if (!plot?.over.clientWidth) return; // not laid out: the table stands in its place
    const width = plot.over.clientWidth;
    const toPixels = (x) => plot.valToPos(x, "x");
    this.ruler.draw(toPixels, width);
    this.lane.draw(toPixels);
    this.drawNow(toPixels, width);
  }

  /** The line falls through strip, loss, lane and rate; a whole or an empty run has none. */
  drawNow(toPixels, width) {
    const line = this.find("[data-now]");
    const left = toPixels(this.view.now);
    line.hidden = this.view.now === 0 || this.view.now >= this.view.total || left < 0 || left > width;
    line.style.left = `${left}px`;
  }

  drawWords() {
    this.find("[data-reset]").hidden = !this.view.window;
    const isEmpty = this.view.now === 0;
    this.find("[data-nothing-yet]").hidden = !isEmpty;
    this.find("[data-hidden-points]").textContent = isEmpty ? "" : this.hiddenPoints();
    const judged = verdict(this.view);
    const element = this.find("[data-verdict]");
    element.hidden = !judged;
    element.querySelector("span").textContent = judged?.text ?? "";
    element.classList.toggle("is-off", judged !== null && !judged.isFine);
    if (!this.find("[data-table]").hidden) drawTable(this.find("[data-table] tbody"), this.view);
  }

  hiddenPoints() {
    const { buckets, numPoints, curves } = this.view.store.series("train/loss");
    const shown = [...curves.values()].reduce((sum, curve) => sum + curve.step.length, 0);
    const values = { shown: numbers.steps(shown), all: numbers.steps(buckets ? Math.max(shown, numPoints) : shown) };
    return fill(buckets ? this.view.words.points_shown : this.view.words.points, values);
  }

  /** One small card per further metric, in the order in which the names sort; new ones appear as they come. */
  addSmall() {
    const host = this.find("[data-small]");
    for (const metric of [...this.view.store.metrics.keys()].filter((name) => !DRAWN_LARGE.includes(name))) {
      let card = host.querySelector(`[data-metric="${CSS.escape(metric)}"]`);
      if (!card) card = this.newSmall(host, metric);
      const newest = small.newestOf(this.view, metric);
      card.querySelector("b").textContent = newest ? small.format(metric, newest.value) : "—";
    }
  }

  newSmall(host, metric) {
    const card = this.find("template[data-small-card]").content.firstElementChild.cloneNode(true);
    card.dataset.metric = metric;
    const name = card.querySelector("[data-name]");
    name.textContent = metric.replace(/^train\//, "");
    name.title = metric;
    const after = [...host.children].find((each) => order(each.dataset.metric) > order(metric));
    host.insertBefore(card, after ?? null);
    const chart = card.querySelector("live-chart");
    chart.setAttribute("metric", metric);
    chart.mount(this.view);
    return card;
  }

  pointAt(event) {
    const { x, left } = event.detail;
    if (x === null || event.target.getAttribute("kind") === "small") return this.tooltip.hide();
    return this.tooltip.show(x, left, this.loss.plot.over.clientWidth);
  }

  lookChanged(what) {
    if (what === "look") this.loss.build();
    this.draw();
  }

  rebuild() {
    for (const chart of this.charts) chart.build();
    this.draw();
  }

  toggleTable(button) {
    const table = this.find("[data-table]");
    table.hidden = !table.hidden;
    this.find("[data-stack]").hidden = !table.hidden;
    button.setAttribute("aria-pressed", String(!table.hidden));
    this.draw();
  }
}

/** The optimizer's figures first, then the tasks' losses, then what validation measured. */
function order(metric) {
  const groups = ["train/grad_norm", "train/samples_per_second", "train/", "validation/accuracy", "validation/macro_f1", "validation/"];
  const at = groups.findIndex((prefix) => metric.startsWith(prefix));
  return `${at < 0 ? 9 : at}${metric}`;
}
