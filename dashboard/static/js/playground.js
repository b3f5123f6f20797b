// The playground: takes a picture and a sentence, asks once per precision, draws the answers side by side.

const form = document.getElementById("ask");
if (form) start();

function start() {
  const state = { picture: null, url: null };
  bindPicture(state);
  bindExamples(state);
  bindCalls();
  form.elements.model.addEventListener("change", () => location.assign(`?run=${encodeURIComponent(form.elements.model.value)}`));
  form.addEventListener("change", showChosen);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(state);
  });
}

// --- what is asked ---

function bindPicture(state) {
  const drop = document.querySelector("[data-drop]");
  if (!drop) return;
  form.elements.image.addEventListener("change", (event) => event.target.files[0] && usePicture(state, event.target.files[0]));
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => over(event, drop, true));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => over(event, drop, false));
  drop.addEventListener("drop", (event) => event.dataTransfer.files[0] && usePicture(state, event.dataTransfer.files[0]));
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (file) usePicture(state, file);
  });
}

function over(event, drop, inside) {
  event.preventDefault();
  drop.classList.toggle("over", inside);
}

/** Nothing is decoded or judged here but the size: the server says what is wrong with a file. */
function usePicture(state, file) {
  complain(file.size > Number(form.dataset.maxBytes) ? form.dataset.wordsLarge : "");
  state.picture = file;
  if (state.url) URL.revokeObjectURL(state.url);
  state.url = URL.createObjectURL(file);
  const image = document.querySelector("[data-picture]");
  image.onload = () => facts(file, `${image.naturalWidth} × ${image.naturalHeight}, `);
  image.onerror = () => facts(file, "");
  image.src = state.url;
  image.hidden = false;
  document.querySelector("[data-empty]").hidden = true;
  document.querySelector("[data-drop]").classList.add("full");
}

function facts(file, size) {
  document.querySelector("[data-file-name]").textContent = file.name;
  document.querySelector("[data-file-facts]").textContent = `${size}${(file.size / 1000).toFixed(file.size < 1e5 ? 1 : 0)} kB`;
}

function bindExamples(state) {
  for (const button of document.querySelectorAll("[data-example]")) button.addEventListener("click", () => useExample(state, button));
}

async function useExample(state, button) {
  if (form.elements.text) {
    form.elements.text.value = button.dataset.text;
    showSentence();
  }
  if (form.elements.image) {
    const answer = await fetch(button.dataset.example).catch(() => null);
    if (!answer?.ok) return complain(form.dataset.wordsOffline);
    usePicture(state, new File([await answer.blob()], button.dataset.example.split("/").pop(), { type: "image/jpeg" }));
  }
  await ask(state);
}

function showChosen() {
  const chosen = precisions();
  for (const column of document.querySelectorAll("[data-column]")) column.hidden = !chosen.includes(column.dataset.column);
}

function precisions() {
  return [...form.querySelectorAll("[name=precision]:checked")].map((input) => input.value);
}

// --- the answers ---

let newest = 0;

async function ask(state) {
  const missing = whatIsMissing(state);
  complain(missing);
  if (missing) return;
  const number = ++newest;
  const chosen = precisions();
  setWaiting(chosen, true);
  const answers = [];
  for (const precision of chosen) answers.push(await predict(state, precision));
  if (number !== newest) return;
  setWaiting(chosen, false);
  draw(chosen, answers);
  document.querySelector("[data-answers]").scrollIntoView({ block: "nearest" });
}

function whatIsMissing(state) {
  if (form.elements.image && !state.picture) return form.dataset.wordsPicture;
  return form.elements.text && !form.elements.text.value.trim() ? form.dataset.wordsSentence : "";
}

/** Resolves to the answer, or to { detail } with the sentence that says what is wrong. */
async function predict(state, precision) {
  const body = new FormData();
  body.set("model", form.elements.model.value);
  body.set("precision", precision);
  if (form.elements.text) body.set("text", form.elements.text.value);
  if (state.picture) body.set("image", state.picture);
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers });
    return await answer.json();
  } catch {
    return { detail: form.dataset.wordsOffline };
  }
}

function draw(chosen, answers) {
  const wrong = answers.find((answer) => !answer.class);
  complain(wrong ? wrong.detail : "");
  const reference = answers[chosen.indexOf("fp32")]?.class;
  chosen.forEach((precision, place) => {
    const body = document.querySelector(`[data-column="${precision}"] [data-body]`);
    if (answers[place].class) body.replaceChildren(...parts(answers[place], precision === "fp32" ? null : reference));
    else body.replaceChildren(element("p", "muted", answers[place].detail));
  });
}

function parts(answer, reference) {
  const head = element("div", "verdict");
  const name = element("b", "", answer.class);
  name.dataset.answer = "";
  head.append(name);
  if (reference) head.append(chip(answer.class === reference));
  const rows = element("div", "stack");
  for (const [name, value] of Object.entries(answer.probabilities)) rows.append(row(name, value, name === answer.class));
  const foot = element("div", "answer-foot");
  foot.append(element("span", "quiet", form.dataset.wordsLatency), element("b", "", `${answer.latency_ms.toPrecision(3)} ms`));
  return [head, rows, foot];
}

function chip(same) {
  return element("span", same ? "chip ok" : "chip warning", same ? form.dataset.wordsSame : form.dataset.wordsDiffers);
}

function row(name, value, best) {
  const line = element("div", best ? "probability best" : "probability");
  const bar = element("span", "bar");
  const fill = element("span", "");
  fill.style.width = `${100 * value}%`;
  bar.append(fill);
  line.append(element("span", "", name), bar, element("span", "", `${(100 * value).toFixed(1)} %`));
  return line;
}

function setWaiting(chosen, waiting) {
  form.querySelector("[data-predict]").disabled = waiting;
  for (const precision of chosen) document.querySelector(`[data-column="${precision}"] [data-body]`).classList.toggle("waiting", waiting);
}

function complain(sentence) {
  const place = form.querySelector("[data-wrong]");
  place.hidden = !sentence;
  place.querySelector("span").textContent = sentence;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// --- the same by program ---

function bindCalls() {
  form.elements.text?.addEventListener("input", showSentence);
  for (const tab of document.querySelectorAll("[data-call-tab]")) tab.addEventListener("click", () => choose(tab));
  document.querySelector("[data-copy]").addEventListener("click", copy);
}

function showSentence() {
  const sentence = form.elements.text.value.trim() || "Well said.";
  for (const place of document.querySelectorAll("[data-sentence]")) place.textContent = sentence.replaceAll("'", "'\\''");
  for (const place of document.querySelectorAll("[data-sentence-json]")) place.textContent = JSON.stringify(sentence);
}

function choose(tab) {
  for (const each of document.querySelectorAll("[data-call-tab]")) {
    each.setAttribute("aria-selected", each === tab);
    each.setAttribute("aria-pressed", each === tab);
  }
  for (const call of document.querySelectorAll("[data-call]")) call.hidden = call.dataset.call !== tab.dataset.callTab;
}

async function copy(event) {
  const words = event.currentTarget.querySelector("span");
  const before = words.textContent;
  await navigator.clipboard.writeText(document.querySelector("[data-call]:not([hidden])").textContent);
  words.textContent = form.dataset.wordsCopied;
  setTimeout(() => (words.textContent = before), 1500);
}
