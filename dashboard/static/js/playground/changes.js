// How an answer changed while a run was trained: its probabilities at every checkpoint, in the bands of the stages, and a slider.

import { data, element, fill, words } from "./dom.js";
import { readLines } from "./lines.js";
import { inputForm } from "./sending.js";
import { drawChart } from "./changes-chart.js";

export class Changes {
  constructor(place) {
    this.place = place;
    this.slider = place.querySelector("[data-slider]");
    this.slider.addEventListener("input", () => this.draw());
    this.reading = null;
  }

  /** Asks every checkpoint of the model's run about an input. */
  async ask(model, given) {
    this.begin(model);
    const problem = await readLines(
      data.addresses.changes,
      inputForm(given, { run: model.run }),
      (line) => this.hear(line),
      this.reading.signal,
    );
    this.say(problem);
  }

  begin(model) {
    this.reading?.abort();
    this.reading = new AbortController();
    Object.assign(this, { model, stages: [], rows: [], count: 0 });
    this.place.querySelector("[data-changes-body]").hidden = false;
    this.draw();
  }

  hear(line) {
    if (line.stages) Object.assign(this, { stages: line.stages, count: line.count });
    else if (line.probabilities) this.rows.push(line);
    this.say(line.error ?? (this.rows.length < this.count ? fill(words.scoring, this.rows.length + 1, this.count) : ""));
    this.toLast();
  }

  /** Shows scores that are known already. */
  show(model, stages, rows) {
    this.begin(model);
    Object.assign(this, { stages, rows, count: rows.length });
    this.say("");
    this.toLast();
  }

  toLast() {
    this.slider.max = Math.max(this.rows.length - 1, 0);
    this.slider.value = this.slider.max;
    this.draw();
  }

  say(text) {
    this.place.querySelector("[data-changes-state]").textContent = text;
  }

  draw() {
    const at = Number(this.slider.value);
    const row = this.rows[at];
    this.slider.hidden = this.rows.length < 2;
    this.place.querySelector("[data-changes-run]").textContent = fill(words.scored_at, this.model.run_name, this.rows.length);
    drawChart(this.place.querySelector("[data-chart]"), this.stages, this.rows, at);
    this.turned();
    this.slider.setAttribute("aria-valuetext", row ? sentence(row, this.stages) : "");
    this.place.querySelector("[data-at]").replaceChildren(...(row ? told(row, this.stages) : []));
  }

  /** Says where the answer became what it is at the end. */
  turned() {
    const answers = this.rows.map(best);
    const last = answers.at(-1);
    const from = answers.findLastIndex((name) => name !== last) + 1;
    const place = this.place.querySelector("[data-turned]");
    if (!last) place.textContent = "";
    else if (from === 0) place.textContent = fill(words.stayed, last);
    else place.textContent = fill(words.turned, last, stepOf(this.rows[from], this.stages).toLocaleString("en"));
  }
}

function best({ probabilities }) {
  return Object.entries(probabilities).reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

/** The step of a checkpoint counted over all stages. */
export function stepOf({ stage, step }, stages) {
  return step + stages.filter((each) => each.index < stage).reduce((sum, each) => sum + each.num_steps, 0);
}

function sentence(row, stages) {
  const stage = stages.find((each) => each.index === row.stage);
  const said = Object.entries(row.probabilities).map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`);
  return `${stage.index} ${stage.name}, ${fill(words.at_step, row.step.toLocaleString("en"))}: ${said.join(", ")}`;
}

function told(row, stages) {
  const [where, said] = sentence(row, stages).split(": ");
  return [element("b", "", where), element("span", "quiet", said)];
}
