// What can be done with the large charts: as large as the screen, and saved as one picture.

import * as loss from "./kind-loss.js";
import * as numbers from "./numbers.js";
import { fileNameOf, savePng } from "./saving.js";

export function bindMainActs(root, view, { name, words }) {
  const acts = root.querySelector("[data-main-acts]");
  acts.querySelector("[data-act=full]").addEventListener("click", () => toggleFullScreen(acts.closest(".chart-card")));
  acts.querySelector("[data-act=png]").addEventListener("click", () => save(root, view, name, words));
}

function toggleFullScreen(card) {
  if (document.fullscreenElement) document.exitFullscreen();
  else card.requestFullscreen();
}

function save(root, view, run, words) {
  const charts = [...root.querySelectorAll("live-chart")].filter((chart) => chart.getAttribute("kind") !== "small" && chart.querySelector("canvas"));
  const newest = loss.newestOf(view);
  const figure = newest ? numbers.value(newest.smoothed) : "";
  return savePng(charts, { title: words.loss_and_rate, figure, run, stages: view.stages, fileName: `${fileNameOf(run, "loss")}.png` });
}
