// What stands in the events lane, and which mark wins where two would lie on one another.

const KINDS = {
  saved: { shape: "checkpoint", rank: 0 },
  evaluated: null,
  resumed: { shape: "resume", rank: 2 },
  retried: { shape: "resume", rank: 2 },
  stopped: { shape: "stop", rank: 2 },
  stop_requested: null,
  skipped: { shape: "nan", rank: 4 },
  went_back: { shape: "resume", rank: 4 },
  lost: { shape: "lost", rank: 3 },
  failed: { shape: "failed", rank: 3 },
  finished: { shape: "done", rank: 3 },
};

/** Marks on the run's axis from the events, the attempts and the places where the loss is not a number. */
export function marksOf(events, stages, notFinite) {
  const offsets = new Map(stages.map((stage) => [stage.index, stage]));
  const fromEvents = events.flatMap((event) => markOf(event, offsets.get(event.stage)));
  const fromLoss = notFinite.map(({ x, stage, step }) => ({ x, stage, step, shape: "nan", rank: 4, kind: "nan" }));
  return [...fromEvents, ...fromLoss].sort((a, b) => a.x - b.x);
}

function markOf(event, stage) {
  const kind = event.kind === "started" && event.data?.resumed_from ? KINDS.resumed : KINDS[event.kind];
  const step = event.kind === "finished" ? (stage?.num_steps ?? event.step) : (event.step ?? event.data?.resumed_from ?? null);
  if (!kind || !stage || step === null) return [];
  return [{ x: stage.offset + step, stage: stage.index, step, kind: event.kind, at: event.at, data: event.data, ...kind }];
}

/** Of marks nearer than `distance` pixels the weightier stays; of equals the later one. */
export function thinOut(marks, toPixels, distance = 12) {
  const kept = [];
  for (const mark of marks.toSorted((a, b) => b.rank - a.rank || b.x - a.x)) {
    if (kept.every((each) => Math.abs(toPixels(each.x) - toPixels(mark.x)) >= distance)) kept.push(mark);
  }
  return kept.sort((a, b) => a.x - b.x);
}
