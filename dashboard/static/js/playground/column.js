// One column of answers: a model, what it says, and why.

import { data, element, fill, words } from "./dom.js";
import { drawHeat } from "./heat.js";
import { drawWords, strongest } from "./words.js";

const QUANTIZED = /^int8/;
const UNITS = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

export class Column {
  constructor(model) {
    this.model = model;
    this.answer = null;
    this.explained = null;
    this.place = document.getElementById("column").content.firstElementChild.cloneNode(true);
    this.place.dataset.column = model.key;
    if (model.served) this.headServed();
    else this.headOfRun();
    this.part("latency-name").textContent = words.latency;
    this.judgeTemplate = this.part("judge").cloneNode(true);
  }

  headOfRun() {
    const { stage, stage_name: name, run } = this.model;
    const colour = `s${((stage - 1) % 5) + 1}`;
    this.place.classList.add(this.isQuantized ? "quantized" : colour);
    this.part("numeral").textContent = stage;
    this.part("numeral").classList.add(colour);
    this.part("title").textContent = `${fill(words.title, stage)}, ${this.isQuantized ? this.precision : name}`;
    this.part("subtitle").textContent = this.subtitle();
    this.part("run-link").href = `${data.addresses.runs}${run}/`;
  }

  headServed() {
    this.place.classList.add("served");
    this.part("numeral").textContent = "T";
    this.part("title").textContent = fill(words.triton, this.model.served);
    this.part("subtitle").textContent = words.elsewhere;
    this.part("run-link").remove();
  }

  get name() {
    return `${this.part("title").textContent}, ${this.part("subtitle").textContent}`;
  }

  get isQuantized() {
    return QUANTIZED.test(this.model.precision);
  }

  get precision() {
    return this.model.precision.toUpperCase().replaceAll("_", " ");
  }

  part(name) {
    return this.place.querySelector(`[data-${name}]`);
  }

  subtitle() {
    const step = fill(words.checkpoint, this.model.step.toLocaleString("en"));
    return [this.model.run_name, this.isQuantized ? words.quantized : `${step}, ${this.precision}`].join(", ");
  }

  wait(waiting) {
    this.place.classList.toggle("waiting", waiting);
  }

  /** Takes an answer, or { detail }; the explanation of an earlier one goes. */
  show(answer) {
    this.wait(false);
    this.answer = answer.class ? answer : null;
    this.explained = null;
    for (const name of ["looked", "counted", "alone", "explaining"]) this.part(name).hidden = true;
    this.part("share").textContent = "—";
    this.part("judge").hidden = true;
    this.part("verdict").replaceChildren(...(answer.class ? verdict(answer) : [element("p", "muted", answer.detail)]));
    if (!answer.class) return;
    const median = answer.num_timed > 4;
    this.part("latency-name").textContent = median ? words.median : words.latency;
    this.part("latency").textContent = milliseconds(median ? answer.latency_ms_p50 : answer.latency_ms);
    if (answer.size_bytes) this.part("size").textContent = size(answer.size_bytes);
    this.part("explaining").hidden = false;
    if (this.model.served) this.explain({ detail: words.answers_alone });
  }

  /** Says whether the answer is the reference's. */
  compare(reference) {
    this.part("verdict").querySelector(".chip")?.remove();
    if (!this.answer || !reference?.answer || reference === this) return;
    const same = this.answer.class === reference.answer.class;
    const name = nameFor(this.model, reference);
    const chip = element("span", same ? "chip ok" : "chip warning", fill(same ? words.same : words.differs, name));
    this.part("verdict").querySelector(".verdict").append(chip);
  }

  explain(explained) {
    this.part("explaining").hidden = !explained.detail;
    if (explained.detail) {
      this.part("explaining").replaceChildren(element("span", "", fill(words.no_reason, explained.detail)));
      return;
    }
    this.explained = explained;
    for (const [name, known] of [["looked", explained.picture], ["counted", explained.words], ["alone", explained.alone]]) this.part(name).hidden = !known;
    if (explained.alone) this.showAlone(explained.alone);
  }

  showAlone(alone) {
    const line = (name, said) => {
      const made = element("p", "spread");
      const value = element("span", "", `${said.class} `);
      value.append(element("b", "", percent(said.probabilities[said.class])));
      made.append(element("span", "quiet", name), value);
      return made;
    };
    this.part("alone").replaceChildren(line(words.image_alone, alone.image), line(words.text_alone, alone.text));
    const image = Math.round(100 * alone.shares.image);
    this.part("share").textContent = `${image} : ${100 - image}`;
  }

  /** `largest` is the strongest word of all columns. */
  draw(input, image, isHeat, largest) {
    if (!this.explained) return;
    if (this.explained.picture && image?.naturalWidth) {
      const { method, grid } = this.explained.picture;
      this.part("method").textContent = method;
      this.part("nowhere").hidden = grid.flat().some((value) => value > 0);
      drawHeat(this.part("heat"), image, isHeat ? this.explained.picture.grid : null);
      this.part("heat").setAttribute("aria-label", fill(words.heat, this.explained.class));
    }
    if (this.explained.words) drawWords(this.part("words"), this.part("legend"), input.text.trim(), this.explained, largest);
  }

  get strongest() {
    return this.explained?.words ? strongest(this.explained) : 0;
  }
}

/** What tells the reference from a model: its precision, its step or its stage. */
function nameFor(model, reference) {
  if (reference.model.served) return reference.part("title").textContent;
  const same = reference.model.run === model.run && reference.model.stage === model.stage;
  if (!same) return fill(words.stage, reference.model.stage);
  return reference.model.step === model.step ? reference.precision : fill(words.at_step, reference.model.step.toLocaleString("en"));
}

function verdict(answer) {
  const head = element("div", "verdict");
  const name = element("b", "", answer.class);
  name.dataset.answer = "";
  head.append(name);
  const rows = element("div", "probabilities");
  for (const [each, value] of Object.entries(answer.probabilities)) rows.append(row(each, value, each === answer.class));
  return [head, rows];
}

function row(name, value, best) {
  const line = element("div", best ? "probability best" : "probability");
  const bar = element("span", "bar");
  const filled = element("span");
  filled.style.setProperty("width", `${100 * value}%`);
  bar.append(filled);
  line.append(element("span", "", name), bar, element("span", "", (100 * value).toFixed(1)));
  return line;
}

export function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}

function milliseconds(value) {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function size(bytes) {
  const [unit, name] = UNITS.find(([least]) => bytes >= least) ?? [1, "B"];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}
