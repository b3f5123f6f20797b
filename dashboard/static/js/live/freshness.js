// How fresh the newest point is: live, slow, stale or lost. The limits follow the rate at which points have been coming.

const LIVE_S = 5;
const SLOW_S = 30;
const GONE_S = 10;
const LIVE_GAPS = 3;
const SLOW_GAPS = 10;
const BEAT_S = 3; // a worker beats every 2 s, and a page hears of it every few

/** The middle interval between arrivals, in seconds; 0 while too few are known. */
export function usualInterval(arrivals) {
  const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i]);
  if (gaps.length < 3) return 0;
  return gaps.sort((a, b) => a - b)[gaps.length >> 1];
}

/**
 * `live` under 5 s or three usual intervals, `slow` under 30 s or ten, then `stale`. `lost` once the worker's lease is gone or its heartbeat,
 * whose age is null while nobody can tell. The server judges the first look by the same rules: dashboard/runs/freshness.py.
 */
export function freshness({ age, status, interval = 0, heartbeat = null }) {
  if (status === "lost" || (heartbeat !== null && heartbeat > GONE_S)) return "lost";
  if (age < Math.max(LIVE_S, LIVE_GAPS * interval)) return "live";
  return age < Math.max(SLOW_S, SLOW_GAPS * interval) ? "slow" : "stale";
}

/** Points are only due while a stage trains: not before its first step, nor while data loads or a model is quantized. */
export function isDue(status, stages) {
  const trains = (stage) => ["running", "stopping"].includes(stage.status) && stage.attempts.at(-1)?.first_step;
  return status === "lost" || (["running", "stopping"].includes(status) && stages.some(trains));
}

/**
 * Judges one live thing. `pointAt` and `seenAt` are Unix seconds or null; `offSince` says since when the page has not been connected.
 * Before the first point the heartbeat is what there is to go by. Returns {word, age, point, heartbeat, off}: ages in seconds or null.
 */
export function judge({ pointAt, seenAt, status, interval, offSince = null }, now) {
  const [point, heartbeat, off] = [pointAt, seenAt, offSince].map((at) => (at ? Math.max(0, now - at) : null));
  const age = point ?? heartbeat;
  if (age === null) return null;
  const usual = point === null ? BEAT_S : interval || 0;
  return { word: freshness({ age, status, interval: usual, heartbeat: off === null ? heartbeat : null }), age, point, heartbeat, off };
}
