// A person's word on an answer: right, or which class is right; all of a project's become a data set.

import { formOf } from "./asking.js";
import { data, element, fill, words } from "./dom.js";
import { send } from "./sending.js";

/** Offers the buttons beneath an answer; `given` is what was asked. */
export function offerJudging(column, given) {
  const place = column.part("judge");
  place.hidden = !column.answer || !column.model.can_edit;
  if (place.hidden) return;
  const fresh = column.judgeTemplate.cloneNode(true);
  place.replaceChildren(...fresh.childNodes);
  column.part("right").addEventListener("click", () => judge(column, given, column.answer.class));
  column.part("wrong-answer").addEventListener("click", () => askWhich(column, given));
}

function askWhich(column, given) {
  const place = column.part("judge");
  const others = Object.keys(column.answer.probabilities).filter((name) => name !== column.answer.class);
  const buttons = others.map((name) => {
    const button = element("button", "button small class-name", name);
    button.type = "button";
    button.addEventListener("click", () => judge(column, given, name));
    return button;
  });
  place.replaceChildren(element("span", "quiet", words.choose_class), ...buttons);
  buttons[0].focus();
}

async function judge(column, given, label) {
  const body = formOf(column.model, given);
  body.set("said", column.answer.class);
  body.set("label", label);
  const found = await send("POST", data.addresses.judgements, body);
  const right = label === column.answer.class;
  const told = found.detail ?? (right ? fill(words.thanks_right, found.count) : fill(words.thanks_wrong, label, found.count));
  column.part("judge").replaceChildren(element("span", found.detail ? "wrong" : "quiet", told));
}

/** The button that makes a data set of the project's judgements. */
export function bindDataset(button, said, models) {
  const editable = () => models.all.find((model) => model.can_edit);
  button.hidden = !editable();
  button.addEventListener("click", async () => {
    const found = await send("POST", data.addresses.datasets, JSON.stringify({ project: editable().project }));
    said.textContent = found.detail ?? fill(words.made, found.name, found.num_samples);
  });
}
