// The lines of a log and their levels. Texts come in any pieces: one may end in the middle of a line, and an older one may come last.

const LEVELS = [
  ["error", /(^|[\s[(|:])(ERROR|CRITICAL|FATAL)\b|^\s*(error|fatal|critical)\b|^Traceback \(most recent call last\)|^[\w.]*(Error|Exception)\b(:|$)/],
  ["warning", /(^|[\s[(|:])WARN(ING)?\b|^\s*warn(ing)?\b|\b\w*Warning:/],
  ["info", /(^|[\s[(|:])INFO\b|^\s*info\b/],
  ["debug", /(^|[\s[(|:])(DEBUG|TRACE)\b|^\s*debug\b/],
];
const TRACEBACK = /^Traceback \(most recent call last\)/;

/** error, warning, info, debug, or "" for a line that names none. */
export function levelOf(text) {
  return LEVELS.find(([, pattern]) => pattern.test(text))?.[0] ?? "";
}

export class LogLines {
  constructor() {
    this.all = []; // {stage, attempt, text, level}
    this.open = new Map(); // attempt -> its line that has no end yet
    this.traced = new Set(); // attempts in the middle of a traceback
  }

  /** Adds what an attempt printed. Returns the index from which on lines are new or changed. */
  append(stage, attempt, text) {
    const key = `${stage}.${attempt}`;
    const lines = text.split("\n");
    const rest = lines.pop();
    let from = this.all.length;
    for (const line of lines) from = Math.min(from, this.add(key, stage, attempt, line, true));
    return rest ? Math.min(from, this.add(key, stage, attempt, rest, false)) : from;
  }

  add(key, stage, attempt, text, isWhole) {
    const known = this.open.get(key);
    const line = known ?? { stage, attempt, text: "", level: "" };
    line.text += text;
    line.level = this.level(key, line.text);
    if (!known) this.all.push(line);
    if (isWhole) this.open.delete(key);
    else this.open.set(key, line);
    return known ? this.all.lastIndexOf(known) : this.all.length - 1;
  }

  /** The lines of a traceback, and the one that names the error, are all part of it. */
  level(key, text) {
    if (TRACEBACK.test(text)) this.traced.add(key);
    if (!this.traced.has(key)) return levelOf(text);
    if (!/^\s/.test(text) && !TRACEBACK.test(text)) this.traced.delete(key);
    return "error";
  }

  /** Puts older texts in front; a line that ends in the middle goes on in the oldest one known. Returns how many lines came. */
  prepend(parts) {
    const older = new LogLines();
    for (const { stage, attempt, text } of parts) older.append(stage, attempt, text);
    for (const [key, line] of older.open) this.join(older, key, line);
    this.all.unshift(...older.all);
    return older.all.length;
  }

  join(older, key, line) {
    const next = this.all.find((each) => `${each.stage}.${each.attempt}` === key);
    if (!next) return this.open.set(key, line);
    next.text = line.text + next.text;
    next.level = levelOf(next.text);
    return older.all.splice(older.all.indexOf(line), 1);
  }
}
