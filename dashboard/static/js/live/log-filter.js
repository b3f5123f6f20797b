// What the reader looks for in a log: pattern, level, and whose lines; kept in the address. Tells "filter" and "search" when it changed.

import { parameter, setParameters } from "../address.js";
import { fill } from "../chart/words.js";
import { compile, isMatch, passes } from "./log-search.js";

const TYPED_MS = 120;

export class LogFilter extends EventTarget {
  constructor(root, words) {
    super();
    Object.assign(this, { root, words, regex: null, level: "" });
    const find = (name) => root.querySelector(`[data-log-${name}]`);
    [this.input, this.wrong, this.whose, this.only] = ["search", "wrong", "part", "only"].map(find);
    this.levels = [...root.querySelectorAll("[data-level]")];
    this.readAddress();
    this.compile();
    this.bind();
  }

  bind() {
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.compile() && this.changed("search"), TYPED_MS);
    });
    for (const box of [this.whose, this.only]) box.addEventListener("change", () => this.changed("filter"));
    for (const button of this.levels) button.addEventListener("click", () => this.chooseLevel(button.dataset.level));
  }

  /** A pattern that is wrong is told of beside the box; the last good one stays. */
  compile() {
    const { regex, problem } = compile(this.input.value);
    this.wrong.hidden = !problem;
    this.wrong.querySelector("span").textContent = fill(this.words.bad_pattern, { problem });
    this.input.setAttribute("aria-invalid", String(Boolean(problem)));
    if (!problem) this.regex = regex;
    return !problem;
  }

  chooseLevel(level) {
    this.level = level;
    this.press();
    this.changed("filter");
  }

  press() {
    for (const button of this.levels) button.setAttribute("aria-pressed", String(button.dataset.level === this.level));
  }

  /** Whether a line is shown at all, by the filters and, where only what was found is wanted, by the pattern. */
  isShown(line) {
    return passes(line, { level: this.level, part: this.whose.value }) && (!this.only.checked || !this.regex || this.isFound(line));
  }

  isFound(line) {
    return this.regex !== null && isMatch(this.regex, line.text);
  }

  changed(what) {
    this.writeAddress();
    this.dispatchEvent(new Event(what));
  }

  readAddress() {
    this.input.value = parameter("find");
    this.whose.value = parameter("part");
    if (this.whose.selectedIndex < 0) this.whose.value = "";
    this.level = this.levels.some((each) => each.dataset.level === parameter("level")) ? parameter("level") : "";
    this.press();
  }

  writeAddress() {
    setParameters({ find: this.input.value, part: this.whose.value, level: this.level });
  }
}
