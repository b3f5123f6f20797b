// The playground: takes a picture and a sentence, asks the models side by side, paints the answers, then why.

import { Question } from "./asking.js";
import { Calls } from "./calls.js";
import { copyText, rememberModels } from "./dom.js";
import { Input } from "./input.js";
import { Models } from "./models.js";
import { Waiting } from "./waiting.js";

const form = document.getElementById("ask");
const input = new Input(form);
const waiting = new Waiting(form.querySelector("[data-standing]"));
const models = new Models(document.querySelector("[data-answers]"), changed);
const calls = new Calls(models, input);
let asked = []; // the questions on their way
let isHeat = true;

function changed() {
  rememberModels(models.all);
  input.offer(models.all);
  calls.show();
  compare();
  draw();
}

async function ask() {
  const missing = input.missingFor(models.all);
  input.complain(missing);
  if (missing) return;
  stop();
  const given = { text: input.text, picture: input.picture };
  const columns = models.columns;
  const questions = columns.map((column) => new Question("predictions", column.model, given, "quick"));
  begin(questions, columns);
  await Promise.all(questions.map(async (question, at) => answered(columns[at], await question.answer, questions)));
  if (asked !== questions) return;
  busy(false);
  await explain(columns, given);
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
  const open = columns.filter((column) => column.answer);
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

function show(button) {
  isHeat = button.dataset.show === "heat";
  for (const each of document.querySelectorAll("[data-show]")) each.setAttribute("aria-pressed", each === button);
  draw();
}

bind();
input.offer(models.all);
calls.show();
