// Reads series over HTTP into the store: every metric of the run at once, and what older attempts made.

import { supersededFrom } from "./curves.js";

const MAX_POINTS = 2000;

export async function loadAll(store, path, metrics) {
  const found = await Promise.all(metrics.map((metric) => read(path, { metric })));
  for (const series of found) store.load(series);
  const lost = store.stages.flatMap((stage) => lostAttempts(stage).map((attempt) => ({ stage: stage.index, attempt })));
  await Promise.all(lost.map(async ({ stage, attempt }) => store.loadLost(await read(path, { metric: "train/loss", stage, attempt }), stage, attempt)));
}

/** The attempts whose last points a later one made again. */
function lostAttempts(stage) {
  return stage.attempts.filter((each) => each.last_step >= supersededFrom(each.number, stage.attempts)).map((each) => each.number);
}

/** A refusal carries its status, so that the caller can tell it from a server that is away. */
export async function read(path, query) {
  const response = await fetch(`${path}?${new URLSearchParams({ max_points: MAX_POINTS, ...query })}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw Object.assign(new Error(`${response.status} of ${path}`), { status: response.status });
  return response.json();
}
