// A set of names that this reader's browser keeps: which metrics are pinned, which groups are closed.

export class Remembered {
  /** `storage` may be forbidden or full: then the set lasts as long as the page. */
  constructor(key, storage = globalThis.localStorage) {
    Object.assign(this, { key, storage, names: new Set() });
    try {
      for (const name of JSON.parse(storage.getItem(key) ?? "[]")) this.names.add(name);
    } catch {
      this.names = new Set();
    }
  }

  has(name) {
    return this.names.has(name);
  }

  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
    try {
      this.storage.setItem(this.key, JSON.stringify([...this.names]));
    } catch {
      // Not kept beyond this page.
    }
  }
}
