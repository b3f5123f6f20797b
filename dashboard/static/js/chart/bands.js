// What lies under and over the curves of a run: a tinted band per stage, the boundaries, the hatched future, the newest point.

import { isRepeated, stageColour } from "./theme.js";

const BOUNDARY_WIDTH = 1;
// The hatches: rising what is still to come, falling a stage whose colour an earlier one has.
const AHEAD = { side: 8, alpha: 0.55, isFalling: false };
const REPEATED = { side: 6, alpha: 0.6, isFalling: true };

/** Paints bands, hatch and boundaries into the plot's box; called before axes and curves are drawn. */
export function paintBands(plot, view, theme) {
  const { ctx, bbox } = plot;
  ctx.save();
  clipTo(ctx, bbox);
  if (view.layout !== "overlay") for (const span of view.axis.spans) paintBand(plot, span, view, theme);
  ctx.restore();
}

function paintBand(plot, { stage, from, to }, view, theme) {
  const { ctx, bbox } = plot;
  const colour = stageColour(theme, stage.index);
  const [left, right] = [from, to].map((x) => plot.valToPos(x, "x", true));
  if (right < bbox.left || left > bbox.left + bbox.width) return;
  ctx.fillStyle = colour.tint;
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  if (isRepeated(stage.index)) paintHatch(ctx, left, bbox.top, right - left, bbox.height, colour.middle, REPEATED);
  const ahead = Math.max(left, plot.valToPos(view.axis.at(stage.index, stage.last_step), "x", true));
  if (view.now < stage.offset + stage.num_steps && ahead < right) paintHatch(ctx, ahead, bbox.top, right - ahead, bbox.height, colour.middle);
  if (stage.index > 1) paintLine(ctx, left, bbox, colour.solid);
}

function paintHatch(ctx, left, top, width, height, colour, look = AHEAD) {
  ctx.fillStyle = hatch(ctx, colour, look);
  ctx.fillRect(left, top, width, height);
}

const tiles = new Map();

/** Thin diagonals, drawn once per colour into a small tile. */
function hatch(ctx, colour, look) {
  const key = `${colour} ${look.side} ${devicePixelRatio}`;
  if (!tiles.has(key)) tiles.set(key, tileOf(colour, look));
  return ctx.createPattern(tiles.get(key), "repeat");
}

function tileOf(colour, { side: size, alpha, isFalling }) {
  const side = Math.round(size * devicePixelRatio);
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.globalAlpha = alpha;
  pen.lineWidth = 1.2 * devicePixelRatio;
  if (isFalling) pen.setTransform(-1, 0, 0, 1, side, 0);
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
  }
  pen.stroke();
  return tile;
}

function paintLine(ctx, x, bbox, colour) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = BOUNDARY_WIDTH * devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
}

/** The ring on the newest point of a curve. */
export function paintEnd(plot, x, y, colour, theme, scale = "y") {
  const { ctx } = plot;
  const [left, top] = [plot.valToPos(x, "x", true), plot.valToPos(y, scale, true)];
  if (!Number.isFinite(left + top)) return;
  ctx.save();
  clipTo(ctx, plot.bbox, 8 * devicePixelRatio);
  disc(ctx, left, top, 7, colour, 0.25);
  disc(ctx, left, top, 4.5, theme.surface, 1);
  disc(ctx, left, top, 3.2, colour, 1);
  ctx.restore();
}

export function disc(ctx, x, y, radius, colour, alpha) {
  ctx.globalAlpha = alpha;
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(x, y, radius * devicePixelRatio, 0, 2 * Math.PI);
  ctx.fill();
  ctx.globalAlpha = 1;
}

export function clipTo(ctx, bbox, air = 0) {
  ctx.beginPath();
  ctx.rect(bbox.left - air, bbox.top - air, bbox.width + 2 * air, bbox.height + 2 * air);
  ctx.clip();
}
