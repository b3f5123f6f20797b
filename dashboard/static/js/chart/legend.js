// The legend: a press hides a line, a double press or one with ctrl, cmd or shift leaves it alone in the picture.

export class Legend {
  constructor(root, view) {
    this.view = view;
    this.keys = [...root.querySelectorAll("[data-key]")];
    for (const key of this.keys) {
      key.addEventListener("click", (event) => this.pressed(key, event));
      key.addEventListener("dblclick", () => this.pressedTwice(key));
    }
    this.draw();
  }

  /** The second press of a double one comes with the double one's own event. */
  pressed(key, event) {
    if (event.detail > 1) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) this.isolate(key);
    else this.view.toggle(key.dataset.key);
  }

  /** Takes back what the first press did, then isolates. */
  pressedTwice(key) {
    const hidden = new Set(this.view.hidden);
    if (!hidden.delete(key.dataset.key)) hidden.add(key.dataset.key);
    this.view.hidden = hidden;
    this.isolate(key);
  }

  isolate(key) {
    const neighbours = this.keys.filter((each) => each.parentElement === key.parentElement);
    this.view.isolate(key.dataset.key, neighbours.map((each) => each.dataset.key));
  }

  draw() {
    for (const key of this.keys) key.setAttribute("aria-pressed", String(!this.view.hidden.has(key.dataset.key)));
  }
}
