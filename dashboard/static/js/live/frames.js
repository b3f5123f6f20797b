// Reads binary update frames: a message holds one or more back to back, each a header, JSON and the numbers of its points.

const HEADER_BYTES = 32;
const VERSION = 1;
const text = new TextDecoder();

/** The updates of a message, as the JSON form has them, but with typed arrays as `step` and `value` of points. */
export function readFrames(buffer) {
  const updates = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const view = new DataView(buffer, at, HEADER_BYTES);
    updates.push(readFrame(buffer, at, view));
    at += view.getUint32(8, true);
  }
  return updates;
}

function readFrame(buffer, start, view) {
  const magic = String.fromCharCode(...[0, 1, 2, 3].map((at) => view.getUint8(at)));
  if (magic !== "ANNF" || view.getUint8(4) !== VERSION) throw new Error(`No frame of version ${VERSION}: ${magic} ${view.getUint8(4)}`);
  const numBytes = view.getUint32(12, true);
  const body = JSON.parse(text.decode(new Uint8Array(buffer, start + HEADER_BYTES, numBytes)));
  const points = readPoints(buffer, start + HEADER_BYTES + padded(numBytes), body.points ?? []);
  return { ...body, type: "update", cursor: Number(view.getBigUint64(16, true)), at: view.getFloat64(24, true), points };
}

function readPoints(buffer, start, items) {
  let at = start;
  return items.map(({ count, ...item }) => {
    const value = new Float64Array(buffer, at, count);
    const step = new Uint32Array(buffer, at + 8 * count, count);
    at += 8 * count + padded(4 * count);
    return { ...item, step, value };
  });
}

function padded(numBytes) {
  return Math.ceil(numBytes / 8) * 8;
}
