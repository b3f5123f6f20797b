// Draws at most ten times a second, and not at all while nobody looks.

const PAUSE_MS = 100;

export class Painter {
  constructor(draw) {
    this.draw = draw;
    this.isDirty = false;
    this.drawnAt = 0;
    document.addEventListener("visibilitychange", () => this.isDirty && this.ask());
  }

  ask() {
    this.isDirty = true;
    if (this.isAsked || document.hidden) return;
    this.isAsked = true;
    setTimeout(() => requestAnimationFrame(() => this.paint()), Math.max(0, this.drawnAt + PAUSE_MS - performance.now()));
  }

  paint() {
    this.isAsked = false;
    if (document.hidden || !this.isDirty) return;
    this.isDirty = false;
    this.drawnAt = performance.now();
    this.draw();
  }
}
