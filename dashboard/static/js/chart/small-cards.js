// A small card per further metric, in the order in which the names sort; new ones appear as they come.

import * as small from "./kind-small.js";

const DRAWN_LARGE = ["train/loss", "validation/loss", "train/learning_rate"];

export class SmallCards {
  constructor(host, template, view) {
    Object.assign(this, { host, template, view, cards: new Map() });
  }

  update() {
    for (const metric of this.view.store.charted) if (!this.cards.has(metric) && !DRAWN_LARGE.includes(metric)) this.add(metric);
    this.pointAt(null);
  }

  /** Cards on screen show the value at the crosshair, or the newest one. */
  pointAt(x) {
    for (const [metric, card] of this.cards) if (card.chart.isVisible) write(card.figure, this.textOf(metric, x));
  }

  textOf(metric, x) {
    if (x === null) {
      const newest = small.newestOf(this.view, metric) ?? this.view.store.series(metric).newest;
      return newest ? small.format(metric, newest.value) : "—";
    }
    const { stage, step } = this.view.axis.find(x);
    return small.readAt(this.view, stage, step, metric).rows[0]?.text ?? "—";
  }

  add(metric) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    element.dataset.metric = metric;
    const name = element.querySelector("[data-name]");
    name.textContent = metric.replace(/^train\//, "");
    name.title = metric;
    const chart = element.querySelector("live-chart");
    chart.setAttribute("metric", metric);
    const after = [...this.host.children].find((each) => order(each.dataset.metric) > order(metric));
    this.host.insertBefore(element, after ?? null);
    chart.mount(this.view);
    this.cards.set(metric, { chart, figure: element.querySelector("b") });
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The optimizer's figures first, then the tasks' losses, then what validation measured. */
function order(metric) {
  const groups = ["train/grad_norm", "train/samples_per_second", "train/", "validation/accuracy", "validation/macro_f1", "validation/"];
  const at = groups.findIndex((prefix) => metric.startsWith(prefix));
  return `${at < 0 ? 9 : at}${metric}`;
}
