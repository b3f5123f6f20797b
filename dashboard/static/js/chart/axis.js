// Where a step of a stage stands on the page's x axis, and which step stands at a place: one axis, overlaid stages, or small multiples.

import { isTime, scalesOf } from "./measures.js";
import { clockTicks, durationTicks, amountTicks } from "./x-ticks.js";

export const LAYOUTS = ["one", "overlay", "multiples"];
const GAP = 0.08; // between the panels of small multiples, as a share of a panel

export class Axis {
  constructor(store, measure, layout) {
    Object.assign(this, { store, measure, layout });
    this.scales = scalesOf(store, measure);
    this.lengths = store.stages.map((stage, i) => Math.max(1e-9, isOver(store) ? this.scales[i].at(stage.last_step) || this.scales[i].length * 1e-3 : this.scales[i].length));
    if (measure === "step") this.lengths = store.stages.map((stage) => Math.max(1, stage.num_steps));
    this.offsets = layout === "one" ? offsetsOf(this) : store.stages.map((_, i) => (layout === "multiples" ? i * (1 + GAP) : 0));
    this.factors = this.lengths.map((length) => (layout === "multiples" ? 1 / length : 1));
  }

  get isJoined() {
    return this.layout === "one";
  }

  /** The whole axis. */
  get range() {
    if (this.layout === "overlay") return [0, Math.max(...this.lengths)];
    const last = this.lengths.length - 1;
    return [0, Math.max(1e-9, this.offsets[last] + this.lengths[last] * this.factors[last])];
  }

  at(index, step) {
    const i = index - 1;
    return this.offsets[i] + this.factors[i] * this.scales[i].at(step);
  }

  /** The places of ascending steps of one stage. */
  places(index, steps) {
    const i = index - 1;
    const x = this.scales[i].places(steps, this.factors[i] === 1 ? this.offsets[i] : 0);
    if (this.factors[i] !== 1) for (let k = 0; k < x.length; k += 1) x[k] = x[k] * this.factors[i] + this.offsets[i];
    return x;
  }

  /** What was made before the steps were made again. By time it lies there, before the newer attempt. */
  placesOfLost(index, steps, from) {
    if (!isTime(this.measure)) return this.places(index, steps);
    const { usual } = this.scales[index - 1];
    const begin = this.at(index, from - 1);
    return Float64Array.from(steps, (step) => begin + (step - from + 1) * usual * this.factors[index - 1]);
  }

  /** The stage and step at a place; on one axis the stage whose part it is. */
  find(x) {
    const { stages } = this.store;
    let i = this.layout === "overlay" ? this.lengths.indexOf(Math.max(...this.lengths)) : this.offsets.findLastIndex((offset) => x > offset);
    i = Math.max(0, i);
    return { stage: stages[i], step: clamp(this.#stepIn(i, x), 0, stages[i].num_steps) };
  }

  /** Each stage that has a step at this place. */
  findAll(x) {
    if (this.layout !== "overlay") return [this.find(x)];
    return this.store.stages.map((stage, i) => ({ stage, step: this.#stepIn(i, x) })).filter(({ stage, step }) => step <= stage.num_steps);
  }

  #stepIn(i, x) {
    return this.scales[i].stepAt((x - this.offsets[i]) / this.factors[i]);
  }

  /** The part of the axis that each stage takes. */
  get spans() {
    return this.store.stages.map((stage, i) => ({ stage, from: this.offsets[i], to: this.offsets[i] + this.lengths[i] * this.factors[i] }));
  }

  /** The places that show a window: run steps on one axis and in panels, a stage's own steps where stages lie over one another. */
  rangeOf([low, high]) {
    if (this.layout === "overlay") return [Math.min(...this.scales.map((scale) => scale.at(low))), Math.max(...this.scales.map((scale) => scale.at(high)))];
    return [this.#placeOfRun(low, false), this.#placeOfRun(high, true)];
  }

  /** A boundary belongs to the stage before for the end of a window, and to the stage behind for its beginning. */
  #placeOfRun(runStep, isEnd) {
    const { stages } = this.store;
    const stage = stages.findLast((each) => (isEnd ? each.offset < runStep : each.offset <= runStep)) ?? stages[0];
    return this.at(stage.index, Math.min(runStep - stage.offset, stage.num_steps));
  }

  /** The window's name in steps of a piece of the axis. */
  windowOf(low, high) {
    const [from, to] = [this.find(low), this.find(high)];
    return this.layout === "overlay" ? [from.step, to.step] : [from.stage.offset + from.step, to.stage.offset + to.step];
  }

  /** The steps of each stage that a window covers: stage -> [first, last]. */
  spansOf([low, high]) {
    const parts = this.store.stages.map((stage) => {
      const own = this.layout === "overlay" ? 0 : stage.offset;
      return [stage.index, [Math.max(1, Math.floor(low - own)), Math.min(stage.num_steps, Math.ceil(high - own))]];
    });
    return new Map(parts.filter(([, [first, last]]) => last >= first));
  }

  /** Places and labels of ticks: [{x, text}]. */
  ticks(low, high, width) {
    if (this.layout === "multiples") return this.#panelTicks(low, high, width);
    return this.#labels(low, high, Math.max(3, Math.floor(width / 120)), this.layout === "one" ? this.begin : null);
  }

  #labels(low, high, wanted, begin) {
    if (this.measure === "wall" && begin !== null) return clockTicks(low, high, wanted, begin);
    return isTime(this.measure) ? durationTicks(low, high, wanted) : amountTicks(low, high, wanted);
  }

  #panelTicks(low, high, width) {
    return this.spans.flatMap(({ from, to }, i) => {
      const [a, b] = [Math.max(low, from), Math.min(high, to)];
      if (b <= a) return [];
      const wanted = Math.max(1, Math.floor((((b - a) / (high - low)) * width) / 90));
      const own = (x) => (x - from) / this.factors[i];
      const found = this.#labels(own(a), own(b), wanted, null).map(({ x, text }) => ({ x: from + x * this.factors[i], text }));
      return found.filter((tick) => tick.x < to - 0.1 * (to - from) || i === this.lengths.length - 1);
    });
  }
}

/** Nothing more will come: there is no future to leave room for, except in planned steps. */
function isOver(store) {
  return ["completed", "stopped", "failed", "skipped"].includes(store.run.status);
}

/** Stages follow one another; by the clock with the pause that lay between two of them. A reused stage was made at another time. */
function offsetsOf(axis) {
  let end = 0;
  let endedAt = null;
  return axis.store.stages.map((stage, i) => {
    const { begin = null } = axis.scales[i];
    const isTimed = axis.measure === "wall" && begin && stage.status !== "reused";
    const pause = isTimed && endedAt !== null ? Math.max(0, begin - endedAt) : 0;
    const offset = end + pause;
    if (isTimed) axis.begin ??= begin - offset;
    end = offset + axis.lengths[i];
    endedAt = isTimed ? begin + axis.lengths[i] : null;
    return offset;
  });
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
