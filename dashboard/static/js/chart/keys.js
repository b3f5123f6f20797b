// Keys of the charts, wherever the focus is: brackets go to the stage before and the next one, Escape shows the whole run.

export function bindKeys(view) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input:not([type=checkbox], [type=range]), textarea, select, [contenteditable], dialog[open]")) return;
    if (event.key === "[") view.walkStages(-1);
    if (event.key === "]") view.walkStages(1);
    if (event.key === "Escape" && !event.target.closest?.("live-chart, .run-menu, details[open]")) view.reset();
  });
}
