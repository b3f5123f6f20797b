// What stands in the events lane, and which mark wins where two would lie on one another.

const KINDS = {
  saved: { shape: "checkpoint", rank: 1 },
  evaluated: null, // drawn from the series, which knows them all
  resumed: { shape: "resume", rank: 2 },
  retried: { shape: "resume", rank: 2 },
  stopped: { shape: "stop", rank: 2 },
  stop_requested: null,
  note: { shape: "note", rank: 3 },
  lost: { shape: "lost", rank: 4 },
  failed: { shape: "failed", rank: 4 },
  finished: { shape: "done", rank: 4 },
  gate: { shape: "gate", rank: 5 },
  skipped: { shape: "nan", rank: 5 },
  went_back: { shape: "resume", rank: 5 },
};

/** Marks from the events, from the places where the loss is no number, and from the evaluations; in order of stage and step. */
export function marksOf(events, stages, notFinite, evaluated = []) {
  const byIndex = new Map(stages.map((stage) => [stage.index, stage]));
  const fromEvents = events.flatMap((event) => markOf(event, byIndex.get(event.stage)));
  const fromLoss = notFinite.map(({ stage, step }) => ({ stage, step, shape: "nan", rank: 5, kind: "nan" }));
  const checks = evaluated.map(({ stage, step }) => ({ stage, step, shape: "evaluation", rank: 0, kind: "evaluation" }));
  return [...fromEvents, ...fromLoss, ...checks].sort((a, b) => a.stage - b.stage || a.step - b.step);
}

function markOf(event, stage) {
  const kind = event.kind === "started" && event.data?.resumed_from ? KINDS.resumed : KINDS[event.kind];
  const step = event.kind === "finished" ? (stage?.num_steps ?? event.step) : (event.step ?? event.data?.resumed_from ?? null);
  if (!kind || !stage || step === null) return [];
  return [{ stage: stage.index, step, kind: event.kind, at: event.at, data: event.data, ...kind }];
}

/** Of marks nearer than `distance` pixels the weightier stays; of equals the later one. */
export function thinOut(marks, toPixels, distance = 12) {
  const taken = new Map(); // a column as wide as the distance holds one mark at most
  const kept = [];
  for (const mark of marks.toReversed().sort((a, b) => b.rank - a.rank || b.x - a.x)) {
    const pixel = toPixels(mark.x);
    const column = Math.floor(pixel / distance);
    const isFree = [column - 1, column, column + 1].every((near) => !taken.has(near) || Math.abs(taken.get(near) - pixel) >= distance);
    if (!isFree) continue;
    taken.set(column, pixel);
    kept.push(mark);
  }
  return kept.sort((a, b) => a.x - b.x);
}
