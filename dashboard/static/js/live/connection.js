// Keeps the page joined to a run: first the database by HTTP, then the websocket from that cursor on, again and again after a break.

import { waitBeforeTry } from "./backoff.js";

const SIGNED_OUT = 4401;
const TAKEN_AWAY = [4403, 4404];
const REFUSALS = { 401: "signed_out", 403: "taken_away", 404: "taken_away" };
const BAD_CURSOR = 1008;

/** Events: "update" (detail: what the store says has changed), "state" (detail: {phase, replayed}). */
export class Connection extends EventTarget {
  constructor(store, path, { open = (url) => new WebSocket(url), load = async () => {} } = {}) {
    super();
    Object.assign(this, { store, path, open, load });
    this.tries = 0;
    this.joinedOnce = false;
    this.phase = "connecting";
  }

  async start() {
    addEventListener("online", () => this.hurry());
    await this.loadAgain();
  }

  /** Reads the series afresh, then joins. A server that is away is tried again, as with the socket. */
  async loadAgain() {
    try {
      await this.load();
      this.connect();
    } catch (error) {
      const refusal = REFUSALS[error.status];
      if (refusal) this.tell(refusal);
      else this.later(() => this.loadAgain());
    }
  }

  connect() {
    this.isReplaying = true;
    this.socket = this.open(`${this.path}?after=${this.store.cursor}`);
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = (event) => this.closed(event.code);
  }

  receive(message) {
    if (message.type === "joined") this.joined(message);
    if (message.type !== "update") return;
    const changed = this.store.apply(message, { isReplay: this.isReplaying });
    if (changed.includes("gap")) this.socket.close();
    else if (changed.length) this.dispatchEvent(new CustomEvent("update", { detail: { changed, message } }));
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
    if (code === BAD_CURSOR) return this.later(() => this.loadAgain());
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
    next?.();
  }

  tell(phase, replayed = 0, again = false) {
    this.phase = phase;
    this.dispatchEvent(new CustomEvent("state", { detail: { phase, replayed, again } }));
  }
}
