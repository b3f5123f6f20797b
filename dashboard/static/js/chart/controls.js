// Smoothing, axes, layout, clipping and following: the controls above the charts, which show what the view says.

import { measuresOf } from "./measures.js";

export function bindControls(root, view) {
  const shows = [
    ...smoothing(root.querySelector("[data-smoothing]"), root.querySelector("[data-smoothing-value]"), view),
    ...choice(root, "y", view, () => (view.isLog ? "log" : "linear"), (value) => ({ isLog: value === "log" })),
    ...choice(root, "x", view, () => view.measure, (value) => ({ measure: value })),
    ...choice(root, "layout", view, () => view.layout, (value) => ({ layout: value })),
    ...box(root.querySelector("[data-clip]"), view, "isClipped"),
    ...box(root.querySelector("[data-following]"), view, "isFollowing"),
    () => offerMeasures(root, view),
  ];
  const showAll = () => shows.forEach((show) => show());
  view.addEventListener("change", showAll);
  document.addEventListener("painted", () => offerMeasures(root, view)); // a run that has just begun brings its axes later
  showAll();
}

/** One change while the slider moves, one entry in the history when it is let go. */
function smoothing(slider, output, view) {
  slider.addEventListener("input", () => view.set({ smoothing: Number(slider.value) }, { isGesture: true }));
  return [
    () => {
      slider.value = view.smoothing;
      output.textContent = view.smoothing.toFixed(2);
    },
  ];
}

/** Buttons `data-<name>="value"`, of which one is pressed. */
function choice(root, name, view, current, change) {
  const buttons = [...root.querySelectorAll(`button[data-${name}]`)];
  for (const button of buttons) button.addEventListener("click", () => current() === button.dataset[name] || view.set(change(button.dataset[name])));
  return buttons.map((button) => () => button.setAttribute("aria-pressed", String(button.dataset[name] === current())));
}

function box(input, view, name) {
  if (!input) return [];
  input.addEventListener("change", () => view.set({ [name]: input.checked }));
  return [() => (input.checked = view[name])];
}

const offered = new WeakMap();

/** What the run has no figures for is not offered, and one stage alone has no layouts. */
function offerMeasures(root, view) {
  const key = `${view.store.metrics.size} ${view.measure}`;
  if (offered.get(view) === key) return;
  offered.set(view, key);
  const found = measuresOf(view.store);
  for (const button of root.querySelectorAll("button[data-x]")) button.hidden = !found.includes(button.dataset.x) && button.dataset.x !== view.measure;
  for (const group of root.querySelectorAll("[data-layouts]")) group.hidden = view.stages.length < 2;
}
