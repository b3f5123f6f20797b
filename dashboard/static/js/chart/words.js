// Fills the translated sentences of the page: fill("{count} points", {count: 3}).

export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
