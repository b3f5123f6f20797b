// Asks the server for the plan of what is typed, a moment after the last change, and puts it in its places.

import { say } from "./words.js";

const PATIENCE_MS = 350;

export class Plan {
  constructor(form, onDraw) {
    this.form = form;
    this.onDraw = onDraw;
    this.timer = null;
    this.request = null;
    this.json = "";
  }

  refreshSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), PATIENCE_MS);
  }

  /** Resolves to whether the server has answered. */
  async refresh() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.request = new AbortController();
    const headers = { "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value };
    try {
      const answer = await fetch(this.form.dataset.plan, { method: "POST", body: new FormData(this.form), headers, signal: this.request.signal });
      if (!answer.ok) throw new Error(answer.statusText);
      this.draw(new DOMParser().parseFromString(await answer.text(), "text/html").body);
      return true;
    } catch (error) {
      if (error.name !== "AbortError") this.complain(say("offline"));
      return false;
    }
  }

  /** Without a strip in the answer the old one stays, faded: something typed cannot be planned. */
  draw(source) {
    const strip = source.querySelector('[data-region="strip"]');
    const old = document.querySelector('#plan-strip [data-region="strip"]');
    if (strip) document.getElementById("plan-strip").replaceChildren(strip);
    else old?.classList.add("stale");
    const side = source.querySelector('[data-region="side"]');
    this.json = source.querySelector('[data-region="json"]')?.textContent ?? this.json;
    if (!strip) keepTotals(side);
    document.getElementById("plan-side").replaceChildren(side);
    if (strip) place(strip);
    this.onDraw(side);
  }

  complain(sentence) {
    const item = document.createElement("li");
    item.className = "bad";
    item.textContent = sentence;
    document.querySelector("#plan-side .checks")?.replaceChildren(item);
  }
}

function keepTotals(side) {
  const totals = document.querySelector("#plan-side .pairs")?.closest(".card");
  if (totals && !side.querySelector(".pairs")) side.prepend(totals);
}

/** Widths and heights come from the numbers in the markup; the notes go to the fields that they are about. */
function place(strip) {
  for (const band of strip.querySelectorAll("[data-grow]")) band.style.flexGrow = Math.sqrt(Number(band.dataset.grow));
  for (const tick of strip.querySelectorAll("[data-top]")) tick.style.top = `${tick.dataset.top}%`;
  for (const note of document.querySelectorAll("[data-note]")) note.textContent = "";
  for (const note of strip.querySelectorAll("[data-for]")) {
    const target = document.querySelector(`[data-note="${note.dataset.for}"]`);
    if (target) target.textContent = note.textContent;
  }
}
