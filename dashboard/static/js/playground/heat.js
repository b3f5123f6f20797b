// Draws the picture with what the model looked at over it: one scale of colours for all columns.

// Dark for little, bright for much; the stylesheet's `.heat-scale` shows the same stops.
const STOPS = [
  [75, 63, 114],
  [190, 72, 90],
  [240, 120, 60],
  [255, 225, 77],
];
const MAX_ASPECT = 1.9;

/** `grid` has rows of 0..1 over the square in the middle of the picture; without one the picture is drawn alone. */
export function drawHeat(canvas, image, grid) {
  const width = Math.max(canvas.clientWidth, 200);
  const aspect = Math.min(Math.max(image.naturalWidth / image.naturalHeight, 1 / MAX_ASPECT), MAX_ASPECT);
  const height = Math.round(Math.min(width / aspect, 200));
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.setProperty("aspect-ratio", `${width} / ${height}`);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const box = contained(image, width, height);
  context.drawImage(image, box.left, box.top, box.width, box.height);
  if (grid) overlay(context, grid, box, width, height);
}

function contained(image, width, height) {
  const factor = Math.min(width / image.naturalWidth, height / image.naturalHeight);
  const size = { width: image.naturalWidth * factor, height: image.naturalHeight * factor };
  return { ...size, left: (width - size.width) / 2, top: (height - size.height) / 2 };
}

/** What the model does not see is darkened; over the rest lies the map. */
function overlay(context, grid, box, width, height) {
  const side = Math.min(box.width, box.height);
  const square = [box.left + (box.width - side) / 2, box.top + (box.height - side) / 2, side, side];
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.rect(...square);
  context.clip("evenodd");
  context.fillStyle = "rgb(14 17 22 / .62)";
  context.fillRect(0, 0, width, height);
  context.restore();
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(mapOf(grid), ...square);
}

function mapOf(grid) {
  const map = document.createElement("canvas");
  map.width = grid[0].length;
  map.height = grid.length;
  const pixels = new ImageData(map.width, map.height);
  grid.flat().forEach((value, place) => pixels.data.set(colourOf(value), 4 * place));
  map.getContext("2d").putImageData(pixels, 0, 0);
  return map;
}

/** Red, green, blue and how far it covers, each 0..255. */
export function colourOf(value) {
  const at = Math.min(Math.max(value, 0), 1) * (STOPS.length - 1);
  const from = Math.min(Math.floor(at), STOPS.length - 2);
  const colour = STOPS[from].map((part, channel) => Math.round(part + (at - from) * (STOPS[from + 1][channel] - part)));
  return [...colour, Math.round(255 * (0.5 + 0.25 * value))];
}
