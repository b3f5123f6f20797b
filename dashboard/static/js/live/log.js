// The log tail: follows until the reader scrolls up, walks through what was found, and reads earlier text when asked.

import * as numbers from "../chart/numbers.js";
import { colourNumber } from "../chart/theme.js";
import { fill } from "../chart/words.js";
import { LogFilter } from "./log-filter.js";
import { LogLines } from "./log-lines.js";
import { partBefore, partsAfter } from "./log-part.js";
import { pieces, step } from "./log-search.js";
import { LINE_PX, LogWindow } from "./log-window.js";

const NEAR_END = 24;
const NEAR_START = 4;
const OFFERED_PX = 400;
const COPIED_MS = 1500;

export class Log {
  constructor(root, words) {
    Object.assign(this, { root, words, lines: new LogLines(), shown: [], found: [], current: -1, numNew: 0, isFollowing: true });
    this.find = (name) => root.querySelector(`[data-log-${name}]`);
    this.box = root.querySelector("[data-log]");
    this.address = root.dataset.logRoot;
    this.filter = new LogFilter(root, words);
    this.window = new LogWindow(this.box, (index) => this.draw(index));
    this.bind();
    const first = JSON.parse(root.querySelector("#log-first").textContent);
    this.before = first.before;
    this.takeParts(first.parts);
    this.searched();
  }

  bind() {
    this.filter.addEventListener("filter", () => this.filtered());
    this.filter.addEventListener("search", () => this.searched());
    this.filter.input.addEventListener("keydown", (event) => event.key === "Enter" && this.go(event.shiftKey ? -1 : 1));
    this.find("next").addEventListener("click", () => this.go(1));
    this.find("previous").addEventListener("click", () => this.go(-1));
    this.find("earlier").addEventListener("click", () => this.loadEarlier());
    this.find("follow").addEventListener("click", () => this.toEnd());
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.box.addEventListener("click", (event) => this.pressed(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  append(stage, attempt, text) {
    const before = this.shown.length;
    this.take(this.lines.append(stage, attempt, text));
    if (!this.isFollowing) this.numNew += Math.max(0, this.shown.length - before);
    this.drawn();
  }

  takeParts(parts) {
    for (const { stage, attempt, text } of parts) this.append(stage, attempt, text);
  }

  /** Reads what was printed while the page could not listen. */
  catchUp(cursor, until) {
    return partsAfter(this.address, cursor, until, (parts) => this.takeParts(parts));
  }

  async loadEarlier() {
    if (this.before === null || this.isLoading) return;
    this.isLoading = true;
    try {
      const part = await partBefore(this.address, this.before);
      this.before = part.before;
      this.putInFront(part.parts);
    } finally {
      this.isLoading = false;
    }
  }

  /** What the reader looks at stays where it is. */
  putInFront(parts) {
    const before = this.shown.length;
    const chosen = this.shown[this.current];
    this.lines.prepend(parts);
    this.collect();
    this.current = this.shown.indexOf(chosen);
    this.box.scrollTop += (this.shown.length - before) * LINE_PX;
    this.drawn();
  }

  /** Takes the lines from `from` on into what is shown and what is found. */
  take(from) {
    const changed = new Set(this.lines.all.slice(from));
    while (this.shown.length && changed.has(this.shown.at(-1))) this.shown.pop();
    const start = this.shown.length;
    while (this.found.length && this.found.at(-1) >= start) this.found.pop();
    for (const line of changed) if (this.filter.isShown(line)) this.shown.push(line);
    for (let i = start; i < this.shown.length; i += 1) if (this.filter.isFound(this.shown[i])) this.found.push(i);
    this.window.set(this.shown.length, start);
  }

  collect() {
    [this.shown, this.found] = [[], []];
    this.take(0);
  }

  filtered() {
    this.current = -1;
    this.collect();
    this.toEnd();
  }

  /** The newest line that was found comes into view. */
  searched() {
    this.filtered();
    if (this.found.length) this.show(this.found.at(-1));
  }

  go(by) {
    const next = step(this.found, this.current, by);
    if (next >= 0) this.show(next);
  }

  show(index) {
    const before = this.current;
    this.current = index;
    for (const each of [before, index]) this.window.redraw(each);
    this.window.reveal(index);
    this.scrolled();
    this.drawn();
  }

  draw(index) {
    const line = this.shown[index];
    const element = this.root.querySelector("template[data-log-line]").content.firstElementChild.cloneNode(true);
    Object.assign(element.dataset, { index, level: line.level, stage: colourNumber(line.stage) });
    element.classList.toggle("is-current", index === this.current);
    element.querySelector("span").append(...pieces(this.filter.regex, line.text).map(marked));
    return element;
  }

  drawn() {
    if (this.isFollowing) this.box.scrollTop = this.box.scrollHeight;
    this.find("empty").hidden = this.lines.all.length > 0;
    this.find("earlier").hidden = this.before === null || this.box.scrollTop > OFFERED_PX;
    this.find("count").textContent = this.countWords();
    for (const name of ["next", "previous"]) this.find(name).disabled = !this.found.length;
    const { new_lines: fresh, no_new_lines: follow } = this.words;
    this.find("follow").querySelector("span").textContent = this.numNew ? fill(fresh, { count: numbers.steps(this.numNew) }) : follow;
    this.find("follow").hidden = this.isFollowing;
  }

  countWords() {
    if (!this.filter.regex) return fill(this.words.lines, { count: numbers.steps(this.shown.length) });
    const at = this.found.indexOf(this.current);
    const count = numbers.steps(this.found.length);
    return at < 0 ? fill(this.words.found, { count }) : fill(this.words.line_of, { at: numbers.steps(at + 1), count });
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    this.isFollowing = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.isFollowing) this.numNew = 0;
    if (scrollTop < NEAR_START && scrollHeight > clientHeight) this.loadEarlier();
    this.find("follow").hidden = this.isFollowing;
    this.find("earlier").hidden = this.before === null || scrollTop > OFFERED_PX;
  }

  toEnd() {
    [this.isFollowing, this.numNew] = [true, 0];
    this.drawn();
  }

  pressed({ target }) {
    const line = target.closest(".log-line");
    if (!line) return;
    if (target.closest("[data-copy-line]")) this.copy(Number(line.dataset.index));
    else if (getSelection().isCollapsed) this.show(Number(line.dataset.index));
  }

  /** Arrows choose a line, c copies it. */
  key(event) {
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (move && this.shown.length) {
      event.preventDefault();
      const from = this.current < 0 ? this.shown.length : this.current;
      this.show(Math.min(this.shown.length - 1, Math.max(0, from + move)));
    } else if (event.key === "c" && !event.ctrlKey && !event.metaKey && this.current >= 0) this.copy(this.current);
  }

  async copy(index) {
    await navigator.clipboard.writeText(this.shown[index].text);
    this.find("count").textContent = this.words.copied;
    setTimeout(() => this.drawn(), COPIED_MS);
  }
}

function marked({ text, isMatch }) {
  if (!isMatch) return document.createTextNode(text);
  const mark = document.createElement("mark");
  mark.textContent = text;
  return mark;
}
