// The box that picks metrics by a pattern, kept in the address; a pattern that is wrong is told of beside it, and the last good one stays.

import { parameter, setParameters } from "../address.js";
import { compile } from "../live/log-search.js";
import { fill } from "./words.js";

const PARAMETER = "metrics";
const TYPED_MS = 100;

/** Event "change" when another pattern is in force. */
export class MetricSearch extends EventTarget {
  constructor(root, words) {
    super();
    this.input = root.querySelector("[data-metric-search]");
    this.wrong = root.querySelector("[data-metric-wrong]");
    Object.assign(this, { words, regex: null });
    this.input.value = parameter(PARAMETER);
    this.compile();
    this.input.addEventListener("input", () => this.typed());
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.compile()) return;
      setParameters({ [PARAMETER]: this.input.value.trim() });
      this.dispatchEvent(new Event("change"));
    }, TYPED_MS);
  }

  compile() {
    const { regex, problem } = compile(this.input.value.trim());
    this.input.setAttribute("aria-invalid", String(Boolean(problem)));
    this.wrong.hidden = !problem;
    this.wrong.querySelector("span").textContent = fill(this.words.bad_pattern, { problem });
    if (!problem) this.regex = regex;
    return !problem;
  }
}
