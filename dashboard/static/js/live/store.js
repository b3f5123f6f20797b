// What the page knows about a run. Updates join it in the order of their cursors; what it has seen already changes nothing.

import { Curve, decode, lowerBound, splitByStage, supersededFrom } from "./curves.js";

export const LOSS = "train/loss";
export const WALL = "progress/wall";
// A metric that nobody has looked at keeps few points of its own: it is read when it comes into view.
const KEPT_UNSEEN = 512;

/** Prefixes of metrics that are axes of other charts and none themselves. */
export function isAxis(metric) {
  return metric.startsWith("progress/");
}

export class Store {
  constructor(data) {
    this.renew(data);
  }

  /** Begins anew from what the server says of the run: at first, and when the page has fallen too far behind. */
  renew(data) {
    this.run = data.run;
    this.stages = data.stages;
    this.quantization = data.quantization;
    this.asides = data.asides ?? []; // jobs beside the run's own work
    this.events = data.events;
    this.cursor = data.cursor;
    this.notFinite = data.not_finite ?? []; // {stage, step} that buckets would hide
    this.metrics = new Map();
    for (const metric of data.metrics ?? []) this.metrics.set(metric, newSeries(this.stages, "unread"));
    this.lost = []; // what older attempts made and newer ones made again: {stage, attempt, step, value}
    this.lastPointAt = data.last_point_at;
    this.arrivals = []; // when the newest points were made, for the measured rate
  }

  stage(index) {
    return this.stages.find((stage) => stage.index === index);
  }

  /** The metrics that have charts. */
  get charted() {
    return [...this.metrics.keys()].filter((metric) => !isAxis(metric));
  }

  /** A metric that first appears now has no history: all its points have come by updates. */
  series(metric) {
    if (!this.metrics.has(metric)) this.metrics.set(metric, newSeries(this.stages, "read"));
    return this.metrics.get(metric);
  }

  curve(metric, stage) {
    return this.series(metric).curves.get(stage);
  }

  /** The curve as it is drawn: inside the window that the reader has zoomed into, its finer points in place of the overview's. */
  shown(metric, stage) {
    const { curves, detail } = this.series(metric);
    const overview = curves.get(stage);
    const fine = detail?.curves.get(stage);
    return fine ? splice(overview, fine, detail.spans.get(stage)) : overview;
  }

  /** From now on updates of this metric are kept aside until its series has come. */
  reading(metric) {
    Object.assign(this.series(metric), { state: "reading", pending: [], isWanted: true });
  }

  /** Takes a block of the whole run, read at its own cursor. What came by updates meanwhile joins behind. */
  load(block, limit) {
    const series = this.series(block.metric);
    const curves = splitByStage(block, this.stages, limit);
    Object.assign(series, { state: "read", cursor: block.cursor, numPoints: block.numPoints, curves, along: alongOf(block, curves) });
    for (const curve of curves.values()) if (curve.length) series.newest = { value: curve.lastValue };
    this.takePending(block.metric, series);
  }

  /** A metric that the server knows no points of. */
  loadNothing(metric, cursor) {
    this.load({ metric, cursor, numPoints: 0, step: [], value: [], min: [], max: [], isBuckets: false });
  }

  takePending(metric, series) {
    const pending = series.pending ?? [];
    series.pending = null;
    for (const { points, cursor } of pending) this.take(points, cursor);
  }

  failed(metric) {
    Object.assign(this.series(metric), { state: "failed" });
  }

  /** A window of this metric is being read: what comes meanwhile is kept for it. */
  readingDetail(metric) {
    this.series(metric).pendingDetail = [];
  }

  /** The finer points of one window; `spans` gives for each stage the first and last step that it covers. */
  loadDetail(metric, blocks, spans) {
    const series = this.series(metric);
    const curves = new Map([...spans.keys()].map((index) => [index, new Curve()]));
    for (const block of blocks) {
      for (const [index, curve] of splitByStage(block, this.stages)) if (curve.length && spans.has(index)) curves.set(index, curve);
    }
    const numPoints = blocks.reduce((sum, block) => sum + block.numPoints, 0);
    series.detail = { curves, spans, numPoints, cursor: Math.min(...blocks.map((block) => block.cursor)) };
    for (const { points, cursor, until } of series.pendingDetail ?? []) this.takeDetail(series, points, cursor, until);
    series.pendingDetail = null;
  }

  /** The window has moved: what lies wholly outside it is let go, the rest stays until finer points come. */
  dropDetailsOutside(spans) {
    for (const series of this.metrics.values()) {
      series.pendingDetail = null;
      if (series.detail && !covers(series.detail.spans, spans)) series.detail = null;
    }
  }

  loadLost(block, stage, attempt) {
    const at = lowerBound(block.step, supersededFrom(attempt, this.stage(stage).attempts));
    if (at < block.step.length) this.addLost(stage, attempt, block.step.subarray(at), block.value.subarray(at));
  }

  addLost(stage, attempt, steps, values) {
    let known = this.lost.find((each) => each.stage === stage && each.attempt === attempt);
    if (!known) this.lost.push((known = { stage, attempt, curve: new Curve() }));
    known.curve.merge(steps, values);
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
    if (update.points?.length || update.progress) changed.push("points");
    for (const each of [update.progress ?? []].flat()) this.moved(each);
    for (const points of update.points ?? []) this.take(points, update.cursor);
    if (update.points?.length && !isReplay) this.noteArrival(update.at);
    if (update.events?.length) changed.push("events");
    this.events.push(...(update.events ?? []));
    if (update.log?.length) changed.push("log");
    return changed;
  }

