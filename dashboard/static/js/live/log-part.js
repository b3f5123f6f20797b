// Reads parts of a run's log by cursor: earlier ones when the reader asks, later ones after a time in which the page could not listen.

async function read(address, query) {
  const answer = await fetch(`${address}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`${answer.status} of the log`);
  return answer.json();
}

export function partBefore(address, cursor) {
  return read(address, { before: cursor });
}

/** Gives every part after a cursor and up to another to `take`, in order. */
export async function partsAfter(address, cursor, until, take) {
  let part = { after: cursor, is_whole: false };
  while (!part.is_whole) {
    part = await read(address, { after: part.after, until });
    take(part.parts);
  }
}
