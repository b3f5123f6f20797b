// Parts of the page that the server draws: fetched again when the run's state or events have changed, at most once a second.

const PAUSE_MS = 1000;

export class Regions {
  constructor(onReplaced = () => {}) {
    this.onReplaced = onReplaced;
  }

  /** Asks for new parts soon; many calls become one request. */
  refresh() {
    if (this.timer) return;
    const wait = Math.max(120, (this.fetchedAt ?? -PAUSE_MS) + PAUSE_MS - performance.now());
    this.timer = setTimeout(() => this.fetch(), wait);
  }

  async fetch() {
    try {
      const response = await fetch(location.href, { headers: { "X-Anneal-Part": "1" } });
      if (response.ok && !response.redirected) this.replace(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // The server is away: the parts come with the first update after the connection is back.
    }
    this.fetchedAt = performance.now();
    this.timer = null;
  }

  replace(page) {
    for (const fresh of page.querySelectorAll("[data-region]")) {
      const shown = document.querySelector(`[data-region="${fresh.dataset.region}"]`);
      if (shown && shown.innerHTML !== fresh.innerHTML) swap(shown, fresh);
    }
    this.onReplaced();
  }
}

/** Replaces the content and gives the focus back to the element at the same place. */
function swap(shown, fresh) {
  const focusable = () => [...shown.querySelectorAll("a, button, input, summary")];
  const at = focusable().indexOf(document.activeElement);
  shown.replaceChildren(...fresh.childNodes);
  if (at >= 0) focusable()[at]?.focus();
}
