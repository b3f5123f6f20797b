// <live-chart>: one chart of a run on uPlot, which gives axes, scales, selection and crosshair; the curves are drawn by our layers.

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";
import { clipTo, paintBands } from "./bands.js";
import { bindGestures } from "./gestures.js";
import * as loss from "./kind-loss.js";
import * as rate from "./kind-rate.js";
import * as small from "./kind-small.js";
import { beyond, valuesIn } from "./layers.js";
import { projection } from "./lines.js";
import * as numbers from "./numbers.js";
import { paintClipped } from "./clipped.js";
import { scaleOf, ticks } from "./scales.js";
import { readTheme } from "./theme.js";
import { isPlain, tick } from "./units.js";

const KINDS = { loss, rate, small };
const SYNC = "run";
const FOLLOWED = ["mousemove", "mouseleave", "setcursor"]; // a selection belongs to the chart in which it was drawn
// Above, right (room for half of the last label), below, left.
const PADDING = { loss: [6, 16, 6, 0], rate: [6, 16, 0, 0], small: [1, 0, 1, 0], large: [6, 16, 0, 0] };
const TICKS = { loss: 7, rate: 4, small: 3, large: 6 };
const NEAR = "400px"; // charts this near to the screen are made and kept
const DESCRIBE_MS = 1000;

/**
 * Attributes: `kind` (loss, rate or small), `metric` of a small one, `size="large"` gives a small one its axes (full screen).
 * Call `mount(view)` once it is in the page. Bubbling events: "seen" and "unseen" as it nears and leaves the screen, "laid-out", "point-at".
 */
export class LiveChart extends HTMLElement {
  static get observedAttributes() {
    return ["size"];
  }

  mount(view) {
    this.view = view;
    this.kindName = this.getAttribute("kind");
    this.kind = KINDS[this.kindName];
    this.metric = this.getAttribute("metric");
    this.metrics = this.kind.metrics ?? [this.metric];
    this.setAttribute("role", "img");
    if (this.kindName !== "small") this.tabIndex = 0;
    this.addEventListener("keydown", (event) => this.walk(event));
    this.resizing = new ResizeObserver(() => this.fit());
    this.resizing.observe(this);
    this.watching = new IntersectionObserver(([entry]) => this.seen(entry.isIntersecting), { rootMargin: NEAR });
    this.watching.observe(this);
  }

  disconnectedCallback() {
    this.watching?.disconnect();
    this.resizing?.disconnect();
    this.drop();
  }

  connectedCallback() {
    if (!this.view || !this.watching) return;
    this.resizing.observe(this);
    this.watching.observe(this);
  }

  attributeChangedCallback() {
    if (this.plot) this.build();
  }

  get look() {
    return this.kindName === "small" && this.getAttribute("size") === "large" ? "large" : this.kindName;
  }

  get isVisible() {
    return Boolean(this.plot);
  }

  seen(isNear) {
    if (isNear === this.isVisible) return;
    if (isNear) this.build();
    else this.drop();
    this.dispatchEvent(new CustomEvent(isNear ? "seen" : "unseen", { bubbles: true }));
  }

  drop() {
    this.plot?.destroy();
    this.plot = null;
    this.replaceChildren();
  }

  /** Made anew when the theme or the size's kind changes: uPlot takes its colours once. */
  build() {
    this.theme = readTheme();
    this.drop();
    this.take();
    this.plot = new uPlot(this.options(), [this.range], this);
    bindGestures(this.plot, this.view);
    this.describe();
  }

  /** Takes the state of store and view: what the next strokes will show. */
  take() {
    this.range = this.view.range;
    this.shown = this.kind.layers(this.view, this.theme, this.metric);
    const isLog = (this.kind.hasLog || (this.look === "large" && isPlain(this.metric))) && this.view.isLog;
    this.scale = scaleOf(valuesIn(this.shown, this.range), { isLog, isClipped: this.view.isClipped && this.kindName !== "rate" });
    this.beyond = this.scale.limits ? beyond(this.shown, this.range, this.scale.limits) : [];
  }

  draw() {
    if (!this.plot) return;
    this.take();
    this.plot.setData([this.range], false);
    this.plot.scales.y.min = null; // another folding of the same range is a change too
    this.plot.batch(() => this.plot.setScale("x", { min: this.range[0], max: this.range[1] }));
    this.describe();
  }

