// Shows of each stage what its choices ask for: fields of the shape, of the task, of the length; sums of shares, bars of weights.

import { fitCurriculum } from "./curriculum.js";
import { facts, fitTask } from "./offers.js";
import { partsOf } from "./parts.js";
import { show } from "./show.js";
import { say } from "./words.js";

const shapes = JSON.parse(document.getElementById("shape-fields").textContent);

export function fitStage(stage) {
  const tasks = partsOf(stage, "tasks");
  fitSchedule(stage);
  fitLength(stage);
  tasks.forEach(fitTask);
  fitWeights(stage, tasks);
  fitCurriculum(stage, tasks);
  fitWords(stage, tasks, facts(stage.closest("form")).language);
}

/** A language model counts rows and tokens, an image + text model samples. */
function fitWords(stage, tasks, language) {
  if (language) sumTogether(tasks);
  else tasks.forEach((task) => sumShares([task], task));
  stage.querySelector('[data-field="batch_size"] .unit').textContent = say(language ? "rows" : "samples");
  for (const words of stage.querySelectorAll("[data-holds]")) words.hidden = (words.dataset.holds === "language") !== language;
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

/** How the weights are used is a question only where there are several, or where it is answered already. */
function fitWeights(stage, tasks) {
  const weights = [...stage.querySelectorAll("[data-weight]")];
  const heaviest = Math.max(...weights.map(weightOf), 1e-9);
  weights.forEach((weight, number) => {
    weight.querySelector("[data-weight-name]").textContent = tasks[number].querySelector("[data-kind]").selectedOptions[0]?.textContent ?? "";
    weight.querySelector("[data-weight-bar]").style.width = `${(100 * weightOf(weight)) / heaviest}%`;
  });
  const weighting = stage.querySelector('[data-field="task_weighting"]');
  show(weighting, tasks.length > 1 || weighting.querySelector("select").value !== "fixed");
}

function weightOf(weight) {
  return Number(weight.querySelector("input").value) || 0;
}

/** A language model's shares are of the whole stage: their sum stands under the last task. */
function sumTogether(tasks) {
  for (const task of tasks) task.querySelector("[data-sum]").textContent = "";
  if (tasks.length) sumShares(tasks, tasks.at(-1));
}

function sumShares(tasks, place) {
  const shares = tasks.flatMap((task) => [...task.querySelectorAll(".share input")]);
  const sum = Number(shares.reduce((total, input) => total + (Number(input.value) || 0), 0).toPrecision(6));
  place.querySelector("[data-sum]").textContent = sum === 100 || sum <= 0 ? `${sum} %` : say("scaled", { sum });
  for (const input of shares) input.closest(".source-row").querySelector("[data-slider]").value = input.value;
}
