// Draws at the next frame of the screen, at most a quarter of the time, and not at all while nobody looks.

const REST = 3; // after a draw the page rests three times as long

export class Painter {
  constructor(draw, { now = () => performance.now(), page = document, frame = requestAnimationFrame } = {}) {
    Object.assign(this, { draw, now, page, frame: (callback) => frame(callback) });
    this.isDirty = false;
    this.freeAt = 0;
    page.addEventListener("visibilitychange", () => this.isDirty && this.ask());
  }

  ask() {
    this.isDirty = true;
    if (this.isAsked || this.page.hidden) return;
    this.isAsked = true;
    const wait = this.freeAt - this.now();
    if (wait > 0) setTimeout(() => this.frame(() => this.paint()), wait);
    else this.frame(() => this.paint());
  }

  paint() {
    this.isAsked = false;
    if (this.page.hidden || !this.isDirty) return;
    this.isDirty = false;
    const begun = this.now();
    this.draw();
    this.freeAt = this.now() + REST * (this.now() - begun);
  }
}
