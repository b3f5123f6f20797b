// The events lane between loss and rate: one mark per event, placed on the charts' own axis.

import { spoiltOf, VALIDATION } from "./kind-loss.js";
import { marksOf, thinOut } from "./markers.js";
import * as numbers from "./numbers.js";
import { fill } from "./words.js";

const SHAPES = {
  checkpoint: '<path d="M8 4.5 11.5 11h-7z"/>',
  evaluation: '<circle class="hollow" cx="8" cy="8" r="2.5"/>',
  resume: '<circle cx="8" cy="8" r="6.5"/><path class="inner" d="M5.6 8a2.4 2.4 0 1 0 .8-1.8M5.5 4.8v1.8h1.8"/>',
  nan: '<circle cx="8" cy="8" r="6.5"/><path class="inner" d="m6 6 4 4m0-4-4 4"/>',
  failed: '<circle cx="8" cy="8" r="6.5"/><path class="inner" d="m6 6 4 4m0-4-4 4"/>',
  lost: '<circle cx="8" cy="8" r="6.5"/><path class="inner" d="M8 4.8v3.8M8 11v.2"/>',
  stop: '<rect x="2.5" y="2.5" width="11" height="11" rx="2"/><rect class="inner-fill" x="6" y="6" width="4" height="4"/>',
  done: '<path d="M8 1 15 8 8 15 1 8z"/><path class="inner" d="m5.6 8.1 1.7 1.7 3.2-3.4"/>',
  gate: '<path d="M8 1 15 8 8 15 1 8z"/><path class="inner" d="M8 5v3.4M8 10.8v.2"/>',
  note: '<rect x="2" y="2" width="12" height="12" rx="2.5"/><path class="inner" d="M5 6.4h6M5 9.4h3.6"/>',
};
const WORDS = { lost: "worker_lost" };

export class Lane {
  constructor(host, view) {
    Object.assign(this, { host, view });
  }

  /** `toPixels` gives the pixel of a place on the axis; marks outside the window are left out. */
  draw(toPixels) {
    const [low, high] = this.view.range;
    const placed = this.marks().map((mark) => ({ ...mark, x: this.view.axis.at(mark.stage, mark.step) }));
    const shown = thinOut(placed.filter(({ x, stage }) => x >= low && x <= high && !this.view.hidden.has(`s${stage}`)), toPixels);
    const key = shown.map((mark) => `${mark.shape}${Math.round(toPixels(mark.x))}`).join();
    if (key === this.key) return;
    this.key = key;
    this.host.replaceChildren(...shown.map((mark) => this.element(mark, toPixels(mark.x))));
  }

  /** Sorted out anew only when one may have come. */
  marks() {
    const { store, stages } = this.view;
    const spoilt = spoiltOf(this.view);
    const evaluated = stages.flatMap(({ index }) => Array.from(store.curve(VALIDATION, index).step, (step) => ({ stage: index, step })));
    const key = [store.events.length, spoilt.length, evaluated.length, store.cursor === 0].join();
    if (key !== this.known?.key) this.known = { key, marks: marksOf(store.events, stages, spoilt, evaluated) };
    return this.known.marks;
  }

  element(mark, left) {
    const element = document.createElement("span");
    element.className = `mark mark-${mark.shape}`;
    element.title = this.say(mark);
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", element.title);
    element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[mark.shape]}</svg>`;
    element.style.left = `${left}px`;
    return element;
  }

  /** A gate and a note bring their own words. */
  say(mark) {
    const words = mark.data?.text ?? this.view.words[WORDS[mark.kind] ?? mark.kind] ?? mark.kind;
    const sentence = fill(words, { step: numbers.steps(mark.step) });
    const stage = this.view.store.stage(mark.stage).name;
    const clock = mark.at ? `, ${new Date(mark.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}` : "";
    return `${stage}: ${sentence}${clock}`;
  }
}
