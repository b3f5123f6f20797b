// Reads the binary form of series: one or more blocks back to back, each a header, the metric's name and columns of numbers.

const HEADER_BYTES = 48;
const VERSION = 2;
const BUCKETS = 1;
const HAS_X = 2;
const text = new TextDecoder();

/** Every block of an answer; the columns are views into it, nothing is copied. */
export function readBlocks(buffer) {
  const blocks = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const block = readBlock(buffer, at);
    blocks.push(block);
    at += block.numBytes;
  }
  return blocks;
}

function readBlock(buffer, start) {
  const view = new DataView(buffer, start, HEADER_BYTES);
  check(view);
  const u32 = (at) => view.getUint32(at, true);
  const flags = view.getUint8(5);
  const nameBytes = view.getUint16(6, true);
  const block = {
    metric: text.decode(new Uint8Array(buffer, start + HEADER_BYTES, nameBytes)),
    numBytes: u32(8),
    run: u32(12),
    stage: u32(16) || null, // none: the whole run
    attempt: u32(20) || null, // none: the newest of each step
    numNotFinite: u32(28),
    numPoints: Number(view.getBigUint64(32, true)),
    cursor: Number(view.getBigUint64(40, true)),
    isBuckets: (flags & BUCKETS) !== 0,
  };
  return Object.assign(block, readColumns(buffer, start + HEADER_BYTES + padded(nameBytes), u32(24), flags));
}

function check(view) {
  const magic = String.fromCharCode(...[0, 1, 2, 3].map((at) => view.getUint8(at)));
  if (magic !== "ANNL" || view.getUint8(4) !== VERSION) throw new Error(`No series of version ${VERSION}: ${magic} ${view.getUint8(4)}`);
}

/** What is absent in the bytes is the value itself (a point is its own extreme) or null. */
function readColumns(buffer, start, count, flags) {
  let at = start;
  const take = (Type) => {
    const column = new Type(buffer, at, count);
    at += padded(count * Type.BYTES_PER_ELEMENT);
    return column;
  };
  const value = take(Float64Array);
  const [min, max] = flags & BUCKETS ? [take(Float64Array), take(Float64Array)] : [value, value];
  const x = flags & HAS_X ? take(Float64Array) : null;
  const step = take(Uint32Array);
  const notFinite = flags & BUCKETS ? take(Uint32Array) : null;
  return { step, value, min, max, x, notFinite };
}

function padded(numBytes) {
  return Math.ceil(numBytes / 8) * 8;
}
