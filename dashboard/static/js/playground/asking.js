// Asks the server: one question per model, each with a ticket by which it can be watched and taken back.

import { data, token, words } from "./dom.js";

/** What names a model: weights of a run, or what a Triton elsewhere serves. */
export function fieldsOf(model) {
  if (model.served) return { model: model.key };
  return { model: model.run, stage: model.stage, ...(model.is_last ? {} : { step: model.step }), precision: model.precision };
}

/** The fields of a question to a model. */
export function formOf(model, input) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fieldsOf(model))) body.set(name, value);
  if (model.inputs !== "image") body.set("text", input.text);
  if (model.inputs !== "text" && input.picture) body.set("image", input.picture);
  return body;
}

/** A question on its way. `answer` resolves to the reply, or to { detail } with the sentence that says what is wrong. */
export class Question {
  constructor(kind, model, input, lane) {
    this.lane = model.served ? "served" : lane;
    this.ticket = crypto.randomUUID?.() ?? `t-${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.aborting = new AbortController();
    const body = formOf(model, input);
    body.set("ticket", this.ticket);
    this.answer = send(data.addresses[kind], { method: "POST", body, headers: { "X-CSRFToken": token() }, signal: this.aborting.signal });
  }

  async standing() {
    return send(`${data.addresses.requests}/${this.ticket}?lane=${this.lane}`, { signal: this.aborting.signal });
  }

  cancel() {
    this.aborting.abort();
    const options = { method: "DELETE", headers: { "X-CSRFToken": token() }, keepalive: true };
    fetch(`${data.addresses.requests}/${this.ticket}?lane=${this.lane}`, options).catch(() => null);
  }
}

async function send(address, options) {
  try {
    const reply = await fetch(address, options);
    const found = await reply.json();
    return reply.ok ? found : { detail: found.detail || words.offline };
  } catch (error) {
    return { detail: error.name === "AbortError" ? words.cancelled : words.offline };
  }
}
