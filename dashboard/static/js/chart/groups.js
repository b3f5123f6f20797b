// Every metric of the run beneath the large charts: grouped by prefix, found by pattern, pinned, closed; only what is near the screen is made.

import { arrange, PINNED } from "./grouping.js";
import { MetricSearch } from "./metric-search.js";
import { MetricSlot } from "./metric-slot.js";
import * as numbers from "./numbers.js";
import { Remembered } from "./remembered.js";
import { fill } from "./words.js";

const DRAWN_LARGE = ["train/loss", "validation/loss", "train/learning_rate"];
const NEAR = "700px";

/**
 * `update()` after new data, `pointAt(x)` with the crosshair's place or null. Pressed card buttons are told as "act" events of `root`,
 * detail {act, metric}.
 */
export class MetricGroups {
  constructor(root, view) {
    Object.assign(this, { root, view, slots: new Map(), near: new Set(), sections: new Map(), known: 0, x: null, searchClosed: new Set() });
    this.find = (name) => root.querySelector(`[data-${name}]`);
    this.host = this.find("groups");
    this.pinned = new Remembered("anneal.pinned");
    this.closed = new Remembered("anneal.closed-groups");
    this.search = new MetricSearch(root, view.words);
    this.watcher = new IntersectionObserver((entries) => this.moved(entries), { rootMargin: NEAR });
    this.bind();
    this.lay();
  }

  bind() {
    this.search.addEventListener("change", () => {
      this.searchClosed.clear();
      this.lay();
    });
    this.host.addEventListener("click", (event) => this.pressed(event));
    this.find("new-metrics").addEventListener("click", () => this.lay());
    this.root.addEventListener("pointerleave", () => this.num !== this.known && this.lay());
  }

  /** Nothing moves under the pointer: while it is here, metrics that are new wait until they are asked for. */
  update() {
    if (this.num !== this.known) this.arrived();
    this.pointAt(this.x);
  }

  get num() {
    return this.view.store.metrics.size;
  }

  arrived() {
    if (!this.known || !this.root.matches(":hover")) return this.lay();
    const count = this.metrics.filter((metric) => !this.slots.has(metric)).length;
    this.find("new-metrics").hidden = count === 0;
    this.find("new-metrics").textContent = fill(this.view.words.new_metrics, { count: numbers.steps(count) });
    return undefined;
  }

  get metrics() {
    return this.view.store.charted.filter((metric) => !DRAWN_LARGE.includes(metric));
  }

  pointAt(x) {
    this.x = x;
    for (const slot of this.near) slot.show(x);
  }

  /** The metrics in the order in which they stand, without closed groups: what full screen steps through. */
  get order() {
    return this.arranged.filter(({ group }) => this.isOpen(group)).flatMap(({ metrics }) => metrics);
  }

  // --- laying out ---

  lay() {
    this.known = this.num;
    this.find("new-metrics").hidden = true;
    const { metrics } = this;
    this.arranged = arrange(metrics, { regex: this.search.regex, pinned: this.pinned });
    const sections = this.arranged.map(({ group, metrics: found }) => this.layGroup(group, found));
    keepOrder(this.host, sections);
    this.layWords(metrics.length);
  }

  layWords(total) {
    const found = this.arranged.reduce((sum, { metrics }) => sum + metrics.length, 0);
    const { words } = this.view;
    const count = found === total ? fill(words.metrics, { count: numbers.steps(total) }) : fill(words.metrics_of, { count: numbers.steps(found), total: numbers.steps(total) });
    this.find("metric-count").textContent = count;
    this.find("no-metrics").hidden = found > 0;
    this.find("no-metrics").textContent = total ? words.no_metric_fits : words.no_metrics;
  }

  layGroup(group, metrics) {
    if (!this.sections.has(group)) this.sections.set(group, this.newSection(group));
    const section = this.sections.get(group);
    const isOpen = this.isOpen(group);
    section.querySelector("[data-group-count]").textContent = numbers.steps(metrics.length);
    section.querySelector("button").setAttribute("aria-expanded", String(isOpen));
    const body = section.querySelector(".small-charts");
    body.hidden = !isOpen;
    keepOrder(body, isOpen ? metrics.map((metric) => this.slot(metric).element) : []);
    for (const metric of isOpen ? metrics : []) if (this.slot(metric).card) this.slot(metric).name(group);
    return section;
  }

  newSection(group) {
    const section = this.root.querySelector("template[data-group]").content.firstElementChild.cloneNode(true);
    section.dataset.group = group;
    section.querySelector("[data-group-name]").textContent = group === PINNED ? this.view.words.pinned : group.slice(0, -1) || this.view.words.other_metrics;
    const note = this.root.querySelector(`template[data-note-of="${CSS.escape(group)}"]`);
    if (note) section.querySelector("header").append(note.content.cloneNode(true));
    return section;
  }

  slot(metric) {
    if (!this.slots.has(metric)) {
      const slot = new MetricSlot(metric, this.root.querySelector("template[data-small-card]"), this.view, this.root.dataset.export);
      this.slots.set(metric, slot);
      this.watcher.observe(slot.element);
    }
    return this.slots.get(metric);
  }

  /** A slot that leaves the neighbourhood of the screen, or the page, lets go of its chart. */
  moved(entries) {
    for (const { target, isIntersecting } of entries) {
      const slot = this.slots.get(target.dataset.metric);
      const section = target.closest("[data-group]"); // none for a slot that has left the page meanwhile
      if (isIntersecting && section) {
        slot.fill(section.dataset.group);
        this.near.add(slot);
      } else if (this.near.delete(slot)) slot.empty();
    }
  }

  // --- what the reader does ---

  isOpen(group) {
    return !(this.search.regex ? this.searchClosed : this.closed).has(group);
  }

  toggle(group) {
    if (!this.search.regex) this.closed.toggle(group);
    else if (!this.searchClosed.delete(group)) this.searchClosed.add(group);
    this.lay();
  }

  /** The card moves, and the focus with it. */
  pin(metric) {
    const hadFocus = this.slots.get(metric)?.element.contains(document.activeElement);
    this.pinned.toggle(metric);
    this.lay();
    if (hadFocus) this.slots.get(metric).focusPin();
  }

  pressed({ target }) {
    const button = target.closest("button, a");
    const metric = target.closest("[data-metric]")?.dataset.metric;
    if (button?.hasAttribute("aria-expanded")) this.toggle(target.closest("[data-group]").dataset.group);
    else if (button?.dataset.act === "pin") this.pin(metric);
    else if (button?.dataset.act) this.root.dispatchEvent(new CustomEvent("act", { bubbles: true, detail: { act: button.dataset.act, metric } }));
  }
}

/** Gives a parent exactly these children in this order, and moves only those that stand elsewhere. */
function keepOrder(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
}
