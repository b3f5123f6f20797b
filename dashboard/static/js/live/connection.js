// Keeps the page joined to a run by its websocket, from the newest cursor on, again and again after a break.

import { waitBeforeTry } from "./backoff.js";
import { readFrames } from "./frames.js";

const SIGNED_OUT = 4401;
const TAKEN_AWAY = [4403, 4404];
const REFUSALS = { 401: "signed_out", 403: "taken_away", 404: "taken_away" };
const BAD_CURSOR = 1008;
const READ_AGAIN = 4409; // too far behind: reading it anew is less than catching up

/**
 * Events: "update" (detail: what the store says has changed), "state" (detail: {phase, replayed}).
 * `load` comes before the first join; `renew` brings the store to the server's newest cursor when catching up is not possible.
 */
export class Connection extends EventTarget {
  constructor(store, path, { open = openSocket, load = async () => {}, renew = load } = {}) {
    super();
    Object.assign(this, { store, path, open, load, renew });
    this.tries = 0;
    this.joinedOnce = false;
    this.phase = "connecting";
  }

  async start() {
    addEventListener("online", () => this.hurry());
    await this.loadThenConnect(this.load);
  }

  /** Reads by HTTP, then joins. A server that is away is tried again, as with the socket. */
  async loadThenConnect(load) {
    try {
      await load();
      this.connect();
    } catch (error) {
      const refusal = REFUSALS[error.status];
      if (refusal) this.tell(refusal);
      else this.later(() => this.loadThenConnect(load));
    }
  }

  connect() {
    this.isReplaying = true;
    this.socket = this.open(`${this.path}?after=${this.store.cursor}&format=binary`);
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.closed(event.code);
  }

  /** Control messages are text; updates are frames, several of which may come in one message. */
  receive(data) {
    const messages = typeof data === "string" ? [JSON.parse(data)] : readFrames(data);
    const changed = new Set();
    const taken = [];
    for (const message of messages) {
      if (message.type === "joined") this.joined(message);
      if (message.type !== "update") continue;
      const found = this.store.apply(message, { isReplay: this.isReplaying });
      if (found.includes("gap")) {
        this.socket.close();
        break;
      }
      if (found.length) taken.push(message);
      for (const what of found) changed.add(what);
    }
    if (taken.length) this.dispatchEvent(new CustomEvent("update", { detail: { changed: [...changed], message: joinedUp(taken) } }));
  }

  joined(message) {
    this.tries = 0;
    this.isReplaying = false;
    this.tell("joined", this.joinedOnce ? message.replayed : 0, this.joinedOnce);
    this.joinedOnce = true;
  }

  closed(code) {
    if (code === SIGNED_OUT) return this.tell("signed_out");
    if (TAKEN_AWAY.includes(code)) return this.tell("taken_away");
    if (code === BAD_CURSOR || code === READ_AGAIN) return this.later(() => this.loadThenConnect(this.renew));
    return this.later(() => this.connect());
  }

  later(next) {
    this.tell("reconnecting");
    this.next = next;
    this.timer = setTimeout(() => this.hurry(), 1000 * waitBeforeTry(this.tries));
    this.tries += 1;
  }

  /** The network is back, or the wait is over. */
  hurry() {
    clearTimeout(this.timer);
    const next = this.next;
    this.next = null;
    return next?.();
  }

  tell(phase, replayed = 0, again = false) {
    this.phase = phase;
    this.dispatchEvent(new CustomEvent("state", { detail: { phase, replayed, again } }));
  }
}

/** Several updates as one: the newest, with the log and the events of all. */
function joinedUp(updates) {
  const all = (name) => updates.flatMap((update) => update[name] ?? []);
  return { ...updates.at(-1), log: all("log"), events: all("events") };
}

function openSocket(url) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return socket;
}
