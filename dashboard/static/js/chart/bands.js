// What lies under and over the curves of a run: a tinted band per stage, the boundaries, the hatched future, the newest point.

import { stageColour } from "./theme.js";

const BOUNDARY_WIDTH = 1;

/** Paints bands, hatch and boundaries into the plot's box; called before axes and curves are drawn. */
export function paintBands(plot, view, theme) {
  const { ctx, bbox } = plot;
  ctx.save();
  clipTo(ctx, bbox);
  for (const stage of view.stages) paintBand(plot, stage, view.now, theme);
  ctx.restore();
}

function paintBand(plot, stage, now, theme) {
  const { ctx, bbox } = plot;
  const colour = stageColour(theme, stage.index);
  const [from, to] = [stage.offset, stage.offset + stage.num_steps].map((x) => plot.valToPos(x, "x", true));
  ctx.fillStyle = colour.tint;
  ctx.fillRect(from, bbox.top, to - from, bbox.height);
  const ahead = Math.max(from, plot.valToPos(now, "x", true));
  if (ahead < to) paintHatch(ctx, ahead, bbox.top, to - ahead, bbox.height, colour.middle);
  if (stage.index > 1) paintLine(ctx, from, bbox, colour.solid);
}

function paintHatch(ctx, left, top, width, height, colour) {
  ctx.fillStyle = hatch(ctx, colour);
  ctx.fillRect(left, top, width, height);
}

/** Thin diagonals, drawn once per colour into a small tile. */
function hatch(ctx, colour) {
  const side = 8 * devicePixelRatio;
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.2 * devicePixelRatio;
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
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
