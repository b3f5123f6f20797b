// Puts the metrics of a run in order: groups by the prefix before the first slash, pinned ones on top, always the same order.

export const PINNED = "pinned"; // no prefix of a metric: those end in a slash
const FIRST = ["train/", "validation/", "test/"];
const LAST = ["system/"];
const FOREMOST = ["train/grad_norm", "train/samples_per_second", "train/tokens_per_second", "validation/accuracy", "validation/macro_f1"];
const collator = new Intl.Collator("en", { numeric: true });

/** "train/" of train/loss/match; "" of a metric without a prefix. */
export function prefixOf(metric) {
  return metric.slice(0, metric.indexOf("/") + 1);
}

/** The name inside its group. */
export function nameInGroup(metric, group) {
  return group === PINNED ? metric : metric.slice(group.length);
}

/** Returns [{group, metrics}] of the metrics that the pattern finds. */
export function arrange(metrics, { regex = null, pinned = new Set() } = {}) {
  const groups = new Map();
  for (const metric of metrics.filter((each) => finds(regex, each)).sort(byName)) {
    const group = pinned.has(metric) ? PINNED : prefixOf(metric);
    groups.set(group, [...(groups.get(group) ?? []), metric]);
  }
  return [...groups].sort(([a], [b]) => place(a) - place(b) || collator.compare(a, b)).map(([group, found]) => ({ group, metrics: found }));
}

function finds(regex, metric) {
  if (!regex) return true;
  regex.lastIndex = 0;
  return regex.test(metric);
}

/** The figures that people look for first come first in their group. */
function byName(a, b) {
  const [first, second] = [a, b].map((each) => FOREMOST.indexOf(each)).map((at) => (at < 0 ? FOREMOST.length : at));
  return first - second || collator.compare(a, b) || (a < b ? -1 : 1);
}

function place(group) {
  if (group === PINNED) return -1;
  if (FIRST.includes(group)) return FIRST.indexOf(group);
  return LAST.includes(group) ? 99 : 50;
}
