// The run form: stages that come and go, fields that fit the choice, a plan that follows what is typed.

import { Changes, labelOf } from "./form/changes.js";
import { startCurriculum } from "./form/curriculum.js";
import { fitStage, lengthUndone, swapLength } from "./form/fit.js";
import { changeFamily, chooseKind, fitModel, refit } from "./form/offers.js";
import { addPart, addWeight, movePart, partsOf, removePart, renumber } from "./form/parts.js";
import { Plan } from "./form/plan.js";
import { Tabs } from "./form/tabs.js";
import { Views } from "./form/views.js";
import { say } from "./form/words.js";

const form = document.getElementById("run-form");
const tabs = new Tabs(form);
const changes = new Changes(form, undone);
const plan = new Plan(form, marked);

form.addEventListener("input", (event) => changed(event.target));
form.addEventListener("click", act);
form.addEventListener("focusin", (event) => explain(event.target));
document.getElementById("recipe")?.addEventListener("change", startAgain);

settle();
tabs.show(firstOpen());
document.getElementById("summary")?.focus();
const first = document.getElementById("plan-source");
plan.draw(first);
first.remove();
new Views(form, plan);

function changed(input) {
  const partner = input.dataset.slider && document.getElementById(input.dataset.slider);
  if (partner) partner.value = input.value;
  if (input.matches("[data-kind]")) refit(input.closest('[data-part="tasks"]'));
  if (input.matches("[data-curriculum] [data-switch]:checked")) begin(input.closest('[data-part="stages"]'));
  if (input.matches("[data-family]")) changeFamily(form);
  renumber(form);
  settle();
  plan.refreshSoon();
}

function begin(stage) {
  startCurriculum(stage, partsOf(stage, "tasks"));
}

function undone(input) {
  lengthUndone(input);
  changed(input);
}

/** Starts again from a recipe or from the run that is forked; the name and the project stay. */
function startAgain() {
  const { name, project, from, stage } = form.elements;
  const start = from ? { from: from.value, stage: stage.value } : { recipe: document.getElementById("recipe").value, project: project.value };
  location.assign(`?${new URLSearchParams({ ...start, name: name.value })}`);
}

/** Brings everything that follows from the fields up to date. */
function settle() {
  tabs.sync();
  fitModel(form);
  partsOf(form, "stages").forEach(fitStage);
  changes.draw();
  tabs.count(changes.changed());
}

function act(event) {
  const button = event.target.closest("[data-add], [data-remove], [data-move], [data-swap], [data-undo-all]");
  if (!button) return;
  const { add: added, remove: removed, move: moved, swap, undoAll } = button.dataset;
  if (undoAll !== undefined) return startAgain();
  if (added) add(button);
  else if (removed) removePart(button.closest(`[data-part="${removed}"]`), removed);
  else if (moved) move(button);
  else if (swap) swapLength(button.closest('[data-part="stages"]'), swap);
  renumber(form);
  settle();
  tabs.show(added === "stages" ? partsOf(form, "stages").length - 1 : tabs.current);
  plan.refreshSoon();
}

/** The focus stays on the button, and a screen reader hears the new place. */
function move(button) {
  const part = button.closest(`[data-part="${button.dataset.move}"]`);
  if (!movePart(part, Number(button.dataset.by))) return;
  const places = [...part.parentElement.children];
  document.getElementById("announcer").textContent = say("moved", { place: places.indexOf(part) + 1, count: places.length });
  if (button.dataset.move === "stages") tabs.current = places.indexOf(part);
  button.focus();
}

function add(button) {
  const kind = button.dataset.add;
  const owner = button.closest("[data-part]");
  const part = addPart(kind, (owner ?? form).querySelector(`[data-list="${kind}"]`), owner);
  if (kind === "sources") return void part.querySelector("select").focus();
  if (kind === "tasks") return void fill(owner, part);
  renumber(form);
  addTask(part);
}

/** A new stage begins with a task, and a new task with a data set, so that what is missing can be seen. */
function addTask(stage) {
  fill(stage, addPart("tasks", stage.querySelector('[data-list="tasks"]'), stage));
}

function fill(stage, task) {
  addWeight(stage);
  chooseKind(task, stage);
  renumber(form);
  addPart("sources", task.querySelector('[data-list="sources"]'), task);
}

/** After a plan: the fields that its checks name are marked. */
function marked(side) {
  tabs.mark();
  sum(side);
  const wrong = new Set([...side.querySelectorAll("[data-complaint]")].map((item) => item.dataset.complaint));
  for (const input of form.querySelectorAll(".input[id]")) {
    if (wrong.has(input.id)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    input.classList.toggle("invalid", wrong.has(input.id));
  }
  for (const sentence of form.querySelectorAll(".wrong[id]")) sentence.hidden = !wrong.has(sentence.id.replace(/\.wrong$/, "")) && sentence.id !== "name.wrong";
}

/** On a phone the bar at the bottom says how long the run is and how many checks failed. */
function sum(side) {
  const steps = document.querySelector("[data-num-steps]")?.dataset.numSteps;
  const parts = [steps && (steps === "1" ? say("oneStep") : say("steps", { count: Number(steps).toLocaleString(document.documentElement.lang) }))];
  parts.push(side.querySelector("[data-counts]").textContent);
  form.querySelector("[data-bar]").textContent = parts.filter(Boolean).join(" · ");
}

function explain(input) {
  const box = document.querySelector("[data-help-box]");
  if (!input.dataset.help) return;
  box.hidden = false;
  box.querySelector("[data-help-title]").textContent = labelOf(input);
  box.querySelector("[data-help-path]").textContent = input.name.replace(/^stages\.\d+\./, "").replace(/\.(\d+)(?=\.)/g, "");
  box.querySelector("[data-help-text]").textContent = input.dataset.help;
  box.querySelector("[data-help-bounds]").textContent = input.dataset.bounds ?? "";
}

/** Where to begin: at what is wrong, else at the first stage that is not taken over. */
function firstOpen() {
  const stages = partsOf(form, "stages");
  const wrong = stages.findIndex((stage) => stage.querySelector("[aria-invalid], .wrong"));
  return wrong < 0 ? stages.findIndex((stage) => !stage.querySelector(":scope > fieldset:disabled")) : wrong;
}
