// What the page knows about a run. Updates join it in the order of their cursors; what it has seen already changes nothing.

import { cutFrom, emptyCurve, merge, splitByStage, supersededFrom } from "./curves.js";

export class Store {
  constructor(data) {
    this.run = data.run;
    this.stages = data.stages;
    this.quantization = data.quantization;
    this.events = data.events;
    this.cursor = data.cursor;
    this.notFinite = data.not_finite ?? []; // {stage, step} that buckets would hide
    this.metrics = new Map(); // metric -> {cursor, numPoints, buckets, curves: stage index -> curve}
    this.lost = []; // what older attempts made and newer ones made again: {stage, attempt, step, value}
    this.lastPointAt = data.last_point_at;
    this.arrivals = []; // when the newest points were made, for the measured rate
  }

  stage(index) {
    return this.stages.find((stage) => stage.index === index);
  }

  /** Takes a series as the API sends it, read at its own cursor. */
  load(series) {
    const curves = splitByStage(series, this.stages);
    this.metrics.set(series.metric, { cursor: series.cursor, numPoints: series.num_points, buckets: series.buckets, curves });
  }

  loadLost(series, stage, attempt) {
    const steps = series.step.filter((step) => step >= supersededFrom(attempt, this.stage(stage).attempts));
    const first = series.step.length - steps.length;
    if (steps.length) this.addLost(stage, attempt, merge(emptyCurve(), steps, series.value.slice(first)));
  }

  addLost(stage, attempt, curve) {
    const known = this.lost.find((each) => each.stage === stage && each.attempt === attempt);
    if (known) merge(known, curve.step, curve.value);
    else this.lost.push({ stage, attempt, ...curve });
  }

  /**
   * Joins one update. Returns what it changed: "points", "state", "events", "log". A gap in the cursors returns "gap".
   * A replayed update was read back just now and does not say when its points were made.
   */
  apply(update, { isReplay = false } = {}) {
    if (update.cursor <= this.cursor) return [];
    if (update.cursor > this.cursor + 1) return ["gap"];
    this.cursor = update.cursor;
    const changed = [];
    if (this.takeState(update)) changed.push("state");
    if (update.points?.length) changed.push("points");
    for (const points of update.points ?? []) this.take(points, update.cursor);
    if (update.points?.length && !isReplay) this.noteArrival(update.at);
    if (update.events?.length) changed.push("events");
    this.events.push(...(update.events ?? []));
    if (update.log?.length) changed.push("log");
    return changed;
  }

  takeState(update) {
    const before = JSON.stringify([this.run, this.stages.map(identity), this.quantization]);
    if (update.run) this.run = update.run;
    if (update.quantization) this.quantization = update.quantization;
    for (const state of update.stages ?? []) this.takeStage(state, update.cursor);
    return JSON.stringify([this.run, this.stages.map(identity), this.quantization]) !== before;
  }

  takeStage(state, cursor) {
    const stage = this.stage(state.index);
    const newest = state.attempts.at(-1);
    const isNew = newest?.first_step && !stage.attempts.some((each) => each.number === newest.number && each.first_step);
    Object.assign(stage, state);
    this.placeStages();
    if (isNew && newest.number > 1) this.supersede(stage, newest.first_step, cursor);
  }

  /** A worker that counts the data anew may find another number of steps. */
  placeStages() {
    let offset = 0;
    for (const stage of this.stages) {
      stage.offset = offset;
      offset += stage.num_steps;
    }
  }

  /** A newer attempt begins at `step`: what the older one made from there on leaves the curves that do not know it yet. */
  supersede(stage, step, cursor) {
    for (const [metric, series] of this.metrics) {
      if (cursor <= series.cursor) continue;
      const cut = cutFrom(series.curves.get(stage.index), step);
      if (metric === "train/loss" && cut.step.length) this.addLost(stage.index, stage.attempts.at(-2)?.number ?? 1, cut);
    }
  }

  take(points, cursor) {
    const series = this.series(points.metric);
    const stage = this.stage(points.stage);
    if (!stage || cursor <= series.cursor) return;
    const until = supersededFrom(points.attempt, stage.attempts);
    merge(series.curves.get(points.stage), points.step, points.value, until);
    series.numPoints += points.step.length;
    if (points.metric === "train/loss") stage.last_step = Math.max(stage.last_step, points.step.at(-1));
  }

  series(metric) {
    if (!this.metrics.has(metric)) {
      const curves = new Map(this.stages.map((stage) => [stage.index, emptyCurve()]));
      this.metrics.set(metric, { cursor: 0, numPoints: 0, buckets: false, curves });
    }
    return this.metrics.get(metric);
  }

  noteArrival(at) {
    this.lastPointAt = at;
    this.arrivals = [...this.arrivals.slice(-19), at];
  }
}

/** What of a stage is worth drawing the page's words again for; its step is drawn with every point. */
function identity(stage) {
  return [stage.status, stage.results, stage.error, stage.attempts.map((each) => [each.number, each.first_step, each.outcome])];
}
