// What clipping hides is marked at the edge of the plot, where it would leave it.

const SIZE = 3.5;
const APART = 6; // pixels between two marks

/** A small triangle towards the hidden value, at the upper or lower edge; marks that would lie on one another become one. */
export function paintClipped(ctx, { bbox, x }, places, theme) {
  const ratio = devicePixelRatio;
  ctx.fillStyle = theme.ink2;
  const last = { true: -Infinity, false: -Infinity };
  for (const place of places.toSorted((a, b) => a.x - b.x)) {
    const left = x(place.x);
    if (left - last[place.isAbove] < APART * ratio) continue;
    last[place.isAbove] = left;
    const edge = place.isAbove ? bbox.top + ratio : bbox.top + bbox.height - ratio;
    const inwards = (place.isAbove ? 1 : -1) * 1.6 * SIZE * ratio;
    ctx.beginPath();
    ctx.moveTo(left, edge);
    ctx.lineTo(left - SIZE * ratio, edge + inwards);
    ctx.lineTo(left + SIZE * ratio, edge + inwards);
    ctx.fill();
  }
}
