// The charts of a run as one picture: strip, loss, events and rate on one axis, the small ones beneath, one crosshair and one now line.

import { Painter } from "../live/painter.js";
import { FEW_POINTS, MANY_POINTS } from "../live/series.js";
import { writeBadges } from "./badges.js";
import { MetricGroups } from "./groups.js";
import { bindKeys } from "./keys.js";
import { TRAIN } from "./kind-loss.js";
import { verdict } from "./kind-rate.js";
import { Lane } from "./lane.js";
import { Legend } from "./legend.js";
import { metricOf } from "./measures.js";
import { Ruler } from "./ruler.js";
import { drawTable } from "./table.js";
import { onThemeChange } from "./theme.js";
import { Tooltip } from "./tooltip.js";
import "./live-chart.js";

/**
 * `root` holds the large charts and every small one, wherever they stand in it. Charts say themselves when they come near the screen
 * ("seen"): then their metrics are asked for. `update()` after new data; `draw()` at once.
 */
export class RunCharts {
  constructor(root, view, clock, loader) {
    Object.assign(this, { root, view, clock, loader });
    this.find = (selector) => root.querySelector(selector);
    [this.loss, this.rate] = ["loss", "rate"].map((kind) => this.find(`live-chart[kind=${kind}]`));
    this.ruler = new Ruler(this.find("[data-ruler]"), view, clock);
    this.lane = new Lane(this.find("[data-lane]"), view);
    this.legend = new Legend(root, view);
    this.tooltip = new Tooltip(this.find("[data-tooltip]"), view);
    this.small = new MetricGroups(this.find("[data-metrics]"), view);
    this.painter = new Painter(() => this.paint());
    this.listen();
    for (const chart of [this.loss, this.rate]) chart.mount(view);
    this.small.update();
    this.look();
  }

  /** The charts on screen or near it. */
  get charts() {
    return [...this.root.querySelectorAll("live-chart")].filter((chart) => chart.isVisible);
  }

  listen() {
    this.root.addEventListener("seen", ({ target }) => this.seen(target));
    this.root.addEventListener("laid-out", ({ target }) => target === this.loss && this.drawAround());
    this.root.addEventListener("point-at", (event) => this.pointAt(event.target, event.detail));
    this.view.addEventListener("change", (event) => this.lookChanged(event.detail));
    this.loader.addEventListener("read", () => this.arrived());
    this.loader.addEventListener("failed", () => this.failed());
    addEventListener("popstate", () => this.view.restore());
    onThemeChange(() => this.rebuild());
    bindKeys(this.view);
    this.find("[data-reset]").addEventListener("click", () => this.view.reset());
    this.find("[data-retry]").addEventListener("click", () => this.loader.retry().catch(() => {}));
    document.querySelector("[data-table-toggle]").addEventListener("click", (event) => this.toggleTable(event.currentTarget));
  }

  seen(chart) {
    for (const metric of chart.metrics) this.loader.want(metric, chart.look === "small" ? FEW_POINTS : MANY_POINTS);
    if (chart === this.loss) requestAnimationFrame(() => this.drawFrame());
  }

  /** Bands, axes and words stand before the first point has come. */
  drawFrame() {
    this.drawAround();
    this.drawWords();
  }

  arrived() {
    this.setFailed(false);
    this.paint();
  }

  failed() {
    this.setFailed(true);
    this.drawWords();
  }

  /** The last picture stays, dimmed, beside the reason and a way on. */
  setFailed(isFailed) {
    this.root.classList.toggle("is-failed", isFailed);
    this.find("[data-load-failed]").hidden = !isFailed;
  }

  /** New data has arrived: draw soon, unless the reader holds the picture. */
  update() {
    this.loader.check();
    if (this.view.isFollowing) this.painter.ask();
  }

  paint() {
    this.draw();
    document.dispatchEvent(new CustomEvent("painted", { detail: { cursor: this.view.store.cursor } }));
  }

  draw() {
    this.view.measureAnew();
    this.small.update();
    for (const chart of this.charts) chart.draw();
    this.drawAround();
    this.drawWords();
  }

  drawAround() {
    const plot = this.loss.plot;
    if (!plot?.over.clientWidth) return; // not laid out: the table stands in its place
    const width = plot.over.clientWidth;
    const { min, max } = plot.scales.x;
    const toPixels = (x) => ((x - min) / (max - min)) * width;
    this.ruler.draw(toPixels, width);
    this.lane.draw(toPixels);
    this.drawNow(toPixels, width);
  }

  /** The line falls through strip, loss, lane and rate. */
  drawNow(toPixels, width) {
    const line = this.find("[data-now]");
    const { nowAt } = this.view;
    const left = nowAt === null ? -1 : Math.round(toPixels(nowAt) * devicePixelRatio) / devicePixelRatio;
    line.hidden = left < 0 || left > width;
    line.style.left = `${left}px`;
  }

  drawWords() {
    const isEmpty = this.view.now === 0;
    this.root.toggleAttribute("aria-busy", ["unread", "reading"].includes(this.view.store.series(TRAIN).state));
    this.find("[data-reset]").hidden = !this.view.window;
    this.find("[data-nothing-yet]").hidden = !isEmpty;
    writeBadges(this.root, this.view, this.loss);
    const judged = verdict(this.view);
    const element = this.find("[data-verdict]");
    element.hidden = !judged;
    element.querySelector("span").textContent = judged?.text ?? "";
    element.classList.toggle("is-off", judged !== null && !judged.isFine);
    if (!this.find("[data-table]").hidden) drawTable(this.find("[data-table] tbody"), this.view);
  }

  /** Every small chart in view says its value at the crosshair; the large ones have the tooltip. */
  pointAt(chart, { x, left, top }) {
    this.small.pointAt(x);
    if (x === null || chart.look === "small") return this.tooltip.hide();
    return this.tooltip.show({ x, left, top, chart, charts: [this.loss, this.rate] });
  }

  lookChanged(what) {
    this.look();
    this.legend.draw();
    if (what === "look") this.small.pointAt(null);
    this.draw();
  }

  /** Asks for what the reader looks at: the axis's own series, and the window's finer points. */
  look() {
    const metric = metricOf(this.view.measure);
    if (metric) this.loader.want(metric, MANY_POINTS);
    this.loader.look(this.view.spans);
    this.root.dataset.layout = this.view.layout;
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
