// Reads series over HTTP into the store: what is on screen in one request, the rest when it comes into view, a zoomed window anew.

import { readBlocks } from "./blocks.js";
import { supersededFrom } from "./curves.js";
import { isAxis, LOSS, WALL } from "./store.js";

export const MANY_POINTS = 2000;
export const FEW_POINTS = 600; // enough for a small chart
const PER_REQUEST = 40;
const GATHER_MS = 15;
const SETTLE_MS = 120;

/** Events: "read" (detail: {metrics}), "failed" (detail: {error}). What failed waits for `retry`. */
export class SeriesLoader extends EventTarget {
  #wanted = new Map(); // metric -> points
  #window = null;

  constructor(store, { run, path, many }, ask = askBlocks) {
    super();
    Object.assign(this, { store, run, path, many, ask });
  }

  /** A chart of this metric is on screen. Returns at once; many calls in a row become one request. */
  want(metric, maxPoints = FEW_POINTS) {
    const series = this.store.series(metric);
    series.isWanted = true;
    const before = this.#wanted.get(metric) ?? 0;
    this.#wanted.set(metric, Math.max(before, maxPoints));
    if (maxPoints > before && before && series.state === "read") series.state = "unread";
    this.check();
  }

  /** Reads what is wanted and not there: at first, after a failure, after a bucket was torn. */
  check() {
    const isMissing = [...this.#wanted.keys()].some((metric) => this.store.series(metric).state === "unread");
    if (isMissing || this.#lacksDetail()) this.timer ??= setTimeout(() => this.flush().catch(() => {}), GATHER_MS);
  }

  retry() {
    for (const metric of this.#wanted.keys()) if (this.store.series(metric).state === "failed") this.store.series(metric).state = "unread";
    return this.flush();
  }

  /** Reads what is missing; rejects when the server refused or was away. */
  async flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const missing = [...this.#wanted].filter(([metric]) => this.store.series(metric).state === "unread");
    for (const [metric] of missing) this.store.reading(metric);
    const axes = missing.filter(([metric]) => isAxis(metric)).map((each) => [each]);
    const parts = [...bySize(missing.filter(([metric]) => !isAxis(metric))).flatMap(inParts), ...axes];
    await Promise.all(parts.map((part) => this.read(part)));
    if (this.#lacksDetail()) await this.readWindow();
  }

  async read(part) {
    const metrics = part.map(([metric]) => metric);
    const maxPoints = Math.max(...part.map(([, points]) => points));
    try {
      const along = metrics[0] === WALL ? { x: "active" } : {}; // the server knows when an attempt was at work
      const blocks = await this.ask(this.many, { run: this.run, metric: metrics, max_points: maxPoints, ...along });
      for (const block of blocks) this.store.load(block, 2 * maxPoints);
      const found = new Set(blocks.map((block) => block.metric));
      for (const metric of metrics) if (!found.has(metric)) this.store.loadNothing(metric, this.store.cursor);
      if (found.has(LOSS)) await this.readLost();
      this.dispatchEvent(new CustomEvent("read", { detail: { metrics } }));
    } catch (error) {
      for (const metric of metrics) this.store.failed(metric);
      this.dispatchEvent(new CustomEvent("failed", { detail: { error } }));
      throw error;
    }
  }

  /** What older attempts had made and newer ones made again. */
  async readLost() {
    const lost = this.store.stages.flatMap((stage) => lostAttempts(stage).map((attempt) => ({ stage: stage.index, attempt })));
    const known = ({ stage, attempt }) => this.store.lost.some((each) => each.stage === stage && each.attempt === attempt);
    for (const { stage, attempt } of lost.filter((each) => !known(each))) {
      const from = supersededFrom(attempt, this.store.stage(stage).attempts);
      const [block] = await this.ask(this.path, { metric: LOSS, stage, attempt, from, max_points: FEW_POINTS });
      if (block) this.store.loadLost(block, stage, attempt);
    }
  }

  /** The reader looks at these steps: a map of stage -> [first, last], or null for all. The wait makes one request of a gesture. */
  look(spans) {
    this.aborter?.abort();
    clearTimeout(this.settling);
    this.#window = spans;
    this.store.dropDetailsOutside(spans);
    if (spans) this.settling = setTimeout(() => this.readWindow().catch(() => {}), SETTLE_MS);
  }

  #lacksDetail() {
    return this.#window !== null && this.#coarse().some((metric) => !this.store.series(metric).detail);
  }

  /** The wanted metrics whose overview does not show every point. */
  #coarse() {
    return [...this.#wanted.keys()].filter((metric) => {
      const { state, curves } = this.store.series(metric);
      return state === "read" && [...this.#window.keys()].some((index) => curves.get(index).isBuckets);
    });
  }

  async readWindow() {
    const spans = this.#window;
    const metrics = this.#coarse();
    if (!spans || !metrics.length) return;
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    try {
      for (const metric of metrics) this.store.readingDetail(metric);
      const found = await Promise.all([...spans].map(([stage, span]) => this.readSpan(metrics, stage, span, signal)));
      if (signal.aborted) return;
      for (const metric of metrics) this.store.loadDetail(metric, found.flat().filter((block) => block.metric === metric), spans);
      this.dispatchEvent(new CustomEvent("read", { detail: { metrics } }));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.dispatchEvent(new CustomEvent("failed", { detail: { error } }));
      throw error;
    }
  }

  async readSpan(metrics, stage, [from, to], signal) {
    const parts = inParts(metrics).map((part) => this.ask(this.many, { run: this.run, metric: part, stage, from, to, max_points: MANY_POINTS }, signal));
    return (await Promise.all(parts)).flat();
  }
}

/** The large charts' metrics and the small ones', which need fewer points. */
function bySize(wanted) {
  return [...new Set(wanted.map(([, points]) => points))].map((size) => wanted.filter(([, points]) => points === size));
}

function inParts(list) {
  return Array.from({ length: Math.ceil(list.length / PER_REQUEST) }, (_, i) => list.slice(i * PER_REQUEST, (i + 1) * PER_REQUEST));
}

/** The attempts whose last points a later one made again. */
function lostAttempts(stage) {
  return stage.attempts.filter((each) => each.last_step >= supersededFrom(each.number, stage.attempts)).map((each) => each.number);
}

/** A refusal carries its status, so that the caller can tell it from a server that is away. */
export async function askBlocks(path, query, signal) {
  const response = await fetch(`${path}?${address(query)}`, { headers: { Accept: "application/octet-stream" }, signal });
  if (!response.ok) throw Object.assign(new Error(`${response.status} of ${path}`), { status: response.status });
  return readBlocks(await response.arrayBuffer());
}

/** A list becomes a parameter for each of its members. */
function address(query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) for (const each of [value].flat()) parameters.append(name, each);
  return parameters;
}
