// What is asked: a picture that is dropped, pasted, chosen or an example's, and a sentence.

import { complain, data, words } from "./dom.js";

export class Input {
  constructor(form) {
    this.form = form;
    this.picture = null;
    this.url = null;
    this.image = form.querySelector("[data-picture]");
    this.onchange = () => {};
    this.bindPicture(form.querySelector("[data-drop]"));
    form.elements.text.addEventListener("input", () => this.onchange());
  }

  get text() {
    return this.form.elements.text.value;
  }

  set text(text) {
    this.form.elements.text.value = text;
    this.onchange();
  }

  bindPicture(drop) {
    this.form.elements.image.addEventListener("change", ({ target }) => target.files[0] && this.use(target.files[0]));
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => over(event, drop, true));
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => over(event, drop, false));
    drop.addEventListener("drop", ({ dataTransfer }) => dataTransfer.files[0] && this.use(dataTransfer.files[0]));
    document.addEventListener("paste", ({ clipboardData }) => {
      const file = [...clipboardData.files].find((each) => each.type.startsWith("image/"));
      if (file) this.use(file);
    });
  }

  /** Nothing is decoded or judged here but the size: the server says what is wrong with a file. */
  use(file) {
    this.complain(file.size > data.max_bytes ? words.large : "");
    this.picture = file;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(file);
    this.image.onload = () => this.facts(file, `${this.image.naturalWidth} × ${this.image.naturalHeight}, `);
    this.image.onerror = () => this.facts(file, "");
    this.image.src = this.url;
    this.image.hidden = false;
    this.form.querySelector("[data-empty]").hidden = true;
    this.form.querySelector("[data-drop]").classList.add("full");
    this.form.querySelector("[data-choose]").textContent = words.replace;
    this.onchange();
  }

  facts(file, size) {
    this.form.querySelector("[data-file-name]").textContent = file.name;
    this.form.querySelector("[data-file-facts]").textContent = `${size}${(file.size / 1000).toFixed(file.size < 1e5 ? 1 : 0)} kB`;
    this.onchange();
  }

  /** Shows the fields that some of the models look at. */
  offer(models) {
    const wants = (other) => models.some((model) => model.inputs !== other);
    this.form.querySelector('[data-for="picture"]').hidden = !wants("text");
    this.form.querySelector('[data-for="text"]').hidden = !wants("image");
  }

  /** The sentence that says what these models lack, or "". */
  missingFor(models) {
    if (models.some((model) => model.inputs !== "text") && !this.picture) return words.picture;
    return models.some((model) => model.inputs !== "image") && !this.text.trim() ? words.sentence : "";
  }

  complain(sentence) {
    complain(this.form.querySelector("[data-wrong]"), sentence);
  }

  useExample(button) {
    return this.useStored(button.dataset.example, button.dataset.text);
  }

  /** Takes a picture by its address, "" for none, and a sentence; resolves to whether that went well. */
  async useStored(address, text) {
    this.text = text;
    if (!address) return true;
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) {
      this.complain(words.offline);
      return false;
    }
    this.use(new File([await answer.blob()], nameOf(address), { type: "image/jpeg" }));
    return true;
  }
}

function nameOf(address) {
  const last = address.split("/").pop();
  return last.includes(".") ? last : `${last || "sample"}.jpg`;
}

function over(event, drop, inside) {
  event.preventDefault();
  drop.classList.toggle("over", inside);
}
