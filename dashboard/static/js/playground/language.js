// The prompt box: sends a prompt and shows what the model says, token by token, until it ends or the reader stops it.

import { complain, data, element, fill } from "./dom.js";
import { readLines } from "./lines.js";

const { words } = data;
const form = document.getElementById("prompt");
const said = document.querySelector("[data-said]");
const state = form.querySelector("[data-state]");
let reading = null;

async function go() {
  if (!form.elements.prompt.value.trim()) return complain(form.querySelector("[data-wrong]"), words.sentence);
  complain(form.querySelector("[data-wrong]"), "");
  reading = new AbortController();
  busy(true);
  const prompt = element("span", "given", form.elements.as_chat.checked ? "" : form.elements.prompt.value.trim());
  said.replaceChildren(prompt);
  document.querySelector("[data-facts]").textContent = "";
  const problem = await readLines(form.dataset.address, body(), hear, reading.signal, { "Content-Type": "application/json" });
  busy(false);
  state.textContent = "";
  if (problem && problem !== words.cancelled) complain(form.querySelector("[data-wrong]"), problem);
  return null;
}

function body() {
  const { prompt, temperature, top_k, max_tokens, seed, as_chat, speaker } = form.elements;
  const chosen = speaker.selectedOptions[0].dataset;
  const numbers = { temperature: Number(temperature.value), top_k: Number(top_k.value), max_tokens: Number(max_tokens.value), seed: Number(seed.value) };
  return JSON.stringify({ model: Number(chosen.run), stage: Number(chosen.stage), prompt: prompt.value, as_chat: as_chat.checked, ...numbers });
}

function hear(line) {
  if (line.text) said.append(line.text);
  if (line.state) state.textContent = words[line.state] ?? "";
  else state.textContent = words.writing;
  if (line.error) complain(form.querySelector("[data-wrong]"), line.error);
  if (line.ended) {
    document.querySelector("[data-facts]").textContent = fill(words.spoke, line.num_tokens, line.tokens_per_s, words[line.ended]);
    document.getElementById("announcer").textContent = line.whole;
  }
}

function busy(yes) {
  form.querySelector("[data-go]").disabled = yes;
  form.querySelector("[data-stop]").disabled = !yes;
}

/** A stage that learnt to answer is asked, any other goes on. */
function suitChat() {
  form.elements.as_chat.checked = "chat" in form.elements.speaker.selectedOptions[0].dataset;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go();
});
form.querySelector("[data-stop]").addEventListener("click", () => reading?.abort());
form.elements.speaker.addEventListener("change", suitChat);
suitChat();
