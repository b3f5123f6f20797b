// Draws only the lines of a long list that are on screen: every line has the same height, and none is drawn twice.

export const LINE_PX = 18;
const BEYOND = 20;

export class LogWindow {
  /** `draw(index)` makes the element of a line. */
  constructor(box, draw) {
    Object.assign(this, { box, draw, count: 0, shown: new Map() });
    this.sheet = document.createElement("div");
    this.sheet.className = "log-sheet";
    box.append(this.sheet);
    box.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.ask()).observe(box);
  }

  /** There are so many lines now; those from `from` on are drawn anew. */
  set(count, from = 0) {
    this.count = count;
    this.sheet.style.height = `${count * LINE_PX}px`;
    for (const [index, element] of this.shown) if (index >= from) this.drop(index, element);
    this.ask();
  }

  ask() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.paint();
    });
  }

  paint() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / LINE_PX) - BEYOND);
    const end = Math.min(this.count, Math.ceil((this.box.scrollTop + this.box.clientHeight) / LINE_PX) + BEYOND);
    for (const [index, element] of this.shown) if (index < first || index >= end) this.drop(index, element);
    for (let index = first; index < end; index += 1) if (!this.shown.has(index)) this.place(index);
  }

  place(index) {
    const element = this.draw(index);
    element.style.top = `${index * LINE_PX}px`;
    this.shown.set(index, element);
    this.sheet.append(element);
  }

  drop(index, element) {
    element.remove();
    this.shown.delete(index);
  }

  redraw(index) {
    const element = this.shown.get(index);
    if (element) this.drop(index, element);
    this.ask();
  }

  reveal(index) {
    const top = index * LINE_PX;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop + LINE_PX || top > scrollTop + clientHeight - 2 * LINE_PX) this.box.scrollTop = Math.max(0, top - clientHeight / 2);
  }
}
