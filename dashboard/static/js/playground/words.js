// Draws the sentence with the words that counted: each in the colour of the class for which it speaks most.

import { element, fill, words } from "./dom.js";

const SMALLEST = 0.08;
const KNOWN = { negative: "coral", neutral: "grey", positive: "blue" };
const OTHERS = ["blue", "coral", "green", "magenta", "azure", "olive", "plum", "grey"];

export function colourOfClass(name, classes) {
  return KNOWN[name.toLowerCase()] ?? OTHERS[classes.indexOf(name) % OTHERS.length];
}

/** The strongest word of a column; the columns share the largest of them, so that their colours can be compared. */
export function strongest(explained) {
  return Math.max(0, ...explained.words.items.map((item) => mainClass(item)[1]));
}

/** The class that a word speaks for most, and how much: log-odds against all others. */
export function mainClass(item) {
  return Object.entries(item.towards).reduce((best, each) => (each[1] > best[1] ? each : best));
}

export function drawWords(place, legend, text, explained, largest) {
  const classes = Object.keys(explained.words.items[0]?.towards ?? {});
  const characters = Array.from(text);
  const drawn = new Set();
  let end = 0;
  const parts = [];
  for (const item of explained.words.items) {
    parts.push(document.createTextNode(characters.slice(end, item.start).join("")));
    parts.push(wordOf(item, largest, classes, drawn));
    end = item.end;
  }
  parts.push(rest(characters.slice(end).join(""), explained.words));
  place.replaceChildren(...parts);
  legend.replaceChildren(...classes.filter((name) => drawn.has(name)).map((name) => entry(name, classes)));
}

function wordOf(item, largest, classes, drawn) {
  const [name, value] = mainClass(item);
  const strength = largest > 0 ? value / largest : 0;
  const word = element("span", "word", item.text);
  word.title = Object.entries(item.towards)
    .map(([each, amount]) => fill(words.speaks, each, `${amount > 0 ? "+" : amount < 0 ? "−" : ""}${Math.abs(amount).toFixed(2)}`))
    .join("\n");
  if (strength < SMALLEST) return word;
  drawn.add(name);
  word.classList.add("counts", colourOfClass(name, classes));
  word.style.setProperty("--strength", strength.toFixed(3));
  if (strength > 0.3) word.classList.add("much");
  return word;
}

function rest(text, told) {
  const left = element("span", told.is_cut ? "unread" : "", text);
  if (told.is_cut) left.title = fill(words.cut, told.num_tokens);
  return left;
}

function entry(name, classes) {
  const mark = element("span", `mark ${colourOfClass(name, classes)}`);
  const line = element("span", "legend-entry");
  line.append(mark, name);
  return line;
}
