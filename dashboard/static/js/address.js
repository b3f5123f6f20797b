// Parameters of the page's address that describe what the reader looks at; the rest of it stays as it is.

export function parameter(name) {
  return new URLSearchParams(location.search).get(name) ?? "";
}

/** Sets parameters; an empty one goes. Without a new entry in the history, unless the back button is to undo it (`isEntry`). */
export function setParameters(values, { isEntry = false } = {}) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  const query = params.toString();
  history[isEntry ? "pushState" : "replaceState"](history.state, "", location.pathname + (query ? `?${query}` : ""));
}
