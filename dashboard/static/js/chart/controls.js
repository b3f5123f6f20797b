// Smoothing, axis and following: the controls above the charts.

export function bindControls(root, view) {
  bindSmoothing(root.querySelector("[data-smoothing]"), root.querySelector("[data-smoothing-value]"), view);
  for (const button of root.querySelectorAll("[data-y]")) bindAxis(root, button, view);
  bindFollowing(root.querySelector("[data-following]"), view);
}

function bindSmoothing(slider, output, view) {
  const show = () => {
    output.textContent = view.smoothing.toFixed(2);
  };
  slider.value = view.smoothing;
  slider.addEventListener("input", () => {
    view.set({ smoothing: Number(slider.value) });
    show();
  });
  show();
}

function bindAxis(root, button, view) {
  const press = () => {
    for (const each of root.querySelectorAll("[data-y]")) each.setAttribute("aria-pressed", String((each.dataset.y === "log") === view.isLog));
  };
  button.addEventListener("click", () => {
    view.set({ isLog: button.dataset.y === "log" });
    press();
  });
  press();
}

function bindFollowing(box, view) {
  if (!box) return;
  box.checked = view.isFollowing;
  box.addEventListener("change", () => view.set({ isFollowing: box.checked }));
}
