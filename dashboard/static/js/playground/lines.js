// Reads answers that come one after the other: a line of JSON each.

import { token, words } from "./dom.js";

/** Calls `heard` with each line. Resolves to "" at the end, or to the sentence that says what is wrong. */
export async function readLines(address, body, heard, signal, headers = {}) {
  try {
    const reply = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token(), ...headers }, signal });
    if (!reply.ok) return (await reply.json()).detail || words.offline;
    await each(reply.body.pipeThrough(new TextDecoderStream()).getReader(), heard);
    return "";
  } catch (error) {
    return error.name === "AbortError" ? words.cancelled : words.offline;
  }
}

async function each(reader, heard) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) heard(JSON.parse(line));
  }
  if (rest) heard(JSON.parse(rest));
}
