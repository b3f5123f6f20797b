// The log tail: new text is appended; the view follows until the reader scrolls up; the search box keeps the lines that match.

import * as numbers from "../chart/numbers.js";
import { fill } from "../chart/words.js";

const LONGEST = 20_000; // lines kept in the page
const NEAR_END = 24;

export class Log {
  constructor(root, words) {
    this.words = words;
    this.box = root.querySelector("[data-log]");
    this.search = root.querySelector("[data-log-search]");
    this.count = root.querySelector("[data-log-count]");
    this.follow = root.querySelector("[data-log-follow]");
    this.empty = root.querySelector("[data-log-empty]");
    this.search.addEventListener("input", () => this.filter());
    this.box.addEventListener("scroll", () => this.scrolled());
    this.follow.addEventListener("click", () => this.toEnd());
    this.openLine = null;
    for (const part of [...this.box.querySelectorAll("template, script")]) this.takeFirst(part);
    this.showCount();
    this.toEnd();
  }

  takeFirst(part) {
    for (const { stage, attempt, text } of JSON.parse(part.textContent)) this.append(stage, attempt, text);
    part.remove();
  }

  /** A text may end in the middle of a line; the next one of the same attempt goes on there. */
  append(stage, attempt, text) {
    const key = `${stage}.${attempt}`;
    const lines = text.split("\n");
    if (this.openLine?.dataset.key === key && this.openLine.dataset.open) {
      this.setText(this.openLine, this.openLine.lastChild.textContent + lines.shift());
      if (lines.length) delete this.openLine.dataset.open;
    }
    const rest = lines.pop();
    for (const line of lines) this.add(key, stage, line);
    if (rest) this.add(key, stage, rest).dataset.open = "1";
    while (this.box.childElementCount > LONGEST) this.box.firstElementChild.remove();
    if (this.isFollowing) this.toEnd();
    this.showCount();
  }

  add(key, stage, text) {
    const line = document.createElement("div");
    line.className = "log-line";
    line.dataset.key = key;
    line.dataset.stage = stage;
    const content = document.createElement("span");
    line.append(content);
    this.box.append(line);
    this.setText(line, text);
    this.openLine = line;
    return line;
  }

  setText(line, text) {
    line.lastChild.textContent = text;
    line.dataset.level = levelOf(text);
    line.hidden = !this.matches(text);
  }

  matches(text) {
    return text.toLowerCase().includes(this.search.value.trim().toLowerCase());
  }

  filter() {
    for (const line of this.box.children) line.hidden = !this.matches(line.textContent);
    this.showCount();
  }

  showCount() {
    this.empty.hidden = this.box.childElementCount > 0;
    const shown = this.search.value ? this.box.querySelectorAll(".log-line:not([hidden])").length : this.box.childElementCount;
    this.count.textContent = fill(this.words.lines_found, { count: numbers.steps(shown) });
  }

  scrolled() {
    this.isFollowing = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR_END;
    this.follow.hidden = this.isFollowing;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.isFollowing = true;
    this.follow.hidden = true;
  }
}

export function levelOf(text) {
  if (/\b(error|traceback|critical|exception)\b/i.test(text)) return "error";
  return /\bwarn(ing)?\b/i.test(text) ? "warning" : "";
}
