// Which models stand side by side: adding, removing, their order; all of it in the address.

import { complain, data, fill, words } from "./dom.js";
import { Column } from "./column.js";
import { send } from "./sending.js";
import { bindMenus } from "../menu.js";

export class Models {
  constructor(place, onchange) {
    this.place = place;
    this.onchange = onchange;
    this.columns = [];
    for (const model of data.models) this.add(model);
    bindAdding(this);
  }

  get all() {
    return this.columns.map((column) => column.model);
  }

  /** The first that is of a run, and so has checkpoints, probes and a project; undefined without one. */
  get ofRun() {
    return this.all.find((model) => model.run);
  }

  add(model) {
    const column = new Column(model);
    bindMenus(column.place);
    column.part("remove").addEventListener("click", () => this.remove(column));
    column.part("left").addEventListener("click", () => this.moveLeft(column));
    this.columns.push(column);
    this.place.append(column.place);
    this.tidy();
  }

  remove(column) {
    this.columns = this.columns.filter((each) => each !== column);
    column.place.remove();
    this.tidy();
    this.onchange();
  }

  moveLeft(column) {
    const at = this.columns.indexOf(column);
    if (at < 1) return;
    this.columns.splice(at - 1, 2, column, this.columns[at - 1]);
    this.place.insertBefore(column.place, this.columns[at].place);
    this.tidy();
    this.onchange();
  }

  tidy() {
    this.place.style.setProperty("--columns", this.columns.length);
    this.columns.forEach((column, at) => {
      column.part("remove").hidden = this.columns.length === 1;
      column.part("left").hidden = at === 0;
    });
  }

  /** What the others are compared with: of a quantized model its twin, else the weights that were trained longest. */
  referenceOf(column) {
    const floats = this.columns.filter((each) => each.model.run && !each.isQuantized && each.answer);
    const twin = floats.find((each) => each.model.run === column.model.run && each.model.stage === column.model.stage && each.model.is_last);
    const latest = floats.reduce((best, each) => (order(each) > order(best) ? each : best), floats[0]);
    return column.isQuantized && twin ? twin : (latest ?? this.columns[0]);
  }
}

function order({ model }) {
  return model.stage * 1e9 + model.step;
}

function bindAdding(models) {
  const dialog = document.getElementById("add-model");
  const form = dialog.querySelector("[data-add]");
  document.querySelector("[data-add-model]").addEventListener("click", () => {
    complain(form.querySelector("[data-add-wrong]"), models.columns.length < data.max_columns ? "" : words.most);
    dialog.showModal();
    offerWeights(form);
  });
  form.elements.run.addEventListener("change", () => {
    form.elements.weights.replaceChildren();
    complain(form.querySelector("[data-add-wrong]"), "");
    offerWeights(form);
  });
  form.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    const problem = chosenOf(models, form);
    complain(form.querySelector("[data-add-wrong]"), problem);
    if (problem) event.preventDefault();
  });
}

/** Adds the chosen weights; returns the sentence that says why not. */
function chosenOf(models, form) {
  const chosen = form.elements.weights.selectedOptions[0];
  if (!chosen) return words.offline;
  if (models.columns.length >= data.max_columns) return words.most;
  const model = JSON.parse(chosen.dataset.model);
  if (models.all.some((each) => each.key === model.key)) return words.twice;
  models.add(model);
  models.onchange();
  return "";
}

/** An answer about a run that is not chosen any more is dropped, and what was chosen among the weights stays chosen. */
async function offerWeights(form) {
  const { run, weights } = form.elements;
  const asked = run.value;
  const isServed = asked === "triton";
  const reply = await send("GET", isServed ? data.addresses.served : `${data.addresses.models}?run=${encodeURIComponent(asked)}`);
  const found = reply.items ?? [];
  if (run.value !== asked) return;
  if (isServed && !found.length) complain(form.querySelector("[data-add-wrong]"), reply.detail ?? words.no_served);
  const before = weights.value;
  weights.replaceChildren(...found.reverse().map(optionOf));
  if (found.some((model) => model.key === before)) weights.value = before;
}

function optionOf(model) {
  const option = document.createElement("option");
  option.value = model.key;
  option.dataset.model = JSON.stringify(model);
  if (model.served) option.textContent = fill(words.triton, model.served);
  else option.textContent = `${model.stage} ${model.stage_name}, ${model.step.toLocaleString("en")}, ${model.precision.toUpperCase()}`;
  return option;
}

