// <live-chart>: one chart of a run on uPlot. It draws what its view shows, follows the theme and its own width, and shares the crosshair.

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";
import { paintBands } from "./bands.js";
import * as loss from "./kind-loss.js";
import * as rate from "./kind-rate.js";
import * as small from "./kind-small.js";
import * as numbers from "./numbers.js";
import { ticks, valueRange } from "./scales.js";
import { readTheme } from "./theme.js";

const KINDS = { loss, rate, small };
const SYNC = "run";
// Above, right (room for half of the last label), below, left.
const PADDING = { loss: [6, 16, 6, 0], rate: [6, 16, 0, 0], small: [1, 0, 1, 0] };
const TICKS = { loss: 7, rate: 4, small: 3 };

export class LiveChart extends HTMLElement {
  /** `kind` is loss, rate or small; a small chart has a `metric`. */
  mount(view) {
    this.view = view;
    this.kindName = this.getAttribute("kind");
    this.kind = KINDS[this.kindName];
    this.metric = this.getAttribute("metric");
    this.setAttribute("role", "img");
    if (this.kindName !== "small") this.tabIndex = 0;
    this.build();
    new ResizeObserver(() => this.fit()).observe(this);
    this.addEventListener("keydown", (event) => this.walk(event));
  }

  /** Made anew when the theme changes: uPlot takes its colours once. */
  build() {
    this.theme = readTheme();
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.kind.data(this.view, this.metric), this);
    this.describe();
  }

  draw() {
    this.plot.setData(this.kind.data(this.view, this.metric), false);
    this.scale();
    this.describe();
  }

  describe() {
    this.setAttribute("aria-label", this.kind.sentence(this.view, this.metric));
  }

  /** The height of the values stays while the reader has zoomed in: nothing moves under the eye. */
  scale() {
    const [min, max] = this.view.range;
    this.plot.setScale("x", { min, max });
  }

  fit() {
    if (this.clientWidth && this.clientWidth !== this.plot.width) this.plot.setSize(this.size());
    this.dispatchEvent(new CustomEvent("laid-out", { bubbles: true }));
  }

  size() {
    return { width: this.clientWidth || 300, height: this.clientHeight || 64 };
  }

  options() {
    const { view, theme } = this;
    return {
      ...this.size(),
      padding: PADDING[this.kindName],
      legend: { show: false },
      scales: { x: { time: false, range: () => view.range }, y: this.yScale() },
      axes: this.axes(),
      series: [{}, ...this.kind.series(view, theme, this.metric).map((each) => ({ spanGaps: false, ...each }))],
      cursor: this.cursor(),
      hooks: {
        drawClear: [(plot) => paintBands(plot, view, theme)],
        draw: [(plot) => this.kind.paint(plot, view, theme)],
        setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.point(plot)],
      },
    };
  }

  yScale() {
    const isLog = this.kind.hasLog && this.view.isLog;
    return { distr: isLog ? 3 : 1, range: (plot) => valueRange(inWindow(plot, this.view.range), isLog) };
  }

  axes() {
    const isSmall = this.kindName === "small";
    const { theme } = this;
    const shared = { stroke: theme.ink3, font: theme.font, ticks: { show: false }, border: { show: false } };
    const gutter = Number.parseInt(getComputedStyle(this).getPropertyValue("--gutter"), 10) || 62;
    const x = { ...shared, show: this.kindName === "rate", size: 26, gap: 6, grid: { show: false }, space: 80, splits: (plot, i, low, high) => wholeTicks(low, high, plot.width) };
    x.values = (plot, splits) => splits.map(numbers.stepTick);
    const y = { ...shared, filter: (plot, splits) => splits, show: !isSmall, size: gutter, gap: 8, grid: { stroke: theme.line, width: 1 } };
    const isEmpty = (plot) => plot.data.length < 2 || !plot.data[0].length;
    y.splits = (plot, i, low, high) => (isEmpty(plot) ? [] : ticks(low, high, this.kind.hasLog && this.view.isLog, TICKS[this.kindName]));
    y.values = (plot, splits) => splits.map((each, i) => numbers.valueTick(each, Math.abs((splits[i + 1] ?? splits[i - 1]) - each)));
    return [x, y];
  }

  cursor() {
    return {
      y: false,
      sync: { key: SYNC, setSeries: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      focus: { prox: -1 },
      points: { show: false },
      bind: { dblclick: () => () => this.view.reset() },
    };
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    this.view.zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  point(plot) {
    const { left, event } = plot.cursor;
    const x = left >= 0 ? plot.posToVal(left, "x") : null;
    if (event || x === null) this.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail: { x, left } }));
  }

  /** Arrow keys move the crosshair; Escape takes it away and resets a zoom. */
  walk(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") return this.leave();
    if (!move) return undefined;
    event.preventDefault();
    const [low, high] = this.view.range;
    const stride = Math.max(1, Math.round((high - low) / (event.shiftKey ? 20 : 200)));
    this.at = Math.min(high, Math.max(low, (this.at ?? this.view.now) + move * stride));
    const left = this.plot.valToPos(this.at, "x");
    this.plot.setCursor({ left, top: 10 });
    return this.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail: { x: this.at, left } }));
  }

  leave() {
    this.at = null;
    this.plot.setCursor({ left: -10, top: -10 });
    this.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail: { x: null } }));
    if (this.view.window) this.view.reset();
  }
}

/** Every finite value that lies inside the window, of all curves. */
function inWindow(plot, [low, high]) {
  const [x, ...curves] = plot.data;
  const shown = [];
  x.forEach((each, i) => {
    if (each >= low && each <= high) for (const y of curves) if (y[i] !== undefined && y[i] !== null) shown.push(y[i]);
  });
  return shown;
}

/** Steps are whole: no tick between two of them. */
function wholeTicks(low, high, width) {
  const found = ticks(low, high, false, Math.max(3, Math.floor(width / 120)));
  return found.filter(Number.isInteger);
}

customElements.define("live-chart", LiveChart);
