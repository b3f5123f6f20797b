// What can be asked again by a click: examples, the probe set of the project, and what the person kept.

import { data, element, words } from "./dom.js";
import { inputForm, send } from "./sending.js";

export class Lists {
  /** `use` takes a picture's address (or "") and a sentence; `chosen` is told of a probe that was clicked. */
  constructor(models, use, chosen) {
    Object.assign(this, { models, use, chosen, probes: [] });
    this.icon = document.getElementById("delete-icon").content;
    for (const tab of document.querySelectorAll("[data-list-tab]")) tab.addEventListener("click", () => this.open(tab.dataset.listTab));
  }

  open(name) {
    for (const tab of document.querySelectorAll("[data-list-tab]")) tab.setAttribute("aria-pressed", tab.dataset.listTab === name);
    for (const list of document.querySelectorAll("[data-list]")) list.hidden = list.dataset.list !== name;
    if (name === "probes") this.loadProbes();
    if (name === "kept") this.loadKept();
  }

  async loadProbes() {
    const model = this.models.ofRun;
    const found = model ? await send("GET", `${data.addresses.probes}?run=${model.run}`) : {};
    this.probes = found.items ?? [];
    this.found = found;
    const remove = model?.can_edit ? (probe) => this.remove(`${data.addresses.probes}/${probe.id}`, "probes") : null;
    this.draw("probes", this.probes, data.addresses.probes, found.detail ?? words.no_probes, remove, (probe) => this.chosen(probe, found));
    return found;
  }

  async loadKept() {
    const found = await send("GET", data.addresses.kept);
    const rows = Array.isArray(found) ? found : [];
    this.draw("kept", rows, data.addresses.kept, found.detail ?? words.nothing_kept, (row) => this.remove(`${data.addresses.kept}/${row.id}`, "kept"));
  }

  draw(name, rows, address, empty, remove, clicked = () => {}) {
    const items = rows.map((row) => this.item(row, row.has_picture ? `${address}/${row.id}/picture` : "", remove, clicked));
    const list = document.querySelector(`[data-list="${name}"] ul`);
    list.replaceChildren(...(items.length ? items : [element("li", "quiet card-body", empty)]));
  }

  item(row, picture, remove, clicked) {
    const line = element("li", "listed");
    const button = element("button");
    button.type = "button";
    if (picture) button.append(imageOf(picture));
    button.append(element("span", "cut grow", row.text || words.no_sentence), element("span", "quiet class-name", row.answers?.[0]?.class ?? ""));
    button.addEventListener("click", () => this.use(picture, row.text).then(() => clicked(row)));
    line.append(button);
    if (remove) line.append(this.deleteButton(() => remove(row)));
    return line;
  }

  deleteButton(act) {
    const button = element("button", "button ghost icon-only small");
    button.type = "button";
    button.setAttribute("aria-label", words.delete);
    button.append(this.icon.cloneNode(true));
    button.addEventListener("click", act);
    return button;
  }

  async remove(address, name) {
    const found = await send("DELETE", address);
    if (!found.detail) this.open(name);
  }
}

function imageOf(address) {
  const image = element("img");
  Object.assign(image, { src: address, alt: "", width: 28, height: 28, loading: "lazy" });
  return image;
}

/** Keeps the question with the answers that stand there. */
export function keep(columns, given) {
  const answers = columns
    .filter((column) => column.answer)
    .map(({ model, answer, name }) => ({ key: model.key, title: name, class: answer.class, probability: answer.probabilities[answer.class] }));
  return send("POST", data.addresses.kept, inputForm(given, { answers: JSON.stringify(answers) }));
}

export function addProbe(model, given) {
  return send("POST", data.addresses.probes, inputForm(given, { run: model.run }));
}
