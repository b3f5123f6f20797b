// The playground: takes a picture and a sentence, asks the models side by side, paints the answers, then why.

import { Question } from "./asking.js";
import { Batch } from "./batch.js";
import { Calls } from "./calls.js";
import { Changes } from "./changes.js";
import { copyText, data, fill, rememberModels, words } from "./dom.js";
import { Input } from "./input.js";
import { bindDataset, offerJudging } from "./judging.js";
import { readLines } from "./lines.js";
import { addProbe, keep, Lists } from "./lists.js";
import { Models } from "./models.js";
import { learnInputs } from "./served.js";
import { Waiting } from "./waiting.js";

const form = document.getElementById("ask");
const input = new Input(form);
const waiting = new Waiting(form.querySelector("[data-standing]"));
const models = new Models(document.querySelector("[data-answers]"), changed);
const calls = new Calls(models, input);
const changes = new Changes(document.querySelector("[data-changes]"));
const lists = new Lists(models, useAgain, (probe, found) => changes.show(models.ofRun, found.stages, probe.scores));
let asked = []; // the questions on their way
let isHeat = true;

function changed() {
  rememberModels(models.all);
  offerFields();
  calls.show();
  compare();
  draw();
}

/** The fields that the models look at, and what only weights of a run have to offer. */
function offerFields() {
  input.offer(models.all);
  for (const name of ["changes", "batch", "score"]) document.querySelector(`[data-${name}]`).hidden = !models.ofRun;
}

async function ask() {
  const missing = input.missingFor(models.all);
  input.complain(missing);
  if (missing) return;
  stop();
  const given = { text: input.text, picture: input.picture };
  const columns = models.columns;
  said("");
  const questions = columns.map((column) => new Question("predictions", column.model, given, "quick"));
  begin(questions, columns);
  await Promise.all(questions.map(async (question, at) => answered(columns[at], await question.answer, questions)));
  if (asked !== questions) return;
  busy(false);
  offer(columns, given);
  await explain(columns, given);
}

/** What can be done with answers, once they stand there. */
let last = null;
function offer(columns, given) {
  last = given;
  for (const column of columns) offerJudging(column, given);
  form.querySelector("[data-keep]").disabled = !columns.some((column) => column.answer);
  form.querySelector("[data-add-probe]").disabled = !models.all.some((model) => model.can_edit);
}

function begin(questions, columns) {
  asked = questions;
  busy(true);
  for (const column of columns) column.wait(true);
  waiting.watch(questions);
}

function answered(column, answer, questions) {
  if (asked !== questions) return;
  column.show(answer);
  compare();
}

function compare() {
  for (const column of models.columns) column.compare(models.referenceOf(column));
}

/** Behind the answers, so that nobody waits for it. */
async function explain(columns, given) {
  const open = columns.filter((column) => column.answer && column.model.run);
  const questions = open.map((column) => new Question("explanations", column.model, given, "slow"));
  asked = questions;
  await Promise.all(
    questions.map(async (question, at) => {
      const explained = await question.answer;
      if (asked !== questions) return;
      open[at].explain(explained);
      draw(given);
    }),
  );
}

let drawn = null;
function draw(given = drawn) {
  drawn = given;
  if (!given) return;
  const largest = Math.max(0, ...models.columns.map((column) => column.strongest));
  for (const column of models.columns) column.draw(given, input.image, isHeat, largest);
}

function stop() {
  for (const question of asked) question.cancel();
  asked = [];
  for (const column of models.columns) column.wait(false);
  busy(false);
}

function busy(yes) {
  form.querySelector("[data-stop]").hidden = !yes;
}

function bind() {
  input.onchange = () => calls.show();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  form.querySelector("[data-stop]").addEventListener("click", stop);
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", async () => (await input.useExample(button)) && ask());
  }
  for (const button of document.querySelectorAll("[data-show]")) button.addEventListener("click", () => show(button));
  const link = document.querySelector("[data-copy-link]");
  link.addEventListener("click", () => {
    rememberModels(models.all);
    copyText(link, location.href);
  });
  addEventListener("resize", () => draw());
}

async function useAgain(picture, text) {
  if (await input.useStored(picture, text)) await ask();
}

function said(text) {
  form.querySelector("[data-said]").textContent = text;
}

function bindKeeping() {
  form.querySelector("[data-keep]").addEventListener("click", async () => {
    const found = await keep(models.columns, last);
    said(found.detail ?? words.kept);
    if (!found.detail) lists.open("kept");
  });
  form.querySelector("[data-add-probe]").addEventListener("click", async () => {
    const found = await addProbe(models.all.find((model) => model.can_edit), last);
    said(found.detail ?? fill(words.probe_added, found.count));
    if (!found.detail) lists.open("probes");
  });
  document.querySelector("[data-score]").addEventListener("click", scoreProbes);
  document.querySelector("[data-ask-changes]").addEventListener("click", () => {
    const given = last ?? { text: input.text, picture: input.picture };
    const missing = input.missingFor(models.all);
    input.complain(missing);
    if (!missing) changes.ask(models.ofRun, given);
  });
  bindDataset(document.querySelector("[data-make-dataset]"), document.querySelector("[data-made]"), models);
}

async function scoreProbes() {
  const body = new FormData();
  body.set("run", models.ofRun.run);
  const place = document.querySelector("[data-score-state]");
  const problem = await readLines(data.addresses.scores, body, (line) => {
    place.textContent = line.error ?? fill(words.scoring, line.done, line.count);
  });
  place.textContent = problem;
  await lists.loadProbes();
}

function show(button) {
  isHeat = button.dataset.show === "heat";
  for (const each of document.querySelectorAll("[data-show]")) each.setAttribute("aria-pressed", each === button);
  draw();
}

bind();
bindKeeping();
new Batch(document.querySelector("[data-batch]"), models);
offerFields();
learnInputs(models.all, offerFields);
calls.show();
if (data.sample) useAgain(data.sample.picture, data.sample.text);
