// The dot, word and age beside the run's name, and the sentence after a break of the connection.

import * as numbers from "../chart/numbers.js";
import { fill } from "../chart/words.js";
import { freshness, isDue, usualInterval } from "./freshness.js";

const REPLAYED_FOR_MS = 5000;
const SPOKEN_EVERY_MS = 10_000;

export class LiveStatus {
  constructor(store, connection, words, clock) {
    Object.assign(this, { store, connection, words, clock, note: "", spokenAt: 0 });
    connection.addEventListener("state", (event) => this.connectionChanged(event.detail));
    setInterval(() => this.draw(), 500);
  }

  connectionChanged({ phase, replayed, again }) {
    clearTimeout(this.timer);
    this.note = this.words[phase] ?? "";
    if (phase === "joined" && again) {
      this.note = fill(this.words.replayed, { count: numbers.steps(replayed) });
      this.timer = setTimeout(() => this.setNote(""), REPLAYED_FOR_MS);
    }
    this.draw();
  }

  setNote(note) {
    this.note = note;
    this.draw();
  }

  draw() {
    if (document.hidden) return;
    const { run, stages, lastPointAt } = this.store;
    for (const host of document.querySelectorAll("[data-freshness]")) this.drawInto(host, lastPointAt && isDue(run.status, stages), run.status);
    for (const host of document.querySelectorAll("[data-connection-note]")) write(host, this.note);
  }

  drawInto(host, isShown, status) {
    host.hidden = !isShown;
    if (!isShown) return;
    const age = Math.max(0, this.clock() - this.store.lastPointAt);
    const word = freshness({ age, status, interval: usualInterval(this.store.arrivals) });
    if (host.dataset.freshness !== word) this.speak(this.words[word]);
    host.dataset.freshness = word;
    host.className = host.className.replace(/\b(is-)?(live|slow|stale|lost)\b/g, "").trim();
    host.classList.add(word);
    write(host.querySelector("[data-word]"), this.words[word]);
    write(host.querySelector("[data-age]"), fill(this.words.ago, { age: numbers.age(age) }));
    const isJoined = this.connection.phase === "joined";
    host.title = `${fill(this.words.last_point, { age: numbers.age(age) })}, ${isJoined ? this.words.connected : this.words.not_connected}`;
  }

  /** Screen readers hear of a change at most every ten seconds. */
  speak(text) {
    if (performance.now() - this.spokenAt < SPOKEN_EVERY_MS && this.spokenAt) return;
    this.spokenAt = performance.now();
    const region = document.querySelector("[data-spoken]");
    if (region) write(region, text);
  }
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
