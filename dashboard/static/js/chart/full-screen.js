// One metric as large as the window, with axes; arrow keys step through the panels in the order in which they stand, Esc goes back.

import { parameter, setParameters } from "../address.js";
import { newestText, textAt } from "./figures.js";
import { csvOf } from "./metric-slot.js";
import { drawMetricTable } from "./metric-table.js";
import * as numbers from "./numbers.js";
import { fileNameOf, savePng, withLargeChart } from "./saving.js";
import { fill } from "./words.js";

const PARAMETER = "panel";

export class FullScreen {
  /** `run` is the run's name; `groups` gives the order and the pins. */
  constructor(dialog, view, groups, { run, exports }) {
    Object.assign(this, { dialog, view, groups, run, exports, metric: null, x: null, isTable: false });
    this.find = (name) => dialog.querySelector(`[data-full-${name}]`);
    this.bind();
    this.restore();
  }

  bind() {
    this.groups.root.addEventListener("act", ({ detail }) => this.act(detail));
    this.find("next").addEventListener("click", () => this.step(1));
    this.find("previous").addEventListener("click", () => this.step(-1));
    this.find("pin").addEventListener("click", () => this.pin());
    this.find("table").addEventListener("click", () => this.showTable(!this.isTable));
    this.find("png").addEventListener("click", () => this.save(this.metric));
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("point-at", (event) => this.pointAt(event));
    addEventListener("popstate", () => this.restore());
  }

  act({ act, metric }) {
    if (act === "full") this.open(metric);
    if (act === "table") this.open(metric, true);
    if (act === "png") this.save(metric);
  }

  open(metric, isTable = false) {
    this.isTable = isTable;
    if (!this.dialog.open) {
      this.dialog.showModal();
      if (!parameter(PARAMETER)) setParameters({ [PARAMETER]: metric }, { isEntry: true });
    }
    this.dialog.focus();
    this.show(metric);
  }

  show(metric) {
    [this.metric, this.x] = [metric, null];
    this.chart?.remove();
    this.chart = document.createElement("live-chart");
    for (const [name, value] of Object.entries({ kind: "small", size: "large", metric })) this.chart.setAttribute(name, value);
    this.find("plot").append(this.chart);
    this.chart.mount(this.view);
    this.write();
    this.showTable(this.isTable);
    this.remember(metric);
  }

  /** New data has come: the chart draws itself with the others. */
  update() {
    if (!this.dialog.open) return;
    this.write();
    if (this.isTable) drawMetricTable(this.find("rows"), this.view, this.metric);
  }

  write() {
    const { order } = this.groups;
    this.find("name").textContent = this.metric;
    this.writeFigure();
    this.find("place").textContent = fill(this.view.words.line_of, { at: numbers.steps(order.indexOf(this.metric) + 1), count: numbers.steps(order.length) });
    this.find("csv").href = csvOf(this.exports, this.metric);
    this.find("pin").setAttribute("aria-pressed", String(this.groups.pinned.has(this.metric)));
  }

  showTable(isTable) {
    this.isTable = isTable;
    this.find("table").setAttribute("aria-pressed", String(isTable));
    this.find("plot").hidden = isTable;
    this.find("box").hidden = !isTable;
    if (isTable) drawMetricTable(this.find("rows"), this.view, this.metric);
  }

  step(by) {
    const { order } = this.groups;
    if (order.length) this.show(order[(order.indexOf(this.metric) + by + order.length) % order.length]);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target.closest("live-chart")) return;
    event.preventDefault();
    this.step(by);
  }

  pin() {
    this.groups.pin(this.metric);
    this.write();
  }

  /** The value under the pointer stands in the title; the run's own tooltip stays away. */
  pointAt(event) {
    event.stopPropagation();
    this.x = event.detail.x;
    this.writeFigure();
  }

  writeFigure() {
    const { view, metric, x } = this;
    this.find("figure").textContent = x === null ? newestText(view, metric) : textAt(view, metric, x);
  }

  closed() {
    this.chart?.remove();
    this.chart = null;
    this.remember(null);
  }

  save(metric) {
    const words = { title: metric, figure: newestText(this.view, metric), run: this.run, stages: this.view.stages, fileName: `${fileNameOf(this.run, metric)}.png` };
    return withLargeChart(this.groups.root.querySelector("[data-png]"), this.view, metric, (chart) => savePng([chart], words));
  }

  // --- the address says which panel is open, and the back button closes it ---

  restore() {
    const metric = parameter(PARAMETER);
    if (!metric) this.dialog.close();
    else if (metric !== this.shown && this.view.store.metrics.has(metric)) this.open(metric);
  }

  get shown() {
    return this.dialog.open ? this.metric : null;
  }

  remember(metric) {
    setParameters({ [PARAMETER]: metric });
  }
}
