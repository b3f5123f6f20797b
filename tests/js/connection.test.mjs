// Joining a run and coming back to it: from the last cursor, after a wait, and never after access is gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitBeforeTry } from "../../dashboard/static/js/live/backoff.js";
import { Connection } from "../../dashboard/static/js/live/connection.js";

globalThis.addEventListener ??= () => {};

class Socket {
  constructor(url) {
    this.url = url;
    Socket.all.push(this);
  }
  close() {
    this.isClosed = true;
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

/** A frame without points, as the server packs it. */
function frame(cursor, body) {
  const text = new TextEncoder().encode(JSON.stringify(body).padEnd(8 * Math.ceil(JSON.stringify(body).length / 8)));
  const bytes = new Uint8Array(32 + text.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("ANNF"));
  view.setUint8(4, 1);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, text.length, true);
  view.setBigUint64(16, BigInt(cursor), true);
  bytes.set(text, 32);
  return bytes;
}

async function connected(cursor = 0, load = async () => {}, renew = undefined) {
  Socket.all = [];
  const store = { cursor, apply: (update) => (update.cursor > store.cursor + 1 ? ["gap"] : ((store.cursor = update.cursor), ["points"])) };
  const connection = new Connection(store, "/ws/runs/7/", { open: (url) => new Socket(url), load, ...(renew && { renew }) });
  const states = [];
  connection.addEventListener("state", ({ detail }) => states.push(detail));
  await connection.start();
  return { store, connection, states, newest: () => Socket.all.at(-1) };
}

test("it joins after the cursor of the page", async () => {
  const { newest } = await connected(12);
  assert.equal(newest().url, "/ws/runs/7/?after=12&format=binary");
});

test("after a break it goes on from the last update and says how much was replayed", async () => {
  const { connection, states, newest } = await connected(0);
  newest().say({ type: "joined", cursor: 0, replayed: 40 });
  newest().say({ type: "update", cursor: 1 });
  newest().onclose({ code: 1006 });
  connection.hurry();
  assert.equal(newest().url, "/ws/runs/7/?after=1&format=binary");
  newest().say({ type: "joined", cursor: 9, replayed: 212 });
  assert.deepEqual(states.at(0), { phase: "joined", replayed: 0, again: false });
  assert.deepEqual(states.at(-1), { phase: "joined", replayed: 212, again: true });
});

test("a gap closes the socket, so that the database fills it", async () => {
  const { newest, store } = await connected(0);
  newest().say({ type: "update", cursor: 3 });
  assert.equal(newest().isClosed, true);
  assert.equal(store.cursor, 0);
});

test("it does not knock again once access is gone or the person is signed out", async () => {
  for (const [code, phase] of [[4401, "signed_out"], [4403, "taken_away"], [4404, "taken_away"]]) {
    const { states, newest, connection } = await connected();
    newest().onclose({ code });
    connection.hurry();
    assert.equal(states.at(-1).phase, phase);
    assert.equal(Socket.all.length, 1);
  }
});

test("frames that come in one message are one change of the page, with the log of all", async () => {
  const { connection, newest, store } = await connected(0);
  const seen = [];
  connection.addEventListener("update", ({ detail }) => seen.push(detail));
  const [first, second] = [frame(1, { log: [{ text: "a" }] }), frame(2, { log: [{ text: "b" }] })];
  newest().onmessage({ data: Uint8Array.from([...first, ...second]).buffer });
  assert.equal(store.cursor, 2);
  assert.deepEqual(seen.map(({ message }) => [message.cursor, message.log.map(({ text }) => text)]), [[2, ["a", "b"]]]);
});

test("a page that is too far behind renews itself and joins from there", async () => {
  let renewed = 0;
  const { connection, store, newest } = await connected(5, async () => {}, async () => {
    renewed += 1;
    store.cursor = 90_000;
  });
  newest().onclose({ code: 4409 });
  await connection.hurry();
  assert.equal(renewed, 1);
  assert.equal(newest().url, "/ws/runs/7/?after=90000&format=binary");
});

test("a refused cursor reads the curves afresh", async () => {
  let loads = 0;
  const { connection, newest } = await connected(5, async () => {
    loads += 1;
  });
  newest().onclose({ code: 1008 });
  await connection.hurry();
  assert.equal(loads, 2);
});

test("a server that is away while the curves load is tried again", async () => {
  let loads = 0;
  const { connection } = await connected(5, async () => {
    loads += 1;
    if (loads === 1) throw new TypeError("Failed to fetch");
  });
  assert.equal(Socket.all.length, 0);
  connection.hurry();
  await new Promise(setImmediate);
  assert.equal(Socket.all.length, 1);
});

test("a refusal while the curves load is told and not tried again", async () => {
  const { states } = await connected(5, async () => {
    throw Object.assign(new Error("404"), { status: 404 });
  });
  assert.equal(states.at(-1).phase, "taken_away");
  assert.equal(Socket.all.length, 0);
});

test("the wait doubles, has jitter and ends at eight seconds", () => {
  assert.equal(waitBeforeTry(0, () => 1), 0.4);
  assert.equal(waitBeforeTry(0, () => 0), 0.2);
  assert.equal(waitBeforeTry(3, () => 1), 3.2);
  assert.equal(waitBeforeTry(30, () => 1), 8);
});
