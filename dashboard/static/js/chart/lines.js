// Strokes layers onto the plot's canvas. Where many entries share a column of pixels, only the column's extremes are drawn.

import { inside } from "./layers.js";

// A hair over one: a line of one pixel is drawn piece by piece, and pieces that overlap would darken it.
export const RAW_WIDTH = 1.05;

let [placesX, placesY] = [new Float64Array(4096), new Float64Array(4096)];

/** From data to canvas pixels, for one state of the plot's scales. */
export function projection(plot, { fold }) {
  const { bbox, scales } = plot;
  const { min, max } = scales.x;
  const [low, high] = [fold(scales.y.min), fold(scales.y.max)];
  const across = bbox.width / (max - min || 1);
  const up = bbox.height / (high - low || 1);
  return { bbox, x: (x) => bbox.left + (x - min) * across, y: (y) => bbox.top + bbox.height - (fold(y) - low) * up, range: [min, max] };
}

export function strokeLayer(ctx, project, layer) {
  const count = fill(project, layer);
  ctx.globalAlpha = layer.alpha ?? 1;
  ctx.strokeStyle = layer.stroke;
  ctx.lineWidth = layer.width * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.setLineDash((layer.dash ?? []).map((part) => part * devicePixelRatio));
  ctx.beginPath();
  if (count > 2 * project.bbox.width) traceColumns(ctx, count);
  else trace(ctx, count);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** Hollow dots, as long as they can be told apart. */
export function dotLayer(ctx, project, layer, { radius, fill: inner, width = 1.25 }) {
  const [from, to] = inside(layer, project.range);
  if (to - from > project.bbox.width / (4 * devicePixelRatio)) return;
  ctx.strokeStyle = layer.stroke;
  ctx.fillStyle = inner;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.beginPath();
  for (let i = from; i < to; i += 1) {
    if (!Number.isFinite(layer.y[i])) continue;
    const [x, y] = [project.x(layer.x[i]), project.y(layer.y[i])];
    ctx.moveTo(x + radius * devicePixelRatio, y);
    ctx.arc(x, y, radius * devicePixelRatio, 0, 2 * Math.PI);
  }
  ctx.fill();
  if (width) ctx.stroke();
}

/** Pixels of the entries in the window; an entry with two extremes becomes two points, NaN stays and breaks the line. */
function fill(project, { x, y, low, high }) {
  const [from, to] = inside({ x }, project.range);
  makeRoom(2 * (to - from));
  let count = 0;
  for (let i = from; i < to; i += 1) {
    const isTwo = low && low[i] < high[i];
    if (isTwo) {
      placesX[count] = project.x(i ? (x[i - 1] + x[i]) / 2 : x[i]);
      placesY[count++] = project.y(low[i]);
    }
    placesX[count] = project.x(x[i]);
    placesY[count++] = isTwo ? project.y(high[i]) : project.y(Number.isFinite(y[i]) ? y[i] : NaN);
  }
  return count;
}

function makeRoom(count) {
  if (count <= placesX.length) return;
  [placesX, placesY] = [new Float64Array(2 * count), new Float64Array(2 * count)];
}

function trace(ctx, count) {
  let isDown = false;
  for (let i = 0; i < count; i += 1) {
    const y = placesY[i];
    if (Number.isNaN(y)) isDown = false;
    else if (isDown) ctx.lineTo(placesX[i], y);
    else {
      ctx.moveTo(placesX[i], y);
      isDown = true;
    }
  }
}

/** Into each column of pixels: where the line enters, its lowest and highest point there, where it leaves. */
function traceColumns(ctx, count) {
  let isDown = false;
  for (let i = 0; i < count; ) {
    if (Number.isNaN(placesY[i])) {
      isDown = false;
      i += 1;
      continue;
    }
    const column = Math.floor(placesX[i]);
    let [low, high, last] = [placesY[i], placesY[i], placesY[i]];
    const first = placesY[i];
    for (i += 1; i < count && Math.floor(placesX[i]) === column && !Number.isNaN(placesY[i]); i += 1) {
      last = placesY[i];
      if (last < low) low = last;
      if (last > high) high = last;
    }
    const x = column + 0.5;
    if (isDown) ctx.lineTo(x, first);
    else ctx.moveTo(x, first);
    if (low < first) ctx.lineTo(x, low);
    if (high > low) ctx.lineTo(x, high);
    if (last !== high) ctx.lineTo(x, last);
    isDown = true;
  }
}
