// What the reader looks at: the window on the steps, smoothing and axis, kept in the URL, shared by all charts of the page.

const DEFAULT_SMOOTHING = 0.6;

export class View extends EventTarget {
  constructor(store, words, search = location.search) {
    super();
    Object.assign(this, { store, words });
    const params = new URLSearchParams(search);
    const smoothing = Number.parseFloat(params.get("smoothing"));
    this.smoothing = smoothing >= 0 && smoothing < 1 ? smoothing : DEFAULT_SMOOTHING;
    this.isLog = params.get("y") !== "linear";
    this.window = windowFrom(params.get("steps"), this.total);
    this.isFollowing = true;
  }

  get stages() {
    return this.store.stages;
  }

  get total() {
    return this.stages.reduce((sum, stage) => sum + stage.num_steps, 0) || 1;
  }

  get range() {
    return this.window ?? [0, this.total];
  }

  /** The run step of the newest point; 0 before the first. */
  get now() {
    const begun = this.stages.findLast((stage) => stage.last_step > 0);
    return begun ? begun.offset + begun.last_step : 0;
  }

  zoom(low, high) {
    if (high - low < 2) return;
    this.window = [Math.max(0, low), Math.min(this.total, high)];
    this.changed("window");
  }

  reset() {
    this.window = null;
    this.changed("window");
  }

  set(changes) {
    Object.assign(this, changes);
    this.changed("look");
  }

  changed(what) {
    history.replaceState(history.state, "", this.address());
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  address() {
    const params = new URLSearchParams(location.search);
    put(params, "smoothing", this.smoothing === DEFAULT_SMOOTHING ? null : this.smoothing.toFixed(2));
    put(params, "y", this.isLog ? null : "linear");
    put(params, "steps", this.window && this.window.map(Math.round).join("-"));
    const query = params.toString();
    return location.pathname + (query ? `?${query}` : "");
  }
}

function put(params, name, value) {
  if (value) params.set(name, value);
  else params.delete(name);
}

export function windowFrom(text, total) {
  const found = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (!found) return null;
  const [low, high] = [Number(found[1]), Math.min(Number(found[2]), total)];
  return high - low >= 2 ? [low, high] : null;
}
