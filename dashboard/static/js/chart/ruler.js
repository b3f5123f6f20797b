// The stage strip above the charts: laid out on their axis, with what is done and how long the rest takes.

import * as numbers from "./numbers.js";
import { fill } from "./words.js";

const NARROW = 132;
const TINY = 52;
const SLIVER = 24; // no room for the numeral
const DONE = ["completed", "reused"];

export class Ruler {
  constructor(host, view, clock) {
    Object.assign(this, { host, view, clock });
    this.segments = [...host.querySelectorAll("[data-stage]")];
    host.addEventListener("keydown", (event) => this.walk(event));
  }

  draw(toPixels, width) {
    const parts = this.parts(toPixels, width);
    this.segments.forEach((segment, i) => this.place(segment, parts[i], width));
  }

  /** Each stage's left and right edge and how far it is. Where stages lie over one another the strip keeps its own proportions. */
  parts(toPixels, width) {
    const { axis, stages, total, layout } = this.view;
    if (layout === "overlay") return stages.map((stage) => part(stage, [stage.offset, stage.offset + stage.num_steps, stage.offset + stage.last_step].map((step) => (step / total) * width)));
    return axis.spans.map(({ stage, from, to }) => part(stage, [from, to, axis.at(stage.index, stage.last_step)].map(toPixels)));
  }

  place(segment, { stage, left: from, right: to, done }, width) {
    const [left, right] = [Math.max(0, from), Math.min(width, to)];
    segment.hidden = right - left < 1;
    Object.assign(segment.style, { left: `${left}px`, width: `${right - left}px` });
    segment.classList.toggle("is-narrow", right - left < NARROW);
    segment.classList.toggle("is-tiny", right - left < TINY);
    segment.classList.toggle("is-sliver", right - left < SLIVER);
    segment.querySelector(".ruler-done").style.width = `${Math.max(0, Math.min(right, done) - left)}px`;
    this.label(segment, stage);
  }

  label(segment, stage) {
    const share = stage.last_step / stage.num_steps;
    const { words } = this.view;
    const isOpen = stage.last_step > 0 && !DONE.includes(stage.status);
    const steps = numbers.steps(stage.num_steps);
    const text = isOpen ? fill(words.of_steps, { step: numbers.steps(stage.last_step), steps }) : fill(words.steps, { steps });
    write(segment, ".ruler-steps", text);
    write(segment, ".ruler-share", isOpen ? numbers.progress(share) : "");
    write(segment, ".ruler-time", segment.dataset.origin ?? this.time(stage));
    segment.dataset.status = stage.status;
  }

  /** What the stage took, or about what it still takes at the pace of this attempt. */
  time(stage) {
    if (stage.status === "completed" && stage.started_at && stage.ended_at) return numbers.duration(stage.ended_at - stage.started_at);
    if (stage.status === "waiting" || stage.status === "queued") return "";
    const left = secondsLeft(stage, this.view.store, this.clock());
    return left === null ? "" : fill(this.view.words.left, { time: numbers.rough(left) });
  }

  /** Arrow keys walk between the segments. */
  walk(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = this.segments.indexOf(document.activeElement);
    if (move && at >= 0) this.segments[at + move]?.focus();
  }
}

/** The time a running stage still needs, by the steps its newest attempt has made since it started; null while unknown. */
export function secondsLeft(stage, store, now) {
  if (!["running", "stopping"].includes(stage.status)) return null;
  const attempt = stage.attempts.at(-1);
  const begun = store.events.findLast((event) => event.kind === "started" && event.stage === stage.index && event.attempt === attempt?.number);
  const made = begun ? stage.last_step - (attempt.first_step ?? 1) + 1 : 0;
  if (made < 5 || !store.lastPointAt) return null;
  const until = Math.min(now, store.lastPointAt);
  return ((until - begun.at) / made) * (stage.num_steps - stage.last_step);
}

function part(stage, [left, right, done]) {
  return { stage, left, right, done };
}

function write(segment, selector, text) {
  const element = segment.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}
