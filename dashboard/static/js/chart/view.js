// What the reader looks at: window, measure of x, layout, smoothing, axis of values, what is hidden. Kept in the URL, shared by all charts.

import { Axis, LAYOUTS } from "./axis.js";
import { MEASURES } from "./measures.js";

const DEFAULT_SMOOTHING = 0.6;
const FEWEST_STEPS = 2;

/** Event "change" with detail "window" (other steps) or "look" (anything else). */
export class View extends EventTarget {
  constructor(store, words, search = location.search) {
    super();
    Object.assign(this, { store, words });
    this.isFollowing = true;
    this.read(search);
  }

  get stages() {
    return this.store.stages;
  }

  get total() {
    return this.stages.reduce((sum, stage) => sum + stage.num_steps, 0) || 1;
  }

  /** Takes every setting from an address; what is no setting of ours keeps its usual value. */
  read(search) {
    const params = new URLSearchParams(search);
    const smoothing = Number.parseFloat(params.get("smoothing"));
    this.smoothing = smoothing >= 0 && smoothing < 1 ? smoothing : DEFAULT_SMOOTHING;
    this.isLog = params.get("y") !== "linear";
    this.isClipped = params.get("clip") === "1";
    this.measure = MEASURES.includes(params.get("x")) ? params.get("x") : "step";
    this.layout = LAYOUTS.includes(params.get("view")) ? params.get("view") : "one";
    this.hidden = new Set(params.get("hide")?.split(",") ?? []);
    this.window = windowFrom(params.get("steps"), this.total);
    this.measureAnew();
  }

  /** The axis of this moment: measures other than steps grow with what is known of them. */
  measureAnew() {
    this.axis = new Axis(this.store, this.measure, this.layout);
  }

  get range() {
    return this.window ? this.axis.rangeOf(this.window) : this.axis.range;
  }

  /** The run step of the newest point; 0 before the first. */
  get now() {
    const begun = this.newestStage;
    return begun ? begun.offset + begun.last_step : 0;
  }

  get newestStage() {
    return this.stages.findLast((stage) => stage.last_step > 0);
  }

  /** Where the now line stands; null where there is none: an empty or a whole run, and stages that lie over one another. */
  get nowAt() {
    const stage = this.newestStage;
    if (!stage || this.now >= this.total || this.layout === "overlay") return null;
    return this.axis.at(stage.index, stage.last_step);
  }

  /** The steps of each stage in the window: stage -> [first, last]; null without a window. */
  get spans() {
    return this.window && this.axis.spansOf(this.window);
  }

  isShown(key, stage) {
    return !this.hidden.has(key) && !this.hidden.has(`s${stage.index}`);
  }

  /** Shows a piece of the axis. A gesture calls it many times and leaves one entry in the history. */
  zoom(low, high, { isGesture = false } = {}) {
    const [first, last] = this.axis.range;
    const wanted = this.axis.windowOf(Math.max(first, low), Math.min(last, high));
    if (wanted[1] - wanted[0] < FEWEST_STEPS) return;
    this.window = wanted;
    this.changed("window", isGesture);
  }

  showStage(index) {
    const stage = this.store.stage(index);
    this.window = this.layout === "overlay" ? null : [stage.offset, stage.offset + stage.num_steps];
    this.changed("window");
  }

  /** From the stage in view to the next one, or the one before; from the whole run to its first or last. */
  walkStages(by) {
    const at = this.window ? this.stages.findLast((stage) => stage.offset <= this.window[0] + 1).index : by > 0 ? 0 : this.stages.length + 1;
    if (this.store.stage(at + by)) this.showStage(at + by);
  }

  reset() {
    if (!this.window) return;
    this.window = null;
    this.changed("window");
  }

  /** Steps mean another thing where stages lie over one another: the window does not go along. */
  set(changes, { isGesture = false } = {}) {
    if (changes.layout && (changes.layout === "overlay") !== (this.layout === "overlay")) this.window = null;
    Object.assign(this, changes);
    this.measureAnew();
    this.changed("look", isGesture);
  }

  toggle(key) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(key)) hidden.add(key);
    this.set({ hidden });
  }

  /** Only this one of its neighbours; again, and all are back. */
  isolate(key, neighbours) {
    const others = neighbours.filter((each) => each !== key);
    const isAlone = !this.hidden.has(key) && others.every((each) => this.hidden.has(each));
    const rest = [...this.hidden].filter((each) => !neighbours.includes(each));
    this.set({ hidden: new Set(isAlone ? rest : [...rest, ...others]) });
  }

  changed(what, isGesture = false) {
    const address = this.address();
    if (address !== location.pathname + location.search) history[isGesture ? "replaceState" : "pushState"](history.state, "", address);
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  /** The reader went back or forward. */
  restore() {
    this.read(location.search);
    this.dispatchEvent(new CustomEvent("change", { detail: "look" }));
  }

  address() {
    const params = new URLSearchParams(location.search);
    put(params, "smoothing", this.smoothing === DEFAULT_SMOOTHING ? null : this.smoothing.toFixed(2));
    put(params, "y", this.isLog ? null : "linear");
    put(params, "clip", this.isClipped ? "1" : null);
    put(params, "x", this.measure === "step" ? null : this.measure);
    put(params, "view", this.layout === "one" ? null : this.layout);
    put(params, "hide", [...this.hidden].join(","));
    put(params, "steps", this.window && this.window.map(Math.round).join("-"));
    const query = params.toString().replaceAll("%2C", ",");
    return location.pathname + (query ? `?${query}` : "");
  }
}

function put(params, name, value) {
  if (value) params.set(name, value);
  else params.delete(name);
}

export function windowFrom(text, total) {
  const found = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (!found) return null;
  const [low, high] = [Number(found[1]), Math.min(Number(found[2]), total)];
  return high - low >= FEWEST_STEPS ? [low, high] : null;
}
