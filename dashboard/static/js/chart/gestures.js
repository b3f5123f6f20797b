// Zooming without a drag: the wheel with ctrl or cmd, two fingers to pinch and pan. One finger scrolls the page as everywhere.

const WHEEL_PER_PIXEL = 0.002;
const PINCH = 2;

export function bindGestures(plot, view) {
  plot.over.addEventListener("wheel", (event) => wheel(event, plot, view), { passive: false });
  new Pinch(plot, view);
}

/** The value under the pointer stays under it. */
function wheel(event, plot, view) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const factor = Math.exp(Math.max(-200, Math.min(200, event.deltaY)) * WHEEL_PER_PIXEL);
  const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
  const { min, max } = plot.scales.x;
  zoomOrReset(view, at - (at - min) * factor, at + (max - at) * factor);
}

function zoomOrReset(view, low, high) {
  const [first, last] = view.axis.range;
  if (low <= first && high >= last) view.reset();
  else view.zoom(low, high, { isGesture: true });
}

class Pinch {
  constructor(plot, view) {
    Object.assign(this, { plot, view, fingers: new Map() });
    const { over } = plot;
    over.addEventListener("pointerdown", (event) => this.down(event));
    over.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) over.addEventListener(name, (event) => this.fingers.delete(event.pointerId));
  }

  down(event) {
    if (event.pointerType !== "touch") return;
    this.fingers.set(event.pointerId, event.clientX);
    if (this.fingers.size === PINCH) this.begun = { places: this.places(), ...this.plot.scales.x };
  }

  move(event) {
    if (!this.fingers.has(event.pointerId)) return;
    this.fingers.set(event.pointerId, event.clientX);
    if (this.fingers.size !== PINCH || !this.begun) return;
    event.preventDefault();
    const window = pinched(this.begun.places, this.places(), [this.begun.min, this.begun.max], this.plot.over.clientWidth);
    if (window) zoomOrReset(this.view, ...window);
  }

  /** The fingers' places from the plot's left edge, the left one first. */
  places() {
    const { left } = this.plot.over.getBoundingClientRect();
    return [...this.fingers.values()].map((x) => x - left).sort((a, b) => a - b);
  }
}

/** The window under which both fingers still hold the values that they took hold of; null when they are too close. */
export function pinched(from, to, [min, max], width) {
  const perPixel = (max - min) / width;
  const held = from.map((place) => min + place * perPixel);
  if (to[1] - to[0] < 8 || from[1] - from[0] < 8) return null;
  const scale = (held[1] - held[0]) / (to[1] - to[0]);
  const low = held[0] - to[0] * scale;
  return [low, low + width * scale];
}
