// Compare: the runs' curves over one another, a picture per stage, each from the stage's own step 0; and the phone's choice of run.

import { drawStage } from "./chart/overlay.js";
import { onThemeChange } from "./chart/theme.js";
import { read } from "./live/series.js";

const found = document.getElementById("compare-data");
if (found) start(JSON.parse(found.textContent));

/** Choosing a metric takes effect at once; without scripts the form has a button. */
function start(data) {
  for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
  bindColumns();
  for (const stage of data.stages) load(data, stage);
}

async function load(data, stage) {
  const host = document.querySelector(`[data-overlay="${stage.index}"]`);
  try {
    const runs = data.runs.filter((run) => stage.runs.includes(run.id));
    const query = { metric: data.curve, stage: stage.index, max_points: 600 };
    const curves = await Promise.all(runs.map(async (run) => ({ run, series: await read(run.series, query) })));
    const draw = () => drawStage(host, data, stage, curves);
    draw();
    onThemeChange(draw);
    new ResizeObserver(draw).observe(host.parentElement);
  } catch {
    host.textContent = data.words.failed;
  }
}

/** On a phone the matrix shows the baseline and one other run. */
function bindColumns() {
  for (const button of document.querySelectorAll("[data-show-column]")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-show-column]")) each.setAttribute("aria-pressed", String(each === button));
      for (const each of document.querySelectorAll("[data-columns]")) each.dataset.columns = button.dataset.showColumn;
    });
  }
}
