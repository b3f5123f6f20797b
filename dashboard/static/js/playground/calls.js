// The same questions by program: a curl line, Python, or the command line, for the models that stand side by side.

import { fieldsOf } from "./asking.js";
import { copyText, data } from "./dom.js";

const SENTENCE = "Well said.";

export class Calls {
  constructor(models, input) {
    this.models = models;
    this.input = input;
    this.chosen = "curl";
    for (const tab of document.querySelectorAll("[data-call-tab]")) tab.addEventListener("click", () => this.choose(tab));
    const copy = document.querySelector("[data-copy]");
    copy.addEventListener("click", () => copyText(copy, document.querySelector("[data-call]").textContent));
  }

  choose(tab) {
    for (const each of document.querySelectorAll("[data-call-tab]")) each.setAttribute("aria-pressed", each === tab);
    this.chosen = tab.dataset.callTab;
    this.show();
  }

  show() {
    const sentence = this.input.text.trim() || SENTENCE;
    document.querySelector("[data-call]").textContent = CALLS[this.chosen](this.models.all, sentence);
  }
}

const CALLS = {
  curl: (models, sentence) => models.map((model) => curl(model, sentence)).join("\n\n"),
  python,
  shell: (models, sentence) => models.map((model) => shell(model, sentence)).join("\n"),
};

function curl(model, sentence) {
  const fields = Object.entries(fieldsOf(model)).map(([name, value]) => `-F ${name}=${value}`).join(" ");
  const lines = [`curl ${data.addresses.predictions}`, '-H "Authorization: Bearer $ANNEAL_TOKEN"', fields];
  if (model.inputs !== "text") lines.push("-F image=@picture.jpg");
  if (model.inputs !== "image") lines.push(`-F text=${quoted(sentence)}`);
  return lines.join(" \\\n  ");
}

function python(models, sentence) {
  const asked = models.map((model) => `    ${JSON.stringify(fieldsOf(model))},`).join("\n");
  return `import os, requests

for model in [
${asked}
]:
    answer = requests.post(
        "${data.addresses.predictions}",
        headers={"Authorization": f"Bearer {os.environ['ANNEAL_TOKEN']}"},
        data={**model, "text": ${JSON.stringify(sentence)}},
        files={"image": open("picture.jpg", "rb")},
    )
    print(answer.json())`;
}

/** On the machine of the server, without a token; a Triton elsewhere is asked through the API alone. */
function shell(model, sentence) {
  if (model.served) return `# ${model.key}: see curl`;
  const image = model.inputs === "text" ? "" : " --image picture.jpg";
  const text = model.inputs === "image" ? "" : ` --text ${quoted(sentence)}`;
  return `python -m trainer predict ${model.folder}${image}${text} --precision ${model.precision}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
