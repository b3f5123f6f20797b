// What the family of the model and the kind of a task leave to choose from: parts of the model, tasks, fields, data sets.

import { partsOf, removePart } from "./parts.js";
import { offer, show } from "./show.js";

const families = JSON.parse(document.getElementById("family-facts").textContent);
const kinds = JSON.parse(document.getElementById("kind-facts").textContent);

export function facts(form) {
  return families[form.elements["model.family"].value];
}

/** What cannot be quantized has no such card, unless something is said about it there. */
export function fitModel(form) {
  const family = form.elements["model.family"];
  form.querySelector("[data-family-name]").textContent = family.selectedOptions[0].textContent;
  for (const part of form.querySelectorAll("[data-families]")) show(part, part.dataset.families.split(" ").includes(family.value));
  const quantization = form.querySelector("[data-quantization]");
  const offered = facts(form).quantization;
  show(quantization, offered.length || quantization.querySelector(".wrong"));
  if (!quantization.hidden) fitOptional(quantization, offered);
}

/** The fields behind a switch follow it, as far as they are offered or something is said about them. */
function fitOptional(part, offered) {
  const { checked } = part.querySelector("[data-switch]");
  for (const field of part.querySelectorAll("[data-field]")) show(field, checked && (offered.includes(field.dataset.field) || field.querySelector(".wrong")));
}

export function fitTask(task) {
  const kind = kindOf(task);
  const offered = facts(task.closest("form")).tasks;
  for (const option of kind.options) offer(option, offered.includes(option.value));
  for (const field of task.querySelectorAll(":scope > .pair > [data-field]")) show(field, kinds[kind.value].fields.includes(field.dataset.field));
  for (const option of task.querySelectorAll("[data-dataset] option")) offer(option, fits(option, kind.value));
}

export function kindOf(task) {
  return task.querySelector("[data-kind]");
}

export function measuresOf(task) {
  return kinds[kindOf(task).value].measures;
}

function fits(option, kind) {
  const columns = option.dataset.columns.split(" ");
  return kinds[kind].needs.some((group) => group.every((column) => columns.includes(column)));
}

/** Another kind of task needs other data: a data set that does not fit gives way to one that does, if there is any. */
export function refit(task) {
  const selects = [...task.querySelectorAll("[data-dataset]")];
  for (const select of selects) {
    if (!select.value || fits(select.selectedOptions[0], kindOf(task).value)) continue;
    const taken = selects.map((each) => each.value);
    const fitting = [...select.options].find((option) => option.value && fits(option, kindOf(task).value) && !taken.includes(option.value));
    if (fitting) {
      fitting.disabled = false;
      select.value = fitting.value;
    }
  }
}

/** Tasks that the new family does not know become such that it does; what then would be there twice goes. */
export function changeFamily(form) {
  for (const stage of partsOf(form, "stages")) {
    for (const task of partsOf(stage, "tasks")) {
      if (facts(form).tasks.includes(kindOf(task).value)) continue;
      if (chooseKind(task, stage)) refit(task);
      else removePart(task, "tasks");
    }
  }
}

/** Returns whether there was a kind that the stage has not yet. */
export function chooseKind(task, stage) {
  const others = partsOf(stage, "tasks").filter((each) => each !== task);
  const taken = others.map((each) => kindOf(each).value);
  const free = facts(stage.closest("form")).tasks.find((kind) => !taken.includes(kind));
  if (!free) return false;
  const option = [...kindOf(task).options].find((each) => each.value === free);
  option.disabled = false;
  option.selected = true;
  return true;
}