  takeState(update) {
    if (!update.run && !update.stages && !update.quantization && !update.asides) return false;
    const before = this.identity();
    if (update.run) this.run = update.run;
    if (update.quantization) this.quantization = update.quantization;
    if (update.asides) this.asides = update.asides;
    for (const state of update.stages ?? []) this.takeStage(state, update.cursor);
    return this.identity() !== before;
  }

  /** What a change of makes the server's parts of the page old; how far a job has come is none of it. */
  identity() {
    const asides = this.asides.map(({ id, status, error }) => [id, status, error]);
    return JSON.stringify([this.run, this.stages.map(identity), this.quantization, asides]);
  }

  takeStage(state, cursor) {
    const stage = this.stage(state.index);
    const newest = state.attempts.at(-1);
    if (newest && newest.number !== stage.attempts.at(-1)?.number) this.forgetPace();
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
      if (series.state !== "read" || cursor <= series.cursor) continue;
      const cut = series.curves.get(stage.index).cutFrom(step);
      series.detail?.curves.get(stage.index)?.cutFrom(step);
      series.numPoints -= Math.min(series.numPoints, cut.numPoints);
      if (cut.isTorn) series.state = "unread"; // only the server knows what of the bucket stays
      if (metric === LOSS && cut.length) this.addLost(stage.index, stage.attempts.at(-2)?.number ?? 1, cut.step, cut.value);
    }
  }

  moved({ stage, last_step: step }) {
    const found = this.stage(stage);
    if (found) found.last_step = Math.max(found.last_step, step);
  }

  take(points, cursor) {
    const series = this.series(points.metric);
    const stage = this.stage(points.stage);
    if (!stage) return;
    if (series.state !== "read") return this.keepAside(series, points, cursor);
    if (cursor <= series.cursor) return;
    const until = supersededFrom(points.attempt, stage.attempts);
    series.numPoints += series.curves.get(points.stage).merge(points.step, points.value, until);
    this.takeDetail(series, points, cursor, until);
    series.pendingDetail?.push({ points, cursor, until });
    this.noteNewest(series, points);
    if (points.metric === LOSS) this.moved({ stage: points.stage, last_step: points.step.at(-1) });
    if (!series.isWanted && series.numPoints > KEPT_UNSEEN && !isAxis(points.metric)) this.forget(series);
  }

  keepAside(series, points, cursor) {
    if (series.state === "reading") series.pending.push({ points, cursor });
    this.noteNewest(series, points);
    if (points.metric === LOSS) this.moved({ stage: points.stage, last_step: points.step.at(-1) });
  }

  /** New points inside the reader's window join its finer curve; those before the window's own cursor are in it already. */
  takeDetail({ detail }, points, cursor, until) {
    const span = detail?.spans.get(points.stage);
    if (!span || cursor <= detail.cursor) return;
    const from = lowerBound(points.step, span[0]);
    const to = lowerBound(points.step, span[1] + 1);
    detail.numPoints += detail.curves.get(points.stage)?.merge(points.step.slice(from, to), points.value.slice(from, to), until) ?? 0;
  }

  noteNewest(series, points) {
    series.newest = { value: decode(points.value.at(-1)) };
  }

  forget(series) {
    Object.assign(series, newSeries(this.stages, "unread"), { newest: series.newest });
  }

  /** A new attempt has no point yet: the age of the last one's is no news of it. */
  forgetPace() {
    [this.lastPointAt, this.arrivals] = [null, []];
  }

  noteArrival(at) {
    this.lastPointAt = at;
    this.arrivals = [...this.arrivals.slice(-19), at];
  }
}

/** Where the server gives each point an x of its own: per stage its steps and their x. */
function alongOf({ x }, curves) {
  if (!x) return null;
  let at = 0;
  const parts = [...curves].map(([index, { step, length }]) => [index, { step: step.slice(), x: x.slice(at, (at += length)) }]);
  return new Map(parts);
}

/** `state`: unread, reading, read or failed. `newest` is known of every metric that has moved since the page opened. */
function newSeries(stages, state) {
  return { state, cursor: 0, numPoints: 0, curves: new Map(stages.map((stage) => [stage.index, new Curve()])), along: null, detail: null, pending: null, pendingDetail: null, newest: null };
}

/** What of a stage is worth drawing the page's words again for; its step is drawn with every point. */
function identity(stage) {
  return [stage.status, stage.results, stage.error, stage.attempts.map((each) => [each.number, each.first_step, each.outcome])];
}

/** The overview up to the window, the finer points in it, the overview behind it; kept until one of them changes. */
function splice(overview, fine, [low, high]) {
  const key = `${overview.version}.${fine.version}.${low}.${high}`;
  if (fine.spliced?.key === key) return fine.spliced.curve;
  const curve = new Curve(Infinity);
  copy(overview, 0, lowerBound(overview.step, low), curve);
  copy(fine, 0, fine.length, curve);
  copy(overview, lowerBound(overview.step, Math.max(high, fine.lastStep) + 1), overview.length, curve);
  fine.spliced = { key, curve };
  return curve;
}

function copy(from, start, end, to) {
  const { step, value, min, max, count, spoilt } = from;
  for (let i = start; i < end; i += 1) to.push(step[i], value[i], min[i], max[i], count[i], spoilt[i]);
}

/** Whether every span of `inner` lies in one of `outer`. */
function covers(outer, inner) {
  return inner !== null && [...inner].every(([index, [low, high]]) => outer.has(index) && outer.get(index)[0] <= low && outer.get(index)[1] >= high);
}
