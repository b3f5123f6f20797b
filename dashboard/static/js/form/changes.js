// Shows which fields differ from the recipe, each with a way back: chips above the plan, and "was" beside the field.

import { say } from "./words.js";

const SHOWN = 6;

export class Changes {
  constructor(form, onUndo) {
    this.form = form;
    this.onUndo = onUndo;
    this.root = form.querySelector("[data-changes]");
  }

  draw() {
    const changed = this.changed();
    const order = this.order();
    for (const input of this.form.querySelectorAll(".input[data-was]")) this.markField(input, changed.includes(input));
    const count = changed.length + (order ? 1 : 0);
    this.root.hidden = count === 0;
    if (!count) return;
    const chips = [...(order ? [order] : []), ...changed.slice(0, SHOWN).map((input) => this.chip(input))];
    this.root.replaceChildren(count === 1 ? say("oneChange") : say("changes", { count }), ...chips);
    if (changed.length > SHOWN) this.root.append(`+ ${changed.length - SHOWN}`);
    if (count > 1) this.root.append(this.backToRecipe());
  }

  changed() {
    return [...this.form.querySelectorAll("[data-was]")].filter((input) => !input.matches(":disabled") && differs(input));
  }

  /** A chip that says which stages of the recipe stand where, unless all are in their places. */
  order() {
    const now = [...this.form.querySelectorAll('[data-part="stages"]')].map((stage) => stage.dataset.origin || "+");
    const was = Array.from({ length: Number(this.form.dataset.recipeStages) }, (_, place) => String(place + 1));
    if (!was.length || now.join() === was.join()) return null;
    const chip = marked("span", `${say("order")} `);
    chip.className = "chip outlined";
    chip.append(marked("del", was.join(" ")), " ", marked("b", now.join(" ")));
    return chip;
  }

  chip(input) {
    const chip = document.createElement("span");
    chip.className = "chip outlined";
    const stage = input.name.match(/^stages\.(\d+)\./);
    if (stage) chip.append(numeral(Number(stage[1])));
    chip.append(labelOf(input), " ", marked("del", wasOf(input)), " ", marked("b", nowOf(input)), this.back(input, document.getElementById("chip-icons").content.cloneNode(true)));
    return chip;
  }

  /** "was 5e-5" at the right of the label: a button that takes the field back. */
  markField(input, isChanged) {
    input.classList.toggle("changed", isChanged);
    const field = input.closest(".field");
    const label = field?.querySelector(":scope > label:not(.visually-hidden)");
    const old = field?.querySelector(":scope > .was");
    if (!isChanged || !label) return void old?.remove();
    const sentence = say("was", { value: wasOf(input) });
    if (old?.dataset.sentence === sentence) return;
    old?.remove();
    const button = this.back(input, sentence);
    button.className = "was";
    button.dataset.sentence = button.title = sentence;
    label.after(button);
  }

  back(input, content) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `${say("undo")}: ${labelOf(input)}, ${say("was", { value: wasOf(input) })}`);
    button.append(content);
    button.addEventListener("click", () => {
      undo(input, this.form);
      this.onUndo(input);
    });
    return button;
  }

  backToRecipe() {
    const button = marked("button", say("undoAll"));
    button.type = "button";
    button.className = "link";
    button.dataset.undoAll = "";
    return button;
  }
}

/** A radio button stands for its group; only the chosen one is asked. */
function differs(input) {
  if (input.type === "radio") return input.checked && input.value !== input.dataset.was;
  if (input.type === "checkbox") return input.checked !== (input.dataset.was === "on");
  const [now, was] = [input.value.trim(), input.dataset.was];
  return now !== was && !(now !== "" && was !== "" && Number(now) === Number(was));
}

function undo(input, form) {
  if (input.type === "checkbox") input.checked = input.dataset.was === "on";
  else if (input.type === "radio") form.querySelector(`[name="${input.name}"][value="${input.dataset.was}"]`).checked = true;
  else input.value = input.dataset.was;
}

function numeral(index) {
  const made = marked("span", String(index + 1));
  made.className = `numeral s${(index % 5) + 1}`;
  return made;
}

function wasOf(input) {
  if (input.type === "checkbox") return input.dataset.was ? "✓" : "✗";
  return textOf(input, input.dataset.was) || "—";
}

function nowOf(input) {
  if (input.type === "checkbox") return input.checked ? "✓" : "✗";
  return textOf(input, input.value) || "—";
}

function textOf(input, value) {
  const option = input.tagName === "SELECT" && [...input.options].find((each) => each.value === value);
  return option ? option.textContent : value;
}

/** The words beside the field, or those that a screen reader says. */
export function labelOf(input) {
  if (input.type === "radio") return input.closest("[role=radiogroup]").getAttribute("aria-label");
  const beside = input.closest(".layer")?.querySelector("b") ?? input.closest(".switch")?.querySelector(".switch-words");
  const label = beside ?? document.querySelector(`label[for="${input.id}"]`);
  return label?.textContent.trim() || input.getAttribute("aria-label") || input.name;
}

function marked(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
