// One metric's place among the groups: of fixed size, and empty until it comes near the screen.

import { newestText, textAt } from "./figures.js";
import { nameInGroup, PINNED } from "./grouping.js";

export class MetricSlot {
  /** `exports` is the address of the run's complete figures. */
  constructor(metric, template, view, exports) {
    Object.assign(this, { metric, template, view, exports, card: null });
    this.element = document.createElement("div");
    this.element.className = "metric-slot";
    this.element.dataset.metric = metric;
  }

  /** Makes the card, and in it the chart, which says itself when it wants its series. */
  fill(group) {
    if (this.card) return this.name(group);
    this.card = this.template.content.firstElementChild.cloneNode(true);
    this.chart = this.card.querySelector("live-chart");
    this.figure = this.card.querySelector("[data-figure]");
    this.chart.setAttribute("metric", this.metric);
    this.card.querySelector("[data-csv]").href = csvOf(this.exports, this.metric);
    this.element.replaceChildren(this.card);
    this.chart.mount(this.view);
    this.name(group);
    return this.show();
  }

  name(group) {
    const name = this.card.querySelector("[data-name]");
    const [head, tail] = headAndTail(nameInGroup(this.metric, group));
    name.querySelector(".cut").textContent = head;
    name.querySelector(".tail").textContent = tail;
    name.title = this.metric;
    this.card.querySelector("[data-act=pin]").setAttribute("aria-pressed", String(group === PINNED));
    this.card.setAttribute("aria-label", this.metric);
  }

  focusPin() {
    this.card?.querySelector("[data-act=pin]").focus({ preventScroll: true });
  }

  empty() {
    this.card = null;
    this.element.replaceChildren();
  }

  /** The value at the crosshair, or the newest. */
  show(x = null) {
    if (!this.card) return;
    const text = x === null ? newestText(this.view, this.metric) : textAt(this.view, this.metric, x);
    if (this.figure.textContent !== text) this.figure.textContent = text;
  }
}

/** Of a name that is too long its end is what tells it from its neighbours: "image_classific…/accuracy". */
function headAndTail(name) {
  const at = Math.max(0, name.lastIndexOf("/"));
  return [name.slice(0, at), name.slice(at)];
}

/** Where every point of a metric can be had, never thinned. */
export function csvOf(exports, metric) {
  return `${exports}?${new URLSearchParams({ format: "csv", metric })}`;
}
