// Says how the questions stand that are not answered yet: where in the queue, loading, working.

import { element, fill, words } from "./dom.js";

const FIRST_MS = 400;
const EVERY_MS = 700;

export class Waiting {
  constructor(place) {
    this.place = place;
    this.number = 0;
  }

  /** Watches questions until they are answered or others are watched. */
  async watch(questions) {
    const number = ++this.number;
    const open = new Set(questions);
    for (const question of questions) question.answer.then(() => open.delete(question));
    await pause(FIRST_MS);
    while (open.size && number === this.number) {
      const [first] = open;
      const standing = await first.standing();
      if (number === this.number && open.has(first)) this.say(sentence(standing));
      await pause(EVERY_MS);
    }
    if (number === this.number) this.say("");
  }

  say(text) {
    this.place.replaceChildren(...(text ? [element("span", "", text)] : []));
  }
}

function sentence({ state, position }) {
  if (state === "queued") return fill(words.queued, position);
  return words[state] ?? "";
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
