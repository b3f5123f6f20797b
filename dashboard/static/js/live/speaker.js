// What screen readers hear: changes politely and at most every ten seconds, failures at once.

const PAUSE_MS = 10_000;

export class Speaker {
  constructor(polite, assertive, { now = () => performance.now(), later = setTimeout } = {}) {
    // A browser's own function must not be called as a method of ours.
    Object.assign(this, { polite, assertive, now, later: (...task) => later(...task), spokenAt: -PAUSE_MS, next: null });
  }

  /** Of several changes within the pause only the last is told. */
  say(text) {
    const isWaiting = this.next !== null;
    this.next = text;
    if (!isWaiting) this.later(() => this.speak(), Math.max(0, this.spokenAt + PAUSE_MS - this.now()));
  }

  speak() {
    this.spokenAt = this.now();
    if (this.polite) this.polite.textContent = this.next;
    this.next = null;
  }

  warn(text) {
    this.next &&= text;
    if (this.assertive) this.assertive.textContent = text;
  }
}
