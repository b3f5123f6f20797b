// The dot, word and age beside the run's name, and the sentence after a break of the connection.

import * as numbers from "../chart/numbers.js";
import { fill } from "../chart/words.js";
import { isDue, judge, usualInterval } from "./freshness.js";
import { drawFreshness } from "./freshness-mark.js";

const REPLAYED_FOR_MS = 5000;
const WORKS = ["running", "stopping", "lost"];

export class LiveStatus {
  /** `heartbeat` is {seen_at, worker, interval} as the page's data and the overview's messages give it. */
  constructor(store, connection, speaker, { words, clock, heartbeat }) {
    Object.assign(this, { store, connection, speaker, words, clock, heartbeat, note: "", offSince: null });
    connection.addEventListener("state", (event) => this.connectionChanged(event.detail));
    setInterval(() => this.draw(), 500);
    this.draw();
  }

  takeHeartbeat(heartbeat) {
    this.heartbeat = heartbeat;
    this.draw();
  }

  connectionChanged({ phase, replayed, again }) {
    clearTimeout(this.timer);
    this.offSince = phase === "joined" ? null : (this.offSince ?? this.clock());
    this.setNote(this.words[phase] ?? "");
    if (phase !== "joined" || !again) return;
    this.setNote(fill(this.words.replayed, { count: numbers.steps(replayed) }));
    this.timer = setTimeout(() => this.setNote(""), REPLAYED_FOR_MS);
  }

  setNote(note) {
    if (note && note !== this.note) this.speaker.say(note);
    this.note = note;
    this.draw();
  }

  draw() {
    if (document.hidden) return;
    const judged = this.judge();
    if (judged) this.tell(judged.word);
    for (const host of document.querySelectorAll("[data-freshness]")) this.drawInto(host, judged);
    for (const host of document.querySelectorAll("[data-connection-note]")) write(host, this.note);
  }

  /** Null where nothing is due; the heartbeat alone counts while data loads and before the first point. */
  judge() {
    const { run, stages, lastPointAt } = this.store;
    if (!WORKS.includes(run.status)) return null;
    const pointAt = isDue(run.status, stages) ? lastPointAt : null;
    const seen = { pointAt, seenAt: this.heartbeat.seen_at, status: run.status, interval: this.interval, offSince: this.offSince };
    return judge(seen, this.clock());
  }

  /** As measured on this page, or, until enough points have come, over the whole attempt. */
  get interval() {
    return usualInterval(this.store.arrivals) || this.heartbeat.interval || 0;
  }

  drawInto(host, judged) {
    host.hidden = !judged;
    if (judged) drawFreshness(host, judged, this.words, { interval: this.interval, worker: this.heartbeat.worker });
  }

  /** A run that is lost is told at once, any other change in its turn. */
  tell(word) {
    if (this.word === word) return;
    const isFirst = this.word === undefined;
    this.word = word;
    if (isFirst) return;
    if (word === "lost") this.speaker.warn(this.words.lost);
    else this.speaker.say(this.words[word]);
  }
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