  /** The words for readers of text, no more often than anyone can hear them. */
  describe() {
    if (performance.now() - (this.describedAt ?? -DESCRIBE_MS) < DESCRIBE_MS) return;
    this.describedAt = performance.now();
    this.setAttribute("aria-label", this.kind.sentence(this.view, this.metric));
  }

  fit() {
    if (!this.plot || !this.clientWidth) return;
    const { width, height } = this.size();
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
    queueMicrotask(() => this.dispatchEvent(new CustomEvent("laid-out", { bubbles: true }))); // uPlot takes its size in one, too
  }

  size() {
    return { width: this.clientWidth || 300, height: this.clientHeight || 64 };
  }

  options() {
    return {
      ...this.size(),
      padding: PADDING[this.look],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => this.range },
        y: { distr: 100, fwd: (value) => this.scale.fold(value), bwd: (place) => this.scale.unfold(place), range: () => this.scale.range },
      },
      axes: this.axes(),
      series: [{}],
      cursor: this.cursor(),
      hooks: {
        drawClear: [(plot) => paintBands(plot, this.view, this.theme)],
        draw: [(plot) => this.paint(plot)],
        setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.point(plot)],
      },
    };
  }

  paint(plot) {
    const { ctx, bbox } = plot;
    const project = projection(plot, this.scale);
    ctx.save();
    clipTo(ctx, bbox);
    this.kind.paint(ctx, project, this.shown, this.view, this.theme);
    paintClipped(ctx, project, this.beyond, this.theme);
    ctx.restore();
    this.kind.paintOver(plot, this.view, this.theme);
  }

  axes() {
    const isSmall = this.look === "small";
    const { theme } = this;
    const shared = { stroke: theme.ink3, font: theme.font, ticks: { show: false }, border: { show: false } };
    const gutter = Number.parseInt(getComputedStyle(this).getPropertyValue("--gutter"), 10) || 58;
    const x = { ...shared, show: this.look === "rate" || this.look === "large", size: 26, gap: 6, grid: { show: false }, filter: (plot, splits) => splits };
    x.splits = (plot, i, low, high) => {
      this.xTicks = this.view.axis.ticks(low, high, plot.width - gutter);
      return this.xTicks.map((tick) => tick.x);
    };
    x.values = () => this.xTicks.map((tick) => tick.text);
    const y = { ...shared, scale: "y", filter: (plot, splits) => splits, show: !isSmall, size: gutter, gap: 8, grid: { stroke: theme.line, width: 1 } };
    y.splits = (plot, i, low, high) => (this.shown.some((layer) => layer.x.length) ? ticks(low, high, this.scale, TICKS[this.look]) : []);
    y.values = (plot, splits) => splits.map((each, i) => tick(this.metric ?? "", each, this.scale.kind === "symlog" ? 0 : Math.abs((splits[i + 1] ?? splits[i - 1]) - each)));
    return [x, y];
  }

  cursor() {
    return {
      y: false,
      sync: { key: SYNC, setSeries: false, filters: { sub: (type) => FOLLOWED.includes(type) } },
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

  /** Tells where the pointer is; a chart that only follows another's crosshair tells nothing. */
  point(plot) {
    const { left, top, event } = plot.cursor;
    const x = left >= 0 ? plot.posToVal(left, "x") : null;
    if (event || x === null) this.tellPoint({ x, left, top });
  }

  tellPoint(detail) {
    this.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail }));
  }

  /** Arrow keys move the crosshair; Escape takes it away, pressed again it resets a zoom. */
  walk(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") return this.leave();
    if (!move || !this.plot) return undefined;
    event.preventDefault();
    const [low, high] = this.range;
    const stride = (high - low) / (event.shiftKey ? 20 : 200);
    const from = this.at ?? this.view.nowAt ?? high;
    this.at = Math.min(high, Math.max(low, from + move * (this.view.measure === "step" && this.view.layout !== "multiples" ? Math.max(1, Math.round(stride)) : stride)));
    const left = this.plot.valToPos(this.at, "x");
    this.plot.setCursor({ left, top: 10 });
    return this.tellPoint({ x: this.at, left, top: 10 });
  }

  leave() {
    const hadPoint = (this.at ?? null) !== null;
    this.at = null;
    this.plot?.setCursor({ left: -10, top: -10 });
    this.tellPoint({ x: null });
    if (!hadPoint) this.view.reset();
  }
}

customElements.define("live-chart", LiveChart);
