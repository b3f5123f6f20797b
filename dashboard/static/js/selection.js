// Selected runs raise the bar at the bottom, which compares them; they stay selected from page to page of the list.

const bar = document.getElementById("bulk");
const chosen = new Set();

const boxes = () => [...document.querySelectorAll("[data-select]")];

/** Draws what is chosen into boxes, rows and bar; boxes may have been replaced by the server's. */
function draw() {
  for (const box of boxes()) {
    box.checked = chosen.has(box.value);
    box.closest("tr").classList.toggle("selected", box.checked);
  }
  const all = document.querySelector("[data-select-all]");
  const shown = boxes().filter((box) => box.checked).length;
  if (all) Object.assign(all, { checked: shown > 0 && shown === boxes().length, indeterminate: shown > 0 && shown < boxes().length });
  drawBar();
}

function drawBar() {
  bar.hidden = chosen.size === 0;
  const count = bar.querySelector("[data-count]");
  count.textContent = chosen.size === 1 ? count.dataset.one : count.dataset.many.replace("{count}", chosen.size);
  bar.querySelector('input[name="runs"]').value = [...chosen].join(",");
  bar.querySelector("button.main").disabled = chosen.size < 2;
}

function choose(box, isChosen) {
  if (isChosen) chosen.add(box.value);
  else chosen.delete(box.value);
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select]")) choose(target, target.checked);
  else if (target.matches("[data-select-all]")) for (const box of boxes()) choose(box, target.checked);
  else return;
  draw();
});
bar.querySelector("[data-clear]").addEventListener("click", () => {
  chosen.clear();
  draw();
});
document.addEventListener("htmx:afterSwap", draw);
document.addEventListener("anneal:replaced", draw);
draw();
