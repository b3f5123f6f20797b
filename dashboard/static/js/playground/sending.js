// Sends what is kept, judged or deleted; says what came of it.

import { token, words } from "./dom.js";

/** Resolves to the reply, or to { detail } with the sentence that says what is wrong. */
export async function send(method, address, body = undefined) {
  const headers = { "X-CSRFToken": token() };
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  try {
    const reply = await fetch(address, { method, body, headers });
    if (reply.status === 204) return {};
    const found = await reply.json();
    return reply.ok ? found : { detail: found.detail || words.offline };
  } catch {
    return { detail: words.offline };
  }
}

/** The input as a form, for what keeps it. */
export function inputForm(input, fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("text", input.text);
  if (input.picture) body.set("image", input.picture);
  return body;
}
