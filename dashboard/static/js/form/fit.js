// Shows of each stage what its choices ask for: fields of the shape, of the task, of the length; sums of shares, bars of weights.

import { partsOf } from "./parts.js";
import { say } from "./words.js";

const shapes = JSON.parse(document.getElementById("shape-fields").textContent);
const kinds = JSON.parse(document.getElementById("kind-fields").textContent);

export function fitStage(stage) {
  fitSchedule(stage);
  fitLength(stage);
  const weights = [...stage.querySelectorAll("[data-weight]")];
  const heaviest = Math.max(...weights.map(weightOf), 1e-9);
  partsOf(stage, "tasks").forEach((task, number) => {
    fitTask(task, weights[number]);
    weights[number].querySelector("[data-weight-bar]").style.width = `${(100 * weightOf(weights[number])) / heaviest}%`;
  });
}

function weightOf(weight) {
  return Number(weight.querySelector("input").value) || 0;
}

/** A field that the shape does not read is neither shown nor sent. */
function fitSchedule(stage) {
  const shape = stage.querySelector('[data-field="shape"] select').value;
  const optional = new Set(Object.values(shapes).flat());
  for (const field of stage.querySelectorAll("[data-schedule] [data-field]")) {
    if (optional.has(field.dataset.field)) show(field, shapes[shape]?.includes(field.dataset.field));
  }
}

/** The button offers the length that is not in use; neither does while both are shown because both were given. */
function fitLength(stage) {
  for (const button of stage.querySelectorAll("[data-swap]")) button.hidden = !lengthField(stage, button.dataset.swap).hidden;
}

export function swapLength(stage, wanted) {
  for (const name of ["steps", "epochs"]) show(lengthField(stage, name), name === wanted);
  const input = lengthField(stage, wanted).querySelector("input");
  if (!input.value && wanted === "epochs") input.value = "1";
  input.focus();
}

/** After an undo that empties a length, the other one is back in use. */
export function lengthUndone(input) {
  const field = input.closest('[data-field="steps"], [data-field="epochs"]');
  if (field && !input.value) swapLength(field.closest('[data-part="stages"]'), field.dataset.field === "steps" ? "epochs" : "steps");
}

function lengthField(stage, name) {
  return stage.querySelector(`[data-schedule] [data-field="${name}"]`);
}

function fitTask(task, weight) {
  const kind = task.querySelector("[data-kind]");
  weight.querySelector("[data-weight-name]").textContent = kind.selectedOptions[0].textContent;
  for (const field of task.querySelectorAll(":scope > .pair > [data-field]")) show(field, kinds[kind.value].includes(field.dataset.field));
  const shares = [...task.querySelectorAll(".share input")];
  const sum = Number(shares.reduce((total, input) => total + (Number(input.value) || 0), 0).toPrecision(6));
  task.querySelector("[data-sum]").textContent = sum === 100 || sum <= 0 ? `${sum} %` : say("scaled", { sum });
  for (const input of shares) input.closest(".source-row").querySelector("[data-slider]").value = input.value;
}

function show(field, wanted) {
  field.hidden = !wanted;
  for (const input of field.querySelectorAll("input, select")) input.disabled = !wanted;
}
