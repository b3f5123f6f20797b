// Searching lines by a pattern: what matches where, and which lines a filter leaves.

/** {regex, problem}: an empty pattern has neither, a wrong one its problem in the browser's words. */
export function compile(pattern) {
  if (!pattern) return { regex: null, problem: "" };
  try {
    return { regex: new RegExp(pattern, "gi"), problem: "" };
  } catch (error) {
    return { regex: null, problem: error.message.replace(/^Invalid regular expression: (\/.*\/\w*: )?/, "") };
  }
}

export function isMatch(regex, text) {
  regex.lastIndex = 0;
  return regex.test(text);
}

/** The text in pieces, {text, isMatch}; a match of nothing marks nothing. */
export function pieces(regex, text) {
  const found = [];
  let end = 0;
  for (const match of regex ? text.matchAll(regex) : []) {
    if (!match[0]) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), isMatch: false });
    found.push({ text: match[0], isMatch: true });
    end = match.index + match[0].length;
  }
  if (end < text.length || !found.length) found.push({ text: text.slice(end), isMatch: false });
  return found;
}

/** Whether a line passes the filter {level, part}: "" lets everything pass, `part` is a stage and an attempt ("2.1") or a stage ("2"). */
export function passes(line, { level, part }) {
  if (level && line.level !== level) return false;
  return !part || part === `${line.stage}` || part === `${line.stage}.${line.attempt}`;
}

/** The next or previous of some ascending places, round the end; -1 where there is none. */
export function step(places, at, by) {
  if (!places.length) return -1;
  const next = by > 0 ? places.find((place) => place > at) : places.findLast((place) => place < at);
  return next ?? (by > 0 ? places[0] : places.at(-1));
}
